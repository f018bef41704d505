//! How warmth grows, and when it begins.

use std::net::SocketAddr;
use std::sync::Arc;

use switchyard_config as config;
use switchyard_discovery::Stance;

use super::*;
use crate::cluster::Cluster;
use crate::endpoint::Endpoint;
use crate::health::Health;
use crate::outlier::End;
use crate::testing::{Rig, settings};

const LENGTH: Duration = Duration::from_secs(10);

fn reached(warmup: &Warmup, back: Option<Instant>, now: Instant) -> u32 {
    warmup.reached(|| back, now).get()
}

#[test]
fn it_takes_its_time_from_a_tenth_to_the_whole() {
    let warmup = Warmup::new(Some(LENGTH));
    let start = warmup.since.epoch + Duration::from_secs(100);
    assert_eq!(reached(&warmup, None, start), 1000);
    warmup.begin(start);
    for (tenths, expected) in [
        (0, 100),
        (1, 100),
        (2, 200),
        (9, 900),
        (10, 1000),
        (50, 1000),
    ] {
        let now = start + LENGTH / 10 * tenths;
        assert_eq!(reached(&warmup, None, now), expected, "{tenths}");
    }
}

#[test]
fn the_later_of_two_beginnings_counts() {
    let warmup = Warmup::new(Some(LENGTH));
    let start = warmup.since.epoch + Duration::from_secs(100);
    let back = Some(start + LENGTH / 2);
    assert_eq!(reached(&warmup, Some(start), start + LENGTH / 2), 500);
    warmup.begin(start);
    assert_eq!(reached(&warmup, back, start + LENGTH), 500);
    warmup.begin(start + LENGTH);
    assert_eq!(reached(&warmup, back, start + LENGTH), 100);
}

#[test]
fn without_a_time_it_is_warm_at_once() {
    let warmup = Warmup::new(None);
    warmup.begin(warmup.since.epoch);
    assert_eq!(
        reached(&warmup, Some(warmup.since.epoch), warmup.since.epoch),
        1000
    );
}

/// Two endpoints that start slowly, and are ejected by one bad end for a moment.
fn slow() -> Arc<Cluster> {
    let outlier = config::Outlier {
        consecutive_failures: NonZeroU32::MIN,
        close_codes: Vec::new(),
        eject_for: Duration::from_millis(1),
        max_ejected: 100,
    };
    let addresses: [SocketAddr; 2] = [1, 2].map(|port| ([127, 0, 0, 1], port).into());
    Rig::new().cluster(config::Cluster {
        slow_start: Some(Duration::from_hours(1)),
        outlier: Some(outlier),
        ..settings(&addresses)
    })
}

fn is_warm(endpoint: &Endpoint) -> bool {
    endpoint.warmth(Instant::now()) == WHOLE
}

#[test]
fn whoever_was_left_out_starts_slowly() {
    let ways_back: [fn(&Arc<Endpoint>); 4] = [
        |it| {
            it.set_health(Health::Down);
            it.set_health(Health::Up);
        },
        |it| {
            it.set_drained(true);
            it.set_drained(false);
        },
        |it| {
            it.set_stance(Stance::Leaving);
            it.set_stance(Stance::Ready);
        },
        |it| it.lease().end(End::ByEndpoint(1006)),
    ];
    for way_back in ways_back {
        let cluster = slow();
        let endpoint = &cluster.endpoints()[0];
        endpoint.set_health(Health::Up);
        endpoint.set_drained(false);
        endpoint.set_stance(Stance::Ready);
        assert!(is_warm(endpoint), "nothing was wrong with it");
        way_back(endpoint);
        assert!(!is_warm(endpoint));
        assert!(is_warm(&cluster.endpoints()[1]));
    }
}

#[test]
fn a_tenth_of_the_turns_is_for_who_starts() {
    let cluster = slow();
    cluster.endpoints()[0].warm_up();
    let firsts = (0..110).filter_map(|_| cluster.rank(None, None, 0).next());
    let to_first = firsts.filter(|it| it.endpoint.address().port() == 1);
    assert_eq!(to_first.count(), 10);
}
