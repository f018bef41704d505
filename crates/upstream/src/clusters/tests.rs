//! A configuration after the other.

use std::num::NonZeroU32;

use switchyard_config::{Balancer, OnRemoved};
use switchyard_discovery::Stance;
use tokio::sync::mpsc;

use super::*;
use crate::health::Health;
use crate::testing::{Rig, settings, within};

const A: ([u8; 4], u16) = ([127, 0, 0, 1], 1);
const B: ([u8; 4], u16) = ([127, 0, 0, 1], 2);

fn at(endpoints: &[([u8; 4], u16)]) -> config::Cluster {
    let addresses: Vec<_> = endpoints.iter().map(|at| (*at).into()).collect();
    settings(&addresses)
}

fn make(rig: &Rig, settings: &config::Cluster, former: &Clusters) -> Clusters {
    let settings = std::slice::from_ref(settings);
    Clusters::new(settings, &HashKey::PUBLIC, &rig.metrics, former).expect("no files to read")
}

fn chat(clusters: &Clusters) -> &Arc<Cluster> {
    clusters.get("chat").expect("it is there")
}

fn ports(cluster: &Cluster) -> Vec<u16> {
    let endpoints = cluster.endpoints();
    endpoints.iter().map(|it| it.address().port()).collect()
}

/// What is told of clusters and their endpoints.
fn series(rig: &Rig) -> Vec<String> {
    let text = rig.metrics.render().expect("rendered");
    let lines = text.lines().filter(|line| line.contains("{cluster="));
    lines.map(ToOwned::to_owned).collect()
}

#[tokio::test]
async fn the_same_settings_are_the_same_cluster() {
    let rig = Rig::new();
    let (departures, _told) = mpsc::channel(1);
    let first = make(&rig, &at(&[A]), &Clusters::default());
    assert_eq!(
        first
            .start(&Clusters::default(), &rig.tasks, &departures)
            .len(),
        1
    );
    let second = make(&rig, &at(&[A]), &first);
    assert!(Arc::ptr_eq(chat(&first), chat(&second)));
    assert!(second.start(&first, &rig.tasks, &departures).is_empty());
    let other = Clusters::new(
        &[at(&[A])],
        &HashKey::derive(b"secret"),
        &rig.metrics,
        &first,
    );
    assert!(!Arc::ptr_eq(chat(&first), chat(&other.expect("no files"))));
}

#[tokio::test]
async fn an_endpoint_keeps_its_standing_under_other_settings() {
    let rig = Rig::new();
    let (departures, _told) = mpsc::channel(1);
    let first = make(&rig, &at(&[A]), &Clusters::default());
    first.start(&Clusters::default(), &rig.tasks, &departures);
    let was = Arc::clone(&chat(&first).endpoints()[0]);
    let lease = was.lease();
    was.set_health(Health::Down);
    chat(&first).drain(was.name(), OnRemoved::Keep);
    let next = config::Cluster {
        balancer: Balancer::LeastSessions,
        max_sessions_per_endpoint: NonZeroU32::new(5),
        ..at(&[A])
    };
    let second = make(&rig, &next, &first);
    second.start(&first, &rig.tasks, &departures);
    let is = Arc::clone(&chat(&second).endpoints()[0]);
    assert_eq!((is.load(), is.load_of_all()), (1, 1));
    assert_eq!(is.health(), Health::Down);
    assert!(is.is_drained());
    drop(lease);
    assert_eq!((is.load(), is.load_of_all()), (0, 0));
}

#[tokio::test]
async fn nothing_comes_of_settings_that_are_not_used() {
    let rig = Rig::new();
    let (departures, mut told) = mpsc::channel(1);
    let first = make(&rig, &at(&[A]), &Clusters::default());
    first.start(&Clusters::default(), &rig.tasks, &departures);
    let before = series(&rig);
    drop(make(&rig, &at(&[B]), &first));
    assert_eq!(ports(chat(&first)), [1]);
    assert_eq!(chat(&first).endpoints()[0].stance(), Stance::Ready);
    assert!(told.try_recv().is_err());
    assert_eq!(series(&rig), before);
}

#[tokio::test]
async fn who_is_written_out_no_more_departs_and_may_come_back() {
    let rig = Rig::new();
    let (departures, mut told) = mpsc::channel(1);
    let first = make(&rig, &at(&[A]), &Clusters::default());
    first.start(&Clusters::default(), &rig.tasks, &departures);
    let gone = Arc::clone(&chat(&first).endpoints()[0]);
    let _lease = gone.lease();
    let second = make(&rig, &at(&[B]), &first);
    second.start(&first, &rig.tasks, &departures);
    let departure = within(told.recv()).await.expect("somebody left");
    assert_eq!(departure.endpoint.name(), gone.name());
    assert_eq!(ports(chat(&second)), [2]);
    assert!(gone.asks_to_go());
    let third = make(&rig, &at(&[B, A]), &second);
    third.start(&second, &rig.tasks, &departures);
    let cluster = Arc::clone(chat(&third));
    within(async {
        while ports(&cluster).len() < 2 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(!gone.asks_to_go());
    assert_eq!(cluster.endpoints()[1].load(), 1);
}

#[tokio::test]
async fn what_was_done_for_a_cluster_ends_with_it() {
    let rig = Rig::new();
    let (departures, _told) = mpsc::channel(1);
    let probed = config::Cluster {
        health: Some(config::Health {
            probe: config::Probe::Tcp,
            interval: std::time::Duration::from_hours(1),
            timeout: std::time::Duration::from_secs(1),
            unhealthy_after: NonZeroU32::MIN,
            healthy_after: NonZeroU32::MIN,
        }),
        ..at(&[A])
    };
    let first = make(&rig, &probed, &Clusters::default());
    first.start(&Clusters::default(), &rig.tasks, &departures);
    assert!(!rig.tasks.is_empty());
    let second = Clusters::default();
    second.start(&first, &rig.tasks, &departures);
    within(rig.tasks.finished()).await;
}

fn looked_up(is_required: bool) -> config::Cluster {
    let service = config::Kubernetes {
        namespace: None,
        service: "chat".into(),
        port: config::ServicePort::Number(9),
        kubeconfig: Some("/nowhere".into()),
        context: None,
        required: is_required,
    };
    config::Cluster {
        discovery: Some(config::Discovery::Kubernetes(service)),
        ..at(&[])
    }
}

#[tokio::test]
async fn an_answer_is_waited_for_until_it_is_given_or_nobody_has_to_give_it() {
    let rig = Rig::new();
    let (departures, _told) = mpsc::channel(1);
    let none = Clusters::default();
    let start = |clusters: &Clusters, former: &Clusters| {
        clusters.start(former, &rig.tasks, &departures);
    };
    for settings in [at(&[A]), looked_up(false)] {
        let clusters = make(&rig, &settings, &none);
        assert!(chat(&clusters).first_answer().is_given());
    }
    let asked = || {
        let clusters = make(&rig, &looked_up(true), &none);
        start(&clusters, &none);
        let answer = chat(&clusters).first_answer().clone();
        assert!(!answer.is_given());
        (clusters, answer)
    };
    // It is the same for whatever comes in the cluster's place, once that is in use.
    for settings in [at(&[A]), looked_up(false)] {
        let (clusters, answer) = asked();
        let next = make(&rig, &settings, &clusters);
        assert!(!answer.is_given());
        start(&next, &clusters);
        assert!(answer.is_given());
        // And is not taken back.
        let last = make(&rig, &looked_up(true), &next);
        start(&last, &next);
        assert!(chat(&last).first_answer().is_given());
    }
    let (clusters, answer) = asked();
    start(&none, &clusters);
    assert!(answer.is_given());
}
