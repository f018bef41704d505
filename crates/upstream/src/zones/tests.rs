//! Near before far, within what else holds.

use std::collections::BTreeSet;

use switchyard_balance::{Affinity, HashKey};
use switchyard_config::{self as config, Balancer};

use super::*;
use crate::cluster::Cluster;
use crate::endpoint::Endpoint;
use crate::testing::{Rig, settings};

/// Endpoints 1 and 2 are here, 3 to 6 elsewhere.
fn cluster(balancer: Balancer, bounded_load: Option<u32>) -> Arc<Cluster> {
    let addresses: Vec<_> = (1..=6).map(|port| ([127, 0, 0, 1], port).into()).collect();
    let mut settings = config::Cluster {
        balancer,
        bounded_load,
        prefer_zone: Some("here".into()),
        ..settings(&addresses)
    };
    for (endpoint, port) in settings.endpoints.iter_mut().zip(1..) {
        endpoint.zone = match port {
            1 | 2 => Some("here".into()),
            3 | 4 => Some("there".into()),
            _ => None,
        };
    }
    Rig::new().cluster(settings)
}

fn ports(cluster: &Arc<Cluster>, affinity: Option<Affinity>, random: u64) -> Vec<u16> {
    let ranking = cluster.rank(affinity, None, random);
    ranking.map(|it| it.endpoint.address().port()).collect()
}

fn affinity(value: u64) -> Affinity {
    HashKey::PUBLIC.affinity("cookie", &value.to_le_bytes())
}

#[test]
fn the_near_go_first_whatever_the_order() {
    for balancer in [
        Balancer::Rendezvous,
        Balancer::Maglev,
        Balancer::LeastSessions,
        Balancer::RoundRobin,
        Balancer::Random,
    ] {
        let cluster = cluster(balancer, None);
        let mut first = BTreeSet::new();
        for random in 0..40 {
            for affinity in [None, Some(affinity(random))] {
                let ports = ports(&cluster, affinity, random);
                let mut sorted = ports.clone();
                sorted[..2].sort_unstable();
                sorted[2..].sort_unstable();
                assert_eq!(sorted, [1, 2, 3, 4, 5, 6]);
                first.insert(ports[0]);
            }
        }
        assert_eq!(first.len(), 2, "both take part");
    }
}

#[test]
fn far_ones_keep_their_order() {
    let near_only = cluster(Balancer::Rendezvous, None);
    for value in 0..20 {
        let order = near_only.order_of(affinity(value), &near_only.roster());
        let all: Vec<_> = order.collect();
        let plain = switchyard_balance::rendezvous::order(
            &HashKey::PUBLIC,
            affinity(value),
            &near_only.roster().members,
        );
        let (near, far): (Vec<_>, Vec<_>) = plain.partition(|index| *index < 2);
        assert_eq!(all, [near, far].concat());
    }
}

#[test]
fn who_is_above_the_bound_gives_way_to_the_far() {
    for (balancer, affinity) in [
        (Balancer::RoundRobin, None),
        (Balancer::Rendezvous, Some(affinity(7))),
    ] {
        let cluster = cluster(balancer, Some(150));
        let _near: Vec<_> = (0..4)
            .flat_map(|_| {
                cluster.endpoints()[..2]
                    .iter()
                    .map(Endpoint::lease)
                    .collect::<Vec<_>>()
            })
            .collect();
        // Of nine a share is one and a half, and half of it more two and a quarter.
        let ports = ports(&cluster, affinity, 0);
        assert!(ports[0] > 2, "{ports:?}");
        assert!(ports[4] <= 2, "they come last: {ports:?}");
    }
}
