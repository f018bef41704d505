use super::*;
use crate::testing::{
    affinities, assert_shares, is_permutation, key, listed_and_shuffled, members, weights,
};
use proptest::prelude::*;

fn small(members: &[Member]) -> Table {
    Table::with_slots(&key(), members, 1009)
}

fn owners(table: &Table, count: u32) -> Vec<usize> {
    affinities(count)
        .map(|affinity| table.order(&key(), affinity).next().expect("an owner"))
        .collect()
}

#[test]
fn owners_never_change() {
    let table = Table::new(&key(), &members(&[1, 1, 2, 4, 8]));
    assert_eq!(table.slots.len(), 65_537);
    assert_eq!(
        owners(&table, 16),
        [4, 4, 4, 3, 4, 3, 4, 4, 1, 4, 0, 4, 4, 1, 4, 3]
    );
}

#[test]
fn sizes_are_prime_and_grow_with_the_cluster() {
    for size in SIZES {
        let mut divisors = (2..).take_while(|divisor| divisor * divisor <= size);
        assert!(
            !divisors.any(|divisor| size.is_multiple_of(divisor)),
            "{size}"
        );
    }
    for (members, size) in [
        (0, 65_537),
        (655, 65_537),
        (656, 655_373),
        (6_553, 655_373),
        (6_554, 6_553_733),
        (usize::MAX, 6_553_733),
    ] {
        assert_eq!(size_for(members), size, "{members}");
    }
}

#[test]
fn in_a_large_cluster_few_keys_of_the_others_move() {
    let before = members(&vec![1; 1_000]);
    let after = &before[..999];
    let (before, after) = (Table::new(&key(), &before), Table::new(&key(), after));
    let owners = owners(&before, 20_000)
        .into_iter()
        .zip(owners(&after, 20_000));
    let moved = owners.filter(|(before, after)| *before != 999 && before != after);
    let moved = moved.count();
    assert!(moved < 400, "{moved} of 20,000 moved without need");
}

#[test]
fn slots_and_owners_follow_weights() {
    let weights = [1, 1, 2, 4, 8, 100];
    let table = Table::new(&key(), &members(&weights));
    let mut owned = [0; 6];
    for owner in owners(&table, 40_000) {
        owned[owner] += 1;
    }
    assert_shares(&owned, &weights);
    let slots = |index| table.slots.iter().filter(|slot| **slot == index).count();
    // Nearly as exactly as whole slots can: the last round of turns is not a whole one.
    for (index, weight) in (0..).zip(weights) {
        let share = 65_537 * usize::try_from(weight).expect("small") / 116;
        assert!(slots(index).abs_diff(share) <= weights.len(), "{index}");
    }
}

#[test]
fn heirs_follow_weights() {
    let weights = [1, 2, 3, 4];
    let members = members(&weights);
    let table = Table::new(&key(), &members);
    let mut inherited = [0; 3];
    for affinity in affinities(40_000) {
        let mut order = table.order(&key(), affinity);
        if order.next() == Some(3) {
            inherited[order.next().expect("an heir")] += 1;
        }
    }
    assert_shares(&inherited, &weights[..3]);
}

#[test]
fn few_keys_of_the_others_move() {
    let before = members(&[1; 20]);
    let mut after = before.clone();
    after.pop();
    let (before, after) = (Table::new(&key(), &before), Table::new(&key(), &after));
    let moved = owners(&before, 100_000)
        .into_iter()
        .zip(owners(&after, 100_000))
        .filter(|(before, after)| *before != 19 && before != after)
        .count();
    assert!(moved < 1000, "{moved} of 100,000 moved without need");
    assert!(moved > 0, "rendezvous would do that, and not this table");
}

#[test]
fn nobody_owns_nothing() {
    let affinity = key().affinity("", b"a");
    assert_eq!(Table::new(&key(), &[]).order(&key(), affinity).next(), None);
    let alone = Table::new(&key(), &members(&[u32::MAX]));
    assert_eq!(alone.order(&key(), affinity).collect::<Vec<_>>(), [0]);
}

proptest! {
    #[test]
    fn every_order_is_a_permutation(weights in weights(), value: [u8; 4]) {
        let table = small(&members(&weights));
        let order: Vec<_> = table.order(&key(), key().affinity("", &value)).collect();
        prop_assert!(is_permutation(&order, weights.len()));
    }

    #[test]
    fn how_members_are_listed_does_not_matter(
        (listed, shuffled) in listed_and_shuffled(),
        value: [u8; 4],
    ) {
        let affinity = key().affinity("", &value);
        let with_slots = |members: &[Member]| -> Vec<Member> {
            let table = small(members);
            let order = table.order(&key(), affinity).map(|index| members[index]);
            // Who has no slot comes last, as listed.
            let has_slot = |member: &Member| {
                table.slots.iter().any(|slot| members[*slot as usize] == *member)
            };
            order.filter(has_slot).collect()
        };
        prop_assert_eq!(with_slots(&listed), with_slots(&shuffled));
    }
}
