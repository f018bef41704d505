//! Servers that are gone, or do not answer.

use std::time::{Duration, Instant};

use switchyard_bus::{PublishError, Reached, Status, Subject};
use switchyard_testkit::NatsServer;

use crate::support::{Heard, Native, Replica, TIMEOUT, reaching};

fn channel() -> Subject {
    Subject::Channel("a".into())
}

#[tokio::test]
async fn what_was_followed_is_followed_again() {
    let mut server = NatsServer::start("");
    let native = Native::at(&server).await;
    let replica = Replica::at("a1", &server).await;
    for number in 0..100 {
        replica.bus.follow(&format!("channel-{number}").into());
    }
    replica.follow(&native, "a").await;
    // In mid-traffic.
    let publishing = async {
        loop {
            if replica.bus.publish(&channel(), "x".into()).await.is_err() {
                return;
            }
        }
    };
    let killing = async {
        let some = |heard: &Heard| heard.received.len() > 50;
        replica.tape.until("traffic", some).await;
        server.kill();
        replica.gone().await;
    };
    tokio::join!(publishing, killing);
    let asked = Instant::now();
    let published = replica.bus.publish(&channel(), "x".into()).await;
    assert_eq!(published, Err(PublishError::Unreachable));
    assert!(asked.elapsed() < Duration::from_secs(1));
    replica.bus.follow(&"while it was gone".into());
    replica.bus.unfollow("channel-7");
    assert_eq!(replica.tape.heard().resumed, 0);
    let since = *replica.bus.status().borrow();
    assert!(matches!(since, Status::Gone(_)));

    server.restart();
    replica.connected().await;
    let native = Native::at(&server).await;
    replica.tape.heard().received.clear();
    for channel in ["a", "channel-0", "channel-99", "channel-7"] {
        native.publish(channel, "again").await;
    }
    native.publish("a", "last").await;
    let came = |heard: &Heard| heard.on("a").iter().any(|text| text == "last");
    replica.tape.until("what is followed", came).await;
    assert_eq!(replica.tape.heard().received.len(), 4, "not channel-7");
    assert_eq!(replica.tape.heard().resumed, 1);
    assert_eq!(replica.bus.fault(), None);
    let published = replica.bus.publish(&channel(), "x".into()).await;
    assert_eq!(published, Ok(Reached::Unknown));
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_noticed() {
    let server = NatsServer::start("");
    let replica = Replica::at("a1", &server).await;
    server.freeze();
    let frozen = Instant::now();
    let published = replica.bus.publish(&channel(), "x".into()).await;
    // Whichever is noticed first.
    let faults = [PublishError::TimedOut, PublishError::Lost];
    assert!(published.is_err_and(|fault| faults.contains(&fault)));
    replica.gone().await;
    assert!(frozen.elapsed() < TIMEOUT * 3, "{:?}", frozen.elapsed());
    replica.fault("the connection ended").await;
    let published = replica.bus.publish(&channel(), "x".into()).await;
    assert_eq!(published, Err(PublishError::Unreachable));
    server.thaw();
    replica.connected().await;
    assert_eq!(replica.tape.heard().resumed, 1);
}

#[tokio::test]
async fn who_waits_for_a_server_that_goes_is_told() {
    let mut server = NatsServer::start("");
    let replica = Replica::at("a1", &server).await;
    server.freeze();
    let subject = channel();
    let publishing = replica.bus.publish(&subject, "x".into());
    let killing = async { server.kill() };
    let (published, ()) = tokio::join!(publishing, killing);
    assert_eq!(published, Err(PublishError::Lost));
}

#[tokio::test]
async fn another_server_takes_over() {
    let mut servers = NatsServer::cluster();
    let addresses = [servers[0].address(), servers[1].address()];
    let replica = Replica::start("a1", reaching(&addresses));
    replica.connected().await;
    // Whichever it has chosen.
    for at in [0, 1] {
        let other = Native::at(&servers[1 - at]).await;
        replica.follow(&other, "a").await;
        servers[at].kill();
        let published = |text: &'static str| other.publish("a", text);
        published("after").await;
        replica.connected().await;
        replica.followed(&other, "a").await;
        servers[at].restart();
    }
    let resumed = replica.tape.heard().resumed;
    assert!((1..=2).contains(&resumed), "{resumed}");
}

#[tokio::test]
async fn it_begins_without_a_server() {
    let mut server = NatsServer::start("");
    server.kill();
    let replica = Replica::start("a1", reaching(&[server.address()]));
    replica.bus.follow(&"a".into());
    let fault = replica.fault("refused").await;
    assert!(fault.starts_with(&server.address().to_string()), "{fault}");
    server.restart();
    replica.connected().await;
    assert_eq!(replica.tape.heard().resumed, 0);
    let native = Native::at(&server).await;
    replica.followed(&native, "a").await;
}
