//! The orders of all keys among those who are there at one time.
//!
//! The first few of each are kept, because every session of a key asks again; who is asked for more
//! than these is the crate itself.

use switchyard_balance::{HashKey, Member, maglev, rendezvous};

use crate::world::{Balancer, World};

/// How many of each key's order are kept.
const HEAD: usize = 4;

/// Who is there, and the orders of all keys.
pub(crate) struct Ranking<'a> {
    world: &'a World,
    pub(crate) balancer: Balancer,
    /// Who is there, by their place in the world.
    pub(crate) ids: Vec<usize>,
    pub(crate) members: Vec<Member>,
    /// The sum of their weights.
    pub(crate) weight: u64,
    table: Option<maglev::Table>,
    heads: Vec<[u32; HEAD]>,
}

impl<'a> Ranking<'a> {
    /// The ranking while those for whom `is_there` holds are there.
    pub(crate) fn new(
        world: &'a World,
        balancer: Balancer,
        is_there: impl Fn(usize) -> bool,
    ) -> Self {
        let ids: Vec<usize> = (0..world.endpoints.len())
            .filter(|id| is_there(*id))
            .collect();
        let members: Vec<Member> = ids.iter().map(|id| world.endpoints[*id]).collect();
        let weight = |member: &Member| u64::from(member.weight().get());
        let table = || maglev::Table::new(&HashKey::PUBLIC, &members);
        let mut ranking = Self {
            world,
            balancer,
            weight: members.iter().map(weight).sum(),
            table: (balancer == Balancer::Maglev).then(table),
            ids,
            members,
            heads: Vec::new(),
        };
        if balancer.is_keyed() {
            ranking.heads = (0..world.affinities.len())
                .map(|key| ranking.head(key))
                .collect();
        }
        ranking
    }

    /// Whether the endpoint is there.
    pub(crate) fn has(&self, id: usize) -> bool {
        self.ids.binary_search(&id).is_ok()
    }

    /// The first of a key's order, as an index of `ids`.
    pub(crate) fn owner(&self, key: usize) -> usize {
        self.heads[key][0] as usize
    }

    /// A key's order, as indices of `ids`.
    pub(crate) fn order(&self, key: usize) -> impl Iterator<Item = usize> {
        let kept = self.heads[key].into_iter().map(|index| index as usize);
        let rest = std::iter::once_with(move || self.computed(key).skip(HEAD)).flatten();
        kept.take(self.ids.len()).chain(rest)
    }

    fn head(&self, key: usize) -> [u32; HEAD] {
        let mut head = [0; HEAD];
        for (to, index) in head.iter_mut().zip(self.computed(key)) {
            *to = u32::try_from(index).unwrap_or(u32::MAX);
        }
        head
    }

    fn computed(&self, key: usize) -> Box<dyn Iterator<Item = usize>> {
        let affinity = self.world.affinities[key];
        match &self.table {
            Some(table) => Box::new(table.order(&HashKey::PUBLIC, affinity)),
            None => Box::new(rendezvous::order(&HashKey::PUBLIC, affinity, &self.members)),
        }
    }
}
