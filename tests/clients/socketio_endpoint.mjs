// A Socket.IO endpoint that says its name. Usage: socketio_endpoint.mjs NAME
import { createServer } from 'node:http';
import { Server } from 'socket.io';
import { say } from './lines.mjs';

const name = process.argv[2];
const http = createServer();
const io = new Server(http);

io.on('connection', (socket) => {
  say({ connected: socket.conn.transport.name });
  socket.conn.on('upgrade', (transport) => say({ upgraded: transport.name }));
  socket.on('who', (answer) => answer(name));
  socket.on('echo', (value, answer) => answer(value));
});

http.listen(0, '127.0.0.1', () => say({ listening: http.address().port }));
