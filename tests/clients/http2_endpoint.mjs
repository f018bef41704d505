// An endpoint that speaks HTTP/2, by node: WebSockets by extended CONNECT echo, by `ws` on the stream.
// Usage: http2_endpoint.mjs '{"extended": bool, "streams": count, "cert": file, "key": file}', all optional.
//
// Says {"connection": n} for each connection and {"opened": path, "host": ..., "forwarded": ...} for each
// WebSocket. A GET gets the count of connections; of /leave also a GOAWAY for all of them, of /break their end.
// /flood sends without end. Over TLS it speaks HTTP/1.1 too, and WebSockets by an upgrade.
import { readFileSync } from 'node:fs';
import { createSecureServer, createServer } from 'node:http2';
import { WebSocket, WebSocketServer } from 'ws';
import { say } from './lines.mjs';

const { extended = true, streams = 100, cert, key } = JSON.parse(process.argv[2] ?? '{}');
const settings = { enableConnectProtocol: extended, maxConcurrentStreams: streams };
const server = cert
  ? createSecureServer({ settings, allowHTTP1: true, cert: readFileSync(cert), key: readFileSync(key) })
  : createServer({ settings });

const sessions = new Set();
let count = 0;
server.on('session', (session) => {
  count += 1;
  say({ connection: count });
  sessions.add(session);
  session.on('close', () => sessions.delete(session));
  session.on('error', (error) => say({ error: error.code ?? error.message }));
});

server.on('stream', (stream, headers) => {
  stream.on('error', (error) => say({ stream_error: error.code ?? error.message }));
  const path = headers[':path'];
  if (headers[':method'] === 'CONNECT') {
    say({ opened: path, host: headers[':authority'], forwarded: headers['x-forwarded-proto'] });
    if (path === '/refuse') return stream.respond({ ':status': 403 }, { endStream: true });
    stream.respond({ ':status': 200 });
    const socket = new WebSocket(null, undefined, { closeTimeout: 30_000 });
    socket.setSocket(stream, Buffer.alloc(0), { maxPayload: 64 * 1024 * 1024, skipUTF8Validation: false });
    return converse(socket, path);
  }
  stream.respond({ ':status': 200, 'content-type': 'text/plain' });
  stream.end(`${count}`);
  if (path === '/leave') for (const session of sessions) session.close();
  if (path === '/break') stream.on('close', () => sessions.forEach((session) => session.destroy()));
});

const upgrades = new WebSocketServer({ noServer: true });
server.on('upgrade', (request, socket, head) => {
  say({ upgraded: request.url });
  upgrades.handleUpgrade(request, socket, head, (opened) => converse(opened, request.url));
});

function converse(socket, path) {
  socket.on('error', (error) => say({ error: error.code ?? error.message }));
  socket.on('close', (code) => say({ closed: code }));
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  if (path === '/flood') flood(socket);
}

function flood(socket) {
  if (socket.readyState !== WebSocket.OPEN) return;
  socket.send('x'.repeat(1000), () => setImmediate(flood, socket));
}

server.listen(0, '127.0.0.1', () => say({ listening: server.address().port }));
