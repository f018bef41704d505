// Firefox opens many WebSockets from one page: over HTTP/2 where the gateway says that it may.
// Usage: http2_firefox.mjs URL COUNT CERT
// Says {"open": how many, "statuses": [of their handshakes], "protocols": [what they went over], "protocol": of
// the page, "unsent": bytes of the stalled one} once all others have had their echo; SIGTERM ends it.
import { Firefox } from './firefox.mjs';
import { converse } from './http2_page.mjs';
import { fail, say } from './lines.mjs';

const SOCKETS = ['/echo', '/deaf'];

// Those of `count` handshakes, as they come.
async function answers(firefox, count) {
  const seen = [];
  let complete;
  const all = new Promise((resolve) => (complete = resolve));
  await firefox.on('network.responseStarted', ({ request, response }) => {
    if (SOCKETS.includes(new URL(request.url).pathname)) seen.push(response);
    if (seen.length === count) complete(seen);
  });
  return { all };
}

async function main(url, count, trusted) {
  const firefox = await Firefox.start(url, trusted);
  const { all } = await answers(firefox, count + 1);
  await firefox.go(url);
  const seen = await firefox.evaluate(converse, { url, count });
  const answered = await all;
  say({
    ...seen,
    statuses: answered.map(({ status }) => status),
    protocols: [...new Set(answered.map(({ protocol }) => protocol))],
  });
  await new Promise((resolve) => process.once('SIGTERM', resolve));
  await firefox.close();
  process.exit(0);
}

main(process.argv[2], Number(process.argv[3]), process.argv[4]).catch(fail);
