//! All live sessions of a cluster: where each is, and where the next goes.

use switchyard_balance::bounded::Bound;
use switchyard_balance::{least_sessions, random, round_robin};

use crate::chance::Chance;
use crate::ranking::Ranking;
use crate::world::{Balancer, World};

/// Where a session is that is not.
const NOWHERE: usize = usize::MAX;

/// The sessions of a world.
pub(crate) struct Sessions<'a> {
    world: &'a World,
    bound: Option<Bound>,
    /// The endpoint of each session.
    pub(crate) at: Vec<usize>,
    loads: Vec<u64>,
    live: u64,
    /// What decides where keys do not.
    moment: Chance,
    turn: u64,
}

impl<'a> Sessions<'a> {
    /// A cluster that nobody is connected to.
    pub(crate) fn new(world: &'a World, bound: Option<Bound>) -> Self {
        Self {
            world,
            bound,
            at: vec![NOWHERE; world.keys.len()],
            loads: vec![0; world.endpoints.len()],
            live: 0,
            moment: Chance::new(2),
            turn: 0,
        }
    }

    /// The session ends if there is one, and comes again.
    pub(crate) fn renew(&mut self, session: usize, ranking: &Ranking<'_>) {
        let before = self.at[session];
        if before != NOWHERE {
            self.loads[before] -= 1;
            self.live -= 1;
        }
        let endpoint = ranking.ids[self.choose(self.world.keys[session] as usize, ranking)];
        self.at[session] = endpoint;
        self.loads[endpoint] += 1;
        self.live += 1;
    }

    /// How many sessions the endpoint has.
    pub(crate) fn load(&self, id: usize) -> u64 {
        self.loads[id]
    }

    /// How many sessions are not with the first of their key's order, where keys decide.
    pub(crate) fn away(&self, ranking: &Ranking<'_>) -> usize {
        if !ranking.balancer.is_keyed() {
            return 0;
        }
        let live = self.at.iter().zip(&self.world.keys);
        live.filter(|(at, _)| **at != NOWHERE)
            .filter(|(at, key)| ranking.ids[ranking.owner(**key as usize)] != **at)
            .count()
    }

    fn choose(&mut self, key: usize, ranking: &Ranking<'_>) -> usize {
        let members = &ranking.members;
        let moment = self.moment.number();
        let first = match ranking.balancer {
            Balancer::Rendezvous | Balancer::Maglev => ranking
                .order(key)
                .find(|index| self.has_room(*index, ranking)),
            Balancer::LeastSessions => {
                least_sessions::order(moment, members, |index| self.loads[ranking.ids[index]])
                    .next()
            }
            Balancer::RoundRobin => {
                self.turn += 1;
                round_robin::order(self.turn - 1, members).next()
            }
            Balancer::Random => random::order(moment, members).next(),
        };
        first.expect("the capacities together are more than the sessions")
    }

    fn has_room(&self, index: usize, ranking: &Ranking<'_>) -> bool {
        let weight = ranking.members[index].weight().get();
        self.bound.is_none_or(|bound| {
            self.loads[ranking.ids[index]] < bound.capacity(weight, ranking.weight, self.live)
        })
    }
}
