// As rolling_ws.mjs, in a page of Chromium. Usage: rolling_browser.mjs URL COUNT
import { chromium } from 'playwright-core';
import { say } from './lines.mjs';

const [url, count] = [process.argv[2], Number(process.argv[3])];
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic'],
  // The browser goes when its sessions have.
  handleSIGTERM: false,
});
const page = await browser.newPage();
await page.evaluate(run, [url, count]);
say({ ready: true });
process.on('SIGTERM', () => end(page.evaluate(() => window.stop())));
process.on('SIGUSR2', async () => {
  const left = page.evaluate(() => window.leave());
  await page.evaluate(() => {});
  say({ leaving: true });
  await end(left);
});

async function end(ending) {
  const totals = await ending;
  await browser.close();
  say({ totals });
  process.exit(totals.wrong.length === 0 ? 0 : 1);
}

/** In the page: resolves when all sessions have opened once. */
function run([url, count]) {
  const totals = { opened: 0, echoed: 0, unanswered: 0, closed: {}, wrong: [] };
  const lengths = [10, 200, 5_000, 10, 70_000, 10];
  const message = (number) => `${number}:`.padEnd(lengths[number % lengths.length], 'x');
  let [stopping, leaving, open] = [false, false, 0];
  return new Promise((ready) => {
    let ended;
    const last = (end) => {
      ended = () => end(totals);
      if (open === 0) ended();
    };
    window.stop = () => {
      stopping = true;
      return new Promise(last);
    };
    window.leave = () => {
      leaving = true;
      return new Promise(last);
    };
    const connect = () => {
      const socket = new WebSocket(url);
      let number = 0;
      open += 1;
      const send = () => {
        totals.unanswered += 1;
        socket.send(message(number));
      };
      socket.onopen = () => {
        totals.opened += 1;
        if (totals.opened === count) ready();
        send();
      };
      socket.onmessage = ({ data }) => {
        if (data !== message(number)) totals.wrong.push(`${data.slice(0, 20)} in place of ${number}`);
        number += 1;
        totals.echoed += 1;
        totals.unanswered -= 1;
        if (stopping) socket.close(1000);
        else if (socket.readyState === WebSocket.OPEN) send();
      };
      socket.onclose = ({ code }) => {
        totals.closed[code] = (totals.closed[code] ?? 0) + 1;
        open -= 1;
        if (!stopping && !leaving) connect();
        else if (open === 0) ended();
      };
    };
    for (let client = 0; client < count; client += 1) connect();
  });
}
