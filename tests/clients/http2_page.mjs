// What a browser's page does in the tests of HTTP/2. The function is handed to the page as text, so it
// refers to nothing around it.

// Opens `count` sockets, and one whose server takes nothing; each of the others must have its echo while
// the one is stalled. How many are open then, and what the page itself came over.
export async function converse({ url, count }) {
  const open = (path) =>
    new Promise((resolve, reject) => {
      const socket = new WebSocket(new URL(path, url.replace(/^http/, 'ws')));
      socket.onopen = () => resolve(socket);
      socket.onerror = () => reject(new Error(`${path} does not open`));
    });
  const echo = (socket, text) =>
    new Promise((resolve, reject) => {
      socket.onmessage = ({ data }) => (data === text ? resolve() : reject(new Error(data)));
      socket.onclose = ({ code }) => reject(new Error(`closed: ${code}`));
      socket.send(text);
    });
  const sockets = [];
  for (let n = 0; n < count; n += 1) sockets.push(await open('/echo'));
  const deaf = await open('/deaf');
  for (let n = 0; n < 200; n += 1) deaf.send('x'.repeat(65536));
  await Promise.all(sockets.map((socket, n) => echo(socket, `${n} `.repeat(1000))));
  window.sockets = [...sockets, deaf];
  return {
    open: window.sockets.filter((socket) => socket.readyState === WebSocket.OPEN).length,
    protocol: performance.getEntriesByType('navigation')[0].nextHopProtocol,
    unsent: deaf.bufferedAmount,
  };
}
