//! Clients that send without end what costs them next to nothing, and read nothing.

use std::time::Duration;

use switchyard_testkit::Socket;
use switchyard_testkit::limits::resident;

use super::Stage;
use super::raw::{
    END_HEADERS, GET, HEADERS, NONE, PING, PRIORITY, Raw, SETTINGS, WINDOW_UPDATE, frame,
};

/// As many as a client sends in one piece.
const BURST: usize = 1_000;

/// Far more than fits into what the kernel holds on the way to the gateway and back.
const MOST: usize = 64 << 20;

/// What no client gets the gateway to hold.
const LITTLE: u64 = 8 << 20;

/// Nothing is taken for so long: no more will be.
const PAUSE: Duration = Duration::from_secs(1);

/// A gateway, and a client that has a stream open and hardly any room for answers.
#[track_caller]
fn beginning() -> (Stage, Raw) {
    let stage = Stage::new();
    let mut raw = Raw::over(Socket::connect_narrow(stage.gateway.web(), 4096));
    raw.send(HEADERS, END_HEADERS, 1, GET);
    let _asked = stage.endpoint.accept();
    (stage, raw)
}

/// Runs `flood`; the gateway holds little for it, and serves others.
#[track_caller]
fn costs_little(stage: &Stage, flood: impl FnOnce()) {
    let before = resident(stage.gateway.id());
    flood();
    stage.serves_others();
    let grown = resident(stage.gateway.id()).saturating_sub(before);
    assert!(grown < LITTLE, "{grown} bytes");
}

/// Sends this until the gateway takes no more, which it does.
#[track_caller]
fn is_held_by_its_own_window(sent: &[u8]) {
    let (stage, mut raw) = beginning();
    costs_little(&stage, || {
        let taken = raw.0.fill(&sent.repeat(BURST), PAUSE, MOST);
        assert!(taken < MOST, "{taken}");
        let ended = "switchyard_http2_connections_ended_total";
        assert_eq!(stage.gateway.metrics().count(ended, &[]), 0);
    });
}

#[test]
fn pings_are_held_by_their_own_window() {
    is_held_by_its_own_window(&frame(PING, NONE, 0, &[0; 8]));
}

#[test]
fn settings_are_held_by_their_own_window() {
    // Each changes the window of the stream and the table of fields.
    let settings = |window| {
        let payload = [0, 4, 0, 0, window, 0, 0, 1, 0, 0, window, 0];
        frame(SETTINGS, NONE, 0, &payload)
    };
    is_held_by_its_own_window(&[settings(1), settings(2)].concat());
}

#[test]
fn what_has_no_answer_is_taken_and_costs_nothing() {
    let updates = [0, 1].map(|stream| frame(WINDOW_UPDATE, NONE, stream, &[0, 0, 0, 1]));
    let priority = frame(PRIORITY, NONE, 1, &[0, 0, 0, 9, 7]);
    let unknown = frame(0x16, NONE, 1, b"what is it");
    for sent in [updates.concat(), priority, unknown] {
        let (stage, mut raw) = beginning();
        costs_little(&stage, || {
            (0..100).for_each(|_| raw.0.send(&sent.repeat(BURST)));
            raw.send(PING, NONE, 0, &[0; 8]);
            raw.receive_a(PING);
        });
    }
}
