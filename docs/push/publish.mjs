#!/usr/bin/env node
// Publishes a message to every session that is subscribed to a channel, on whichever replica.
//
//     publish.mjs http://127.0.0.1:9901 room:lobby 'hello'     through the admin API of any replica
//     publish.mjs nats://127.0.0.1:4222 room:lobby 'hello'     or on NATS itself (npm install nats, beside this file)
//     publish.mjs nats://127.0.0.1:4222 room:lobby 'hello' '{"id":"order-17","exclude":"3f9c01aa22bb-17"}'
//
// env: SWITCHYARD_TOKEN  the token of the admin API, where it has one

const PREFIX = 'switchyard.';

// In a subject, what NATS has another use for is written as in a URL.
const subject = (channel) =>
  `${PREFIX}channel.${channel.replace(/[*>%]|^\.|\.$|(?<=\.)\./g, (found) => `%${found.charCodeAt(0).toString(16).toUpperCase()}`)}`;

async function byHttp(url, channel, text, options) {
  const headers = { 'content-type': 'application/json' };
  if (process.env.SWITCHYARD_TOKEN) headers.authorization = `Bearer ${process.env.SWITCHYARD_TOKEN}`;
  const body = JSON.stringify({ channel, text, ...options });
  const answer = await fetch(`${url}/publish`, { method: 'POST', headers, body });
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
  console.log(await answer.text());
}

async function onNats(url, channel, text, options) {
  const { connect } = await import('nats');
  const bus = await connect({ servers: url });
  // Also where it says nothing: a text that begins as such a line does is a text all the same.
  bus.publish(subject(channel), `SWITCHYARD/1 ${JSON.stringify(options)}\n${text}`);
  await bus.drain();
}

const [url, channel, text, options] = process.argv.slice(2);
if (text === undefined) {
  console.error('usage: publish.mjs URL CHANNEL TEXT [OPTIONS]');
  process.exit(2);
}
const ways = { 'http:': byHttp, 'https:': byHttp, 'nats:': onNats, 'tls:': onNats };
const publish = ways[new URL(url).protocol];
if (!publish) {
  console.error('the URL is one of http://, nats:// and tls://');
  process.exit(2);
}
await publish(url, channel, text, JSON.parse(options ?? '{}'));
