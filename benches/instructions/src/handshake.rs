//! The handshake, as a browser sends it and a server answers it.

use std::hint::black_box;

use switchyard_proto::handshake::{Key, Offer, asks_for_websocket};

use crate::Case;

type Field = (&'static str, &'static [u8]);

const REQUEST: [Field; 14] = [
    ("host", b"chat.example.com"),
    ("connection", b"keep-alive, Upgrade"),
    ("pragma", b"no-cache"),
    ("cache-control", b"no-cache"),
    (
        "user-agent",
        b"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    ),
    ("upgrade", b"websocket"),
    ("origin", b"https://chat.example.com"),
    ("sec-websocket-version", b"13"),
    ("accept-encoding", b"gzip, deflate, br, zstd"),
    ("accept-language", b"en-US,en;q=0.5"),
    (
        "cookie",
        b"sid=0123456789abcdef0123456789abcdef; theme=dark",
    ),
    ("sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ=="),
    ("sec-websocket-protocol", b"chat.v2, chat.v1"),
    (
        "sec-websocket-extensions",
        b"permessage-deflate; client_max_window_bits",
    ),
];

const RESPONSE: [Field; 5] = [
    ("upgrade", b"websocket"),
    ("connection", b"Upgrade"),
    ("sec-websocket-accept", b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
    ("sec-websocket-protocol", b"chat.v2"),
    ("sec-websocket-extensions", b"permessage-deflate"),
];

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new("handshake: request read", 500, |times| {
            for _ in 0..times {
                assert!(asks_for_websocket(black_box(REQUEST).into_iter()));
                black_box(Offer::parse("GET", black_box(REQUEST).into_iter()).expect("valid"));
            }
        }),
        Case::new("handshake: response verified", 500, |times| {
            let offer = Offer::parse("GET", REQUEST.into_iter()).expect("valid");
            for _ in 0..times {
                black_box(
                    offer
                        .verify(101, black_box(RESPONSE).into_iter())
                        .expect("valid"),
                );
            }
        }),
        Case::new("handshake: Accept of a key", 500, |times| {
            for _ in 0..times {
                black_box(Key::from_bytes(black_box([7; 16])).accept());
            }
        }),
    ]
}
