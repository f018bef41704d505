// Listens in a page of Chromium, as listen_ws.mjs does through `ws`; a page has no Pings.
// Usage: listen_chromium.mjs URL CODE [SUBPROTOCOL]...
import { chromium } from 'playwright-core';
import { fail, say } from './lines.mjs';

async function main(url, code, ...subprotocols) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic'],
  });
  const page = await browser.newPage();
  const seen = await page.evaluate(listen, [url, Number(code), subprotocols]);
  await browser.close();
  say(seen);
}

/** In the page. */
function listen([url, code, subprotocols]) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, subprotocols);
    socket.onerror = () => reject(new Error('it failed'));
    socket.onopen = () => {
      socket.send('x'.repeat(100_000));
      socket.close(code, 'done');
    };
    socket.onclose = (event) =>
      resolve({
        code: event.code,
        clean: event.wasClean,
        extensions: socket.extensions,
        subprotocol: socket.protocol,
      });
  });
}

main(...process.argv.slice(2)).catch(fail);
