// Opens a WebSocket with `ws`, says what comes back of one message, and stays until it is closed.
// Usage: ws_stays.mjs URL on|off   (permessage-deflate)
import { once } from 'node:events';
import WebSocket from 'ws';
import { fail, say } from './lines.mjs';

async function main(url, compression) {
  const socket = new WebSocket(url, ['chat.v2'], { perMessageDeflate: compression === 'on' });
  socket.on('ping', () => say({ pinged: true }));
  socket.on('message', (data) => say({ echoed: data.length }));
  await once(socket, 'open');
  say({ opened: true, extensions: socket.extensions });
  socket.send('again and '.repeat(1000));
  const [code, reason] = await once(socket, 'close');
  say({ closed: code, reason: reason.toString() });
}

main(process.argv[2], process.argv[3]).catch(fail);
