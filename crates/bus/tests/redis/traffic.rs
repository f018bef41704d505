//! What is published comes, in order, to those who follow it.

use std::sync::{Arc, Condvar, Mutex};

use arcstr::ArcStr;
use bytes::Bytes;
use switchyard_bus::{Bus, MessageId, Reached, Sink, Subject};
use switchyard_config as config;
use switchyard_config::RedisServers;
use switchyard_testkit::{Redis, eventually};

use crate::support::{channel, connected, follow, one, publish, server, settings};

#[tokio::test(flavor = "multi_thread")]
async fn many_messages_come_in_order_to_all_who_follow() {
    let redis = Redis::start(&[]);
    let (first, first_tape) = one(redis.address(), "a1").await;
    let (second, second_tape) = one(redis.address(), "b2").await;
    for bus in [&first, &second] {
        follow(bus, "room").await;
    }
    let texts: Vec<String> = (0..10_000).map(|i| i.to_string()).collect();
    for text in &texts {
        let reached = publish(&first, "room", text).await;
        assert_eq!(reached, Ok(Reached::Replicas(2)));
    }
    assert!(first_tape.texts(10_000).await == texts);
    assert!(second_tape.texts(10_000).await == texts);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_followed_comes() {
    let redis = Redis::start(&[]);
    let (bus, tape) = one(redis.address(), "a1").await;
    follow(&bus, "mine").await;
    let payload = Bytes::from_static(b"\x00\xff");
    for (subject, receivers) in [
        (channel("theirs"), 0),
        (Subject::Replica("b2".into()), 0),
        (Subject::Events, 0),
        (Subject::Replica("a1".into()), 1),
        (Subject::Replicas, 1),
        (channel("mine"), 1),
    ] {
        let reached = bus.publish(&subject, payload.clone()).await;
        assert_eq!(reached, Ok(Reached::Replicas(receivers)), "{subject:?}");
    }
    // One that knows nothing of us.
    redis.ask(&["PUBLISH", "other:channel:mine", "x"]);
    redis.ask(&["PUBLISH", "switchyard:channel:mine", "native"]);
    let expected = [
        (Subject::Replica("a1".into()), payload.clone(), None),
        (Subject::Replicas, payload.clone(), None),
        (channel("mine"), payload, None),
        (channel("mine"), "native".into(), None),
    ];
    assert_eq!(tape.take(4).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn churn_makes_few_commands() {
    let redis = Redis::start(&[]);
    let (bus, _tape) = one(redis.address(), "a1").await;
    redis.ask(&["CONFIG", "RESETSTAT"]);
    let names: Vec<ArcStr> = (0..1000).map(|i| i.to_string().into()).collect();
    for name in &names {
        bus.follow(name);
    }
    follow(&bus, "last").await;
    let followed = || {
        let channels = redis.ask(&["PUBSUB", "CHANNELS"]);
        channels.as_array().expect("a list").len()
    };
    assert_eq!(followed(), 1003, "with those of the replica");
    for _ in 0..10 {
        for name in &names {
            bus.unfollow(name);
            bus.follow(name);
        }
    }
    for name in &names {
        bus.unfollow(name);
    }
    eventually("all to be unfollowed", || (followed() == 3).then_some(()));
    assert!(
        redis.calls("subscribe") <= 3,
        "{}",
        redis.calls("subscribe")
    );
    assert!(
        redis.calls("unsubscribe") <= 3,
        "{}",
        redis.calls("unsubscribe")
    );
}

/// A sink that takes nothing until it is let.
#[derive(Default)]
struct Dam {
    is_open: Mutex<bool>,
    opened: Condvar,
    received: Mutex<u64>,
    overrun: Mutex<u64>,
}

impl Sink for Dam {
    fn receive(&self, _: Subject, _: Bytes, _: Option<MessageId>) {
        tokio::task::block_in_place(|| {
            let is_open = self.is_open.lock().expect("no panic");
            drop(self.opened.wait_while(is_open, |is_open| !*is_open));
        });
        *self.received.lock().expect("no panic") += 1;
    }

    fn resumed(&self) {}

    fn overrun(&self, messages: u64) {
        *self.overrun.lock().expect("no panic") += messages;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_comes_too_fast_is_counted() {
    const SENT: u64 = 20_000;
    let redis = Redis::start(&[]);
    let dam = Arc::new(Dam::default());
    let sink: Arc<dyn Sink> = Arc::<Dam>::clone(&dam);
    let servers = RedisServers::One(server(redis.address()));
    let bus = Bus::start(&config::Bus::Redis(settings(servers)), "a1", sink);
    let bus = bus.expect("good settings");
    connected(&bus).await;
    follow(&bus, "room").await;
    for _ in 0..SENT {
        let reached = publish(&bus, "room", "x").await;
        assert_eq!(reached, Ok(Reached::Replicas(1)));
    }
    *dam.is_open.lock().expect("no panic") = true;
    dam.opened.notify_all();
    eventually("each to be received or counted", || {
        let received = *dam.received.lock().expect("no panic");
        let overrun = *dam.overrun.lock().expect("no panic");
        (received + overrun == SENT && overrun > 0).then_some(())
    });
}
