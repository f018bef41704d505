//! The laws of the session machine, on arbitrary sessions cut arbitrarily.

use std::time::Duration;

use proptest::prelude::*;
use switchyard_proto::session::{Cause, Lifetime, Outcome, Pings, Policy, Traffic};
use switchyard_proto::{CloseCode, Side};

use crate::frames::*;
use crate::harness::{CLOSE_TIMEOUT, Harness, policy, read_all};
use crate::laws::{self, Limits, Written};

/// Something that happens to a session.
#[derive(Clone, Debug)]
enum Event {
    Input(Side, Vec<u8>),
    Close,
    Publish(Side),
    Eof(Side),
    Reset(Side),
    Pass(Duration),
    /// A peer answers the gateway's Ping, if there is one and it is between two frames.
    Answer(Side),
    Blocked(Side),
    Flushed(Side),
    Cut,
    /// The route begins or ceases to ask for Pings and a longest life.
    Watched(bool),
}

/// What came of a session.
#[derive(Debug, PartialEq, Eq)]
struct Result {
    out: [Vec<u8>; 2],
    fin: [bool; 2],
    outcome: Option<Outcome>,
    traffic: [Traffic; 2],
    frames: usize,
    answers: Vec<(Side, Duration)>,
}

const LIMITS: Limits = Limits {
    frame: 400,
    message: 600,
};

const PINGS: Pings = Pings {
    interval: Duration::from_secs(15),
    timeout: Duration::from_secs(10),
};

fn limited() -> Policy {
    Policy {
        max_frame: Some(LIMITS.frame),
        max_message: Some(LIMITS.message),
        idle_timeout: Some(Duration::from_mins(1)),
        pings: Some(PINGS),
        max_lifetime: Some(Lifetime {
            after: Duration::from_mins(3),
            jitter: Duration::from_mins(1),
            close: CloseCode::GOING_AWAY.into(),
        }),
        ..policy()
    }
}

fn side() -> impl Strategy<Value = Side> {
    prop::sample::select(&Side::BOTH)
}

fn payload() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => prop::collection::vec(any::<u8>(), 0..12),
        2 => prop::collection::vec(any::<u8>(), 120..300),
        1 => prop::collection::vec(any::<u8>(), 390..410),
    ]
}

/// A message in one to four frames with Pings between them.
fn message(from: Side) -> impl Strategy<Value = Vec<u8>> {
    let parts = prop::collection::vec((payload(), any::<bool>()), 1..4);
    (parts, prop::sample::select(&[TEXT, BINARY])).prop_map(move |(parts, kind)| {
        let mut bytes = Vec::new();
        let last = parts.len() - 1;
        for (index, (payload, ping)) in parts.iter().enumerate() {
            let opcode = if index == 0 { kind } else { CONTINUATION };
            let fin = if index == last { 0x80 } else { 0 };
            bytes.extend(raw(from, fin | opcode, payload));
            if *ping {
                // The gateway's own have 8 bytes.
                let len = payload.len().min(if payload.len() == 8 { 7 } else { 125 });
                bytes.extend(frame(from, PING, &payload[..len]));
            }
        }
        bytes
    })
}

/// What one peer sends: messages, now and then cut off, a Close, or rubbish.
fn speech(from: Side) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        20 => message(from),
        3 => message(from).prop_map(|bytes| bytes[..bytes.len() / 2].to_vec()),
        2 => (1000u16..1016).prop_map(move |code| close(from, code)),
        1 => prop::collection::vec(any::<u8>(), 0..20),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        30 => side().prop_flat_map(|from| speech(from).prop_map(move |bytes| Event::Input(from, bytes))),
        2 => Just(Event::Close),
        6 => side().prop_map(Event::Publish),
        2 => side().prop_map(Event::Eof),
        1 => side().prop_map(Event::Reset),
        5 => (0u64..40).prop_map(|seconds| Event::Pass(Duration::from_secs(seconds))),
        6 => side().prop_map(Event::Answer),
        1 => side().prop_map(Event::Blocked),
        2 => side().prop_map(Event::Flushed),
        1 => Just(Event::Cut),
        3 => any::<bool>().prop_map(Event::Watched),
    ]
}

/// Events, now and then in the middle of a message.
fn events(most: usize) -> impl Strategy<Value = Vec<Event>> {
    let group = prop_oneof![
        3 => event().prop_map(|event| vec![event]),
        2 => (side(), event(), any::<prop::sample::Index>()).prop_flat_map(|(from, event, at)| {
            message(from).prop_map(move |bytes| {
                let (before, after) = bytes.split_at(at.index(bytes.len()));
                let input = |part: &[u8]| Event::Input(from, part.to_vec());
                vec![input(before), event.clone(), input(after)]
            })
        }),
    ];
    prop::collection::vec(group, 0..most).prop_map(|groups| groups.concat())
}

/// Plays `events`, each input in pieces of the given lengths. Input after the end of a stream is
/// left out.
fn play(events: &[Event], lens: &[usize]) -> (Harness, [Vec<u8>; 2]) {
    play_with(limited(), events, lens)
}

fn play_with(policy: Policy, events: &[Event], lens: &[usize]) -> (Harness, [Vec<u8>; 2]) {
    let mut harness = Harness::with(policy);
    let mut sent = [Vec::new(), Vec::new()];
    for event in events {
        match event {
            Event::Input(from, bytes) => {
                if harness.session.wants_input(*from) {
                    sent[usize::from(*from == Side::Upstream)].extend(bytes);
                    for piece in cut(bytes, lens) {
                        harness.input(*from, piece);
                    }
                }
            }
            Event::Close => drop(harness.close(CloseCode::SERVICE_RESTART)),
            Event::Publish(to) => drop(harness.publish(*to)),
            Event::Eof(from) => drop(harness.eof(*from)),
            Event::Reset(from) => drop(harness.reset(*from)),
            Event::Pass(time) => drop(harness.pass(*time)),
            Event::Answer(from) => {
                let is_between = read_all(&sent[usize::from(*from == Side::Upstream)]).1 == 0;
                let heard = is_between && harness.session.wants_input(*from);
                if let Some(pong) = heard.then(|| harness.pong(*from)).flatten() {
                    for piece in cut(&pong, lens) {
                        harness.input(*from, piece);
                    }
                }
            }
            Event::Blocked(to) => drop(harness.blocked(*to)),
            Event::Flushed(to) => drop(harness.flushed(*to)),
            Event::Cut => drop(harness.cut(Cause::Shutdown)),
            Event::Watched(true) => drop(harness.adopt(limited())),
            Event::Watched(false) => drop(harness.adopt(Policy {
                pings: None,
                max_lifetime: None,
                ..limited()
            })),
        }
    }
    (harness, sent)
}

fn cut<'a>(bytes: &'a [u8], lens: &[usize]) -> Vec<&'a [u8]> {
    let (mut rest, mut pieces) = (bytes, Vec::new());
    for len in lens.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, after) = rest.split_at((*len).min(rest.len()));
        pieces.push(piece);
        rest = after;
    }
    pieces
}

/// What was written to a side but for the gateway's Pings.
fn without_pings(out: &[u8]) -> Vec<u8> {
    let (mut rest, mut kept) = (out, Vec::new());
    while let Some(frame) = read(rest) {
        let (bytes, after) = rest.split_at(frame.len);
        if !frame.is_own_ping() {
            kept.extend(bytes);
        }
        rest = after;
    }
    [&kept, rest].concat()
}

fn result(harness: &Harness) -> Result {
    Result {
        out: Side::BOTH.map(|to| harness.out(to).to_vec()),
        fin: Side::BOTH.map(|to| harness.is_shut(to)),
        outcome: harness.outcome,
        traffic: Side::BOTH.map(|from| harness.session.traffic(from)),
        frames: harness.seen.frames.len(),
        answers: harness.seen.answers.clone(),
    }
}

fn check(harness: &Harness, sent: &[Vec<u8>; 2]) -> [Written; 2] {
    Side::BOTH.map(|to| {
        let sent = &sent[usize::from(to == Side::Downstream)];
        laws::check(to, sent, harness.out(to), LIMITS)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn any_split_of_the_input_gives_the_same_output(
        events in events(20),
        lens in prop::collection::vec(prop_oneof![Just(1usize), 1usize..20, 1usize..400], 1..8),
    ) {
        let (whole, _) = play(&events, &[usize::MAX]);
        let (split, _) = play(&events, &lens);
        prop_assert_eq!(result(&split), result(&whole));
    }

    #[test]
    fn the_laws_hold_of_every_output(
        events in events(25),
        lens in prop::collection::vec(1usize..100, 1..4),
    ) {
        let (harness, sent) = play(&events, &lens);
        check(&harness, &sent);
    }

    #[test]
    fn while_nothing_ends_nothing_is_lost(
        speeches in prop::collection::vec(side().prop_flat_map(|from| (Just(from), message(from))), 0..20),
        lens in prop::collection::vec(1usize..100, 1..4),
    ) {
        let events: Vec<_> = speeches.into_iter().map(|(from, bytes)| Event::Input(from, bytes)).collect();
        let (harness, sent) = play(&events, &lens);
        if harness.session.discards(Side::Downstream) {
            return Ok(()); // A message was too big.
        }
        prop_assert_eq!(check(&harness, &sent).map(|written| written.passed), [sent[1].len(), sent[0].len()]);
    }

    #[test]
    fn pings_change_nothing_else(
        speeches in prop::collection::vec(
            side().prop_flat_map(|from| (Just(from), message(from), any::<prop::sample::Index>())),
            1..20,
        ),
        lens in prop::collection::vec(1usize..100, 1..4),
    ) {
        // In the middle of each message there is time for a Ping to either side.
        let mut events = Vec::new();
        for (from, bytes, at) in speeches {
            let (before, after) = bytes.split_at(at.index(bytes.len()));
            events.push(Event::Input(from, before.to_vec()));
            events.extend(Side::BOTH.map(Event::Answer));
            events.push(Event::Pass(PINGS.interval));
            events.extend(Side::BOTH.map(Event::Answer));
            events.push(Event::Input(from, after.to_vec()));
        }
        let patient = Pings { timeout: Duration::from_hours(1), ..PINGS };
        let pings = Some(patient);
        let (with, _) = play_with(Policy { pings, ..policy() }, &events, &lens);
        let (without, _) = play_with(policy(), &events, &lens);
        for to in Side::BOTH {
            prop_assert_eq!(without_pings(with.out(to)), without.out(to).to_vec());
        }
        prop_assert_eq!(with.seen.frames, without.seen.frames);
        prop_assert_eq!(with.seen.messages, without.seen.messages);
    }

    #[test]
    fn every_close_finishes_in_two_timeouts(
        events in events(15),
        more in prop::collection::vec(event(), 0..10),
    ) {
        let events: Vec<_> = events.into_iter().chain([Event::Close]).collect();
        let (mut harness, _) = play(&events, &[usize::MAX]);
        let step = CLOSE_TIMEOUT * 2 / 10;
        for index in 0..10 {
            if let Some(Event::Input(from, bytes)) = more.get(index)
                && harness.session.wants_input(*from)
            {
                harness.input(*from, bytes);
            }
            harness.pass(step);
        }
        prop_assert!(harness.outcome.is_some());
    }
}
