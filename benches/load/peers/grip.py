"""The application behind Pushpin: subscribes each WebSocket to the channel that its path names, and has nothing
to do with it any more.

Pushpin asks by WebSocket-over-HTTP (`over_http`), so that there is no connection behind a session while it is
open; https://pushpin.org/docs/protocols/websocket-over-http/ has what is said."""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    """One request: events of one session."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one segment, or the second waits for an acknowledgement

    def do_POST(self) -> None:
        """Accepts a session that opens, and subscribes it."""
        events = self.rfile.read(int(self.headers["Content-Length"]))
        answer = b""
        if events.startswith(b"OPEN"):
            channel = self.path.rpartition("/")[2]
            subscribe = b"c:" + json.dumps({"type": "subscribe", "channel": channel}).encode()
            answer = b"OPEN\r\nTEXT %x\r\n%s\r\n" % (len(subscribe), subscribe)
        self.send_response(200)
        self.send_header("Content-Type", "application/websocket-events")
        self.send_header("Sec-WebSocket-Extensions", "grip")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_) -> None:
        """Says nothing."""


class Server(ThreadingHTTPServer):
    """For many at once."""

    request_queue_size = 4096


Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
