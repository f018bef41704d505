//! What input means for the session: what is passed on, and what ends it.
//!
//! Not here: what a frame may be (`scanner`), and what follows from an end (`ending`).

use std::time::Instant;

use super::ending::explained;
use super::output::Plan;
use super::peer::{Inbound, Outbound, Publish};
use super::traffic::{Data, Tally};
use super::vigil::Watch;
use super::{Cause, Life, Observer, Session};
use crate::Side;
use crate::close::CloseCode;
use crate::scanner::{Scan, ScanEnd, StopAt};
use crate::violation::Violation;

impl Session {
    /// Input of a session with a vigil.
    #[inline(never)]
    pub(super) fn take_watched(
        &mut self,
        from: Side,
        bytes: &[u8],
        now: Instant,
        observer: &mut impl Observer,
    ) -> usize {
        let watch = match &mut self.vigil {
            None => Watch::NONE,
            Some(vigil) => vigil.heard(from, now),
        };
        self.take(from, bytes, now, watch, observer)
    }

    /// Nearly all input comes in the midst of a session and is whole messages of one frame, or the payload of a
    /// longer one, and all of it passes. That is dealt with here; other input goes on in [`scan`](Self::scan), and
    /// input at other times goes to [`take_otherwise`](Self::take_otherwise).
    ///
    /// Sessions with a vigil and those without have code of their own: what is never looked for costs
    /// the latter nothing.
    #[allow(clippy::inline_always, reason = "see above")]
    #[inline(always)]
    pub(super) fn take(
        &mut self,
        from: Side,
        bytes: &[u8],
        now: Instant,
        watch: Watch,
        observer: &mut impl Observer,
    ) -> usize {
        if watch.is_due || !self.flows_from(from) {
            return self.take_otherwise(from, bytes, now, watch, observer);
        }
        let peer = self.peers.of_mut(from);
        let rules = self.policy.rules(from, peer.deflate);
        let mut tally = Tally::new(&mut peer.traffic, Data::Unseen, observer);
        let skimmed = peer.scanner.skim(&rules, bytes, &mut tally);
        if skimmed < bytes.len() || bytes.is_empty() {
            return self.scan(from, bytes, skimmed, now, watch, observer);
        }
        peer.traffic.bytes += skimmed as u64;
        self.active = now;
        self.plan = Plan::Pass { from, len: skimmed };
        skimmed
    }

    /// Whether input passes, has no place to stop at, and the last plan is carried out. Until an end has begun all
    /// streams are open.
    #[inline]
    fn flows_from(&self, from: Side) -> bool {
        matches!(self.life, Life::Open)
            && self.plan.is_empty()
            && self.peers.of(from.other()).publish == Publish::No
    }

    /// Input that may have to stop somewhere, or go nowhere.
    #[cold]
    #[inline(never)]
    fn take_otherwise(
        &mut self,
        from: Side,
        bytes: &[u8],
        now: Instant,
        watch: Watch,
        observer: &mut impl Observer,
    ) -> usize {
        if matches!(self.life, Life::Finished(_)) {
            return bytes.len();
        }
        if !self.plan.is_empty() {
            return 0;
        }
        if self.peers.of(from).inbound != Inbound::Open {
            return self.drop_all(from, bytes);
        }
        if self.peers.of(from.other()).outbound.is_open() {
            return self.scan(from, bytes, 0, now, watch, observer);
        }
        self.scan_and_drop(from, bytes, now)
    }

    /// Scans input of which the first `skimmed` bytes pass.
    #[inline(never)]
    fn scan(
        &mut self,
        from: Side,
        bytes: &[u8],
        skimmed: usize,
        now: Instant,
        watch: Watch,
        observer: &mut impl Observer,
    ) -> usize {
        let mut stop = self.peers.of(from.other()).stop_at();
        let peer = self.peers.of_mut(from);
        let mut rules = self.policy.rules(from, peer.deflate);
        rules.awaited = watch.awaited;
        if watch.is_due {
            stop = StopAt::Frame;
        }
        let data = if skimmed > 0 {
            Data::Seen
        } else {
            Data::of(&peer.scanner, bytes)
        };
        let mut tally = Tally::new(&mut peer.traffic, data, observer);
        let scanner = &mut peer.scanner;
        let Scan { release, pass, end } =
            scanner.scan_from(skimmed, &rules, bytes, stop, &mut tally);
        if tally.data == Data::Seen {
            self.active = now;
        }
        let used = match end {
            ScanEnd::Boundary => pass,
            ScanEnd::Answered(len) => {
                self.peer_answered(from, now, observer);
                pass + usize::from(len)
            }
            ScanEnd::Input | ScanEnd::Close(_) | ScanEnd::Refused(_) => bytes.len(),
        };
        self.peers.of_mut(from).traffic.bytes += used as u64;
        self.plan = Plan::passing(from, release, pass, used - pass);
        self.scanned(from, end, now);
        used
    }

    /// Looks for the Close of a peer whose frames go nowhere.
    fn scan_and_drop(&mut self, from: Side, bytes: &[u8], now: Instant) -> usize {
        let peer = self.peers.of_mut(from);
        let rules = self.policy.rules(from, peer.deflate);
        let scan = peer.scanner.scan(&rules, bytes, StopAt::Never, &mut ());
        self.scanned(from, scan.end, now);
        self.drop_all(from, bytes)
    }

    fn drop_all(&mut self, from: Side, bytes: &[u8]) -> usize {
        self.peers.of_mut(from).traffic.bytes += bytes.len() as u64;
        self.plan = Plan::dropping(from, bytes.len());
        bytes.len()
    }

    #[inline]
    fn scanned(&mut self, from: Side, end: ScanEnd, now: Instant) {
        match end {
            ScanEnd::Input | ScanEnd::Boundary | ScanEnd::Answered(_) => {}
            ScanEnd::Close(code) => self.peer_closed(from, code, now),
            ScanEnd::Refused(violation) => self.peer_refused(from, violation, now),
        }
    }

    #[cold]
    fn peer_answered(&mut self, from: Side, now: Instant, observer: &mut impl Observer) {
        if let Some(vigil) = &mut self.vigil {
            observer.answered(from, vigil.answered(from, now));
        }
    }

    #[cold]
    fn peer_closed(&mut self, from: Side, code: CloseCode, now: Instant) {
        self.begin(from.into(), code, Cause::CloseFrame, now);
        self.tell(now, |peers| {
            peers.of_mut(from).inbound = Inbound::Closed;
            let to = peers.of_mut(from.other());
            if to.outbound.is_open() {
                to.outbound = Outbound::Closed;
            }
            peers.settle();
        });
    }

    #[cold]
    fn peer_refused(&mut self, from: Side, violation: Violation, now: Instant) {
        let code = violation.close_code();
        self.begin(from.into(), code, Cause::Violation(violation), now);
        self.peers.of_mut(from).inbound = Inbound::Refused;
        self.owe_both(&explained(code, violation.reason()), StopAt::Frame);
        self.peers.settle();
    }
}
