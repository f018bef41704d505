//! Who would be better off elsewhere.

use switchyard_balance::HashKey;
use switchyard_config::{self as config, Balancer};

use super::*;
use crate::lease::Lease;
use crate::testing::{Rig, settings};

fn cluster(count: u16, bounded_load: Option<u32>) -> Arc<Cluster> {
    let addresses: Vec<_> = (1..=count)
        .map(|port| ([127, 0, 0, 1], port).into())
        .collect();
    Rig::new().cluster(config::Cluster {
        balancer: Balancer::Rendezvous,
        bounded_load,
        ..settings(&addresses)
    })
}

fn affinity(value: u32) -> Affinity {
    HashKey::PUBLIC.affinity("cookie", &value.to_le_bytes())
}

/// So many sessions on the endpoint at `index`.
fn sit(
    cluster: &Arc<Cluster>,
    index: usize,
    affinities: &[Option<Affinity>],
) -> (Vec<Seat>, Vec<Lease>) {
    let endpoint = &cluster.endpoints()[index];
    let seat = |affinity: &Option<Affinity>| Seat {
        endpoint: endpoint.name().clone(),
        affinity: affinity.map(Affinity::to_bits),
        is_going: false,
    };
    let seats = affinities.iter().map(seat).collect();
    (seats, affinities.iter().map(|_| endpoint.lease()).collect())
}

fn owner(cluster: &Arc<Cluster>, affinity: Affinity) -> usize {
    let ranking = cluster.rank(Some(affinity), None, 0).next();
    let port = ranking.expect("an endpoint").endpoint.address().port();
    usize::from(port) - 1
}

#[test]
fn whose_owner_is_another_is_misplaced() {
    let cluster = cluster(3, None);
    let values: Vec<_> = (0..60).map(|value| Some(affinity(value))).collect();
    let (seats, _leases) = sit(&cluster, 0, &values);
    let survey = cluster.survey(&seats, 120);
    for (value, reason) in values.iter().zip(&survey.reasons) {
        let is_at_home = owner(&cluster, value.unwrap()) == 0;
        assert_eq!(*reason, (!is_at_home).then_some(Reason::Misplaced));
    }
    let misplaced = survey.reasons.iter().flatten().count();
    assert_eq!(survey.endpoints[0].misplaced, misplaced);
    assert!(misplaced > 30, "two thirds of sixty: {misplaced}");
}

#[test]
fn who_is_above_the_share_gives_away_what_has_no_value() {
    let cluster = cluster(2, None);
    let (seats, _leases) = sit(&cluster, 0, &[None; 30]);
    let survey = cluster.survey(&seats, 120);
    // A share is 15, and a fifth more 18.
    assert_eq!(survey.endpoints[0].most, 18);
    assert_eq!(survey.endpoints[0].above, 12);
    assert_eq!(survey.endpoints[1].above, 0);
    let asked = survey.reasons.iter().flatten();
    assert_eq!(asked.count(), 12);
}

#[test]
fn whoever_would_come_back_is_left_alone() {
    let of_first = |cluster: &Arc<Cluster>| {
        let values = (0..1000).map(affinity);
        let mut values = values.filter(|value| owner(cluster, *value) == 0);
        values.next().expect("it owns one")
    };
    let popular = cluster(2, None);
    let (seats, _leases) = sit(&popular, 0, &[Some(of_first(&popular)); 30]);
    assert_eq!(popular.survey(&seats, 120).reasons, [None; 30]);
    // With a bound it would not.
    let bounded = cluster(2, Some(125));
    let (seats, _leases) = sit(&bounded, 0, &[Some(of_first(&bounded)); 30]);
    let asked = bounded.survey(&seats, 120).reasons;
    // A share is 15, and a quarter more 19: with fewer it would.
    assert_eq!(asked.iter().flatten().count(), 11);
}

#[test]
fn nobody_is_sent_where_there_is_no_room_or_nobody_else() {
    let bounded = cluster(2, Some(101));
    let of_second = |value: &u32| owner(&bounded, affinity(*value)) == 1;
    let value = (0..1000).find(of_second).map(affinity);
    let (seats, _leases) = sit(&bounded, 0, &[value; 5]);
    let (_, _full) = sit(&bounded, 1, &[value; 6]);
    // It may have six, as many as it has.
    assert_eq!(bounded.survey(&seats, 120).reasons, [None; 5]);
    let alone = cluster(1, None);
    let (seats, _leases) = sit(&alone, 0, &[None; 5]);
    assert_eq!(alone.survey(&seats, 120).reasons, [None; 5]);
}

#[test]
fn whoever_leaves_has_no_part_in_it() {
    let cluster = cluster(3, None);
    let (seats, _leases) = sit(&cluster, 0, &[None; 30]);
    cluster.endpoints()[0].set_drained(true);
    let survey = cluster.survey(&seats, 120);
    assert_eq!(survey.reasons, [None; 30]);
    assert_eq!(survey.endpoints.len(), 2);
}

#[test]
fn whoever_was_asked_before_counts_as_gone() {
    let level = cluster(2, None);
    let (mut seats, _leases) = sit(&level, 0, &[None; 30]);
    // Twelve are too many, and nine of these are on their way.
    seats[..9].iter_mut().for_each(|seat| seat.is_going = true);
    let survey = level.survey(&seats, 120);
    assert_eq!(survey.reasons[..9], [None; 9]);
    assert_eq!(survey.reasons.iter().flatten().count(), 3);
    // One has room at its owner, and it is on its way there.
    let bounded = cluster(2, Some(101));
    let of_second = |value: &u32| owner(&bounded, affinity(*value)) == 1;
    let value = (0..1000).find(of_second).map(affinity);
    let (mut seats, _leases) = sit(&bounded, 0, &[value; 5]);
    let (_, _others) = sit(&bounded, 1, &[value; 4]);
    let misplaced = |seats: &[Seat]| bounded.survey(seats, 120).endpoints[0].misplaced;
    assert_eq!(misplaced(&seats), 1);
    seats[0].is_going = true;
    assert_eq!(misplaced(&seats), 0);
}
