//! Sizes and silence: 1009 for what is too big, 1001 for a session on which nothing is said.

use switchyard_testkit::{Frame, Peer};

use crate::support::{Ends, Stage};

/// Both ends get this code, and nothing before it; the record names who began it, and why.
#[track_caller]
fn close_with(code: u16, stage: &Stage, ends: Ends, by: &str, reason: &str) {
    let Ends { client, server } = ends;
    assert_eq!(Peer::answer_close(server), code);
    assert_eq!(Peer::answer_close(client), code);
    let record = stage.gateway.closed();
    assert_eq!(record["code"], code, "{record}");
    assert_eq!(record["reason"], reason, "{record}");
    assert_eq!(record["initiator"], by, "{record}");
}

#[test]
fn a_message_at_the_limit_passes_and_one_beyond_is_1009() {
    let stage = Stage::with(|settings| settings.websocket("max_message: 1KiB"));
    let mut ends = stage.open();
    ends.client.send(&Frame::binary(vec![1; 1024]));
    assert_eq!(ends.server.receive().payload.len(), 1024);
    ends.client.send(&Frame::binary(vec![1; 1025]));
    close_with(1009, &stage, ends, "downstream", "message_too_big");
}

#[test]
fn a_message_grows_too_big_in_pieces() {
    let stage = Stage::with(|settings| settings.websocket("max_message: 1KiB"));
    let mut ends = stage.open();
    ends.server
        .send(&Frame::text("x".repeat(1000)).unfinished());
    assert_eq!(ends.client.receive().payload.len(), 1000);
    ends.server.send(&Frame::ping("x".repeat(100)));
    assert_eq!(
        ends.client.receive().payload.len(),
        100,
        "control frames do not count"
    );
    ends.server.send(&Frame::continuation(vec![b'x'; 25]));
    close_with(1009, &stage, ends, "upstream", "message_too_big");
}

#[test]
fn a_frame_beyond_its_own_limit_is_1009() {
    let stage = Stage::with(|settings| settings.websocket("max_frame: 1KiB"));
    let mut ends = stage.open();
    ends.client.send(&Frame::binary(vec![1; 1024]).unfinished());
    ends.client.send(&Frame::continuation(vec![1; 1024]));
    assert_eq!(ends.server.receive().payload.len(), 1024);
    assert_eq!(ends.server.receive().payload.len(), 1024);
    ends.client.send(&Frame::binary(vec![1; 1025]));
    close_with(1009, &stage, ends, "downstream", "frame_too_big");
}

#[test]
fn the_header_alone_is_enough_to_refuse() {
    let stage = Stage::new();
    let mut ends = stage.open();
    // 16 MiB and one byte are announced; none of them are sent.
    let mask = ends.client.mask().unwrap();
    let header = [&[0x82, 0xFF], &(16_777_217_u64).to_be_bytes()[..], &mask].concat();
    ends.client.socket().send(&header);
    let Ends { client, server } = ends;
    assert_eq!(client.answer_close(), 1009);
    assert_eq!(server.answer_close(), 1009);
}

#[test]
fn silence_beyond_the_idle_timeout_is_1001() {
    let stage = Stage::with(|settings| settings.websocket("idle_timeout: 300ms"));
    let mut ends = stage.open();
    ends.talk();
    close_with(1001, &stage, ends, "gateway", "idle_timeout");
}
