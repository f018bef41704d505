//! The session: whatever the peers, the clock and the caller do, and however the input is cut,
//! out is in plus the gateway's own frames, in order, and the session ends.
//!
//! The input is a list of steps. It is played three times, with the peers' bytes cut differently,
//! and the three plays must look the same to the peers.

mod laws;
mod play;
mod step;

use std::time::Duration;

use switchyard_proto::CloseCode;
use switchyard_proto::handshake::Deflate;
use switchyard_proto::session::{Lifetime, Pings, Policy};

use super::bytes::Bytes;
use play::{Cut, Play};
use step::Step;

const PINGS: Pings = Pings {
    interval: Duration::from_secs(59),
    timeout: Duration::from_secs(5),
};

/// More steps than this say nothing new.
const MOST_STEPS: usize = 64;

/// Input: the policy, then steps.
pub fn session(data: &[u8]) {
    let mut input = Bytes::new(data);
    let (deflate, pings) = input.pick(&[
        (Deflate::Off, None),
        (Deflate::On, None),
        (Deflate::Off, Some(PINGS)),
        (Deflate::On, Some(PINGS)),
    ]);
    let policy = policy(pings, &mut input);
    let mut steps = Vec::new();
    while !input.is_empty() && steps.len() < MOST_STEPS {
        steps.push(Step::read(&mut input));
    }
    let [whole, fine, coarse] =
        [Cut::Whole, Cut::Fine, Cut::Coarse].map(|cut| Play::run(&policy, deflate, &steps, cut));
    assert_eq!(whole, fine, "cut into single bytes");
    assert_eq!(whole, coarse, "cut into pieces");
}

fn policy(pings: Option<Pings>, input: &mut Bytes<'_>) -> Policy {
    Policy {
        max_frame: input.pick(&[None, Some(0), Some(7), Some(126), Some(65_536)]),
        max_message: input.pick(&[None, Some(0), Some(9), Some(1_000), Some(65_536)]),
        idle_timeout: input.pick(&[
            None,
            Some(Duration::from_mins(1)),
            Some(Duration::from_millis(1)),
        ]),
        pings,
        max_lifetime: pings.is_some().then(|| Lifetime {
            after: Duration::from_hours(1),
            jitter: Duration::ZERO,
            close: CloseCode::GOING_AWAY.into(),
        }),
        close_timeout: input.pick(&[Duration::from_secs(5), Duration::from_millis(1)]),
    }
}
