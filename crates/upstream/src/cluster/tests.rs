//! Orders, tokens and names.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use switchyard_discovery::Stance;

use super::*;
use crate::clusters::Clusters;
use crate::testing::{Rig, settings};

const ALL: [Balancer; 5] = [
    Balancer::Maglev,
    Balancer::Rendezvous,
    Balancer::LeastSessions,
    Balancer::RoundRobin,
    Balancer::Random,
];

fn addresses(count: u16) -> Vec<SocketAddr> {
    (1..=count)
        .map(|port| ([127, 0, 0, 1], port).into())
        .collect()
}

fn cluster(balancer: Balancer, addresses: &[SocketAddr]) -> Arc<Cluster> {
    Rig::new().cluster(config::Cluster {
        balancer,
        ..settings(addresses)
    })
}

fn ports(ranking: Ranking) -> Vec<u16> {
    ranking.map(|it| it.endpoint.address().port()).collect()
}

fn affinity(value: &str) -> Affinity {
    HashKey::PUBLIC.affinity("cookie", value.as_bytes())
}

#[test]
fn every_ranking_has_every_endpoint_once() {
    for balancer in ALL {
        let cluster = cluster(balancer, &addresses(7));
        for (random, key) in [(1, None), (2, Some(affinity("a")))] {
            let ports = ports(cluster.rank(key, None, random));
            assert_eq!(ports.len(), 7);
            assert_eq!(BTreeSet::from_iter(ports), (1..=7).collect());
        }
    }
}

#[test]
fn an_affinity_value_keeps_its_order_whatever_else_happens() {
    let mut reversed = addresses(5);
    reversed.reverse();
    let clusters: Vec<_> = ALL
        .into_iter()
        .filter(|balancer| *balancer != Balancer::Maglev)
        .flat_map(|balancer| [(balancer, addresses(5)), (balancer, reversed.clone())])
        .map(|(balancer, addresses)| cluster(balancer, &addresses))
        .collect();
    for value in ["a", "b", "c", "d"] {
        let order = ports(clusters[0].rank(Some(affinity(value)), None, 0));
        for (cluster, random) in clusters.iter().zip(0..) {
            let _load = cluster.endpoints()[0].lease();
            assert_eq!(
                ports(cluster.rank(Some(affinity(value)), None, random)),
                order
            );
        }
    }
}

#[test]
fn with_maglev_the_table_of_the_endpoints_that_are_there_decides() {
    let mut addresses = addresses(5);
    let before = cluster(Balancer::Maglev, &addresses);
    addresses.reverse();
    let reversed = cluster(Balancer::Maglev, &addresses);
    let hashed = cluster(Balancer::Rendezvous, &addresses);
    let of = |cluster: &Arc<Cluster>| -> Vec<Vec<u16>> {
        let values = (0..50).map(|value| affinity(&value.to_string()));
        let order = |value| ports(cluster.rank(Some(value), None, 0));
        values.map(order).collect()
    };
    assert_eq!(of(&before), of(&reversed));
    assert_ne!(of(&before), of(&hashed));

    let found = |address: &SocketAddr| Found {
        address: *address,
        name: None,
        weight: NonZeroU32::MIN,
        zone: None,
        stance: Stance::Ready,
    };
    before.adopt(&addresses[..3].iter().map(found).collect::<Vec<_>>());
    assert_eq!(of(&before), of(&cluster(Balancer::Maglev, &addresses[..3])));
}

#[test]
fn affinity_values_spread() {
    let cluster = cluster(Balancer::Random, &addresses(5));
    let owners: BTreeSet<_> = (0..100)
        .map(|value| ports(cluster.rank(Some(affinity(&value.to_string())), None, 0))[0])
        .collect();
    assert_eq!(owners.len(), 5);
}

#[test]
fn without_a_value_chance_decides_for_random_and_the_hashed() {
    for balancer in [Balancer::Random, Balancer::Rendezvous, Balancer::Maglev] {
        let cluster = cluster(balancer, &addresses(3));
        let first = |random: u64| ports(cluster.rank(None, None, random))[0];
        assert_eq!((0..100).map(first).collect::<BTreeSet<_>>().len(), 3);
        assert_eq!(first(7), first(7));
    }
}

#[test]
fn round_robin_takes_turns() {
    let cluster = cluster(Balancer::RoundRobin, &addresses(3));
    let mut turns: Vec<_> = (0..6)
        .map(|_| ports(cluster.rank(None, None, 0))[0])
        .collect();
    assert_eq!(turns[..3], turns[3..]);
    turns.truncate(3);
    turns.sort_unstable();
    assert_eq!(turns, [1, 2, 3]);
}

#[test]
fn least_sessions_avoids_the_loaded() {
    let cluster = cluster(Balancer::LeastSessions, &addresses(2));
    let busy = cluster.endpoints()[1].lease();
    for random in 0..50 {
        assert_eq!(ports(cluster.rank(None, None, random)), [1, 2]);
    }
    drop(busy);
    let firsts = (0..50).map(|random| ports(cluster.rank(None, None, random))[0]);
    assert_eq!(firsts.collect::<BTreeSet<_>>().len(), 2);
}

#[test]
fn a_token_leads_back_to_its_endpoint() {
    let cluster = cluster(Balancer::Random, &addresses(3));
    for endpoint in cluster.endpoints().iter() {
        let token = cluster.token(endpoint);
        assert!(!token.contains("127.0.0.1"));
        let found = cluster.by_token(token).unwrap();
        assert!(Arc::ptr_eq(&found, endpoint));
        let preferred = cluster
            .rank(Some(affinity("a")), Some(&found), 0)
            .next()
            .unwrap();
        assert!(Arc::ptr_eq(&preferred.endpoint, endpoint));
    }
    for forged in ["", "127.0.0.1:1", &"0".repeat(32)] {
        assert!(cluster.by_token(forged).is_none());
    }
}

#[test]
fn a_token_is_of_one_cluster() {
    let rig = Rig::new();
    let here = rig.cluster(settings(&addresses(1)));
    let there = rig.cluster(config::Cluster {
        name: "web".into(),
        ..settings(&addresses(1))
    });
    assert!(there.by_token(here.token(&here.endpoints()[0])).is_none());
}

#[test]
fn clusters_are_found_by_name() {
    let rig = Rig::new();
    let named = |name: &str| config::Cluster {
        name: name.into(),
        ..settings(&addresses(1))
    };
    let none = Clusters::default();
    let clusters = [named("a"), named("b")];
    let clusters = Clusters::new(&clusters, &HashKey::PUBLIC, &rig.metrics, &none);
    let clusters = clusters.expect("no files to read");
    assert_eq!(&**clusters.get("b").unwrap().name(), "b");
    assert!(clusters.get("c").is_none());
    let all: BTreeSet<_> = clusters
        .iter()
        .map(|cluster| cluster.name().to_string())
        .collect();
    assert_eq!(all, ["a".to_owned(), "b".to_owned()].into());
}

#[test]
fn retries_come_on_top_of_the_first_attempt() {
    let with = |retries| {
        Rig::new()
            .cluster(config::Cluster {
                retries,
                ..settings(&addresses(1))
            })
            .attempts()
    };
    assert_eq!((with(0), with(2)), (1, 3));
    assert_eq!(with(u32::MAX), u32::MAX as usize + 1);
}

#[test]
fn debug_output_has_no_token() {
    let cluster = cluster(Balancer::Random, &addresses(1));
    let shown = format!("{cluster:?}");
    assert!(shown.contains("127.0.0.1:1"), "{shown}");
    assert!(
        !shown.contains(cluster.token(&cluster.endpoints()[0])),
        "{shown}"
    );
}

#[test]
fn a_named_endpoint_takes_no_turn_of_the_others() {
    let cluster = cluster(Balancer::RoundRobin, &addresses(3));
    let first = |named: Option<&Arc<Endpoint>>| {
        let candidate = cluster.rank(None, named, 0).next().unwrap();
        candidate.endpoint.address().port()
    };
    let turns: Vec<_> = (0..3).map(|_| first(None)).collect();
    let named = Arc::clone(&cluster.endpoints()[0]);
    let expected = named.address().port();
    for turn in turns {
        assert_eq!(first(Some(&named)), expected);
        assert_eq!(first(None), turn);
    }
}
