//! What breaks the protocol ends the session: the right Close to both ends, a named reason, and
//! not one byte of the offending frame passed on.

use serde_json::Value;
use switchyard_testkit::frame::{Length, opcode};
use switchyard_testkit::{Frame, Peer};

use crate::support::{Ends, Stage};

/// A violation: the reason it is known by, and the bytes that a peer with this mask sends.
pub(crate) type Violation = (&'static str, fn(Option<[u8; 4]>) -> Vec<u8>);

/// Those that either side can commit.
pub(crate) const EITHER: [Violation; 12] = [
    ("reserved_bits", |mask| {
        Frame::text("x").with_reserved(0b100).encode(mask)
    }),
    ("reserved_bits", |mask| {
        Frame::text("x").with_reserved(0b010).encode(mask)
    }),
    ("reserved_opcode", |mask| Frame::new(0x3, "x").encode(mask)),
    ("reserved_opcode", |mask| Frame::new(0xB, "x").encode(mask)),
    ("fragmented_control", |mask| {
        Frame::ping("x").unfinished().encode(mask)
    }),
    ("control_too_long", |mask| {
        Frame::ping(vec![0; 126]).encode(mask)
    }),
    ("length_not_minimal", |mask| {
        Frame::text("x").encode_as(mask, Length::Sixteen)
    }),
    ("length_not_minimal", |mask| {
        Frame::binary(vec![0; 300]).encode_as(mask, Length::SixtyFour)
    }),
    ("length_too_large", too_large),
    ("unexpected_continuation", |mask| {
        Frame::continuation("x").encode(mask)
    }),
    ("close_payload", |mask| {
        Frame::new(opcode::CLOSE, [3]).encode(mask)
    }),
    ("close_code", |mask| Frame::close(1005, "").encode(mask)),
];

/// A length with its top bit set.
fn too_large(mask: Option<[u8; 4]>) -> Vec<u8> {
    let mut bytes = Frame::binary(vec![0; 8]).encode_as(mask, Length::SixtyFour);
    bytes[2] = 0x80;
    bytes
}

/// Which end breaks the protocol.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Offender {
    Client,
    Server,
}

/// Opens a session, lets `offender` send `bytes`, and checks the end of it; returns the record.
#[track_caller]
fn commit(stage: &Stage, nth: usize, offender: Offender, bytes: &[u8]) -> Value {
    let mut ends = stage.open();
    ends.talk();
    let Ends {
        mut client,
        mut server,
    } = ends;
    match offender {
        Offender::Client => client.socket().send(bytes),
        Offender::Server => server.socket().send(bytes),
    }
    closes_with_1002(server);
    closes_with_1002(client);
    stage.gateway.records(nth + 1, "session closed").remove(nth)
}

/// The next frame is the gateway's Close; a peer checks by its role that it is masked, or not.
#[track_caller]
fn closes_with_1002(peer: Peer) {
    assert_eq!(peer.answer_close(), 1002);
}

#[track_caller]
fn all_end_with_their_reason(
    offender: Offender,
    initiator: &str,
    violations: &[Violation],
    mask: Option<[u8; 4]>,
) {
    let stage = Stage::new();
    for (nth, (reason, bytes)) in violations.iter().enumerate() {
        let record = commit(&stage, nth, offender, &bytes(mask));
        assert_eq!(record["reason"], *reason, "{record}");
        assert_eq!(record["code"], 1002, "{record}");
        assert_eq!(record["initiator"], initiator, "{record}");
    }
    let closes = stage.gateway.metrics();
    for (reason, _) in violations {
        let labels = [
            ("reason", *reason),
            ("code", "1002"),
            ("initiator", initiator),
        ];
        assert_ne!(
            closes.count("switchyard_session_closes_total", &labels),
            0,
            "{reason}"
        );
    }
}

#[test]
fn by_the_client() {
    let mut violations = EITHER.to_vec();
    violations.push(("unmasked", |_| Frame::text("x").encode(None)));
    all_end_with_their_reason(
        Offender::Client,
        "downstream",
        &violations,
        Some([9, 8, 7, 6]),
    );
}

#[test]
fn by_the_endpoint() {
    let mut violations = EITHER.to_vec();
    violations.push(("masked", |_| Frame::text("x").encode(Some([9, 8, 7, 6]))));
    all_end_with_their_reason(Offender::Server, "upstream", &violations, None);
}

#[test]
fn a_message_inside_a_message_is_refused_in_the_middle_of_it() {
    let stage = Stage::new();
    let Ends {
        mut client,
        mut server,
    } = stage.open();
    client.send(&Frame::text("first").unfinished());
    assert_eq!(server.receive(), Frame::text("first").unfinished());
    client.send(&Frame::text("second"));
    closes_with_1002(server);
    closes_with_1002(client);
    assert_eq!(stage.gateway.closed()["reason"], "expected_continuation");
}

#[test]
fn a_peer_in_the_middle_of_a_frame_gets_no_close_into_it() {
    let stage = Stage::new();
    let Ends {
        mut client,
        mut server,
    } = stage.open();
    let long = server.encode(&Frame::binary(vec![5; 1000]));
    server.socket().send(&long[..500]);
    assert_eq!(client.socket().receive_vec(500), long[..500]);
    client.send(&Frame::new(0x3, "x"));
    assert_eq!(server.receive_close().0, 1002);
    client.expect_end();
    assert_eq!(stage.gateway.closed()["reason"], "reserved_opcode");
}

#[test]
fn a_bit_that_was_agreed_for_one_session_is_not_for_another() {
    let stage = Stage::new();
    stage.open_compressed().talk();
    let Ends { mut client, server } = stage.open();
    client.send(&Frame::text("x").with_reserved(0b100));
    closes_with_1002(server);
    closes_with_1002(client);
}
