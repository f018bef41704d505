// Sends messages of many sizes through `ws` and checks each echo.
// Usage: ws_client.mjs URL on|off   (permessage-deflate)
import assert from 'node:assert/strict';
import { once } from 'node:events';
import WebSocket from 'ws';
import { fail, say } from './lines.mjs';

const SIZES = [0, 1, 125, 126, 127, 65_535, 65_536, 1 << 20, 1 << 24];

async function echoes(socket) {
  for (const size of SIZES) {
    await echo(socket, 'é'.repeat(size >> 1));
    await echo(socket, noise(size));
  }
  return SIZES.length * 2;
}

async function echo(socket, message) {
  const reply = once(socket, 'message');
  socket.send(message);
  const [data, isBinary] = await reply;
  assert.equal(isBinary, typeof message !== 'string');
  assert.ok(data.equals(Buffer.from(message)), `the echo of ${message.length} differs`);
}

// Bytes that no compressor shrinks to nothing, the same on each run.
function noise(size) {
  const bytes = Buffer.allocUnsafe(size);
  let state = 0x9e3779b9;
  for (let at = 0; at < size; at += 1) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

async function pings(socket) {
  const pong = once(socket, 'pong');
  socket.ping('are you there');
  const [payload] = await pong;
  assert.equal(payload.toString(), 'are you there');
}

async function main(url, compression) {
  const socket = new WebSocket(url, ['chat.v1', 'chat.v2'], {
    perMessageDeflate: compression === 'on',
    maxPayload: 64 * 1024 * 1024,
  });
  await once(socket, 'open');
  const echoed = await echoes(socket);
  await pings(socket);
  const closed = once(socket, 'close');
  socket.close(4001, 'done');
  const [code] = await closed;
  say({ echoed, code, extensions: socket.extensions, subprotocol: socket.protocol });
}

main(process.argv[2], process.argv[3]).catch(fail);
