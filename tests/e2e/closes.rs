//! Every session has one cause, and all who tell of it tell the same: the metric, the access log, the peers.
//!
//! Each reason of docs/operations/closes.md is driven here from outside, but for those of [`NOT_DRIVEN`].

mod gateway;
mod peers;
mod violations;

use std::collections::BTreeSet;

use switchyard_proto::session::Cause;
use switchyard_testkit::frame::opcode;
use switchyard_testkit::{Frame, Gateway, Peer, Settings};

use crate::support::{Ends, Stage};

/// Reasons that nothing from outside leads to for sure.
const NOT_DRIVEN: [&str; 3] = [
    // Only of sessions that the drain has not come to at its deadline, and it is made to come to all.
    "drain_deadline",
    // Only of sessions that are published to; tests of publishing drive it.
    "slow_receiver",
    // Only by a fault of the gateway's own; tests of the crates put one in.
    "internal_error",
];

/// A way for a session to end, and what is told of it.
struct Case {
    reason: &'static str,
    initiator: &'static str,
    code: u16,
    /// The Close that the client gets; none: the stream just ends.
    client: Option<u16>,
    /// The one that the endpoint gets.
    endpoint: Option<u16>,
    settings: fn(Settings) -> Settings,
    /// Ends the session, and says what both peers saw of it.
    end: fn(&Stage, Ends) -> Seen,
}

/// The Close that the client got and the one that the endpoint got.
type Seen = (Option<u16>, Option<u16>);

fn unchanged(settings: Settings) -> Settings {
    settings
}

/// Reads to the end, as a peer does: Pings and a Close are answered. The code of the Close, if there was one.
fn hear(peer: &mut Peer) -> Option<u16> {
    while peer.socket().has_more() {
        let frame = peer.receive();
        let answer = match frame.opcode {
            opcode::PING => Frame::pong(frame.payload),
            opcode::CLOSE => {
                let code = frame.closing().0;
                let answer = peer.encode(&Frame::close(code, ""));
                // Whoever began needs no answer, and may have gone.
                peer.socket().try_send(&answer).ok();
                peer.socket().finish();
                return Some(code);
            }
            _ => continue,
        };
        peer.send(&answer);
    }
    peer.socket().finish();
    None
}

/// What both see.
fn both(mut ends: Ends) -> Seen {
    std::thread::scope(|scope| {
        let endpoint = scope.spawn(|| hear(&mut ends.server));
        (hear(&mut ends.client), endpoint.join().unwrap())
    })
}

impl Case {
    #[track_caller]
    fn check(&self) {
        let stage = Stage::with(self.settings);
        let ends = stage.open();
        let seen = (self.end)(&stage, ends);
        let what = (self.reason, self.initiator);
        assert_eq!(seen, (self.client, self.endpoint), "{what:?}");
        self.recorded(&stage.gateway);
    }

    /// The one record and the one count say the same.
    #[track_caller]
    fn recorded(&self, gateway: &Gateway) {
        let (opened, closed) = (
            gateway.records(1, "session opened").remove(0),
            gateway.closed(),
        );
        assert_eq!(closed["session"], opened["session"], "{closed}");
        let told = (&closed["reason"], &closed["initiator"], &closed["code"]);
        let expected = (
            &self.reason.into(),
            &self.initiator.into(),
            &self.code.into(),
        );
        assert_eq!(told, expected, "{closed}");
        let code = self.code.to_string();
        let labels = [
            ("reason", self.reason),
            ("initiator", self.initiator),
            ("code", &*code),
        ];
        gateway.wait_metric("switchyard_session_closes_total", &labels, 1);
        gateway.wait_metric("switchyard_sessions", &[], 0);
        let metrics = gateway.metrics();
        let all = metrics.count("switchyard_session_closes_total", &[]);
        assert_eq!(
            all,
            1,
            "{:?}",
            metrics.about("switchyard_session_closes_total")
        );
        let lines = gateway.log().so_far();
        let records = lines
            .iter()
            .filter(|line| line["message"] == "session closed");
        assert_eq!(records.count(), 1);
    }
}

/// The reasons of the page's table.
fn documented() -> BTreeSet<String> {
    let page = include_str!("../../docs/operations/closes.md");
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    let reasons = rows.flat_map(|row| row.split('|').nth(1).unwrap().split(','));
    reasons
        .map(|reason| reason.trim().trim_matches('`').to_owned())
        .collect()
}

#[test]
fn the_page_lists_what_the_code_knows() {
    let known: BTreeSet<String> = Cause::all().map(|it| it.reason().to_owned()).collect();
    assert_eq!(documented(), known);
}

#[test]
fn every_reason_is_driven_or_said_not_to_be() {
    let driven = [peers::CASES, gateway::CASES].into_iter().flatten();
    let mut all: BTreeSet<&str> = driven.map(|case| case.reason).collect();
    all.extend(gateway::ALONE);
    all.extend(violations::reasons());
    for reason in NOT_DRIVEN {
        assert!(all.insert(reason), "{reason} is driven");
    }
    let documented = documented();
    assert_eq!(all, documented.iter().map(String::as_str).collect());
}
