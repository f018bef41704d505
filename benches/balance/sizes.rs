//! What Maglev's table moves when one endpoint leaves, by the size of the cluster.

use crate::ranking::Ranking;
use crate::story::part;
use crate::world::{Balancer, World};

/// Endpoints. At 656 the table is of the next size, and without one of them it is not.
const SIZES: [usize; 7] = [20, 100, 300, 655, 656, 1000, 5000];

/// A cluster before and after one has left.
pub(crate) struct Size {
    pub(crate) endpoints: usize,
    /// The part of the keys that have another owner.
    pub(crate) moved: f64,
    /// Of all keys, those whose owner was not the one that left.
    pub(crate) needless: f64,
}

/// All sizes.
pub(crate) fn sizes() -> Vec<Size> {
    SIZES.map(size).into()
}

fn size(endpoints: usize) -> Size {
    let world = World::even("", endpoints, &[Balancer::Maglev]);
    let ranking = |gone: &[usize]| {
        Ranking::new(&world, Balancer::Maglev, |id| {
            id < endpoints && !gone.contains(&id)
        })
    };
    let (before, after) = (ranking(&[]), ranking(&[world.leaver]));
    let keys = world.affinities.len();
    let owners = (0..keys).map(|key| (before.ids[before.owner(key)], after.ids[after.owner(key)]));
    let moved = || owners.clone().filter(|(from, to)| from != to);
    let needless = moved().filter(|(from, _)| *from != world.leaver);
    Size {
        endpoints,
        moved: part(moved().count(), keys),
        needless: part(needless.count(), keys),
    }
}
