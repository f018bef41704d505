use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;

use super::*;
use crate::secret::TicketSecret;

const HOUR: u64 = 60 * 60;

/// The begin of a period.
const START: u64 = 40_000 * PERIOD as u64;

struct Replica {
    tickets: Tickets,
    secrets: Arc<Secrets>,
    now: Arc<AtomicU64>,
}

impl Replica {
    fn of(secret: &[u8], listener: &str, terms: &[u8]) -> Self {
        let secrets = Arc::new(Secrets::new(TicketSecret::of(secret)));
        let now = Arc::new(AtomicU64::new(START));
        let clock = Arc::clone(&now);
        let clock = Box::new(move || clock.load(Ordering::Relaxed));
        let scope = Secrets::scope(listener, terms);
        Self {
            tickets: Tickets::new(Arc::clone(&secrets), scope, clock),
            secrets,
            now,
        }
    }

    fn new() -> Self {
        Self::of(b"a secret", "web", b"")
    }

    fn at(&self, hours: u64) -> &Self {
        self.now.store(START + hours * HOUR, Ordering::Relaxed);
        self
    }

    fn seal(&self) -> Vec<u8> {
        self.tickets.encrypt(b"plain").unwrap()
    }

    fn opens(&self, ticket: &[u8]) -> bool {
        let opened = self.tickets.decrypt(ticket);
        assert!(opened.as_ref().is_none_or(|plain| plain == b"plain"));
        opened.is_some()
    }
}

#[test]
fn a_ticket_is_opened_in_its_period_and_the_one_after() {
    let replica = Replica::new();
    let early = replica.seal();
    let late = replica.at(11).seal();
    for (hours, opens) in [(11, true), (12, true), (23, true), (24, false), (48, false)] {
        assert_eq!(replica.at(hours).opens(&early), opens, "{hours}");
        assert_eq!(replica.opens(&late), opens, "{hours}");
    }
    assert!(replica.at(0).opens(&early), "the clock was set back");
}

#[test]
fn replicas_whose_clocks_differ_a_little_agree() {
    let (one, other) = (Replica::new(), Replica::new());
    let ahead = one.at(12).seal();
    assert!(other.at(11).opens(&ahead));
    assert!(one.opens(&other.seal()));
    assert_ne!(one.seal(), one.seal());
}

#[test]
fn another_secret_listener_or_terms_make_a_ticket_worthless() {
    let replicas = [
        Replica::new(),
        Replica::of(b"another", "web", b""),
        Replica::of(b"a secret", "other", b""),
        Replica::of(b"a secret", "web", b"an authority"),
        Replica::of(b"a secret", "weban authority", b""),
    ];
    for (i, one) in replicas.iter().enumerate() {
        for (j, other) in replicas.iter().enumerate() {
            assert_eq!(one.opens(&other.seal()), i == j, "{i} {j}");
        }
    }
}

#[test]
fn a_replaced_secret_opens_for_a_period_more() {
    let (replica, stale) = (Replica::new(), Replica::new());
    let before = replica.at(11).seal();
    replica
        .secrets
        .replace(TicketSecret::of(b"another"), START + 11 * HOUR);
    assert!(replica.opens(&before));
    assert!(!stale.at(11).opens(&replica.seal()));
    // A replica that has the old one still seals with it.
    assert!(replica.at(23).opens(&stale.at(23).seal()));
    assert!(!replica.at(24).opens(&stale.at(24).seal()));
    assert!(replica.opens(&replica.seal()));
}

#[test]
fn what_would_not_fit_into_a_hello_gets_no_ticket() {
    let replica = Replica::new();
    assert!(replica.tickets.encrypt(&[0; LARGEST]).is_some());
    assert!(replica.tickets.encrypt(&[0; LARGEST + 1]).is_none());
}

proptest! {
    #[test]
    fn what_was_changed_is_not_opened(at: prop::sample::Index, bit in 0_u8..8, len: prop::sample::Index) {
        let replica = Replica::new();
        let mut ticket = replica.seal();
        prop_assert!(!replica.opens(&ticket[..len.index(ticket.len())]));
        let at = at.index(ticket.len());
        ticket[at] ^= 1_u8 << bit;
        prop_assert!(!replica.opens(&ticket));
    }

    #[test]
    fn what_others_made_up_is_not_opened(noise in prop::collection::vec(any::<u8>(), 0..300)) {
        let replica = Replica::new();
        prop_assert!(!replica.opens(&noise));
        let named = [&replica.seal()[..KEY_NAME], &noise].concat();
        prop_assert!(!replica.opens(&named));
    }

    #[test]
    fn what_was_sealed_is_opened(plain in prop::collection::vec(any::<u8>(), 0..2_000)) {
        let replica = Replica::new();
        let ticket = replica.tickets.encrypt(&plain).unwrap();
        prop_assert_eq!(replica.tickets.decrypt(&ticket), Some(plain));
    }
}
