//! What input means for the session: what is passed on, and what ends it.
//!
//! Not here: what a frame may be (`scanner`), and what follows from an end (`ending`).

use std::time::Instant;

use super::ending::explained;
use super::output::Plan;
use super::peer::{Inbound, Outbound};
use super::traffic::{Data, Tally};
use super::{Cause, Observer, Session};
use crate::Side;
use crate::close::CloseCode;
use crate::scanner::{Scan, ScanEnd, StopAt};
use crate::violation::Violation;

impl Session {
    #[inline]
    pub(super) fn scan(
        &mut self,
        from: Side,
        bytes: &[u8],
        now: Instant,
        observer: &mut impl Observer,
    ) -> usize {
        let rules = self.policy.rules(from, self.deflate);
        let stop = self.peers.of(from.other()).stop_at();
        let peer = self.peers.of_mut(from);
        let mut tally = Tally {
            data: Data::of(&peer.scanner, bytes),
            traffic: &mut peer.traffic,
            next: observer,
        };
        let Scan { release, pass, end } = peer.scanner.scan(&rules, bytes, stop, &mut tally);
        if tally.data == Data::Seen {
            self.active = now;
        }
        let used = if end == ScanEnd::Boundary {
            pass
        } else {
            bytes.len()
        };
        self.plan = Plan::passing(from, release, pass, used - pass);
        self.scanned(from, end, now);
        used
    }

    /// Looks for the Close of a peer whose frames go nowhere.
    pub(super) fn scan_and_drop(&mut self, from: Side, bytes: &[u8], now: Instant) -> usize {
        let rules = self.policy.rules(from, self.deflate);
        let scanner = &mut self.peers.of_mut(from).scanner;
        let scan = scanner.scan(&rules, bytes, StopAt::Never, &mut ());
        self.plan = Plan::dropping(from, bytes.len());
        self.scanned(from, scan.end, now);
        bytes.len()
    }

    #[inline]
    fn scanned(&mut self, from: Side, end: ScanEnd, now: Instant) {
        match end {
            ScanEnd::Input | ScanEnd::Boundary => {}
            ScanEnd::Close(code) => self.peer_closed(from, code, now),
            ScanEnd::Refused(violation) => self.peer_refused(from, violation, now),
        }
    }

    #[cold]
    fn peer_closed(&mut self, from: Side, code: CloseCode, now: Instant) {
        self.begin(from.into(), code, Cause::CloseFrame, now);
        self.peers.of_mut(from).inbound = Inbound::Closed;
        let to = self.peers.of_mut(from.other());
        if to.outbound.is_open() {
            to.outbound = Outbound::Closed;
        }
        self.peers.settle();
    }

    #[cold]
    fn peer_refused(&mut self, from: Side, violation: Violation, now: Instant) {
        let code = violation.close_code();
        self.begin(from.into(), code, Cause::Violation(violation), now);
        self.peers.of_mut(from).inbound = Inbound::Refused;
        self.owe_both(&explained(code, violation.reason()));
        self.peers.settle();
    }
}
