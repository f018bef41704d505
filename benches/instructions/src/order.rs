//! Which endpoint gets a session: the balancers' inner loops.

use std::hint::black_box;
use std::num::NonZeroU32;

use switchyard_balance::{HashKey, Member, rendezvous};

use crate::Case;

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new("affinity of a value", 2000, |times| {
            for _ in 0..times {
                black_box(HashKey::PUBLIC.affinity("path:room", black_box(b"room-4711")));
            }
        }),
        first("owner among 5 endpoints", 1000, 5, 1),
        first("owner among 100 endpoints", 100, 100, 1),
        first("owner among 1000 endpoints", 20, 1000, 1),
        first(
            "owner among 100 endpoints of different weights",
            100,
            100,
            7,
        ),
        whole("whole order of 20 endpoints", 200, 20),
    ]
}

fn first(name: &'static str, times: u32, count: u32, weights: u32) -> Case {
    Case::new(name, times, move |times| {
        let members = members(count, weights);
        let affinity = HashKey::PUBLIC.affinity("path:room", b"room-4711");
        for _ in 0..times {
            black_box(rendezvous::order(&HashKey::PUBLIC, affinity, black_box(&members)).next());
        }
    })
}

fn whole(name: &'static str, times: u32, count: u32) -> Case {
    Case::new(name, times, move |times| {
        let members = members(count, 1);
        let affinity = HashKey::PUBLIC.affinity("path:room", b"room-4711");
        for _ in 0..times {
            black_box(
                rendezvous::order(&HashKey::PUBLIC, affinity, black_box(&members)).sum::<usize>(),
            );
        }
    })
}

/// Endpoints whose weights go from 1 to `weights`, again and again.
fn members(count: u32, weights: u32) -> Vec<Member> {
    (0..count)
        .map(|number| {
            let weight = NonZeroU32::MIN.saturating_add(number % weights);
            Member::new(&HashKey::PUBLIC, &format!("10.0.0.{number}:9000"), weight)
        })
        .collect()
}
