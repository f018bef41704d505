//! A cluster whose slots move and whose servers die.

use std::sync::Arc;

use switchyard_bus::{Bus, Reached};
use switchyard_config::RedisServers;
use switchyard_testkit::RedisCluster;

use crate::support::{
    KEEP, Tape, channel, connected, follow, gone, publish, server, settings, start,
};

/// Enough that each server has some.
const CHANNELS: usize = 50;

fn names() -> Vec<String> {
    (0..CHANNELS).map(|i| format!("room:{i}")).collect()
}

async fn followed(cluster: &RedisCluster) -> (Bus, Arc<Tape>) {
    let seeds = cluster.addresses().into_iter().rev().map(server).collect();
    let (bus, tape) = start(settings(RedisServers::Cluster(seeds)), "a1");
    connected(&bus).await;
    for name in names() {
        bus.follow(&name.as_str().into());
    }
    follow(&bus, "last").await;
    (bus, tape)
}

/// Each channel is followed, where it is.
async fn works(bus: &Bus, tape: &Tape) {
    for name in names() {
        let reached = publish(bus, &name, &name).await;
        assert_eq!(reached, Ok(Reached::Replicas(1)), "{name}");
    }
    let mut texts = tape.texts(CHANNELS).await;
    let mut expected = names();
    texts.sort_unstable();
    expected.sort_unstable();
    assert_eq!(texts, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn channels_are_on_all_servers_and_so_is_what_they_keep() {
    let mut cluster = RedisCluster::start();
    let (bus, tape) = followed(&cluster).await;
    works(&bus, &tape).await;
    for node in &cluster.nodes()[..3] {
        assert!(node.calls("spublish") > 0);
    }
    for name in names() {
        let id = bus.append(&name, "kept".into(), KEEP).await.expect("kept");
        let (subject, _, came) = tape.take(1).await.remove(0);
        assert_eq!((subject, came), (channel(&name), Some(id)));
        let missed = bus.since(&name, Some(id), 10, KEEP).await.expect("read");
        assert!(!missed.has_gap);
        bus.unfollow(&name);
    }
    let nodes = &cluster.nodes()[..3];
    let count = || -> usize {
        let channels = nodes
            .iter()
            .map(|node| node.ask(&["PUBSUB", "SHARDCHANNELS"]));
        channels
            .map(|list| list.as_array().expect("a list").len())
            .sum()
    };
    switchyard_testkit::eventually("them to be unfollowed", || (count() == 3).then_some(()));
    assert_eq!(tape.state().resumed, 0, "none was unfollowed unasked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_that_moves_is_followed_to_its_new_server() {
    let cluster = RedisCluster::start();
    let (bus, tape) = followed(&cluster).await;
    let slot = cluster.slot("switchyard:channel:room:0");
    cluster.move_slot(slot, (cluster.home(slot) + 1) % 3);
    tape.wait("the end of the gap", |state| state.resumed > 0)
        .await;
    connected(&bus).await;
    works(&bus, &tape).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_takes_the_place_of_its_master() {
    let mut cluster = RedisCluster::start();
    let (bus, tape) = followed(&cluster).await;
    cluster.nodes()[0].kill();
    gone(&bus).await;
    connected(&bus).await;
    works(&bus, &tape).await;
    assert!(cluster.nodes()[3].calls("spublish") > 0);
    assert_eq!(tape.state().resumed, 1);
}
