// Clients that come, talk, leave and crash at random until SIGTERM; then all leave, and the last line says
// what became of them. Usage: chaos_clients.mjs URL COUNT SEED
import WebSocket from 'ws';
import { say } from './lines.mjs';

const [url, count, seed] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const totals = { opened: 0, echoed: 0, crashed: 0, closed: {}, refused: {}, failed: {} };
let stopping = false;
let open = 0;

// The mulberry32 generator. Who draws next depends on what happens, so a seed repeats the draws alone.
let state = seed >>> 0;
function random() {
  state = (state + 0x6d2b79f5) >>> 0;
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
}

function add(counts, key) {
  counts[key] = (counts[key] ?? 0) + 1;
}

function connect(client) {
  if (stopping) return;
  const socket = new WebSocket(url, {
    perMessageDeflate: false,
    headers: { 'x-user': `u${client}` },
    handshakeTimeout: 10_000,
  });
  open += 1;
  let timer;
  const act = () => {
    timer = setTimeout(act, 500 + random() * 3000);
    const chance = random();
    if (socket.readyState !== WebSocket.OPEN) return;
    if (chance < 0.9) return socket.send(`hello ${client}`);
    if (chance < 0.96) return socket.close(1000);
    totals.crashed += 1;
    socket.terminate();
  };
  socket.on('open', () => {
    totals.opened += 1;
    if (stopping) return socket.close(1000);
    act();
  });
  socket.on('message', () => (totals.echoed += 1));
  socket.on('unexpected-response', (request, response) => {
    add(totals.refused, response.statusCode);
    request.destroy();
    socket.terminate();
  });
  socket.on('error', (error) => add(totals.failed, error.code ?? error.message));
  socket.on('close', (code) => {
    clearTimeout(timer);
    add(totals.closed, code);
    open -= 1;
    if (!stopping) setTimeout(connect, 100 + random() * 900, client);
    else if (open === 0) finish();
  });
  sockets.add(socket);
  socket.on('close', () => sockets.delete(socket));
}

function finish() {
  say({ totals });
  process.exit(0);
}

const sockets = new Set();
process.on('SIGTERM', () => {
  stopping = true;
  if (open === 0) finish();
  for (const socket of sockets) if (socket.readyState === WebSocket.OPEN) socket.close(1000);
});
// In batches: all at once would be a test of the accept queue.
for (let client = 0; client < count; client += 1) setTimeout(connect, client * 2, client);
