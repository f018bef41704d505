//! Ends that a peer begins, all within the protocol.

use switchyard_testkit::Frame;

use super::{Case, both, hear, unchanged};

pub(super) const CASES: &[Case] = &[
    Case {
        reason: "close_frame",
        initiator: "downstream",
        code: 1000,
        client: Some(1000),
        endpoint: Some(1000),
        settings: unchanged,
        end: |_, mut ends| {
            ends.client.send(&Frame::close(1000, "bye"));
            both(ends)
        },
    },
    Case {
        reason: "close_frame",
        initiator: "upstream",
        code: 1013,
        client: Some(1013),
        endpoint: Some(1013),
        settings: unchanged,
        end: |_, mut ends| {
            ends.server.send(&Frame::close(1013, "later"));
            both(ends)
        },
    },
    Case {
        reason: "eof",
        initiator: "downstream",
        code: 1006,
        client: None,
        endpoint: None,
        settings: unchanged,
        end: |_, mut ends| {
            ends.client.socket().finish();
            both(ends)
        },
    },
    Case {
        reason: "eof",
        initiator: "upstream",
        code: 1006,
        client: Some(1012),
        endpoint: None,
        settings: unchanged,
        end: |_, mut ends| {
            ends.server.socket().finish();
            both(ends)
        },
    },
    Case {
        reason: "reset",
        initiator: "downstream",
        code: 1006,
        client: None,
        endpoint: None,
        settings: unchanged,
        end: |_, mut ends| {
            ends.talk();
            ends.client.into_socket().reset();
            (None, hear(&mut ends.server))
        },
    },
    Case {
        reason: "reset",
        initiator: "upstream",
        code: 1006,
        client: Some(1012),
        endpoint: None,
        settings: unchanged,
        end: |_, mut ends| {
            ends.talk();
            ends.server.into_socket().reset();
            (hear(&mut ends.client), None)
        },
    },
];

#[test]
fn are_told_alike() {
    for case in CASES {
        case.check();
    }
}
