// Listens through `ws`: asks whether the gateway is there, says something that nobody wants, and closes.
// Usage: listen_ws.mjs URL CODE [SUBPROTOCOL]...
import assert from 'node:assert/strict';
import { once } from 'node:events';
import WebSocket from 'ws';
import { fail, say } from './lines.mjs';

async function main(url, code, ...subprotocols) {
  const socket = new WebSocket(url, subprotocols);
  await once(socket, 'open');
  socket.send('x'.repeat(100_000));
  const pong = once(socket, 'pong');
  socket.ping('are you there');
  const [payload] = await pong;
  assert.equal(payload.toString(), 'are you there');
  const closed = once(socket, 'close');
  socket.close(Number(code), 'done');
  const [answered] = await closed;
  say({ code: answered, extensions: socket.extensions, subprotocol: socket.protocol });
}

main(...process.argv.slice(2)).catch(fail);
