//! Who is passed over, and where that leads.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use switchyard_config as config;

use super::*;
use crate::outlier::End;
use crate::testing::{Rig, settings};

const RULES: Rules = Rules {
    max_sessions: None,
    bound: None,
    none_healthy: NoneHealthy::TryAll,
};

fn addresses(count: u16) -> Vec<SocketAddr> {
    (1..=count)
        .map(|port| ([127, 0, 0, 1], port).into())
        .collect()
}

/// Endpoints of which all may be ejected, each by one bad end.
fn fragile(count: u16) -> Arc<Roster> {
    let outlier = config::Outlier {
        consecutive_failures: NonZeroU32::MIN,
        close_codes: Vec::new(),
        eject_for: Duration::from_hours(1),
        max_ejected: 100,
    };
    let addresses = addresses(count);
    let cluster = Rig::new().cluster(config::Cluster {
        outlier: Some(outlier),
        ..settings(&addresses)
    });
    cluster.roster()
}

fn places(ranking: &mut Ranking) -> Vec<(u16, Place)> {
    ranking
        .map(|it| (it.endpoint.address().port(), it.place))
        .collect()
}

#[test]
fn who_is_ejected_is_passed_over() {
    let roster = fragile(3);
    roster.endpoints[0].lease().end(End::ByEndpoint(1006));
    let mut ranking = Ranking::new(Arc::clone(&roster), Box::new(0..3), None, RULES);
    let expected = [(2, Place::Failover), (3, Place::Failover)];
    assert_eq!(places(&mut ranking), expected);
    let order = Box::new(0..3);
    let mut ranking = Ranking::new(
        Arc::clone(&roster),
        order,
        Some(&roster.endpoints[0]),
        RULES,
    );
    assert_eq!(places(&mut ranking), expected);
    roster.endpoints[1].lease().end(End::ByEndpoint(1006));
    let mut ranking = Ranking::new(Arc::clone(&roster), Box::new(0..3), None, RULES);
    assert_eq!(ranking.next().unwrap().place, Place::Failover);
    roster.endpoints[2].lease().end(End::ByEndpoint(1006));
    assert!(ranking.next().is_none());
}

#[test]
fn when_all_are_ejected_all_are_tried_or_none() {
    let roster = fragile(2);
    for endpoint in &*roster.endpoints {
        endpoint.lease().end(End::ByEndpoint(1006));
    }
    let mut ranking = Ranking::new(Arc::clone(&roster), Box::new(0..2), None, RULES);
    let expected = [(1, Place::Owner), (2, Place::Failover)];
    assert_eq!(places(&mut ranking), expected);
    let rules = Rules {
        none_healthy: NoneHealthy::Refuse,
        ..RULES
    };
    let mut ranking = Ranking::new(roster, Box::new(0..2), None, rules);
    assert!(ranking.next().is_none());
    assert_eq!(ranking.nobody(), Nobody::IsHealthy);
}

#[test]
fn who_is_full_overflows_to_the_next() {
    let roster = roster(3);
    let rules = Rules {
        max_sessions: Some(1),
        ..RULES
    };
    let _one = roster.endpoints[0].lease();
    let mut ranking = Ranking::new(Arc::clone(&roster), Box::new(0..3), None, rules);
    let expected = [(2, Place::Overflow), (3, Place::Failover)];
    assert_eq!(places(&mut ranking), expected);
    let _others = [roster.endpoints[1].lease(), roster.endpoints[2].lease()];
    let mut ranking = Ranking::new(Arc::clone(&roster), Box::new(0..3), None, rules);
    assert!(ranking.next().is_none());
    assert_eq!(ranking.nobody(), Nobody::HasRoom);
    let requests = Ranking::new(roster, Box::new(0..3), None, rules).of_requests();
    assert_eq!(ports(requests), [1, 2, 3]);
}

#[tokio::test]
async fn who_has_a_full_queue_overflows_to_the_next() {
    let settings = config::Cluster {
        pending_handshakes: Some(config::PendingHandshakes {
            max: 1,
            queue: 0,
            wait: Duration::MAX,
        }),
        ..settings(&addresses(2))
    };
    let roster = Rig::new().cluster(settings).roster();
    let ranking = || Ranking::new(Arc::clone(&roster), Box::new(0..2), None, RULES);
    let _place = roster.endpoints[0].enter().await;
    assert_eq!(places(&mut ranking()), [(2, Place::Overflow)]);
    assert_eq!(ports(ranking().of_requests()), [1, 2]);
    let _other = roster.endpoints[1].enter().await;
    let mut nobody = ranking();
    assert!(nobody.next().is_none());
    assert_eq!(nobody.nobody(), Nobody::HasRoom);
}

#[test]
fn whom_there_is_no_port_for_is_passed_over() {
    let roster = roster(2);
    let endpoint = &roster.endpoints[0];
    endpoint.metrics().ports(Some(1));
    let ranking = || Ranking::new(Arc::clone(&roster), Box::new(0..2), None, RULES);
    assert_eq!(ports(ranking()), [1, 2]);
    let connection = endpoint.metrics().connected(Duration::ZERO);
    assert_eq!(places(&mut ranking()), [(2, Place::Overflow)]);
    let mut alone = Ranking::new(Arc::clone(&roster), Box::new(0..1), None, RULES);
    assert!(alone.next().is_none());
    assert_eq!(alone.nobody(), Nobody::HasPort);
    drop(connection);
    assert_eq!(ports(ranking()), [1, 2]);
}

#[test]
fn in_an_empty_cluster_nobody_exists() {
    let mut ranking = Ranking::new(Arc::default(), Box::new(0..0), None, RULES);
    assert!(ranking.next().is_none());
    assert_eq!(ranking.nobody(), Nobody::Exists);
}

fn roster(count: u16) -> Arc<Roster> {
    let addresses = addresses(count);
    Rig::new().cluster(settings(&addresses)).roster()
}

fn ports(ranking: Ranking) -> Vec<u16> {
    ranking.map(|it| it.endpoint.address().port()).collect()
}

#[test]
fn without_a_preference_the_order_stands() {
    let ranking = Ranking::new(roster(4), Box::new([2, 0, 3, 1].into_iter()), None, RULES);
    assert_eq!(ports(ranking), [3, 1, 4, 2]);
}

#[test]
fn a_preferred_endpoint_goes_first_and_comes_once() {
    let roster = roster(4);
    for (preferred, expected) in [(2, [3, 1, 4, 2]), (3, [4, 3, 1, 2]), (1, [2, 3, 1, 4])] {
        let order = Box::new([2, 0, 3, 1].into_iter());
        let ranking = Ranking::new(
            Arc::clone(&roster),
            order,
            Some(&roster.endpoints[preferred]),
            RULES,
        );
        assert_eq!(ports(ranking), expected);
    }
}

#[test]
fn a_preferred_endpoint_that_left_is_ignored() {
    let left = &roster(3).endpoints[2];
    let ranking = Ranking::new(roster(2), Box::new(0..2), Some(left), RULES);
    assert_eq!(ports(ranking), [1, 2]);
}

/// Nobody may have more than a quarter above their share.
const BOUNDED: Rules = Rules {
    bound: Some(Bound::from_hundredths(125)),
    ..RULES
};

fn bounded(roster: &Arc<Roster>, preferred: Option<&Arc<Endpoint>>) -> Ranking {
    Ranking::new(Arc::clone(roster), Box::new(0..3), preferred, BOUNDED)
}

#[test]
fn who_has_their_share_comes_last() {
    let roster = roster(3);
    let [first, second, third] = &*roster.endpoints else {
        panic!("three");
    };
    let _four = [first.lease(), first.lease(), second.lease(), third.lease()];
    // Of five sessions with the next one, a share is 1.67, and a quarter more is three.
    let expected = [
        (1, Place::Owner),
        (2, Place::Failover),
        (3, Place::Failover),
    ];
    assert_eq!(places(&mut bounded(&roster, None)), expected);
    let _fifth = first.lease();
    let expected = [
        (2, Place::Overflow),
        (3, Place::Failover),
        (1, Place::Failover),
    ];
    assert_eq!(places(&mut bounded(&roster, None)), expected);
    let requests = bounded(&roster, None).of_requests();
    assert_eq!(ports(requests), [1, 2, 3]);
    assert_eq!(ports(bounded(&roster, Some(first))), [1, 2, 3]);
    let expected = [
        (3, Place::Owner),
        (2, Place::Failover),
        (1, Place::Failover),
    ];
    assert_eq!(places(&mut bounded(&roster, Some(third))), expected);
}

#[test]
fn shares_are_among_those_that_take_sessions() {
    let roster = roster(3);
    let [first, second, third] = &*roster.endpoints else {
        panic!("three");
    };
    let _leases = [first.lease(), first.lease(), second.lease(), second.lease()];
    assert_eq!(ports(bounded(&roster, None)), [1, 2, 3]);
    let _fifth = first.lease();
    assert_eq!(ports(bounded(&roster, None)), [2, 3, 1]);
    // Of six among two a share is three.
    third.set_drained(true);
    assert_eq!(ports(bounded(&roster, None)), [1, 2]);
}

#[test]
fn who_warms_up_has_a_smaller_share() {
    let slow = config::Cluster {
        slow_start: Some(Duration::from_hours(1)),
        ..settings(&addresses(2))
    };
    let roster = Rig::new().cluster(slow).roster();
    let [first, second] = &*roster.endpoints else {
        panic!("two");
    };
    let _leases: Vec<_> = (0..10).map(|_| second.lease()).collect();
    let _one = [first.lease(), first.lease()];
    let ranking = || Ranking::new(Arc::clone(&roster), Box::new(0..2), None, BOUNDED);
    assert_eq!(ports(ranking()), [1, 2]);
    first.warm_up();
    assert_eq!(ports(ranking()), [2, 1]);
}
