// An echo endpoint on `ws`. Usage: ws_endpoint.mjs on|off   (permessage-deflate)
import { WebSocketServer } from 'ws';
import { say } from './lines.mjs';

const perMessageDeflate = process.argv[2] === 'on';
const server = new WebSocketServer({
  host: '127.0.0.1',
  port: 0,
  perMessageDeflate,
  maxPayload: 64 * 1024 * 1024,
  handleProtocols: (offered) => [...offered].at(-1) ?? false,
});

server.on('listening', () => say({ listening: server.address().port }));
server.on('connection', (socket) => {
  say({ opened: true, extensions: socket.extensions, subprotocol: socket.protocol });
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  socket.on('close', (code, reason) => say({ closed: code, reason: reason.toString() }));
  socket.on('error', (error) => say({ error: error.code ?? error.message }));
});
