// An echo endpoint on `ws`. Usage: ws_endpoint.mjs on|off [CERT KEY]   (permessage-deflate; over TLS)
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { WebSocketServer } from 'ws';
import { say } from './lines.mjs';

const [compression, cert, key] = process.argv.slice(2);
const http = cert
  ? createTlsServer({ cert: readFileSync(cert), key: readFileSync(key) })
  : createServer();
const server = new WebSocketServer({
  server: http,
  perMessageDeflate: compression === 'on',
  maxPayload: 64 * 1024 * 1024,
  handleProtocols: (offered) => [...offered].at(-1) ?? false,
});

http.listen(0, '127.0.0.1', () => say({ listening: http.address().port }));
server.on('connection', (socket) => {
  say({ opened: true, extensions: socket.extensions, subprotocol: socket.protocol });
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  socket.on('close', (code, reason) => say({ closed: code, reason: reason.toString() }));
  socket.on('error', (error) => say({ error: error.code ?? error.message }));
});
