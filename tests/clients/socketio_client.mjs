// Opens Socket.IO clients that poll first and then upgrade, and says which endpoint served each.
// Usage: socketio_client.mjs URL COUNT [{"header": "value"} per client, {n} is its number]
// Ends with {"served": [names]}, or {"refused": reason} for the first client that did not get through.
import assert from 'node:assert/strict';
import { io } from 'socket.io-client';
import { fail, say } from './lines.mjs';

async function serve(url, headers) {
  const socket = io(url, {
    transports: ['polling', 'websocket'],
    withCredentials: true, // keeps the gateway's cookie between requests, as a browser does
    extraHeaders: headers,
    forceNew: true,
    reconnection: false,
  });
  try {
    await upgraded(socket);
    const name = await socket.timeout(10_000).emitWithAck('who');
    const text = 'x'.repeat(100_000);
    assert.equal(await socket.timeout(10_000).emitWithAck('echo', text), text);
    return name;
  } finally {
    socket.disconnect();
  }
}

function upgraded(socket) {
  return new Promise((resolve, reject) => {
    socket.io.engine.once('upgrade', (transport) => resolve(transport.name));
    socket.io.engine.once('upgradeError', reject);
    socket.io.once('error', reject);
    socket.once('connect_error', reject);
    socket.once('disconnect', (reason) => reject(new Error(reason)));
  });
}

async function main(url, count, template) {
  const served = [];
  for (let n = 0; n < count; n += 1) {
    const headers = JSON.parse(template.replaceAll('{n}', String(n)));
    try {
      served.push(await serve(url, headers));
    } catch (error) {
      say({ refused: String(error.message ?? error), served });
      return;
    }
  }
  say({ served });
}

main(process.argv[2], Number(process.argv[3]), process.argv[4] ?? '{}').catch(fail);
