//! What the factor of bounded load changes, and what it changes when replicas count on their own.

use switchyard_balance::bounded::Bound;

use crate::chance::Chance;
use crate::ranking::Ranking;
use crate::sessions::Sessions;
use crate::story::{Skew, part};
use crate::world::World;

/// Factors in hundredths.
const FACTORS: [u32; 12] = [101, 105, 110, 115, 125, 135, 150, 165, 175, 200, 225, 250];
const REPLICAS: [usize; 4] = [1, 2, 5, 20];

/// A world after everybody has come.
pub(crate) struct Placed {
    /// In hundredths.
    pub(crate) factor: u32,
    pub(crate) replicas: usize,
    pub(crate) skew: Skew,
    /// The part of the sessions that are not with their owner.
    pub(crate) away: f64,
}

/// One replica, and all factors.
pub(crate) fn factors(world: &World, ranking: &Ranking<'_>) -> Vec<Placed> {
    FACTORS
        .map(|factor| place(world, ranking, factor, 1))
        .into()
}

/// One factor, and several numbers of replicas.
pub(crate) fn replicas(world: &World, ranking: &Ranking<'_>) -> Vec<Placed> {
    REPLICAS
        .map(|replicas| place(world, ranking, 125, replicas))
        .into()
}

/// Each session comes through any replica, which knows its own sessions only.
fn place(world: &World, ranking: &Ranking<'_>, factor: u32, replicas: usize) -> Placed {
    let bound = Some(Bound::from_hundredths(factor));
    let mut all: Vec<_> = (0..replicas).map(|_| Sessions::new(world, bound)).collect();
    let mut chance = Chance::new(4);
    for session in 0..world.keys.len() {
        all[chance.place(replicas)].renew(session, ranking);
    }
    let load = |id| all.iter().map(|sessions| sessions.load(id)).sum();
    let away = all.iter().map(|sessions| sessions.away(ranking)).sum();
    Placed {
        factor,
        replicas,
        skew: Skew::of(load, ranking, |_| true),
        away: part(away, world.keys.len()),
    }
}
