// Socket.IO clients that stay until SIGTERM, and come back by themselves when they are cut off.
// Usage: socketio_stayers.mjs URL COUNT
// Says {"client": n, "served": name} whenever one has upgraded and its endpoint has said its name, and
// {"client": n, "left": reason} when one was cut off.
import { io } from 'socket.io-client';
import { say } from './lines.mjs';

const [url, count] = [process.argv[2], Number(process.argv[3])];
const sockets = [];

function stay(client) {
  const socket = io(url, {
    transports: ['polling', 'websocket'],
    withCredentials: true, // keeps the gateway's cookie between requests, as a browser does
    forceNew: true,
    reconnectionDelay: 50,
    reconnectionDelayMax: 500,
  });
  let isFirst = true;
  const who = async () => {
    const served = await socket.timeout(10_000).emitWithAck('who');
    say({ client, served });
    // One after the other: each finds the sessions of those before it where they are.
    if (isFirst && client + 1 < count) stay(client + 1);
    isFirst = false;
  };
  socket.io.on('open', () => socket.io.engine.once('upgrade', who));
  socket.on('disconnect', (left) => say({ client, left }));
  sockets.push(socket);
}

process.on('SIGTERM', () => {
  for (const socket of sockets) socket.disconnect();
  process.exit(0);
});
stay(0);
