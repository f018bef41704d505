//! Coming and going.

use switchyard_config as config;

use super::*;
use crate::cluster::Cluster;
use crate::ranking::Place;
use crate::testing::{Rig, settings};

fn discovered(rig: &Rig) -> Arc<Cluster> {
    starting(rig, None)
}

/// Its endpoints start so slowly.
fn starting(rig: &Rig, slow_start: Option<Duration>) -> Arc<Cluster> {
    let dns = config::Dns {
        name: "chat.internal".to_owned(),
        records: config::Records::A(9),
        resolvers: Vec::new(),
        timeout: Duration::MAX,
        min_refresh: Duration::MAX,
        max_refresh: Duration::MAX,
        retry: Duration::MAX,
        required: true,
    };
    rig.cluster(config::Cluster {
        discovery: Some(config::Discovery::Dns(dns)),
        slow_start,
        ..settings(&[])
    })
}

fn found(port: u16, stance: Stance) -> Found {
    Found {
        address: ([127, 0, 0, 1], port).into(),
        name: None,
        weight: NonZeroU32::MIN,
        zone: None,
        stance,
    }
}

fn ready(ports: &[u16]) -> Vec<Found> {
    ports
        .iter()
        .map(|port| found(*port, Stance::Ready))
        .collect()
}

fn ports(endpoints: &[Arc<Endpoint>]) -> Vec<u16> {
    endpoints.iter().map(|it| it.address().port()).collect()
}

/// Who joined and who left.
fn changes(cluster: &Cluster, found: &[Found]) -> (Vec<u16>, Vec<u16>) {
    let changes = cluster.adopt(found);
    (ports(&changes.joined), ports(&changes.left))
}

#[test]
fn who_is_found_joins_and_who_is_not_leaves() {
    let rig = Rig::new();
    let cluster = discovered(&rig);
    assert!(cluster.rank(None, None, 0).next().is_none());
    assert_eq!(changes(&cluster, &ready(&[1, 2])), (vec![1, 2], vec![]));
    let stays = Arc::clone(&cluster.endpoints()[1]);
    assert_eq!(changes(&cluster, &ready(&[2, 3])), (vec![3], vec![1]));
    assert_eq!(ports(&cluster.endpoints()), [2, 3]);
    assert!(
        Arc::ptr_eq(&cluster.endpoints()[0], &stays),
        "with its state"
    );
    assert_eq!(changes(&cluster, &ready(&[2, 3])), (vec![], vec![]));
    assert_eq!(changes(&cluster, &[]), (vec![], vec![2, 3]));
    assert!(rig.counts("switchyard_cluster_endpoints{cluster=\"chat\"} 0"));
}

#[test]
fn who_is_leaving_stays_known_and_gets_no_session() {
    let cluster = discovered(&Rig::new());
    cluster.adopt(&ready(&[1, 2]));
    let leaving = [found(1, Stance::Leaving), found(2, Stance::Ready)];
    assert_eq!(changes(&cluster, &leaving), (vec![], vec![1]));
    assert_eq!(changes(&cluster, &leaving), (vec![], vec![]), "told once");
    let token = cluster.token(&cluster.endpoints()[0]).to_owned();
    let named = cluster.by_token(&token);
    let only: Vec<_> = cluster.rank(None, named.as_ref(), 7).collect();
    assert_eq!(only.len(), 1);
    assert_eq!(only[0].endpoint.address().port(), 2);
    assert_eq!(only[0].place, Place::Failover);
    // Nobody else is there: it is still not asked.
    cluster.adopt(&[found(1, Stance::Leaving)]);
    assert!(cluster.rank(None, None, 7).next().is_none());
    // It has changed its mind.
    assert_eq!(changes(&cluster, &ready(&[1])), (vec![], vec![]));
    assert!(cluster.rank(None, None, 7).next().is_some());
    // Who was leaving already does not leave again.
    cluster.adopt(&[found(1, Stance::Leaving)]);
    assert_eq!(changes(&cluster, &[]), (vec![], vec![]));
}

#[test]
fn who_comes_back_to_its_sessions_is_the_same() {
    let cluster = discovered(&Rig::new());
    cluster.adopt(&ready(&[1, 2]));
    let lease = cluster.endpoints()[0].lease();
    cluster.endpoints()[0].ask_to_go();
    cluster.adopt(&ready(&[2]));
    assert_eq!(lease.endpoint().stance(), Stance::Leaving);
    assert!(lease.endpoint().asks_to_go());
    assert_eq!(changes(&cluster, &ready(&[1, 2])), (vec![1], vec![]));
    let back = &cluster.endpoints()[0];
    assert!(Arc::ptr_eq(back.standing(), lease.endpoint().standing()));
    assert_eq!((back.load(), back.stance()), (1, Stance::Ready));
    assert!(!back.asks_to_go(), "its new sessions stay");
    drop(lease);
}

#[test]
fn weights_follow() {
    let cluster = discovered(&Rig::new());
    let mut heavy = ready(&[1, 2]);
    heavy[0].weight = NonZeroU32::new(1_000_000).unwrap();
    cluster.adopt(&heavy);
    let first = |random| cluster.rank(None, None, random).next().unwrap();
    let firsts: Vec<_> = (0..6)
        .map(|random| first(random).endpoint.address().port())
        .collect();
    assert_eq!(firsts, [1; 6]);
}

#[test]
fn who_joins_others_starts_slowly() {
    let cluster = starting(&Rig::new(), Some(Duration::from_hours(1)));
    let are_warm = || {
        let endpoints = cluster.endpoints();
        let warmths = endpoints.iter().map(|it| it.warmth(Instant::now()));
        warmths.map(|it| it == WHOLE).collect::<Vec<_>>()
    };
    cluster.adopt(&ready(&[1, 2]));
    assert_eq!(are_warm(), [true, true], "somebody has to");
    cluster.adopt(&ready(&[1, 2, 3]));
    assert_eq!(are_warm(), [true, true, false]);
}
