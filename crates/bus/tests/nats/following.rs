//! What is followed comes, in order, and nothing else.

use arcstr::ArcStr;
use futures_util::StreamExt as _;
use switchyard_bus::{PublishError, Reached, Subject};
use switchyard_testkit::NatsServer;

use crate::support::{Heard, Native, Replica, pause};

fn numbers(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}

#[tokio::test]
async fn ten_thousand_messages_come_in_order() {
    let server = NatsServer::start("");
    let native = Native::at(&server).await;
    let replica = Replica::at("a1", &server).await;
    replica.follow(&native, "a").await;
    for number in numbers(0..10_000) {
        native.publish("a", number).await;
    }
    let all = |heard: &Heard| heard.received.len() == 10_000;
    replica.tape.until("all messages", all).await;
    assert_eq!(replica.tape.heard().on("a"), numbers(0..10_000));
    assert_eq!(replica.tape.heard().overrun, 0);
}

#[tokio::test]
async fn what_one_replica_publishes_comes_to_all_that_follow() {
    let server = NatsServer::start("");
    let native = Native::at(&server).await;
    let [one, other] = [
        Replica::at("a1", &server).await,
        Replica::at("b2", &server).await,
    ];
    let name = "a.*.>";
    let channel = Subject::Channel(name.into());
    for replica in [&one, &other] {
        replica.bus.follow(&name.into());
        let came = replica
            .tape
            .until("a probe", |heard| !heard.on(name).is_empty());
        let probing = async {
            loop {
                let published = one.bus.publish(&channel, "probe".into()).await;
                published.expect("it is there");
            }
        };
        tokio::select! {
            () = came => {}
            () = probing => {}
        }
    }
    // Wildcards mean nothing.
    native.publish("a.b.c", "not for us").await;
    for number in numbers(0..100) {
        let published = one.bus.publish(&channel, number.into()).await;
        assert_eq!(published, Ok(Reached::Unknown));
    }
    for replica in [&one, &other] {
        let all = |heard: &Heard| heard.on(name).contains(&"99".to_owned());
        replica.tape.until("all messages", all).await;
        let mut heard = replica.tape.heard().on(name);
        heard.retain(|text| text != "probe");
        assert_eq!(heard, numbers(0..100));
    }
}

#[tokio::test]
async fn what_nobody_follows_does_not_come() {
    let server = NatsServer::start("");
    let native = Native::at(&server).await;
    let replica = Replica::at("a1", &server).await;
    replica.follow(&native, "a").await;
    for channel in ["b", "a.b", "A", "ab"] {
        native.publish(channel, "not for us").await;
    }
    native.publish("a", "for us").await;
    let came = |heard: &Heard| !heard.received.is_empty();
    replica.tape.until("the message", came).await;
    assert_eq!(replica.tape.heard().received.len(), 1);
}

#[tokio::test]
async fn who_comes_and_goes_follows_what_it_wants_at_last() {
    let server = NatsServer::start("");
    let native = Native::at(&server).await;
    let replica = Replica::at("a1", &server).await;
    let channels: Vec<ArcStr> = numbers(0..500).into_iter().map(Into::into).collect();
    for round in 0..20 {
        for (at, channel) in channels.iter().enumerate() {
            match (at + round) % 3 {
                0 => replica.bus.unfollow(channel),
                _ => replica.bus.follow(channel),
            }
        }
        tokio::task::yield_now().await;
    }
    for channel in &channels[..250] {
        replica.bus.follow(channel);
    }
    for channel in &channels[250..] {
        replica.bus.unfollow(channel);
    }
    let each = |heard: &Heard| {
        channels[..250]
            .iter()
            .all(|channel| !heard.on(channel).is_empty())
    };
    let publishing = async {
        loop {
            for channel in &channels[..250] {
                native.publish(channel, "now").await;
            }
            pause().await;
        }
    };
    tokio::select! {
        () = replica.tape.until("each channel", each) => {}
        () = publishing => {}
    }
    // The others linger for a second, and then they do not come any more.
    let quiet = async {
        loop {
            replica.tape.heard().received.clear();
            for channel in &channels[250..] {
                native.publish(channel, "late").await;
            }
            native.publish("0", "mark").await;
            let marked = |heard: &Heard| !heard.on("0").is_empty();
            replica.tape.until("the mark", marked).await;
            if replica.tape.heard().received.len() == 1 {
                return;
            }
        }
    };
    let quiet = tokio::time::timeout(switchyard_testkit::PATIENCE, quiet).await;
    quiet.expect("what is not followed does not come");
}

#[tokio::test]
async fn a_replica_says_that_it_took_what_is_for_it() {
    let server = NatsServer::start("");
    let [one, other] = [
        Replica::at("a1", &server).await,
        Replica::at("b2", &server).await,
    ];
    let to = async |name: &str| {
        let subject = Subject::Replica(name.into());
        one.bus.publish(&subject, "hello".into()).await
    };
    assert_eq!(to("b2").await, Ok(Reached::Replicas(1)));
    assert_eq!(to("a1").await, Ok(Reached::Replicas(1)));
    assert_eq!(to("c3").await, Ok(Reached::Replicas(0)));
    let received = other.tape.heard().received.clone();
    assert_eq!(
        received,
        [(Subject::Replica("b2".into()), "hello".into(), None)]
    );
    let published = one.bus.publish(&Subject::Replicas, "all".into()).await;
    assert_eq!(published, Ok(Reached::Unknown));
    for replica in [&one, &other] {
        let came = |heard: &Heard| {
            heard
                .received
                .iter()
                .any(|(subject, ..)| *subject == Subject::Replicas)
        };
        replica.tape.until("what is for all", came).await;
    }
}

#[tokio::test]
async fn what_the_server_does_not_take_is_refused() {
    let server = NatsServer::start("max_payload: 100");
    let replica = Replica::at("a1", &server).await;
    let subject = Subject::Channel("a".into());
    let published = replica.bus.publish(&subject, vec![b'x'; 101].into()).await;
    assert!(matches!(published, Err(PublishError::Refused(why)) if why.contains("payload")));
    let published = replica.bus.publish(&subject, vec![b'x'; 100].into()).await;
    assert_eq!(published, Ok(Reached::Unknown));
}

#[tokio::test]
async fn two_processes_of_one_name_do_not_take_each_other_for_themselves() {
    let server = NatsServer::start("");
    let native = Native::at(&server).await;
    let echoes = native.0.subscribe("switchyard.echo.>").await;
    let echoes = echoes.expect("it is connected");
    native.0.flush().await.expect("it is connected");
    // As during an upgrade.
    let processes = [
        Replica::at("a1", &server).await,
        Replica::at("a1", &server).await,
    ];
    for process in &processes {
        let subject = Subject::Channel("a".into());
        let published = process.bus.publish(&subject, "x".into()).await;
        assert_eq!(published, Ok(Reached::Unknown));
    }
    let publications = echoes.filter(|echo| {
        let is_publication = echo.payload.starts_with(b"publication");
        std::future::ready(is_publication)
    });
    let both: Vec<_> = publications.take(2).collect().await;
    assert_eq!(both[0].payload, both[1].payload, "both count from 0");
    assert_ne!(both[0].subject, both[1].subject);
}
