//! Clients that use the protocol against the gateway.

use switchyard_testkit::limits::resident;

use super::Stage;
use super::raw::{
    ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GET, GOAWAY, HEADERS, NONE, PING, RST_STREAM,
    Raw, SETTINGS, frame,
};

/// RFC 9113 section 7.
const REFUSED_STREAM: u32 = 7;
const ENHANCE_YOUR_CALM: u32 = 11;

#[test]
fn streams_beyond_the_limit_are_refused() {
    let stage = Stage::with(|settings| settings.listener("max_concurrent_streams: 2"));
    let mut raw = Raw::connect(stage.gateway.web());
    let settings = raw.receive_a(SETTINGS).payload;
    let limit = [0, 3, 0, 0, 0, 2];
    assert!(settings.chunks(6).any(|setting| setting == limit));
    for stream in [1, 3, 5] {
        raw.send(HEADERS, END_HEADERS | END_STREAM, stream, GET);
    }
    let refused = raw.receive_a(RST_STREAM);
    assert_eq!(refused.stream, 5);
    assert_eq!(refused.payload, REFUSED_STREAM.to_be_bytes());
}

#[test]
fn a_head_that_is_too_large_is_answered_and_a_huge_one_ends_the_connection() {
    let stage = Stage::new();
    let connection = stage.connect();
    let large = "x".repeat(20 * 1024);
    let refused = connection.websocket("/", &[("x-large", &large)]);
    assert_eq!(refused.expect_err("no session").head.status(), 431);

    let mut raw = Raw::connect(stage.gateway.web());
    raw.send(HEADERS, NONE, 1, GET);
    // A literal field of 16,000 bytes in each.
    let mut field = b"\x00\x01a\x7f\x81\x7c".to_vec();
    field.extend_from_slice(&[b'x'; 16_000]);
    raw.send_while_taken((0..10_000).map(|_| frame(CONTINUATION, NONE, 1, &field)));
    stage.wait_ended("enhance_your_calm");
}

#[test]
fn opening_and_resetting_streams_ends_the_connection() {
    let stage = Stage::new();
    let mut raw = Raw::connect(stage.gateway.web());
    let pair = |at: u32| {
        let stream = 2 * at + 1;
        let mut both = frame(HEADERS, END_HEADERS | END_STREAM, stream, GET);
        both.extend(frame(RST_STREAM, NONE, stream, &8_u32.to_be_bytes()));
        both
    };
    let burst: Vec<u8> = (0..2_000).flat_map(pair).collect();
    raw.send_while_taken(std::iter::once(burst));
    assert_eq!(raw.receive_a(GOAWAY).code(), ENHANCE_YOUR_CALM);
    stage.wait_ended("enhance_your_calm");
}

#[test]
fn a_head_that_unpacks_to_much_more_than_it_is_costs_its_connection_and_no_memory() {
    let stage = Stage::new();
    let before = resident(stage.gateway.id());
    // 20 kB are answered, and the connection goes on.
    let mut raw = Raw::connect(stage.gateway.web());
    raw.send(HEADERS, END_HEADERS | END_STREAM, 1, &bomb(5));
    raw.receive_a(HEADERS);
    raw.send(PING, NONE, 0, &[0; 8]);
    raw.receive_a(PING);
    // 48 MB of a frame, many times.
    for _ in 0..20 {
        let mut raw = Raw::connect(stage.gateway.web());
        raw.send(HEADERS, END_HEADERS | END_STREAM, 1, &bomb(12_000));
        assert_eq!(raw.receive_a(GOAWAY).code(), ENHANCE_YOUR_CALM);
    }
    let grown = resident(stage.gateway.id()).saturating_sub(before);
    assert!(grown < 16 << 20, "{grown} bytes");
    stage.serves_others();
}

/// A head with a field of 4,000 bytes, which it then has by its index this often (RFC 7541).
fn bomb(references: usize) -> Vec<u8> {
    let indexed = b"\x40\x01a\x7f\xa1\x1e";
    let value = [b'x'; 4_000];
    [GET, indexed, &value, &vec![0xbe; references]].concat()
}

#[test]
fn a_head_in_endless_little_pieces_ends_the_connection() {
    let stage = Stage::new();
    let mut raw = Raw::connect(stage.gateway.web());
    raw.send(HEADERS, NONE, 1, GET);
    raw.send_while_taken((0..10_000).map(|_| frame(CONTINUATION, NONE, 1, &[])));
    stage.wait_ended("enhance_your_calm");
}

#[test]
fn streams_reset_for_what_the_client_did_end_the_connection_when_they_are_many() {
    let stage = Stage::new();
    let mut raw = Raw::connect(stage.gateway.web());
    // `connection` has no place in HTTP/2.
    let head = [GET, b"\x00\x0aconnection\x05close"].concat();
    let burst = (0..300).flat_map(|at| frame(HEADERS, END_HEADERS | END_STREAM, 2 * at + 1, &head));
    raw.send_while_taken(std::iter::once(burst.collect()));
    let kinds = std::iter::from_fn(|| raw.receive());
    let ends: Vec<_> = kinds
        .filter(|frame| [RST_STREAM, GOAWAY].contains(&frame.kind))
        .collect();
    let (last, resets) = ends.split_last().expect("an end");
    assert_eq!((last.kind, last.code()), (GOAWAY, ENHANCE_YOUR_CALM));
    assert!(resets.len() <= 256, "{}", resets.len());
    stage.wait_ended("enhance_your_calm");
}

#[test]
fn the_hundred_and_first_empty_frame_ends_the_connection() {
    let stage = Stage::new();
    let mut raw = Raw::connect(stage.gateway.web());
    raw.send(HEADERS, END_HEADERS, 1, GET);
    let empty = frame(DATA, NONE, 1, &[]);
    raw.send_while_taken(std::iter::once(empty.repeat(100)));
    raw.send(PING, NONE, 0, &[0; 8]);
    raw.receive_a(PING);
    raw.send_while_taken(std::iter::once(empty));
    assert_eq!(raw.receive_a(GOAWAY).code(), ENHANCE_YOUR_CALM);
    stage.wait_ended("enhance_your_calm");
}

#[test]
fn all_streams_of_one_connection_are_none_of_another() {
    let stage = Stage::new();
    let mut raw = Raw::connect(stage.gateway.web());
    // Bodies that never come.
    for at in 0..100 {
        raw.send(HEADERS, END_HEADERS, 2 * at + 1, GET);
    }
    let _asked: Vec<_> = (0..100).map(|_| stage.endpoint.accept()).collect();
    stage.serves_others();
    raw.send(HEADERS, END_HEADERS, 201, GET);
    assert_eq!(raw.receive_a(RST_STREAM).code(), REFUSED_STREAM);
}

#[test]
fn pings_are_answered() {
    let stage = Stage::new();
    let mut raw = Raw::connect(stage.gateway.web());
    raw.send(PING, NONE, 0, b"12345678");
    assert_eq!(raw.receive_a(PING).payload, b"12345678");
    raw.send(SETTINGS, ACK, 0, &[]);
}

#[test]
fn a_client_that_never_asks_is_ended() {
    let stage = Stage::with(|settings| settings.listener("handshake_timeout: 200ms"));
    let mut raw = Raw::connect(stage.gateway.web());
    assert_eq!(raw.receive_a(GOAWAY).code(), 0);
    stage.wait_ended("idle");
    // Not even a preface; and part of one.
    for beginning in ["", "PR"] {
        let mut socket = switchyard_testkit::Socket::connect(stage.gateway.web());
        socket.send(beginning.as_bytes());
        socket.expect_end();
    }
}

#[test]
fn what_is_no_http2_ends_the_connection() {
    let stage = Stage::new();
    let mut raw = Raw::connect(stage.gateway.web());
    raw.send(HEADERS, END_HEADERS | END_STREAM, 2, GET);
    assert_eq!(raw.receive_a(GOAWAY).code(), 1);
    stage.wait_ended("protocol_error");
}
