//! What it costs; run by hand, with `--run-ignored only --no-capture`.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use bytes::Bytes;
use switchyard_bus::{Bus, MessageId, Sink, Subject};
use switchyard_config as config;
use switchyard_testkit::{NatsServer, PATIENCE};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::support::{Native, Replica, pause, reaching};

/// A sink that counts.
struct Counter {
    came: AtomicU64,
    overrun: AtomicU64,
    count: watch::Sender<u64>,
}

impl Counter {
    fn new() -> (Arc<Self>, watch::Receiver<u64>) {
        let (count, watched) = watch::channel(0);
        let own = Self {
            came: AtomicU64::new(0),
            overrun: AtomicU64::new(0),
            count,
        };
        (Arc::new(own), watched)
    }
}

impl Sink for Counter {
    fn receive(&self, _: Subject, payload: Bytes, _: Option<MessageId>) {
        let came = self.came.fetch_add(1, Relaxed);
        if came == 0 || &*payload == b"end" {
            self.count
                .send_replace(if came == 0 { 1 } else { u64::MAX });
        }
    }

    fn resumed(&self) {}

    fn overrun(&self, messages: u64) {
        self.overrun.fetch_add(messages, Relaxed);
    }
}

/// The resident memory of this process.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap();
    status.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "prints figures"]
async fn figures() {
    let server = NatsServer::start("");
    let native = Native::at(&server).await;
    let replica = Replica::at("a1", &server).await;
    replica.follow(&native, "a").await;

    let before = resident();
    let begun = Instant::now();
    for number in 0..10_000 {
        replica.bus.follow(&format!("user:{number}").into());
    }
    replica.followed(&native, "user:9999").await;
    let bytes = (resident() - before) / 10_000;
    println!(
        "10,000 subscriptions: {bytes} bytes each, {:?}",
        begun.elapsed()
    );

    for burst in [10_000, 50_000, 200_000] {
        let (counter, mut count) = Counter::new();
        let sink: Arc<dyn Sink> = Arc::clone(&counter) as _;
        let config = config::Bus::Nats(reaching(&[server.address()]));
        let bus = Bus::start(&config, "c3", sink).unwrap();
        bus.follow(&"burst".into());
        while *count.borrow_and_update() == 0 {
            native.publish("burst", "probe").await;
            pause().await;
        }
        let begun = Instant::now();
        for number in 0..burst {
            native.publish("burst", number.to_string()).await;
        }
        native.publish("burst", "end").await;
        let is_over = timeout(PATIENCE, count.wait_for(|count| *count == u64::MAX)).await;
        let elapsed = begun.elapsed();
        let came = counter.came.load(Relaxed);
        println!(
            "a burst of {burst}: {came} came, {} overrun, {elapsed:?}, to its end: {}",
            counter.overrun.load(Relaxed),
            is_over.is_ok()
        );
    }

    let begun = Instant::now();
    let subject = Subject::Channel("nobody".into());
    for _ in 0..2_000 {
        replica.bus.publish(&subject, "x".into()).await.unwrap();
    }
    println!(
        "published one after another: {:?} each",
        begun.elapsed() / 2_000
    );
    let begun = Instant::now();
    for _ in 0..100 {
        let many = (0..100).map(|_| replica.bus.publish(&subject, "x".into()));
        futures_util::future::join_all(many).await;
    }
    println!(
        "published 100 at a time: {:?} each",
        begun.elapsed() / 10_000
    );
}
