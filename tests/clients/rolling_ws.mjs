// Sessions under constant traffic, until SIGTERM: each sends numbered messages and checks that every echo is
// the next one. Who is closed connects again, unless SIGUSR2 says not to; then it ends with the last of them. The
// last line says what became of them all.
// Usage: rolling_ws.mjs URL COUNT [FILE]   (FILE: who is trusted)
import { readFileSync } from 'node:fs';
import WebSocket from 'ws';
import { fail, say } from './lines.mjs';

const [url, count, trusted] = [process.argv[2], Number(process.argv[3]), process.argv[4]];
const ca = trusted && readFileSync(trusted);
const totals = { opened: 0, echoed: 0, unanswered: 0, closed: {} };
// Messages on their way in each session, and how long each is: now and then one of many frames.
const WINDOW = 4;
const lengths = [10, 200, 5_000, 10, 70_000, 10];
let [stopping, leaving] = [false, false];
let open = 0;

function message(number) {
  return `${number}:`.padEnd(lengths[number % lengths.length], 'x');
}

function connect() {
  const socket = new WebSocket(url, { ca, perMessageDeflate: false, handshakeTimeout: 20_000 });
  let [sent, echoed] = [0, 0];
  open += 1;
  const send = () => {
    const text = message(sent);
    sent += 1;
    if (text.length < 1_000) return socket.send(text);
    // In three frames.
    const third = Math.floor(text.length / 3);
    socket.send(text.slice(0, third), { fin: false });
    socket.send(text.slice(third, 2 * third), { fin: false });
    socket.send(text.slice(2 * third));
  };
  socket.on('open', () => {
    totals.opened += 1;
    if (totals.opened === count) say({ ready: true });
    for (let at = 0; at < WINDOW; at += 1) send();
  });
  socket.on('message', (data) => {
    const text = data.toString();
    if (text !== message(echoed)) fail(new Error(`${text.slice(0, 20)} in place of ${echoed}`));
    echoed += 1;
    totals.echoed += 1;
    if (!stopping && socket.readyState === WebSocket.OPEN) send();
    else if (stopping && echoed === sent) socket.close(1000);
  });
  socket.on('unexpected-response', (_, response) => fail(new Error(`refused: ${response.statusCode}`)));
  socket.on('error', fail);
  socket.on('close', (code) => {
    totals.closed[code] = (totals.closed[code] ?? 0) + 1;
    totals.unanswered += sent - echoed;
    open -= 1;
    if (!stopping && !leaving) connect();
    else if (open === 0) finish();
  });
}

function finish() {
  say({ totals });
  process.exit(0);
}

process.on('SIGTERM', () => {
  stopping = true;
  if (open === 0) finish();
});
process.on('SIGUSR2', () => {
  leaving = true;
  say({ leaving });
});
for (let client = 0; client < count; client += 1) setTimeout(connect, client * 2);
