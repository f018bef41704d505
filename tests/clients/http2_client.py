"""A WebSocket over HTTP/2 by the h2 library: opens, sends, gets the echo, closes.

Usage: http2_client.py PORT CA_FILE
Ends with {"alpn": ..., "extended_connect": ..., "status": ..., "plain": body of a GET, "echo": text,
"close": code}.
"""

import os
import socket
import ssl
import sys

import h2.config
import h2.connection
import h2.events
import h2.settings

from lines import say

HOST = "localhost"
TEXT, CLOSE = 0x81, 0x88


class Client:
    def __init__(self, port, trusted):
        context = ssl.create_default_context(cafile=trusted)
        context.set_alpn_protocols(["h2", "http/1.1"])
        plain = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.socket = context.wrap_socket(plain, server_hostname=HOST)
        self.connection = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self.connection.initiate_connection()
        self.flush()
        self.heads, self.bodies, self.ended = {}, {}, set()

    def flush(self):
        self.socket.sendall(self.connection.data_to_send())

    def take(self):
        data = self.socket.recv(65536)
        assert data, "the gateway ended the connection"
        for event in self.connection.receive_data(data):
            if isinstance(event, h2.events.ResponseReceived):
                self.heads[event.stream_id] = dict(event.headers)
            elif isinstance(event, h2.events.DataReceived):
                self.bodies[event.stream_id] = self.bodies.get(event.stream_id, b"") + event.data
                self.connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.StreamEnded):
                self.ended.add(event.stream_id)
            elif isinstance(event, (h2.events.StreamReset, h2.events.ConnectionTerminated)):
                raise AssertionError(event)
        self.flush()

    def until(self, done):
        while not done():
            self.take()

    def begin(self, headers, end_stream):
        stream = self.connection.get_next_available_stream_id()
        authority = [(":scheme", "https"), (":authority", HOST)]
        self.connection.send_headers(stream, headers[:1] + authority + headers[1:], end_stream)
        self.flush()
        self.until(lambda: stream in self.heads)
        return stream

    def frame(self, stream, kind, payload):
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
        head = bytes([kind, 0x80 | 126]) + len(payload).to_bytes(2, "big")
        if len(payload) < 126:
            head = bytes([kind, 0x80 | len(payload)])
        self.connection.send_data(stream, head + mask + masked)
        self.flush()


def main():
    client = Client(int(sys.argv[1]), sys.argv[2])
    plain = client.begin([(":method", "GET"), (":path", "/")], True)
    client.until(lambda: plain in client.ended)
    allowed = client.connection.remote_settings.get(h2.settings.SettingCodes.ENABLE_CONNECT_PROTOCOL, 0)

    connect = [(":method", "CONNECT"), (":protocol", "websocket"), (":path", "/echo")]
    stream = client.begin(connect + [("sec-websocket-version", "13")], False)
    text = b"over HTTP/2 " * 20
    client.frame(stream, TEXT, text)
    client.until(lambda: len(client.bodies.get(stream, b"")) >= len(text) + 4)
    echo = client.bodies.pop(stream)[4:]
    client.frame(stream, CLOSE, (1000).to_bytes(2, "big"))
    client.until(lambda: len(client.bodies.get(stream, b"")) >= 4)
    close = int.from_bytes(client.bodies[stream][2:4], "big")
    client.connection.end_stream(stream)
    client.flush()
    client.until(lambda: stream in client.ended)
    say(
        alpn=client.socket.selected_alpn_protocol(),
        extended_connect=allowed,
        status=client.heads[stream][":status"],
        plain=client.bodies[plain].decode(),
        echo=echo.decode(),
        close=close,
    )


main()
