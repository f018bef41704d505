//! A bus that is gone for a while, and the sessions that were there.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use switchyard_bus::{Sink, Subject};
use switchyard_relay::Message;
use switchyard_telemetry::Metrics;
use tokio::io::AsyncReadExt as _;
use tokio::time::{sleep, timeout};

use super::catch_up::Course;
use super::*;
use crate::channel::ChannelName;
use crate::gate::Late;
use crate::name::ReplicaId;
use crate::sink::Link;
use crate::testing::{self, Running, Worker};

/// A sink that hears nothing for a while.
struct Deaf {
    hub: Hub,
    chronicles: Arc<Chronicles>,
    intake: Arc<Intake>,
    hears_nothing: AtomicBool,
}

impl Sink for Deaf {
    fn receive(&self, subject: Subject, payload: Bytes, id: Option<MessageId>) {
        if self.hears_nothing.load(Ordering::Relaxed) {
            return;
        }
        let (Subject::Channel(channel), Some(id)) = (subject, id) else {
            return;
        };
        let (settings, now) = (self.hub.settings(), switchyard_relay::now());
        let taken = self
            .intake
            .take(&channel, (&payload, Some(id)), &settings, now);
        let Some(taken) = taken else {
            return;
        };
        let text = kept(&channel, id, &taken.payload, taken.is_binary);
        let late = Late {
            id,
            message: Arc::new(Message::text(&text, now)),
            exclude: taken.exclude,
        };
        self.chronicles.receive(&self.hub, &channel, &late);
    }

    fn resumed(&self) {}

    fn overrun(&self, _: u64) {}
}

struct World {
    bus: Bus,
    hub: Hub,
    sink: Arc<Deaf>,
    history: History,
    worker: Worker,
    metrics: Metrics,
}

const KEEP: Keep = Keep {
    messages: 40,
    age: Duration::from_hours(1),
};

impl World {
    fn new() -> Self {
        let world = Self::idle();
        world.work();
        world
    }

    /// One whose worker hands nothing on.
    fn idle() -> Self {
        let (metrics, push) = testing::metrics();
        let intake = Arc::new(Intake::new(ReplicaId::of(7), push.clone()));
        let chronicles = Arc::<Chronicles>::default();
        let link = Arc::new(Link::new(Arc::clone(&chronicles)));
        let settings = config::Push {
            history: vec![config::History {
                prefix: "room:".into(),
                messages: KEEP.messages,
                age: KEEP.age,
            }],
            ..testing::settings()
        };
        let hub = Hub::new(1, settings, push, Arc::clone(&link) as _);
        let sink = Arc::new(Deaf {
            hub: hub.clone(),
            chronicles: Arc::clone(&chronicles),
            intake: Arc::clone(&intake),
            hears_nothing: AtomicBool::new(false),
        });
        let bus = Bus::start(&config::Bus::Memory, "r", Arc::clone(&sink) as _);
        let bus = bus.expect("memory needs nothing");
        link.connect(bus.clone());
        let means = Means {
            bus: bus.clone(),
            hub: hub.clone(),
            chronicles,
            intake,
        };
        Self {
            history: History::new(means),
            worker: Worker::new(&metrics),
            bus,
            hub,
            sink,
            metrics,
        }
    }

    fn work(&self) {
        Tasks::new().spawn(self.hub.desk(0).run());
    }

    fn session(&self, name: &str) -> Running {
        let session = self.worker.start(1 << 20);
        self.enter(&session, name, None);
        session
    }

    fn enter(&self, session: &Running, name: &str, after: Option<MessageId>) {
        let channel = ChannelName::new(name).expect("a name");
        let name = self.hub.subscribe_held(0, &session.handle, &channel);
        let (name, gate) = name.expect("there is room").expect("it is new");
        let gate = (&name, gate);
        self.history.recover(0, &session.handle, gate, after, KEEP);
    }

    async fn publish(&self, channel: &str, text: &str) -> MessageId {
        let text = Bytes::copy_from_slice(text.as_bytes());
        let published = self.bus.append(channel, text, KEEP).await;
        published.expect("memory takes it")
    }

    /// The bus had messages meanwhile, and nobody heard of them.
    async fn publish_unheard(&self, channel: &str, texts: &[&str]) {
        self.be_deaf(true);
        for text in texts {
            self.publish(channel, text).await;
        }
        self.be_deaf(false);
    }

    fn be_deaf(&self, is_deaf: bool) {
        self.sink.hears_nothing.store(is_deaf, Ordering::Relaxed);
    }
}

/// What a client has got: what the messages say, `|` for a marker, and `?` for one that tells of a gap.
async fn got(session: &mut Running) -> String {
    sleep(Duration::from_secs(3)).await;
    let mut bytes = vec![0; 1 << 20];
    let reading = session.client.read(&mut bytes);
    let read = timeout(Duration::from_mins(1), reading).await;
    let read = read.expect("it comes").expect("something");
    let text = String::from_utf8_lossy(&bytes[..read]).into_owned();
    let parts = text.split("\"channel\"").skip(1);
    let said = parts.map(|part| match part.split_once("\"data\":\"") {
        Some((_, data)) => data.split('"').next().unwrap_or_default().to_owned(),
        None if part.contains("\"gap\":true") => "?".to_owned(),
        None => "|".to_owned(),
    });
    said.collect::<Vec<_>>().join(" ")
}

#[tokio::test(start_paused = true)]
async fn a_bus_that_was_gone_costs_nothing_that_is_kept() {
    let world = World::new();
    let (mut one, mut two) = (world.session("room:1"), world.session("room:1"));
    let mut other = world.session("room:2");
    sleep(Duration::from_secs(1)).await;
    world.publish("room:1", "a").await;
    world.be_deaf(true);
    world.publish("room:1", "b").await;
    world.publish("room:2", "c").await;
    world.publish("room:1", "d").await;
    world.be_deaf(false);
    world.history.catch_up();
    // These come live before anything was read.
    world.publish("room:1", "e").await;
    world.publish("room:2", "f").await;
    sleep(Duration::from_secs(1)).await;
    world.publish("room:1", "g").await;
    assert_eq!(got(&mut one).await, "| a b d e g");
    assert_eq!(got(&mut two).await, "| a b d e g");
    assert_eq!(got(&mut other).await, "| c f");
}

#[tokio::test(start_paused = true)]
async fn more_than_is_held_back_meanwhile_is_read_too() {
    let world = World::new();
    let mut queue = testing::settings();
    queue.queue.messages = 100;
    world.hub.adopt(config::Push {
        queue: config::PushQueue {
            bytes: 200,
            ..queue.queue
        },
        history: world.hub.settings().history.clone(),
        ..queue.clone()
    });
    let mut one = world.session("room:1");
    sleep(Duration::from_secs(1)).await;
    world.be_deaf(true);
    world.publish("room:1", "a").await;
    world.be_deaf(false);
    world.history.catch_up();
    for text in ["b", "c", "d", "e", "f"] {
        world.publish("room:1", text).await;
    }
    world.hub.adopt(config::Push {
        history: world.hub.settings().history.clone(),
        ..queue
    });
    assert_eq!(got(&mut one).await, "| a b c d e f");
}

#[tokio::test(start_paused = true)]
async fn what_nobody_is_subscribed_to_is_forgotten() {
    let world = World::new();
    let session = world.session("room:1");
    sleep(Duration::from_secs(1)).await;
    let chronicles = &world.sink.chronicles;
    let held = || {
        chronicles.hold(&world.hub);
        chronicles.held(&world.hub).len()
    };
    assert_eq!(held(), 1);
    world.hub.desk(0).forget(session.handle.info().id);
    assert_eq!(held(), 0);
    // Something that was still under way.
    world.publish("room:1", "a").await;
    let late = Late {
        id: MessageId::default(),
        message: Arc::new(Message::text("b", switchyard_relay::now())),
        exclude: None,
    };
    chronicles.receive(&world.hub, &"room:1".into(), &late);
    assert_eq!(held(), 0);
}

#[tokio::test(start_paused = true)]
async fn clients_that_take_nothing_are_in_nobodys_way() {
    let world = World::new();
    let first = world.publish("room:1", "a").await;
    for text in ["b", "b", "c"] {
        world.publish("room:1", &text.repeat(1 << 14)).await;
    }
    let slow = (0..70).map(|_| world.worker.start(64));
    let slow: Vec<_> = slow.collect();
    for session in &slow {
        world.enter(session, "room:1", Some(first));
    }
    sleep(Duration::from_secs(1)).await;
    let mut quick = world.worker.start(1 << 20);
    world.enter(&quick, "room:1", Some(first));
    let text = got(&mut quick).await;
    assert!(text.ends_with("cc |"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn what_is_missed_while_it_is_caught_up_comes_once_too() {
    let world = World::new();
    let mut one = world.session("room:1");
    sleep(Duration::from_secs(1)).await;
    let texts: Vec<_> = (0..30).map(|number| number.to_string()).collect();
    for text in &texts {
        // Nearly every message is lost, and the bus says so each time.
        world.publish_unheard("room:1", &[text]).await;
        world.history.catch_up();
        if text.ends_with('3') {
            sleep(Duration::from_millis(300)).await;
        }
    }
    assert_eq!(got(&mut one).await, format!("| {}", texts.join(" ")));
}

#[tokio::test(start_paused = true)]
async fn a_gap_that_is_found_later_is_told() {
    let world = World::new();
    let mut one = world.session("room:1");
    sleep(Duration::from_secs(1)).await;
    let texts: Vec<_> = (0..50).map(|number| number.to_string()).collect();
    let lost: Vec<_> = texts.iter().map(String::as_str).collect();
    world.publish_unheard("room:1", &lost).await;
    world.history.catch_up();
    world.publish("room:1", "live").await;
    let kept = lost[11..].join(" ");
    assert_eq!(got(&mut one).await, format!("| {kept} live ?"));
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_read_is_told() {
    let world = World::new();
    let mut one = world.session("room:1");
    sleep(Duration::from_secs(1)).await;
    let (chronicles, channel) = (&world.sink.chronicles, ArcStr::from("room:1"));
    chronicles.hold(&world.hub);
    world.publish("room:1", "a").await;
    let (_, attempt) = chronicles.after(&channel).expect("it is held back");
    Course::new(&world.history.means, &channel).give_up(attempt);
    // It was another's.
    chronicles.hold(&world.hub);
    world.publish("room:1", "b").await;
    Course::new(&world.history.means, &channel).give_up(attempt);
    assert_eq!(got(&mut one).await, "| ? a");
    assert!(chronicles.after(&channel).is_some());
}

#[tokio::test(start_paused = true)]
async fn workers_that_are_behind_are_waited_for() {
    const MANY: u32 = 1500;
    let world = World::idle();
    let settings = world.hub.settings();
    let mut push = config::Push::clone(&settings);
    push.queue.messages = 2000;
    push.history[0].messages = 2000;
    world.hub.adopt(push);
    let mut one = world.session("room:1");
    sleep(Duration::from_secs(1)).await;
    let keep = Keep {
        messages: 2000,
        ..KEEP
    };
    world.be_deaf(true);
    for number in 0..MANY {
        let text = number.to_string().into();
        world.bus.append("room:1", text, keep).await.expect("kept");
    }
    world.be_deaf(false);
    world.history.catch_up();
    sleep(Duration::from_secs(2)).await;
    world.work();
    let text = got(&mut one).await;
    assert_eq!(text.split(' ').count(), 1 + 1500);
    assert!(text.ends_with(" 1499"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn who_said_it_does_not_get_it_later_either() {
    let world = World::new();
    let (mut one, mut other) = (world.session("room:1"), world.session("room:1"));
    sleep(Duration::from_secs(1)).await;
    let id = one.handle.info().id.get();
    let text = format!("SWITCHYARD/1 {{\"exclude\":\"000000000007-{id}\"}}\na");
    world.publish_unheard("room:1", &[&text, "b"]).await;
    world.history.catch_up();
    assert_eq!(got(&mut one).await, "| b");
    assert_eq!(got(&mut other).await, "| a b");
}

#[tokio::test(start_paused = true)]
async fn what_came_live_before_does_not_come_again_later() {
    let world = World::new();
    let mut one = world.session("room:1");
    sleep(Duration::from_secs(1)).await;
    let called = |name| format!("SWITCHYARD/1 {{\"id\":\"{name}\"}}\n{name}");
    world.publish("room:1", &called("a")).await;
    world
        .publish_unheard("room:1", &[&called("a"), &called("b")])
        .await;
    world.history.catch_up();
    // It is held back, and is the second all the same.
    world.publish("room:1", &called("b")).await;
    world.publish("room:1", &called("c")).await;
    let text = got(&mut one).await;
    assert_eq!(text.matches('a').count(), 1, "{text}");
    assert_eq!(text.matches('b').count(), 1, "{text}");
    assert_eq!(text.matches('c').count(), 1, "{text}");
}

#[tokio::test(start_paused = true)]
async fn what_was_read_and_comes_live_after_that_comes_once() {
    let world = World::new();
    let mut one = world.session("room:1");
    sleep(Duration::from_secs(1)).await;
    world.publish_unheard("room:1", &["a"]).await;
    world.be_deaf(true);
    let id = world.publish("room:1", "b").await;
    world.be_deaf(false);
    world.history.catch_up();
    sleep(Duration::from_secs(1)).await;
    let channel = Subject::Channel("room:1".into());
    world.sink.receive(channel, "b".into(), Some(id));
    world.publish("room:1", "c").await;
    assert_eq!(got(&mut one).await, "| a b c");
}

#[tokio::test(start_paused = true)]
async fn a_channel_is_caught_up_with_as_soon_as_it_was_read_once() {
    let world = World::new();
    let first = world.publish("room:1", "a").await;
    for _ in 0..3 {
        world.publish("room:1", &"b".repeat(1 << 14)).await;
    }
    let slow = world.worker.start(64);
    world.enter(&slow, "room:1", Some(first));
    sleep(Duration::from_secs(1)).await;
    world.sink.chronicles.hold(&world.hub);
    assert_eq!(world.sink.chronicles.held(&world.hub).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_has_more_to_read_is_not_caught_up_with() {
    let world = World::new();
    let keep = Keep {
        messages: 500,
        ..KEEP
    };
    let mut first = None;
    for _ in 0..400 {
        let id = world.bus.append("room:1", "a".into(), keep).await;
        first = first.or(id.ok());
    }
    let mut slow = world.worker.start(64);
    let channel = ChannelName::new("room:1").expect("a name");
    let entered = world.hub.subscribe_held(0, &slow.handle, &channel);
    let (name, gate) = entered.expect("there is room").expect("it is new");
    let recover = &world.history;
    recover.recover(0, &slow.handle, (&name, gate), first, keep);
    sleep(Duration::from_secs(1)).await;
    world.sink.chronicles.hold(&world.hub);
    assert!(world.sink.chronicles.held(&world.hub).is_empty());
    // It is read in pages, to the end.
    let mut bytes = vec![0; 1 << 20];
    let mut text = String::new();
    while !text.contains("recovered") {
        let read = slow.client.read(&mut bytes).await.expect("something");
        text.push_str(&String::from_utf8_lossy(&bytes[..read]));
    }
    assert_eq!(text.matches("\"data\"").count(), 399);
    world.sink.chronicles.hold(&world.hub);
    assert_eq!(world.sink.chronicles.held(&world.hub).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_leaves_and_comes_back_gets_what_it_asked_for_then() {
    let world = World::new();
    let first = world.publish("room:1", "a").await;
    world.publish("room:1", "b").await;
    let mut session = world.worker.start(1 << 20);
    world.enter(&session, "room:1", Some(first));
    let desk = world.hub.desk(0);
    desk.unsubscribe(session.handle.info().id, "room:1");
    world.enter(&session, "room:1", None);
    assert_eq!(got(&mut session).await, "|");
    assert_eq!(
        testing::sample(&world.metrics, "switchyard_push_subscriptions"),
        1
    );
}

#[test]
fn the_first_rule_that_fits_counts() {
    let rule = |prefix: &str, messages| config::History {
        prefix: prefix.into(),
        messages,
        age: KEEP.age,
    };
    let settings = config::Push {
        history: vec![rule("room:vip:", 9), rule("room:", 4)],
        ..testing::settings()
    };
    let messages = |channel| keep(&settings, channel).map(|keep| keep.messages);
    assert_eq!(messages("room:vip:1"), Some(9));
    assert_eq!(messages("room:1"), Some(4));
    assert_eq!(messages("user:1"), None);
}
