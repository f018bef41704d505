// As push_ws.mjs, in a page of Chromium, which compresses. Usage: push_browser.mjs URL COUNT
import { chromium } from 'playwright-core';
import { fail, say } from './lines.mjs';

const [url, count] = [process.argv[2], Number(process.argv[3])];
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic'],
});
const page = await browser.newPage();
await page.exposeFunction('ready', () => say({ ready: true }));
const totals = await page.evaluate(run, [url, count]);
await browser.close();
if (totals.wrong.length > 0) fail(new Error(totals.wrong.join('; ')));
say({ totals });

/** In the page: resolves when all sessions have closed. */
function run([url, count]) {
  const totals = { echoed: 0, pushed: [], extensions: [], wrong: [] };
  const lengths = [10, 200, 5_000, 10, 70_000, 10];
  const message = (number) => `${number}:`.padEnd(lengths[number % lengths.length], 'é');
  let [opened, open] = [0, count];
  return new Promise((ended) => {
    const connect = () => {
      const socket = new WebSocket(url);
      let [sent, echoed, pushed, ending] = [0, 0, 0, false];
      const expect = (data, expected) => {
        if (data !== expected) totals.wrong.push(`${data.slice(0, 20)} in place of ${expected.slice(0, 20)}`);
      };
      const send = () => {
        socket.send(message(sent));
        sent += 1;
      };
      socket.onopen = () => {
        send();
        opened += 1;
        if (opened === count) window.ready();
      };
      socket.onmessage = ({ data }) => {
        if (data === 'push:end') ending = true;
        else if (data.startsWith('push:')) {
          expect(data, `push:${pushed}`);
          pushed += 1;
        } else {
          expect(data, message(echoed));
          echoed += 1;
        }
        if (ending && echoed === sent) socket.close(1000);
        else if (echoed === sent && socket.readyState === WebSocket.OPEN) send();
      };
      socket.onclose = ({ code }) => {
        expect(String(code), '1000');
        totals.echoed += echoed;
        totals.pushed.push(pushed);
        totals.extensions.push(socket.extensions);
        open -= 1;
        if (open === 0) ended(totals);
      };
    };
    for (let at = 0; at < count; at += 1) connect();
  });
}
