//! What happens in a world: everybody comes, one endpoint leaves, it comes back and one more joins.
//!
//! As in the gateway, a session stays where it is until it ends or its endpoint leaves. After each
//! change the sessions turn over: each ends once and comes again, one after the other in any order.

use switchyard_balance::bounded::Bound;

use crate::chance::Chance;
use crate::ranking::Ranking;
use crate::sessions::Sessions;
use crate::world::{Balancer, World};

/// How often a turnover is looked at.
pub(crate) const LOOKS: usize = 20;

/// A world as one order leaves it.
pub(crate) struct Story {
    pub(crate) balancer: Balancer,
    /// The bound in hundredths.
    pub(crate) bound: Option<u32>,
    pub(crate) start: Skew,
    pub(crate) left: Skew,
    pub(crate) left_turned: Skew,
    /// From when they have joined until all sessions have come again.
    pub(crate) joined: Vec<Joined>,
    /// Where keys decide.
    pub(crate) moves: Option<Moves>,
}

/// The loads of the smallest and the largest endpoint, as parts of their fair shares.
#[derive(Clone, Copy)]
pub(crate) struct Skew {
    pub(crate) smallest: f64,
    pub(crate) largest: f64,
}

/// The cluster at one moment of the turnover after two have joined.
pub(crate) struct Joined {
    pub(crate) all: Skew,
    pub(crate) new: Skew,
}

/// Parts of all sessions.
pub(crate) struct Moves {
    pub(crate) away_at_start: f64,
    /// Moved by a turnover although nobody came or went.
    pub(crate) unchanged: f64,
    pub(crate) leave: Moved,
    pub(crate) join: Moved,
    pub(crate) away_at_end: f64,
    /// After one more turnover.
    pub(crate) away_later: f64,
}

/// How many sessions are elsewhere than before.
#[derive(Clone, Copy)]
pub(crate) struct Moved {
    pub(crate) all: f64,
    /// Between two endpoints of which both were there before and after.
    pub(crate) needless: f64,
}

/// Those who are there, before and after each change.
pub(crate) struct Casts<'a> {
    pub(crate) first: Ranking<'a>,
    pub(crate) fewer: Ranking<'a>,
    pub(crate) more: Ranking<'a>,
}

impl<'a> Casts<'a> {
    pub(crate) fn new(world: &'a World, balancer: Balancer) -> Self {
        let last = world.endpoints.len() - 1;
        let is_there = |id| id != last;
        Self {
            first: Ranking::new(world, balancer, is_there),
            fewer: Ranking::new(world, balancer, |id| is_there(id) && id != world.leaver),
            more: Ranking::new(world, balancer, |_| true),
        }
    }
}

/// Tells it with one order.
pub(crate) fn tell(world: &World, casts: &Casts<'_>, bound: Option<u32>) -> Story {
    let Casts { first, fewer, more } = casts;
    let mut sessions = Sessions::new(world, bound.map(Bound::from_hundredths));
    let mut chance = Chance::new(3);
    let all = world.keys.len();
    for session in 0..all {
        sessions.renew(session, first);
    }
    let start = skew(&sessions, first);
    let away_at_start = part(sessions.away(first), all);

    let unchanged = turn_over(&mut sessions, first, first, &mut chance).0;
    let before = sessions.at.clone();
    for session in chance.shuffled(all) {
        if sessions.at[session] == world.leaver {
            sessions.renew(session, fewer);
        }
    }
    let left = skew(&sessions, fewer);
    turn_over(&mut sessions, fewer, fewer, &mut chance);
    let leave = moved(&before, &sessions.at, first, fewer);
    let left_turned = skew(&sessions, fewer);

    let (join, joined) = turn_over(&mut sessions, fewer, more, &mut chance);
    let away_at_end = part(sessions.away(more), all);
    turn_over(&mut sessions, more, more, &mut chance);
    let moves = Moves {
        away_at_start,
        unchanged: unchanged.all,
        leave,
        join,
        away_at_end,
        away_later: part(sessions.away(more), all),
    };
    Story {
        balancer: first.balancer,
        bound,
        start,
        left,
        left_turned,
        joined,
        moves: first.balancer.is_keyed().then_some(moves),
    }
}

/// Each session ends and comes again; how many moved, and how it went.
fn turn_over(
    sessions: &mut Sessions<'_>,
    before: &Ranking<'_>,
    after: &Ranking<'_>,
    chance: &mut Chance,
) -> (Moved, Vec<Joined>) {
    let was_at = sessions.at.clone();
    let look = |sessions: &Sessions<'_>| Joined {
        all: skew(sessions, after),
        new: Skew::of(|id| sessions.load(id), after, |id| !before.has(id)),
    };
    let mut looks = vec![look(sessions)];
    let turns = chance.shuffled(was_at.len());
    for some in turns.chunks(was_at.len().div_ceil(LOOKS)) {
        for session in some {
            sessions.renew(*session, after);
        }
        looks.push(look(sessions));
    }
    (moved(&was_at, &sessions.at, before, after), looks)
}

fn moved(from: &[usize], to: &[usize], before: &Ranking<'_>, after: &Ranking<'_>) -> Moved {
    let pairs = || from.iter().zip(to).filter(|(from, to)| from != to);
    let needless = pairs().filter(|(from, to)| after.has(**from) && before.has(**to));
    Moved {
        all: part(pairs().count(), from.len()),
        needless: part(needless.count(), from.len()),
    }
}

/// How level the loads of those who are there are.
fn skew(sessions: &Sessions<'_>, ranking: &Ranking<'_>) -> Skew {
    Skew::of(|id| sessions.load(id), ranking, |_| true)
}

impl Skew {
    /// Of those that are meant, by the loads of all who are there.
    pub(crate) fn of(
        load: impl Fn(usize) -> u64,
        ranking: &Ranking<'_>,
        is_meant: impl Fn(usize) -> bool,
    ) -> Self {
        let all: u64 = ranking.ids.iter().map(|id| load(*id)).sum();
        let share = all as f64 / ranking.weight as f64;
        let meant = ranking.ids.iter().zip(&ranking.members);
        let meant = meant.filter(|(id, _)| is_meant(**id));
        let parts =
            meant.map(|(id, member)| load(*id) as f64 / (share * f64::from(member.weight().get())));
        let none = Self {
            smallest: f64::INFINITY,
            largest: 0.0,
        };
        parts.fold(none, |skew, part| Self {
            smallest: skew.smallest.min(part),
            largest: skew.largest.max(part),
        })
    }
}

/// A part of all.
pub(crate) fn part(some: usize, all: usize) -> f64 {
    some as f64 / all as f64
}
