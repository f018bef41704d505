//! All of it over the bus of a single process, with sessions that run.

use proptest::prelude::*;
use serde_json::{Value, json};
use switchyard_proto::frame::{Decoded, Header};
use switchyard_proto::{Close, CloseCode};
use switchyard_telemetry::Metrics;
use switchyard_telemetry::labels::BusKind;
use tokio::io::{AsyncReadExt, DuplexStream};
use tokio::time::{sleep, timeout};

use super::*;
use crate::fault::Fault;
use crate::testing::{self, Running, Worker};

const SECOND: Duration = Duration::from_secs(1);

struct World {
    push: Push,
    metrics: Metrics,
    worker: Worker,
    /// What ids begin with.
    epoch: u64,
}

fn settings(queue: usize) -> config::Push {
    let settings = testing::settings();
    config::Push {
        queue: config::PushQueue {
            messages: queue,
            ..settings.queue
        },
        history: vec![config::History {
            prefix: "room:".into(),
            messages: 50,
            age: SECOND * 3600,
        }],
        ..settings
    }
}

fn channel(name: &str) -> ChannelName {
    ChannelName::new(name).expect("a name")
}

impl World {
    /// With a worker that runs.
    async fn new(queue: usize) -> Self {
        let (metrics, push_metrics) = testing::metrics();
        let parts = Parts {
            replica: ReplicaId::of(7),
            bus: &config::Bus::Memory,
            push: settings(queue),
            workers: 1,
            push_metrics,
            bus_metrics: metrics.bus(BusKind::Memory).expect("the first of them"),
        };
        let push = Push::start(parts).expect("memory needs nothing");
        let worker = Worker::new(&metrics);
        let describe: Describe =
            Box::new(|handle| Box::pin(async move { json!({ "id": handle.info().id.get() }) }));
        push.attach(vec![worker.registry.clone()], describe);
        Tasks::new().spawn(push.hub().desk(0).run());
        let world = Self {
            push,
            metrics,
            worker,
            epoch: 0,
        };
        let id = world.publish("room:epoch", "").await.id;
        Self {
            epoch: id.expect("it is kept").major,
            ..world
        }
    }

    /// The id of the nth message that a test publishes.
    fn id(&self, number: u64) -> String {
        format!("{}-{}", self.epoch, number + 1)
    }

    fn session(&self) -> Running {
        self.worker.start(1 << 20)
    }

    fn enter(&self, session: &Running, name: &str, last: Option<u64>) {
        let last = last.map(|last| self.id(last));
        let resume = Resume::of(last.as_deref()).expect("an id");
        let entered = self
            .push
            .subscribe(0, &session.handle, &[channel(name)], &resume);
        assert_eq!(entered, Ok(()));
    }

    async fn publish(&self, name: &str, text: &str) -> Published {
        let (channels, envelope) = ([channel(name)], Envelope::default());
        let published = self.push.publish(&channels, &envelope, text.as_bytes());
        published.await.expect("memory takes it")[0]
    }
}

/// The next message that a client gets.
async fn next(client: &mut DuplexStream) -> String {
    let reading = async {
        let mut bytes = vec![0; 2];
        client.read_exact(&mut bytes).await.expect("it is open");
        loop {
            if let Ok(Decoded::Header(header, len)) = Header::decode(&bytes) {
                let payload = usize::try_from(header.payload_len).expect("short");
                let had = bytes.len();
                bytes.resize(len + payload, 0);
                client.read_exact(&mut bytes[had..]).await.expect("whole");
                return String::from_utf8(bytes.split_off(len)).expect("text");
            }
            bytes.push(client.read_u8().await.expect("a whole header"));
        }
    };
    timeout(SECOND * 60, reading).await.expect("it comes")
}

async fn next_json(client: &mut DuplexStream) -> Value {
    serde_json::from_str(&next(client).await).expect("JSON")
}

#[tokio::test(start_paused = true)]
async fn a_message_reaches_every_subscriber_but_one() {
    let world = World::new(100).await;
    let (mut one, mut other) = (world.session(), world.session());
    world.enter(&one, "a", None);
    world.enter(&other, "a", None);
    let envelope = Envelope {
        exclude: Some(world.push.name(one.handle.info().id)),
        ..Envelope::default()
    };
    let both = [channel("a"), channel("nobody")];
    let published = world.push.publish(&both, &envelope, b"for the other").await;
    let reached = |replicas| Published {
        replicas: Some(replicas),
        id: None,
    };
    assert_eq!(published, Ok(vec![reached(1), reached(0)]));
    world.publish("a", "for both").await;
    assert_eq!(next(&mut one.client).await, "for both");
    assert_eq!(next(&mut other.client).await, "for the other");
    assert_eq!(next(&mut other.client).await, "for both");
    let count = testing::sample(&world.metrics, "switchyard_push_published_total");
    assert_eq!(count, 4);
}

#[tokio::test(start_paused = true)]
async fn sessions_are_reached_by_name() {
    let world = World::new(1).await;
    let mut session = world.session();
    let (push, name) = (&world.push, world.push.name(session.handle.info().id));
    let payload = |text: &'static str| Payload {
        data: Bytes::from_static(text.as_bytes()),
        is_binary: false,
    };
    assert_eq!(push.send(name, &payload("hello")).await, Ok(()));
    assert_eq!(next(&mut session.client).await, "hello");
    assert_eq!(push.show(name).await, Ok(json!({ "id": name.id.get() })));
    assert_eq!(push.enter(name, &channel("a")).await, Ok(()));
    let census = push.census(&channel("a"), SECOND).await;
    assert_eq!((census.sessions, census.local), (1, 1));
    assert_eq!((census.answered.len(), census.expected.len()), (1, 1));
    assert_eq!(push.leave_channel(name, &channel("a")).await, Ok(()));
    assert_eq!(push.hub().subscribers("a"), 0);
    // Two at once, where one may wait.
    let (one, two) = (payload("1"), payload("2"));
    let both = tokio::join!(push.send(name, &one), push.send(name, &two));
    assert_eq!(both, (Ok(()), Err(Fault::Full)));
    let close = Close::new(CloseCode::new(4001), "see you").expect("it fits");
    assert_eq!(push.close(name, &close).await, Ok(()));
    assert_eq!(push.send(name, &one).await, Err(Fault::Gone));
    let nobody = SessionName {
        id: SessionId::of(1 << 40),
        ..name
    };
    let elsewhere = SessionName {
        replica: ReplicaId::of(8),
        ..name
    };
    for name in [nobody, elsewhere] {
        assert_eq!(push.send(name, &one).await, Err(Fault::Gone));
        assert_eq!(push.close(name, &close).await, Err(Fault::Gone));
        assert_eq!(push.enter(name, &channel("a")).await, Err(Fault::Gone));
        assert_eq!(push.show(name).await, Err(Fault::Gone));
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_new_gets_the_marker_and_what_comes() {
    let world = World::new(100).await;
    assert_eq!(world.publish("room:1", "before").await.replicas, None);
    let mut session = world.session();
    world.enter(&session, "room:1", None);
    let marker = json!({ "channel": "room:1", "recovered": 0, "gap": false, "id": world.id(1) });
    assert_eq!(next_json(&mut session.client).await, marker);
    let published = world.publish("room:1", "after").await;
    assert_eq!(published.id.map(|id| id.to_string()), Some(world.id(2)));
    let message = json!({ "channel": "room:1", "id": world.id(2), "data": "after" });
    assert_eq!(next_json(&mut session.client).await, message);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_kept_any_more_is_a_gap() {
    let world = World::new(100).await;
    for number in 0..60 {
        world.publish("room:1", &number.to_string()).await;
    }
    let mut session = world.session();
    world.enter(&session, "room:1", Some(5));
    for number in 11..=60 {
        let id = next_json(&mut session.client).await["id"].clone();
        assert_eq!(id, world.id(number));
    }
    let marker = json!({ "channel": "room:1", "recovered": 50, "gap": true, "id": world.id(60) });
    assert_eq!(next_json(&mut session.client).await, marker);
}

#[tokio::test(start_paused = true)]
async fn who_takes_nothing_is_not_waited_for_and_is_told() {
    let world = World::new(2).await;
    for number in 0..20 {
        world.publish("room:1", &number.to_string()).await;
    }
    let mut session = world.worker.start(80);
    world.enter(&session, "room:1", Some(0));
    sleep(SECOND * 70).await;
    let mut recovered = 0;
    let marker = loop {
        let next = next_json(&mut session.client).await;
        if next["recovered"] != Value::Null {
            break next;
        }
        recovered += 1;
        assert_eq!(next["id"], world.id(recovered));
    };
    assert!(recovered < 20);
    let expected =
        json!({ "channel": "room:1", "recovered": recovered, "gap": true, "id": world.id(20) });
    assert_eq!(marker, expected);
}

#[tokio::test(start_paused = true)]
async fn who_cannot_keep_up_is_told_and_goes_on() {
    let world = World::new(2).await;
    for number in 0..10 {
        world.publish("room:1", &number.to_string()).await;
    }
    let mut session = world.session();
    world.enter(&session, "room:1", Some(0));
    for number in 0..2000 {
        world.publish("room:1", &number.to_string()).await;
        if number % 5 == 0 {
            sleep(Duration::from_millis(1)).await;
        }
    }
    sleep(SECOND).await;
    world.publish("room:1", "last").await;
    let (mut markers, mut last) = (Vec::new(), 0);
    loop {
        let next = next_json(&mut session.client).await;
        if next["recovered"] != Value::Null {
            markers.push(next["gap"] == true);
        }
        if next["data"] == "last" {
            break;
        }
        let id = next["id"].as_str().and_then(|id| id.split_once('-'));
        let id: u64 = id.expect("an id").1.parse().expect("a number");
        assert!(
            id > last || next["recovered"] != Value::Null,
            "{next} {last}"
        );
        last = id.max(last);
    }
    assert_eq!(markers, [true]);
}

#[tokio::test(start_paused = true)]
async fn the_marker_takes_no_room_from_what_was_held_back() {
    let world = World::new(2).await;
    for _ in 0..2 {
        world.publish("room:1", &"x".repeat(1 << 14)).await;
    }
    let mut session = world.worker.start(80);
    world.enter(&session, "room:1", Some(0));
    sleep(SECOND).await;
    world.publish("room:1", "3").await;
    world.publish("room:1", "4").await;
    sleep(SECOND).await;
    let client = &mut session.client;
    for number in [1, 2] {
        assert_eq!(next_json(client).await["id"], world.id(number));
    }
    // All that was held back is there before anything of it is written.
    sleep(SECOND).await;
    let marker = next_json(client).await;
    let said = json!([marker["recovered"], marker["gap"]]);
    assert_eq!(said, json!([2, false]));
    for number in [3, 4] {
        assert_eq!(next_json(client).await["id"], world.id(number));
    }
}

/// Sessions come back while messages are published, with little room.
async fn resumed(before: u64, had: u64, meanwhile: Vec<bool>, queue: usize) {
    let world = World::new(queue).await;
    for number in 0..before {
        world.publish("room:1", &number.to_string()).await;
    }
    let mut session = world.session();
    world.enter(&session, "room:1", Some(had));
    let reader = Tasks::new().spawn(async move {
        let (mut ids, mut markers) = (Vec::new(), Vec::new());
        loop {
            let next = next_json(&mut session.client).await;
            if next["data"] == "last" {
                return (ids, markers, session);
            }
            match next["recovered"].as_u64() {
                Some(recovered) => markers.push((recovered, ids.len() as u64, next)),
                None => ids.push(next["id"].as_str().expect("an id").to_owned()),
            }
        }
    });
    let mut all = before;
    for waits in meanwhile {
        if waits {
            sleep(Duration::from_millis(1)).await;
        }
        all += 1;
        world.publish("room:1", &all.to_string()).await;
    }
    sleep(SECOND * 5).await;
    world.publish("room:1", "last").await;
    let (ids, markers, _session) = reader.await.expect("it reads");
    let expected: Vec<_> = (had + 1..=all).map(|number| world.id(number)).collect();
    assert_eq!(ids, expected);
    assert_eq!(markers.len(), 1);
    let (recovered, before_it, marker) = &markers[0];
    assert_eq!(recovered, before_it);
    assert_eq!(marker["gap"], false);
}

#[tokio::test(start_paused = true)]
async fn more_than_is_held_back_is_read() {
    resumed(10, 4, vec![false; 30], 5).await;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn who_comes_back_misses_nothing_and_gets_nothing_twice(
        before in 0u64..15,
        had in 0u64..15,
        meanwhile in prop::collection::vec(any::<bool>(), 0..20),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .expect("a runtime");
        runtime.block_on(resumed(before, had.min(before), meanwhile, 30));
    }
}
