// Chromium opens many WebSockets from one page: over HTTP/2 where the gateway says that it may.
// Usage: http2_browser.mjs URL COUNT
// Says {"open": how many, "statuses": [of their handshakes], "protocol": of the page} once all have had their
// echo while one was stalled by its server; SIGTERM ends it.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { fail, say } from './lines.mjs';

const OPTIONS = {
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  ignoreHTTPSErrors: true,
  handleSIGTERM: false,
  args: [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
};

// In the page: opens `count` sockets, and one whose server takes nothing; each of the others must have
// its echo while the one is stalled.
async function converse({ url, count }) {
  const open = (path) =>
    new Promise((resolve, reject) => {
      const socket = new WebSocket(new URL(path, url.replace(/^http/, 'ws')));
      socket.onopen = () => resolve(socket);
      socket.onerror = () => reject(new Error(`${path} does not open`));
    });
  const echo = (socket, text) =>
    new Promise((resolve, reject) => {
      socket.onmessage = ({ data }) => (data === text ? resolve() : reject(new Error(data)));
      socket.onclose = ({ code }) => reject(new Error(`closed: ${code}`));
      socket.send(text);
    });
  const sockets = [];
  for (let n = 0; n < count; n += 1) sockets.push(await open('/echo'));
  const deaf = await open('/deaf');
  for (let n = 0; n < 200; n += 1) deaf.send('x'.repeat(65536));
  await Promise.all(sockets.map((socket, n) => echo(socket, `${n} `.repeat(1000))));
  window.sockets = [...sockets, deaf];
  return window.sockets.filter((socket) => socket.readyState === WebSocket.OPEN).length;
}

async function main(url, count) {
  const profile = await mkdtemp(join(tmpdir(), 'switchyard-browser-'));
  const context = await chromium.launchPersistentContext(profile, OPTIONS);
  const page = context.pages()[0] ?? (await context.newPage());
  const devtools = await context.newCDPSession(page);
  const statuses = [];
  await devtools.send('Network.enable');
  devtools.on('Network.webSocketHandshakeResponseReceived', ({ response }) => statuses.push(response.status));
  await page.goto(url);
  const open = await page.evaluate(converse, { url, count });
  const protocol = await page.evaluate(() => performance.getEntriesByType('navigation')[0].nextHopProtocol);
  say({ open, statuses, protocol });
  await new Promise((resolve) => process.once('SIGTERM', resolve));
  await context.close();
  await rm(profile, { recursive: true, force: true });
  process.exit(0);
}

main(process.argv[2], Number(process.argv[3])).catch(fail);
