//! Messages all the way from the hub to the clients of sessions that run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;
use switchyard_config as config;
use switchyard_proto::frame::{Decoded, Header};
use switchyard_relay::Message;
use switchyard_telemetry::Metrics;
use tokio::io::AsyncReadExt;
use tokio::task::yield_now;

use super::*;
use crate::testing::{Running, Worker, hub, sample, settings};

const CHANNELS: [&str; 3] = ["a", "b", "c"];

fn channel(name: &str) -> ChannelName {
    ChannelName::new(name).expect("a name")
}

fn message(text: &str) -> Arc<Message> {
    Arc::new(Message::text(text, switchyard_relay::now()))
}

async fn delivered(metrics: &Metrics, count: u64) {
    while sample(metrics, "switchyard_push_delivered_total") < count {
        yield_now().await;
    }
}

/// Everything that a client has got, by message. It ends when its session has.
async fn received(session: Running, desk: &Desk) -> Vec<String> {
    let Running {
        handle, mut client, ..
    } = session;
    handle.cut(switchyard_proto::session::Cause::Shutdown);
    let mut bytes = Vec::new();
    client.read_to_end(&mut bytes).await.expect("reads");
    desk.forget(handle.info().id);
    let (mut rest, mut texts) = (&bytes[..], Vec::new());
    while let Ok(Decoded::Header(header, len)) = Header::decode(rest) {
        let end = len + usize::try_from(header.payload_len).expect("short");
        texts.push(String::from_utf8(rest[len..end].to_vec()).expect("text"));
        rest = &rest[end..];
    }
    assert!(rest.is_empty());
    texts
}

#[tokio::test(start_paused = true)]
async fn a_session_has_come_as_far_as_it_was_handed_messages() {
    let (hub, _, metrics) = hub();
    let (desk, worker) = (hub.desk(0), Worker::new(&metrics));
    let session = worker.start(1 << 20);
    let id = session.handle.info().id;
    let place = |minor| MessageId { major: 0, minor };
    let entered = hub.subscribe_held(0, &session.handle, &channel("a"));
    let (name, gate) = entered.expect("there is room").expect("it is new");
    assert_eq!(
        desk.positions_of(id),
        None,
        "it is being given what it missed"
    );
    let shard = hub.shard(0).expect("a worker");
    let now = switchyard_relay::now();
    let opened = shard.book().gates().open(id, &name, gate, place(3), now);
    assert!(opened.is_some_and(|it| it.is_ok()));
    let at = |minor| Some(vec![(name.clone(), Some(place(minor)))]);
    assert_eq!(desk.positions_of(id), at(3));
    hub.deliver_kept("a", &message("x"), None, Some(place(4)));
    assert_eq!(desk.positions_of(id), at(3), "it waits for the worker");
    worker.spawn(desk.clone().run());
    delivered(&metrics, 1).await;
    assert_eq!(desk.positions_of(id), at(4));
    desk.unsubscribe(id, "a");
    assert_eq!(desk.positions_of(id), Some(vec![]));
}

#[derive(Clone, Debug)]
enum Event {
    Subscribe(usize, usize),
    Unsubscribe(usize, usize),
    /// On a channel, and not to a session.
    Publish(usize, Option<usize>),
    /// Everything that was published gets where it goes.
    Settle,
    Yield,
}

const SESSIONS: usize = 6;

fn event() -> impl Strategy<Value = Event> {
    let pair = (0..SESSIONS, 0..CHANNELS.len());
    let exclude = proptest::option::weighted(0.3, 0..SESSIONS);
    prop_oneof![
        3 => pair.clone().prop_map(|(session, channel)| Event::Subscribe(session, channel)),
        1 => pair.prop_map(|(session, channel)| Event::Unsubscribe(session, channel)),
        6 => (0..CHANNELS.len(), exclude).prop_map(|(channel, not)| Event::Publish(channel, not)),
        1 => Just(Event::Settle),
        2 => Just(Event::Yield),
    ]
}

/// What was done, and what each session is to have got of each channel.
#[derive(Default)]
struct Expected {
    subscribed: BTreeSet<(usize, usize)>,
    published: u64,
    /// By session and channel.
    texts: BTreeMap<(usize, usize), Vec<String>>,
    deliveries: u64,
}

impl Expected {
    /// One more message on a channel; nothing is subscribed or unsubscribed before it is settled.
    fn publish(&mut self, channel: usize, exclude: Option<usize>) -> String {
        self.published += 1;
        let text = format!("{} {}", CHANNELS[channel], self.published);
        let of_channel = |it: &&(usize, usize)| it.1 == channel && exclude != Some(it.0);
        for to in self.subscribed.iter().filter(of_channel) {
            self.deliveries += 1;
            self.texts.entry(*to).or_default().push(text.clone());
        }
        text
    }
}

async fn run(events: Vec<Event>) {
    let (hub, _, metrics) = hub();
    hub.adopt(config::Push {
        queue: config::PushQueue {
            messages: 1000,
            ..settings().queue
        },
        ..settings()
    });
    let (desks, worker) = ([hub.desk(0), hub.desk(1)], Worker::new(&metrics));
    for desk in desks.clone() {
        worker.spawn(desk.run());
    }
    let sessions: Vec<_> = (0..SESSIONS).map(|_| worker.start(1 << 16)).collect();
    let desk = |session: usize| &desks[session % 2];
    let mut expected = Expected::default();
    for event in events {
        if !matches!(event, Event::Publish(..) | Event::Yield) {
            delivered(&metrics, expected.deliveries).await;
            // What is for nobody is not counted: the desks have their turns.
            for _ in 0..3 {
                yield_now().await;
            }
        }
        match event {
            Event::Subscribe(of, to) => {
                let (handle, name) = (&sessions[of].handle, channel(CHANNELS[to]));
                desk(of).subscribe(handle, &name).expect("three channels");
                expected.subscribed.insert((of, to));
            }
            Event::Unsubscribe(of, to) => {
                let id = sessions[of].handle.info().id;
                desk(of).unsubscribe(id, CHANNELS[to]);
                expected.subscribed.remove(&(of, to));
            }
            Event::Publish(to, exclude) => {
                let text = expected.publish(to, exclude);
                let exclude = exclude.map(|of| sessions[of].handle.info().id);
                hub.deliver(CHANNELS[to], &message(&text), exclude);
            }
            Event::Settle => {}
            Event::Yield => yield_now().await,
        }
    }
    delivered(&metrics, expected.deliveries).await;
    for (index, session) in sessions.into_iter().enumerate() {
        let texts = received(session, desk(index)).await;
        let mut all = 0;
        for (to, name) in CHANNELS.iter().enumerate() {
            let of_channel = texts.iter().filter(|text| text.starts_with(name));
            let of_channel: Vec<_> = of_channel.cloned().collect();
            let expected = expected.texts.remove(&(index, to)).unwrap_or_default();
            assert_eq!(of_channel, expected);
            all += of_channel.len();
        }
        assert_eq!(all, texts.len());
    }
    assert!(hub.channels("", None, 10).is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn each_subscriber_gets_each_message_once_and_in_order(
        events in proptest::collection::vec(event(), 1..80),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.expect("a runtime").block_on(run(events));
    }
}

#[tokio::test]
async fn others_have_their_turns_while_a_large_channel_is_served() {
    const SESSIONS: u64 = 5_000;
    let (hub, _, metrics) = hub();
    let (desk, worker) = (hub.desk(0), Worker::new(&metrics));
    worker.spawn(desk.clone().run());
    let sessions: Vec<_> = (0..SESSIONS).map(|_| worker.start(64)).collect();
    for session in &sessions {
        desk.subscribe(&session.handle, &channel("a"))
            .expect("one channel");
    }
    // They all begin to run.
    yield_now().await;
    let turns = Arc::new(AtomicU64::new(0));
    let other = worker.spawn({
        let turns = Arc::clone(&turns);
        async move {
            loop {
                turns.fetch_add(1, Ordering::Relaxed);
                yield_now().await;
            }
        }
    });
    hub.deliver("a", &message("hello"), None);
    // To look is too slow to be done each turn.
    while turns.load(Ordering::Relaxed) < SESSIONS / SLICE as u64 {
        let done = sample(&metrics, "switchyard_push_delivered_total");
        let turns = turns.load(Ordering::Relaxed) + 2;
        assert!(done <= turns * SLICE as u64, "{done} after {turns} turns");
        yield_now().await;
    }
    delivered(&metrics, SESSIONS).await;
    other.abort();
}

#[tokio::test]
async fn who_has_gone_is_forgotten_and_counted() {
    let (hub, _, metrics) = hub();
    let (desk, worker) = (hub.desk(0), Worker::new(&metrics));
    worker.spawn(desk.clone().run());
    let (gone, stays) = (worker.start(64), worker.start(64));
    for session in [&gone, &stays] {
        desk.subscribe(&session.handle, &channel("a"))
            .expect("one channel");
    }
    gone.handle.cut(switchyard_proto::session::Cause::Shutdown);
    while !gone.handle.is_gone() {
        yield_now().await;
    }
    hub.deliver("a", &message("hello"), None);
    delivered(&metrics, 1).await;
    assert_eq!(hub.subscribers("a"), 1);
    let closing = "switchyard_push_dropped_total{bus=\"memory\",reason=\"closing\"}";
    assert_eq!(sample(&metrics, closing), 1);
}

#[tokio::test]
async fn a_worker_that_is_far_behind_misses_what_comes() {
    let (hub, _, metrics) = hub();
    let (desk, worker) = (hub.desk(0), Worker::new(&metrics));
    let session = worker.start(64);
    desk.subscribe(&session.handle, &channel("a"))
        .expect("one channel");
    for _ in 0..2_000 {
        hub.deliver("a", &message("hello"), None);
    }
    hub.deliver("nobody's", &message("hello"), None);
    let overrun = "switchyard_push_dropped_total{bus=\"memory\",reason=\"overrun\"}";
    assert_eq!(sample(&metrics, overrun), 2_000 - 1024);
}

#[tokio::test]
async fn large_messages_fill_a_worker_sooner() {
    let (hub, _, metrics) = hub();
    let (desk, worker) = (hub.desk(0), Worker::new(&metrics));
    let session = worker.start(64);
    desk.subscribe(&session.handle, &channel("a"))
        .expect("one channel");
    let large = message(&"x".repeat(16 << 20));
    for _ in 0..6 {
        hub.deliver("a", &large, None);
    }
    let overrun = "switchyard_push_dropped_total{bus=\"memory\",reason=\"overrun\"}";
    assert_eq!(sample(&metrics, overrun), 2);
    worker.spawn(desk.run());
    yield_now().await;
    for _ in 0..4 {
        hub.deliver("a", &large, None);
    }
    assert_eq!(sample(&metrics, overrun), 2, "what was taken waits no more");
}
