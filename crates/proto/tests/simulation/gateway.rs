//! The real session and a model of its caller: bounded buffers, partial writes, no copies kept
//! that the protocol of the session's documentation does not need.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use switchyard_proto::frame::OpCode;
use switchyard_proto::handshake::Deflate;
use switchyard_proto::record;
use switchyard_proto::session::{
    Cause, Frozen, MessageKind, Observer, Outcome, Output, Policy, Session, WaitReason,
};
use switchyard_proto::{Close, CloseCode, Side};

use crate::frames::{BINARY, PUBLISHED, TEXT, frame, own_ping};
use crate::link::{Link, Read};
use crate::rng::Rng;
use crate::trace::Trace;

/// The most that is read at once.
const READ: usize = 8_000;

/// The most that a published message says.
pub(crate) const LONGEST_PUBLISHED: usize = 2_000;

/// What a side can be sent beyond one read: a held back frame, a Close, a message.
const SLACK: usize = LONGEST_PUBLISHED + 500;

/// How often another process goes on with the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moving {
    Never,
    /// Before so many of a hundred calls.
    Sometimes(usize),
}

/// What the observer was told of the frames from one side.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) messages: u64,
    pub(crate) largest: u64,
    pub(crate) answers: usize,
}

#[derive(Debug, Default)]
struct Tally([Counts; 2]);

impl Observer for Tally {
    fn frame(&mut self, _: Side, _: OpCode, _: u64) {}

    fn message(&mut self, from: Side, _: MessageKind, len: u64) {
        let counts = &mut self.0[index(from)];
        counts.messages += 1;
        counts.largest = counts.largest.max(len);
    }

    fn answered(&mut self, from: Side, _: Duration) {
        self.0[index(from)].answers += 1;
    }
}

/// The stream to one side.
#[derive(Debug, Default)]
struct Writer {
    unwritten: VecDeque<u8>,
    fin: Fin,
    /// Messages that wait to be published.
    queue: VecDeque<Vec<u8>>,
    /// All that ever were to be.
    offered: Vec<Vec<u8>>,
    /// Unwritten bytes up to the end of the last that had its turn.
    parked: usize,
    /// They had their turn when one of them was unwritten.
    deferred: bool,
    /// All bytes that were ever planned.
    planned: Vec<u8>,
    blocked: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Fin {
    #[default]
    No,
    Due,
    Sent,
}

#[derive(Debug)]
pub(crate) struct Gateway {
    pub(crate) session: Session,
    pub(crate) outcome: Option<Outcome>,
    /// When the session was first seen to be ending, in milliseconds.
    pub(crate) closing_since: Option<u64>,
    pub(crate) handed_in: [u64; 2],
    pub(crate) trace: Trace,
    /// How often the session moved.
    pub(crate) moves: usize,
    moving: Moving,
    /// Apart from the world's, which a move is not to change.
    chance: Rng,
    policy: Arc<Policy>,
    epoch: Instant,
    tally: Tally,
    writers: [Writer; 2],
    told_end: [bool; 2],
    until: Option<Instant>,
}

fn random(seed: u64) -> impl FnMut() -> u64 {
    let mut rng = Rng::new(seed);
    move || rng.word()
}

pub(crate) fn index(side: Side) -> usize {
    usize::from(side == Side::Upstream)
}

impl Gateway {
    pub(crate) fn new(policy: Policy, trace: Trace, seed: u64, moving: Moving) -> Self {
        let (epoch, policy) = (Instant::now(), Arc::new(policy));
        let session = Session::new(Arc::clone(&policy), Deflate::Off, random(seed), epoch);
        let mut gateway = Self {
            session,
            moves: 0,
            moving,
            chance: Rng::new(!seed),
            policy,
            outcome: None,
            closing_since: None,
            handed_in: [0; 2],
            trace,
            epoch,
            tally: Tally::default(),
            writers: Default::default(),
            told_end: [false; 2],
            until: None,
        };
        gateway.poll(0, Side::Downstream, &[]);
        gateway
    }

    pub(crate) fn planned(&self, to: Side) -> &[u8] {
        &self.writers[index(to)].planned
    }

    pub(crate) fn counts(&self, from: Side) -> &Counts {
        &self.tally.0[index(from)]
    }

    /// Writes what is unwritten.
    pub(crate) fn flush(&mut self, now: u64, to: Side, link: &mut Link, rng: &mut Rng) {
        let writer = &mut self.writers[index(to)];
        let before = writer.unwritten.len();
        link.write(now, &mut writer.unwritten, rng);
        let written = before - writer.unwritten.len();
        writer.parked = writer.parked.saturating_sub(written);
        let blocked = !writer.unwritten.is_empty();
        if std::mem::replace(&mut writer.blocked, blocked) != blocked {
            self.event(
                now,
                &format!("{to:?} blocked: {blocked}"),
                |session, now| {
                    if blocked {
                        session.handle_blocked(to);
                    } else {
                        session.handle_flushed(to, now);
                    }
                },
            );
        }
        let writer = &mut self.writers[index(to)];
        if writer.unwritten.is_empty() && std::mem::take(&mut writer.deferred) {
            self.event(now, &format!("publish again to {to:?}"), |session, _| {
                session.handle_publish(to);
            });
        }
        if self.may_part() && rng.chance(50) {
            return self.event(now, "parted", |session, _| session.handle_parted());
        }
        let writer = &mut self.writers[index(to)];
        if writer.unwritten.is_empty() && writer.fin == Fin::Due {
            writer.fin = Fin::Sent;
            link.finish(now, rng);
            self.event(now, &format!("flushed {to:?}"), |session, now| {
                session.handle_flushed(to, now);
            });
        }
    }

    fn may_part(&self) -> bool {
        let mut writers = self.writers.iter();
        self.session.have_parted() && writers.all(|writer| writer.unwritten.is_empty())
    }

    /// Reads if there is any use in it and room for it.
    pub(crate) fn read(&mut self, now: u64, from: Side, link: &mut Link, rng: &mut Rng) {
        let blocked = !self.writers[index(from.other())].unwritten.is_empty();
        if !self.session.wants_input(from) || (blocked && !self.session.discards(from)) {
            return;
        }
        match link.read(now, rng.between(1, READ)) {
            Read::Bytes(bytes) => self.input(now, from, &bytes),
            Read::Fin if !self.told_end[index(from)] => {
                self.told_end[index(from)] = true;
                self.event(now, &format!("eof {from:?}"), |session, now| {
                    session.handle_eof(from, now);
                });
            }
            Read::Reset => self.event(now, &format!("reset {from:?}"), |session, now| {
                session.handle_reset(from, now);
            }),
            Read::Fin | Read::Nothing => {}
        }
    }

    pub(crate) fn timers(&mut self, now: u64) {
        let time = self.time(now);
        if self.until.is_some_and(|until| until <= time) {
            self.event(now, "timeout", Session::handle_timeout);
        }
    }

    /// Has messages of so many bytes published, each of which says which it is.
    pub(crate) fn publish(&mut self, now: u64, to: Side, lens: &[usize]) {
        let writer = &mut self.writers[index(to)];
        for len in lens {
            let number = writer.offered.len();
            let payload = [PUBLISHED, &number.to_be_bytes(), &vec![b'x'; *len]].concat();
            let opcode = [TEXT, BINARY][number % 2];
            let message = frame(to.other(), opcode, &payload);
            writer.queue.push_back(message.clone());
            writer.offered.push(message);
        }
        self.event(
            now,
            &format!("publish to {to:?}: {lens:?}"),
            |session, _| {
                session.handle_publish(to);
            },
        );
    }

    /// All messages that were to be published to a side, in order.
    pub(crate) fn offered(&self, to: Side) -> &[Vec<u8>] {
        &self.writers[index(to)].offered
    }

    pub(crate) fn drain(&mut self, now: u64) {
        let close = Close::from(CloseCode::SERVICE_RESTART);
        self.event(now, "drain", |session, now| {
            session.handle_close(Cause::Drain, &close, now);
        });
    }

    pub(crate) fn cut(&mut self, now: u64) {
        self.event(now, "cut", |session, _| session.handle_cut(Cause::Shutdown));
    }

    fn time(&self, now: u64) -> Instant {
        self.epoch + Duration::from_millis(now)
    }

    fn event(&mut self, now: u64, what: &str, happen: impl FnOnce(&mut Session, Instant)) {
        self.trace.note(now, what);
        self.may_move(now);
        let time = self.time(now);
        happen(&mut self.session, time);
        self.poll(now, Side::Downstream, &[]);
    }

    fn input(&mut self, now: u64, from: Side, bytes: &[u8]) {
        self.trace
            .note(now, &format!("input {from:?} {}", bytes.len()));
        self.handed_in[index(from)] += bytes.len() as u64;
        let time = self.time(now);
        let mut rest = bytes;
        while !rest.is_empty() {
            self.may_move(now);
            let used = self.session.handle_input(from, rest, time, &mut self.tally);
            let (input, after) = rest.split_at(used);
            self.poll(now, from, input);
            rest = after;
        }
    }

    /// Lets another session go on in the place of this one, if chance says so and it can be.
    fn may_move(&mut self, now: u64) {
        let Moving::Sometimes(percent) = self.moving else {
            return;
        };
        let time = self.time(now);
        if !self.chance.chance(percent) {
            return;
        }
        let Some(frozen) = self.session.export(time) else {
            return;
        };
        self.moves += 1;
        let mut written = record::Writer::new();
        frozen.write(&mut written);
        let bytes = written.finish();
        let mut reader = record::Reader::new(&bytes);
        let read = Frozen::read(&mut reader).expect("what was written");
        reader.end().expect("nothing else");
        assert_eq!(read, frozen);
        self.session = Session::restore(read, Arc::clone(&self.policy), || 0, time);
    }

    /// Does what the session says, to its end.
    fn poll(&mut self, now: u64, from: Side, mut input: &[u8]) {
        loop {
            let output = self.session.poll_output();
            if !matches!(output, Output::Wait { .. }) {
                self.trace.note(now, &format!("  {output:?}"));
            }
            match output {
                Output::Pass { from: source, len } => {
                    assert_eq!(source, from);
                    self.write(from.other(), &input[..len]);
                    input = &input[len..];
                }
                Output::Skip { from: source, len } => {
                    assert_eq!(source, from);
                    input = &input[len..];
                }
                Output::Send { to, bytes } => {
                    if own_ping(to, &bytes).is_some() {
                        assert!(!self.writers.iter().any(|writer| writer.blocked));
                        assert_eq!(self.closing_since, None, "a Ping after a Close");
                    }
                    self.write(to, &bytes);
                }
                Output::Publish { to } => self.write_published(now, to),
                Output::Shutdown { to } => {
                    let fin = &mut self.writers[index(to)].fin;
                    assert_eq!(*fin, Fin::No, "a second FIN");
                    *fin = Fin::Due;
                }
                Output::Wait { until, reason } => {
                    assert!(input.is_empty(), "input without a plan");
                    self.wait(now, until, reason);
                    return;
                }
                Output::Finished(outcome) => {
                    assert!(self.outcome.is_none_or(|before| before == outcome));
                    self.outcome = Some(outcome);
                    self.closing_since.get_or_insert(now);
                    return;
                }
            }
        }
    }

    fn wait(&mut self, now: u64, until: Option<Instant>, reason: WaitReason) {
        self.until = until;
        if matches!(reason, WaitReason::Close | WaitReason::Eof) {
            assert!(until.is_some(), "an end that may take for ever");
            self.closing_since.get_or_insert(now);
        }
    }

    fn write(&mut self, to: Side, bytes: &[u8]) {
        let writer = &mut self.writers[index(to)];
        assert_eq!(writer.fin, Fin::No, "bytes after a FIN");
        writer.unwritten.extend(bytes);
        writer.planned.extend(bytes);
        assert!(writer.unwritten.len() <= READ + SLACK, "the buffer grows");
    }

    /// One at a time; behind what is unwritten, but not behind another.
    fn write_published(&mut self, now: u64, to: Side) {
        let writer = &mut self.writers[index(to)];
        if writer.parked > 0 {
            writer.deferred = true;
            return;
        }
        let message = writer.queue.pop_front().expect("a message nobody has");
        let more = !writer.queue.is_empty();
        self.write(to, &message);
        let writer = &mut self.writers[index(to)];
        writer.parked = writer.unwritten.len();
        let time = self.time(now);
        self.session.handle_published(time);
        if more {
            self.session.handle_publish(to);
        }
    }
}
