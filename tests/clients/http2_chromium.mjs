// Chromium opens many WebSockets from one page: over HTTP/2 where the gateway says that it may.
// Usage: http2_chromium.mjs URL COUNT
// Says {"open": how many, "statuses": [of their handshakes], "protocol": of the page, "unsent": bytes of the
// stalled one} once all others have had their echo; SIGTERM ends it.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { converse } from './http2_page.mjs';
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

async function main(url, count) {
  const profile = await mkdtemp(join(tmpdir(), 'switchyard-browser-'));
  const context = await chromium.launchPersistentContext(profile, OPTIONS);
  const page = context.pages()[0] ?? (await context.newPage());
  const devtools = await context.newCDPSession(page);
  const statuses = [];
  await devtools.send('Network.enable');
  devtools.on('Network.webSocketHandshakeResponseReceived', ({ response }) => statuses.push(response.status));
  await page.goto(url);
  const seen = await page.evaluate(converse, { url, count });
  say({ ...seen, statuses });
  await new Promise((resolve) => process.once('SIGTERM', resolve));
  await context.close();
  await rm(profile, { recursive: true, force: true });
  process.exit(0);
}

main(process.argv[2], Number(process.argv[3])).catch(fail);
