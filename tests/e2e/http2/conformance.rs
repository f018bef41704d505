//! What RFC 9113 has a server do about frames that are against it, section by section.
//!
//! The cases are those of h2spec. The library answers some of them more sternly or less precisely than
//! the sections have it, which section 5.4 allows: a connection for a stream, `PROTOCOL_ERROR` for another
//! code. They are marked.

use super::Stage;
use super::raw::{
    ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GET, GOAWAY, HEADERS, NONE, PADDED, PING,
    PRIORITY, PUSH_PROMISE, RST_STREAM, Raw, SETTINGS, WINDOW_UPDATE, frame,
};

/// RFC 9113 section 7.
const PROTOCOL_ERROR: u32 = 1;
const FLOW_CONTROL_ERROR: u32 = 3;
const FRAME_SIZE_ERROR: u32 = 6;

/// The largest window, and so one more than a window can grow by.
const LARGEST: u32 = (1 << 31) - 1;

/// What a violation costs, by which frame, with which code.
type Price = (u8, u32);

/// A section, and frames that are against it.
type Case = (&'static str, Vec<u8>);

fn head(stream: u32) -> Vec<u8> {
    frame(HEADERS, END_HEADERS, stream, GET)
}

/// A request that is complete.
fn request(stream: u32) -> Vec<u8> {
    frame(HEADERS, END_HEADERS | END_STREAM, stream, GET)
}

/// A request with a field beyond the usual, as a literal.
fn field(name: &str, value: &str) -> Vec<u8> {
    let mut block = GET.to_vec();
    block.extend(literal(name, value));
    frame(HEADERS, END_HEADERS | END_STREAM, 1, &block)
}

fn literal(name: &str, value: &str) -> Vec<u8> {
    let text = |text: &str| [&[u8::try_from(text.len()).expect("short")], text.as_bytes()].concat();
    [vec![0], text(name), text(value)].concat()
}

fn setting(id: u16, value: u32) -> Vec<u8> {
    let payload = [&id.to_be_bytes()[..], &value.to_be_bytes()].concat();
    frame(SETTINGS, NONE, 0, &payload)
}

fn window(stream: u32, by: u32) -> Vec<u8> {
    frame(WINDOW_UPDATE, NONE, stream, &by.to_be_bytes())
}

/// Behind a head that is open.
fn then(frame: Vec<u8>) -> Vec<u8> {
    [head(1), frame].concat()
}

/// Has a client of its own commit each, and see what it costs.
#[track_caller]
fn cost(price: Price, cases: Vec<Case>) {
    let stage = Stage::new();
    let pays = |(section, sent): Case| {
        let mut raw = Raw::connect(stage.gateway.web());
        raw.send_while_taken(std::iter::once(sent));
        let mut ends = std::iter::from_fn(|| raw.receive());
        let end = ends.find(|frame| [GOAWAY, RST_STREAM].contains(&frame.kind));
        let seen = end.map(|frame| (frame.kind, frame.code()));
        (seen != Some(price)).then(|| format!("{section}: {seen:?}"))
    };
    let others: Vec<_> = cases.into_iter().filter_map(pays).collect();
    assert!(others.is_empty(), "not {price:?}, but {others:#?}");
}

#[test]
fn frames_out_of_place_end_the_connection() {
    let interleaved = [frame(HEADERS, NONE, 1, GET), frame(PING, NONE, 0, &[0; 8])];
    let promise = [&[0, 0, 0, 2], GET].concat();
    let cases = vec![
        ("4.3, interleaved", interleaved.concat()),
        ("5.1, DATA while idle", frame(DATA, NONE, 1, b"x")),
        (
            "5.1, RST_STREAM while idle",
            frame(RST_STREAM, NONE, 1, &[0; 4]),
        ),
        ("5.1, WINDOW_UPDATE while idle", window(1, 1)),
        ("5.1.1, an even stream", request(2)),
        ("5.1.1, a smaller stream", [head(5), head(3)].concat()),
        ("6.1, DATA on 0", frame(DATA, NONE, 0, b"x")),
        ("6.2, HEADERS on 0", frame(HEADERS, END_HEADERS, 0, GET)),
        ("6.3, PRIORITY on 0", frame(PRIORITY, NONE, 0, &[0; 5])),
        ("6.4, RST_STREAM on 0", frame(RST_STREAM, NONE, 0, &[0; 4])),
        ("6.5, SETTINGS on 1", frame(SETTINGS, NONE, 1, &[0; 6])),
        (
            "6.6, a client's",
            frame(PUSH_PROMISE, END_HEADERS, 1, &promise),
        ),
        ("6.7, PING on 1", frame(PING, NONE, 1, &[0; 8])),
        ("6.8, GOAWAY on 1", frame(GOAWAY, NONE, 1, &[0; 8])),
        ("6.10, alone", frame(CONTINUATION, END_HEADERS, 1, GET)),
        (
            "6.10, behind the end",
            then(frame(CONTINUATION, END_HEADERS, 1, GET)),
        ),
    ];
    cost((GOAWAY, PROTOCOL_ERROR), cases);
}

#[test]
fn bad_values_end_the_connection() {
    let padded = |kind, payload: &[u8]| frame(kind, END_HEADERS | PADDED, 1, payload);
    let cases = vec![
        (
            "6.1, padding",
            [head(1), padded(DATA, b"\x08short")].concat(),
        ),
        ("6.2, padding", padded(HEADERS, b"\xf0\x82")),
        ("6.5.2, ENABLE_PUSH", setting(2, 2)),
        ("6.5.2, MAX_FRAME_SIZE", setting(5, 16_383)),
        ("6.9, WINDOW_UPDATE of 0", window(0, 0)),
        // COMPRESSION_ERROR.
        (
            "4.3, a header block",
            frame(HEADERS, END_HEADERS, 1, &[0xff; 6]),
        ),
        // FRAME_SIZE_ERROR.
        ("6.4, size", then(frame(RST_STREAM, NONE, 1, &[0; 3]))),
        ("6.5, size of an ACK", frame(SETTINGS, ACK, 0, &[0; 6])),
        ("6.5, size", frame(SETTINGS, NONE, 0, &[0; 5])),
        ("6.7, size", frame(PING, NONE, 0, &[0; 6])),
        ("6.9, size", frame(WINDOW_UPDATE, NONE, 0, &[0; 3])),
        // FLOW_CONTROL_ERROR.
        ("6.5.2, INITIAL_WINDOW_SIZE", setting(4, LARGEST + 1)),
        // The stream's own.
        (
            "5.1, DATA when half closed",
            [request(1), frame(DATA, NONE, 1, b"x")].concat(),
        ),
        ("6.9, WINDOW_UPDATE of 0 on 1", then(window(1, 0))),
        ("8.2, a name in capitals", field("X-Big", "1")),
        ("8.3, an unknown pseudo field", field(":x", "1")),
    ];
    cost((GOAWAY, PROTOCOL_ERROR), cases);
}

#[test]
fn frames_that_are_too_large_and_windows_that_overflow_end_what_they_are_of() {
    let large = frame(DATA, NONE, 1, &vec![0; 16_385]);
    cost((GOAWAY, FRAME_SIZE_ERROR), vec![("4.2", large)]);
    let overflow = |stream| then(window(stream, LARGEST));
    cost((GOAWAY, FLOW_CONTROL_ERROR), vec![("6.9.1", overflow(0))]);
    cost(
        (RST_STREAM, FLOW_CONTROL_ERROR),
        vec![("6.9.1", overflow(1))],
    );
}

#[test]
fn heads_that_are_malformed_end_their_stream() {
    let on_itself = [&[0, 0, 0, 1, 0], GET].concat();
    let announced = [GET, &literal("content-length", "2")].concat();
    let announced = frame(HEADERS, END_HEADERS, 1, &announced);
    let shorter = [announced, frame(DATA, END_STREAM, 1, b"x")];
    let cases = vec![
        (
            "5.3.1, on itself",
            frame(HEADERS, END_HEADERS | 0x20, 1, &on_itself),
        ),
        ("8.1.1, the length of a body", shorter.concat()),
        ("8.2.2, Connection", field("connection", "keep-alive")),
        ("8.2.2, TE", field("te", "gzip")),
        ("8.3, a pseudo field of answers", field(":status", "200")),
        ("8.3, a pseudo field behind others", field(":path", "/")),
        ("8.3.1, :path twice", field(":path", "/")),
    ];
    cost((RST_STREAM, PROTOCOL_ERROR), cases);
}

#[test]
fn what_is_to_be_ignored_is() {
    let stage = Stage::new();
    let mut raw = Raw::connect(stage.gateway.web());
    for sent in [
        frame(0x16, NONE, 0, b"unknown type"),
        setting(0xff, 7),
        frame(PRIORITY, NONE, 1, &[0, 0, 0, 0, 7]),
        frame(PRIORITY, NONE, 9, &[0, 0, 0, 1, 7]),
    ] {
        raw.send_while_taken(std::iter::once(sent));
    }
    raw.send(PING, 0x16, 0, b"12345678");
    assert_eq!(raw.receive_a(PING).payload, b"12345678");
}
