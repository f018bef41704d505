//! The master that the sentinels name, and its successor.

use switchyard_bus::Reached;
use switchyard_config::RedisServers;
use switchyard_testkit::{Redis, WatchedRedis};

use crate::support::{connected, fault, follow, gone, publish, server, settings, start};

fn watched(sentinel: &Redis, master: &str) -> switchyard_config::Redis {
    // One that is not there is passed over.
    let nobody = server(([127, 0, 0, 1], 1).into());
    settings(RedisServers::Sentinel {
        master: master.into(),
        sentinels: vec![nobody, server(sentinel.address())],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_successor_of_a_master_is_found() {
    let mut redis = WatchedRedis::start();
    let (bus, tape) = start(watched(&redis.sentinel, "main"), "a1");
    connected(&bus).await;
    follow(&bus, "room").await;
    assert_eq!(publish(&bus, "room", "1").await, Ok(Reached::Replicas(1)));
    assert_eq!(tape.texts(1).await, ["1"]);
    redis.master.kill();
    gone(&bus).await;
    connected(&bus).await;
    assert_eq!(publish(&bus, "room", "2").await, Ok(Reached::Replicas(1)));
    assert_eq!(tape.texts(1).await, ["2"]);
    assert_eq!(tape.state().resumed, 1);
    let stats = redis.replica.calls("publish");
    assert!(stats > 0, "it was the other one");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_that_becomes_a_replica_is_left() {
    let redis = WatchedRedis::start();
    let (bus, tape) = start(watched(&redis.sentinel, "main"), "a1");
    connected(&bus).await;
    follow(&bus, "room").await;
    // It goes on answering, and cuts nobody off.
    let new = redis.replica.address();
    let (ip, port) = (new.ip().to_string(), new.port().to_string());
    redis.replica.ask(&["REPLICAOF", "NO", "ONE"]);
    redis.master.ask(&["REPLICAOF", &ip, &port]);
    fault(&bus, "is not the master any more");
    let sentinel = &redis.sentinel;
    sentinel.ask(&["SENTINEL", "REMOVE", "main"]);
    sentinel.ask(&["SENTINEL", "MONITOR", "main", &ip, &port, "1"]);
    connected(&bus).await;
    assert_eq!(publish(&bus, "room", "1").await, Ok(Reached::Replicas(1)));
    assert_eq!(tape.texts(1).await, ["1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_that_nobody_knows_is_said() {
    let redis = WatchedRedis::start();
    let (bus, _tape) = start(watched(&redis.sentinel, "else"), "a1");
    fault(&bus, "knows no master `else`");
}
