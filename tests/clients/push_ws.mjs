// Sessions under constant traffic with their endpoint, an echo, into which messages `push:0`, `push:1`, … are published, until
// `push:end`. Each checks that its own echoes and what is published each come in order and whole. The last line says
// how many of each there were.
// Usage: push_ws.mjs URL COUNT on|off   (permessage-deflate)
import WebSocket from 'ws';
import { fail, say } from './lines.mjs';

const [url, count, compression] = [process.argv[2], Number(process.argv[3]), process.argv[4]];
const LENGTHS = [10, 200, 5_000, 10, 70_000, 10];
const PUSH = 'push:';
const totals = { echoed: 0, pushed: [], extensions: [] };
let [opened, open] = [0, count];

const message = (number) => `${number}:`.padEnd(LENGTHS[number % LENGTHS.length], 'é');

function connect() {
  const socket = new WebSocket(url, { perMessageDeflate: compression === 'on' && { threshold: 0 } });
  let [sent, echoed, pushed, ending] = [0, 0, 0, false];
  const send = () => {
    const text = message(sent);
    sent += 1;
    if (text.length < 1_000) return socket.send(text);
    // In two frames, so that what is published has to wait for the end of a message.
    const half = Math.floor(text.length / 2);
    socket.send(text.slice(0, half), { fin: false });
    socket.send(text.slice(half));
  };
  socket.on('open', () => {
    send();
    opened += 1;
    if (opened === count) say({ ready: true });
  });
  socket.on('message', (data, isBinary) => {
    const text = data.toString();
    if (isBinary) return fail(new Error('binary'));
    if (text === `${PUSH}end`) ending = true;
    else if (text.startsWith(PUSH)) {
      if (text !== PUSH + pushed) fail(new Error(`${text} in place of ${pushed}`));
      pushed += 1;
    } else {
      if (text !== message(echoed)) fail(new Error(`${text.slice(0, 20)} in place of ${echoed}`));
      echoed += 1;
    }
    if (ending && echoed === sent) socket.close(1000);
    else if (echoed === sent && socket.readyState === WebSocket.OPEN) send();
  });
  socket.on('unexpected-response', (_, response) => fail(new Error(`refused: ${response.statusCode}`)));
  socket.on('error', fail);
  socket.on('close', (code) => {
    if (code !== 1000) fail(new Error(`closed with ${code}`));
    totals.echoed += echoed;
    totals.pushed.push(pushed);
    totals.extensions.push(socket.extensions);
    open -= 1;
    if (open === 0) say({ totals });
  });
}

for (let at = 0; at < count; at += 1) connect();
