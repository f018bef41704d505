// WebSockets over node's own HTTP/2 client, by `ws` on each stream.
// Usage: http2_node_client.mjs URL on|off [CERT]   (permessage-deflate; what to trust of https)
//        http2_node_client.mjs URL leave COUNT      opens so many, talks on each, and destroys the connection
//
// Opens sockets on one connection, talks on all of them at once, closes them, and the same again.
// Says {"echoed": messages, "codes": [of the closes of a round], "extensions": agreed on}; or where it leaves
// {"echoed": messages, "codes": [of what is left]}.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:http2';
import { extension, PerMessageDeflate, WebSocket } from 'ws';
import { fail, say } from './lines.mjs';

const ROOMS = 10;
const MESSAGES = 40;
const CODES = [1000, 1001, 3000, 4001, 4999];

// A client's end of a WebSocket on a stream. `ws` makes one only of a connection of its own, or a server's;
// what it needs to know of the difference is whether frames are masked.
class StreamSocket extends WebSocket {
  constructor(stream, agreed) {
    super(null, undefined, { closeTimeout: 30_000 });
    this._isServer = false;
    this._extensions = agreed;
    this.setSocket(stream, Buffer.alloc(0), { maxPayload: 1 << 20, skipUTF8Validation: false });
  }
}

// What the server made of the offer.
function agree(field) {
  const [params] = field ? extension.parse(field)[PerMessageDeflate.extensionName] : [];
  if (!params) return {};
  const deflate = new PerMessageDeflate({ isServer: false, threshold: 0 });
  deflate.accept([params]);
  return { [PerMessageDeflate.extensionName]: deflate };
}

async function start(url, options) {
  const session = connect(url, options);
  await once(session, 'remoteSettings');
  assert.equal(session.remoteSettings.enableConnectProtocol, true);
  return session;
}

async function open(session, path, compression) {
  const head = { ':method': 'CONNECT', ':protocol': 'websocket', ':path': path, 'sec-websocket-version': '13' };
  if (compression) head['sec-websocket-extensions'] = 'permessage-deflate; client_max_window_bits';
  const stream = session.request(head);
  const [answer] = await once(stream, 'response');
  assert.equal(answer[':status'], 200);
  return new StreamSocket(stream, agree(answer['sec-websocket-extensions']));
}

// All at once, then each answer in its turn.
async function talk(socket, room) {
  const messages = Array.from({ length: MESSAGES }, (_, n) => `${room}.${n} é `.repeat(1 + 37 * n));
  const answers = new Promise((resolve) => {
    const seen = [];
    socket.on('message', (data, isBinary) => seen.push([data.toString(), isBinary]) === MESSAGES && resolve(seen));
  });
  messages.forEach((text, n) => socket.send(n % 2 ? Buffer.from(text) : text));
  assert.deepEqual(await answers, messages.map((text, n) => [text, n % 2 === 1]));
  socket.ping(`${room}`);
  const [pong] = await once(socket, 'pong');
  assert.equal(pong.toString(), `${room}`);
}

async function close(socket, code) {
  const closed = once(socket, 'close');
  socket.close(code, 'done');
  return (await closed)[0];
}

async function round(session, compression) {
  const sockets = [];
  for (let room = 0; room < ROOMS; room += 1) sockets.push(await open(session, `/${room}`, compression));
  await Promise.all(sockets.map(talk));
  const codes = await Promise.all(sockets.map((socket, n) => close(socket, CODES[n % CODES.length])));
  return { codes, extensions: sockets[0].extensions };
}

async function converse(session, compression) {
  const first = await round(session, compression);
  const second = await round(session, compression);
  assert.deepEqual(second, first);
  say({ echoed: 2 * ROOMS * MESSAGES, ...first });
  session.close();
  await once(session, 'close');
}

async function leave(session, count) {
  const sockets = await Promise.all(Array.from({ length: count }, (_, room) => open(session, `/${room}`, false)));
  await Promise.all(sockets.map(talk));
  const closed = Promise.all(sockets.map((socket) => once(socket, 'close')));
  session.destroy();
  const codes = (await closed).map(([code]) => code);
  say({ echoed: count * MESSAGES, codes });
}

async function main(url, what, argument) {
  if (what === 'leave') return leave(await start(url, {}), Number(argument));
  const options = argument ? { ca: readFileSync(argument), servername: 'localhost' } : {};
  return converse(await start(url, options), what === 'on');
}

main(...process.argv.slice(2)).catch(fail);
