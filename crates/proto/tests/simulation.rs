//! Whole sessions under bad networks and bad peers, on a virtual clock.
//!
//! Two model peers of any manner, from polite to hostile, talk through a gateway that is the real
//! [`Session`](switchyard_proto::Session) and a model of its caller. The network between splits,
//! delays, fills up, half-closes and resets. Everything follows from a seed. A failing seed is
//! printed; `SWITCHYARD_SEED=n cargo test -p switchyard-proto --test simulation` plays it again and
//! tells what happens.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test may panic, and says which seed did"
)]

#[path = "support/frames.rs"]
mod frames;
#[path = "simulation/gateway.rs"]
mod gateway;
#[path = "support/laws.rs"]
mod laws;
#[path = "simulation/link.rs"]
mod link;
#[path = "simulation/peer.rs"]
mod peer;
#[path = "simulation/rng.rs"]
mod rng;
#[path = "simulation/trace.rs"]
mod trace;
#[path = "simulation/world.rs"]
mod world;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use gateway::Moving;
use trace::Telling;
use world::{Report, World};

/// Seeds of the ordinary run.
const SEEDS: u64 = 256;

/// Replays one seed if it is set.
const SEED: &str = "SWITCHYARD_SEED";

fn play(seed: u64, telling: Telling) -> Report {
    play_moving(seed, telling, Moving::Never)
}

fn play_moving(seed: u64, telling: Telling, moving: Moving) -> Report {
    let run = || World::new(seed, telling, moving).run();
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        eprintln!("failed with {SEED}={seed}");
        resume_unwind(panic)
    })
}

fn seeds() -> (Vec<u64>, Telling) {
    match std::env::var(SEED) {
        Ok(seed) => (vec![seed.parse().unwrap()], Telling::Aloud),
        Err(_) => ((0..SEEDS).collect(), Telling::Silent),
    }
}

#[test]
fn every_session_ends_in_time_and_by_the_laws() {
    let (seeds, telling) = seeds();
    let reports: Vec<_> = seeds.iter().map(|seed| play(*seed, telling)).collect();
    if telling == Telling::Silent {
        says_enough(&reports);
    }
}

#[test]
fn a_seed_tells_the_same_story_twice() {
    let (seeds, _) = seeds();
    for seed in seeds.into_iter().step_by(16) {
        let (first, second) = (play(seed, Telling::Silent), play(seed, Telling::Silent));
        assert!(first.trace == second.trace, "seed {seed} has two stories");
    }
}

/// However often it is frozen, written down, read and restored, between any two bytes.
#[test]
fn a_session_that_moves_has_the_story_of_one_that_stays() {
    let (seeds, telling) = seeds();
    let mut count = 0;
    for seed in &seeds {
        let stays = play(*seed, Telling::Silent);
        for percent in [3, 100] {
            let played = play_moving(*seed, telling, Moving::Sometimes(percent));
            assert!(played.trace == stays.trace, "seed {seed} has another story");
            assert_eq!(played.outcome, stays.outcome, "seed {seed}");
            count += played.moves;
        }
    }
    assert!(count > seeds.len() * 100, "{count} moves");
}

/// A simulation in which nothing happens proves nothing.
fn says_enough(reports: &[Report]) {
    let causes: BTreeSet<_> = reports
        .iter()
        .map(|report| report.outcome.cause.reason())
        .collect();
    let expected = [
        "close_frame",
        "drain",
        "eof",
        "expected_continuation",
        "frame_too_big",
        "idle_timeout",
        "max_lifetime",
        "message_too_big",
        "ping_timeout",
        "reserved_bits",
        "reset",
        "shutdown",
    ];
    for cause in expected {
        assert!(
            causes.contains(cause),
            "no session ended by {cause}: {causes:?}"
        );
    }
    let clean = reports.iter().filter(|report| report.outcome.clean).count();
    assert!(
        (SEEDS / 8..SEEDS * 7 / 8).contains(&(clean as u64)),
        "{clean} clean ends"
    );
    let published: usize = reports.iter().map(|report| report.published).sum();
    assert!(published as u64 > SEEDS, "{published} messages published");
    let pings: usize = reports.iter().map(|report| report.pings).sum();
    let answers: usize = reports.iter().map(|report| report.answers).sum();
    assert!(pings as u64 > SEEDS * 2, "{pings} pings");
    assert!(answers > pings / 2, "{answers} of {pings} pings answered");
    let passed: usize = reports.iter().map(|report| report.passed).sum();
    assert!(passed as u64 > SEEDS * 10_000, "{passed} bytes passed");
}
