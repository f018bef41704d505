//! Two peers, the network, the gateway and the clock; and what must be true of them.

use std::time::Duration;

use switchyard_proto::CloseCode;
use switchyard_proto::Side::{self, Downstream, Upstream};
use switchyard_proto::session::{Cause, Lifetime, Outcome, Pings, Policy};

use crate::frames::read;
use crate::gateway::{Gateway, LONGEST_PUBLISHED, Moving, index};
use crate::laws::{self, Limits, Written};
use crate::link::Link;
use crate::peer::{LONGEST, Peer};
use crate::rng::Rng;
use crate::trace::{Telling, Trace};

const LIMITS: Limits = Limits {
    frame: LONGEST as u64,
    message: 4 * LONGEST as u64,
};

/// In milliseconds, as all time here.
const CLOSE_TIMEOUT: u64 = 500;

/// Longer than any peer takes that goes on, however much is before the Ping on its way there.
const PONG_TIMEOUT: u64 = 1_500;

/// The longest time between two rounds.
const ROUND: u64 = 20;

/// Every session is drained by then.
const LAST_DRAIN: usize = 5_000;

/// What came of a seed.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) outcome: Outcome,
    pub(crate) trace: Vec<String>,
    pub(crate) published: usize,
    pub(crate) passed: usize,
    pub(crate) pings: usize,
    pub(crate) answers: usize,
    pub(crate) moves: usize,
}

fn pings(rng: &mut Rng) -> Pings {
    Pings {
        interval: Duration::from_millis(rng.pick(&[1, 50, 300])),
        timeout: Duration::from_millis(PONG_TIMEOUT),
    }
}

fn lifetime(rng: &mut Rng) -> Lifetime {
    Lifetime {
        after: Duration::from_millis(rng.between(300, LAST_DRAIN) as u64),
        jitter: Duration::from_millis(200),
        close: CloseCode::GOING_AWAY.into(),
    }
}

pub(crate) struct World {
    rng: Rng,
    now: u64,
    gateway: Gateway,
    peers: [Peer; 2],
    /// From each peer to the gateway.
    inbound: [Link; 2],
    /// From the gateway to each peer.
    outbound: [Link; 2],
    drain_at: u64,
    cut_at: u64,
    publishes: usize,
}

impl World {
    pub(crate) fn new(seed: u64, telling: Telling, moving: Moving) -> Self {
        let mut rng = Rng::new(seed);
        let policy = Policy {
            max_frame: Some(LIMITS.frame),
            max_message: Some(LIMITS.message),
            idle_timeout: rng.chance(20).then_some(Duration::from_millis(300)),
            pings: rng.chance(60).then(|| pings(&mut rng)),
            max_lifetime: rng.chance(10).then(|| lifetime(&mut rng)),
            close_timeout: Duration::from_millis(CLOSE_TIMEOUT),
        };
        let peers = Side::BOTH.map(|side| Peer::new(side, &mut rng));
        let mut trace = Trace::new(telling);
        let manners = peers.each_ref().map(|peer| peer.manner);
        trace.note(0, &format!("seed {seed}: {manners:?}, {policy:?}"));
        Self {
            gateway: Gateway::new(policy, trace, rng.word(), moving),
            peers,
            inbound: Side::BOTH.map(|_| Link::new(&mut rng)),
            outbound: Side::BOTH.map(|_| Link::new(&mut rng)),
            drain_at: rng.between(200, LAST_DRAIN) as u64,
            cut_at: if rng.chance(10) {
                rng.between(100, LAST_DRAIN) as u64
            } else {
                u64::MAX
            },
            publishes: rng.pick(&[0, 0, 3, 20]),
            now: 0,
            rng,
        }
    }

    pub(crate) fn run(mut self) -> Report {
        let bound = LAST_DRAIN as u64 + 2 * CLOSE_TIMEOUT + 3 * ROUND;
        while self.gateway.outcome.is_none() {
            self.now += self.rng.between(1, usize::try_from(ROUND).unwrap()) as u64;
            assert!(self.now <= bound, "not finished after {} ms", self.now);
            self.round();
        }
        self.report()
    }

    fn round(&mut self) {
        let first = self.rng.pick(&Side::BOTH);
        for side in [first, first.other()] {
            let (at, other) = (index(side), index(side.other()));
            let (now, rng) = (self.now, &mut self.rng);
            self.peers[at].step(now, &mut self.outbound[at], &mut self.inbound[at], rng);
            self.gateway.read(now, side, &mut self.inbound[at], rng);
            self.gateway.flush(now, side, &mut self.outbound[at], rng);
            self.gateway
                .flush(now, side.other(), &mut self.outbound[other], rng);
        }
        self.gateway.timers(self.now);
        self.operate();
    }

    /// What the gateway's own side does: messages, a drain, an end at once.
    fn operate(&mut self) {
        if self.rng.chance(self.publishes) {
            let (to, count) = (self.rng.pick(&Side::BOTH), self.rng.between(1, 3));
            let most = self.rng.pick(&[0, 100, LONGEST_PUBLISHED]);
            let lens: Vec<_> = (0..count).map(|_| self.rng.between(0, most)).collect();
            self.gateway.publish(self.now, to, &lens);
        }
        if self.now >= self.drain_at {
            self.drain_at = u64::MAX;
            self.gateway.drain(self.now);
        }
        if self.now >= self.cut_at {
            self.gateway.cut(self.now);
        }
    }

    fn report(mut self) -> Report {
        let outcome = self.gateway.outcome.unwrap();
        let written = Side::BOTH.map(|to| self.check_stream(to));
        self.check_time();
        self.check_counts();
        self.check_outcome(outcome, written);
        self.check_it_stays_finished(outcome);
        Report {
            outcome,
            published: written.iter().map(|written| written.published).sum(),
            passed: written.iter().map(|written| written.passed).sum(),
            pings: written.iter().map(|written| written.pings).sum(),
            answers: Side::BOTH
                .map(|from| self.gateway.counts(from).answers)
                .iter()
                .sum(),
            moves: self.gateway.moves,
            trace: self.gateway.trace.lines,
        }
    }

    fn check_stream(&self, to: Side) -> Written {
        let sent = &self.peers[index(to.other())].sent;
        let planned = self.gateway.planned(to);
        assert!(planned.starts_with(&self.peers[index(to)].received));
        self.check_published(to);
        laws::check(to, sent, planned, LIMITS)
    }

    /// Messages go whole, once and in order.
    fn check_published(&self, to: Side) {
        let (mut rest, mut offered) = (self.gateway.planned(to), self.gateway.offered(to).iter());
        while let Some(frame) = read(rest) {
            let (bytes, after) = rest.split_at(frame.len);
            if frame.is_published() {
                assert_eq!(offered.next().map(Vec::as_slice), Some(bytes));
            }
            rest = after;
        }
    }

    fn check_time(&self) {
        let since = self.gateway.closing_since.unwrap();
        let took = self.now - since;
        assert!(
            took <= 2 * CLOSE_TIMEOUT + 2 * ROUND,
            "closing took {took} ms"
        );
    }

    fn check_counts(&self) {
        for from in Side::BOTH {
            let (traffic, counts) = (
                self.gateway.session.traffic(from),
                self.gateway.counts(from),
            );
            assert_eq!(traffic.bytes, self.gateway.handed_in[index(from)]);
            assert_eq!(traffic.messages, counts.messages);
            assert_eq!(traffic.largest_message, counts.largest);
        }
    }

    fn check_outcome(&self, outcome: Outcome, written: [Written; 2]) {
        if outcome.clean {
            assert!(self.peers.iter().all(|peer| peer.said_close));
        }
        if let Cause::PingTimeout(dead) = outcome.cause {
            assert!(self.peers[index(dead)].may_seem_dead(), "{dead:?} lives");
        }
        let well = self.peers.iter().all(Peer::is_well_behaved);
        if well && outcome.cause == Cause::CloseFrame && self.cut_at == u64::MAX {
            let initiator = Side::BOTH
                .into_iter()
                .find(|side| outcome.initiator == (*side).into());
            self.check_all_arrived(initiator.unwrap(), outcome, written);
        }
    }

    /// Nothing is lost between two peers that keep to the rules, if they had the time.
    fn check_all_arrived(&self, initiator: Side, outcome: Outcome, written: [Written; 2]) {
        let to = initiator.other();
        assert_eq!(
            written[index(to)].passed,
            self.peers[index(initiator)].sent.len()
        );
        if outcome.clean {
            assert_eq!(
                written[index(initiator)].passed,
                self.peers[index(to)].sent.len()
            );
        }
    }

    fn check_it_stays_finished(&mut self, outcome: Outcome) {
        for from in [Downstream, Upstream] {
            assert!(!self.gateway.session.wants_input(from));
            self.gateway.publish(self.now, from, &[1]);
        }
        self.gateway.drain(self.now);
        self.gateway.cut(self.now);
        assert_eq!(self.gateway.outcome, Some(outcome));
    }
}
