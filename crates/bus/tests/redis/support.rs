//! A sink that remembers, and a bus for it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use switchyard_bus::{Bus, Keep, MessageId, PublishError, Reached, Sink, Status, Subject};
use switchyard_config as config;
use switchyard_config::{BusLink, RedisServer, RedisServers};
use switchyard_testkit::{PATIENCE, eventually};
use tokio::sync::Notify;
use tokio::time::timeout;

/// How long one operation may take in these tests; a server that is frozen is noticed after it.
pub(crate) const LINK: Duration = Duration::from_secs(1);

pub(crate) const KEEP: Keep = Keep {
    messages: 100,
    age: Duration::from_mins(10),
};

/// What came.
#[derive(Debug, Default)]
pub(crate) struct Tape {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) received: Vec<(Subject, Bytes, Option<MessageId>)>,
    pub(crate) resumed: u32,
    pub(crate) overrun: u64,
}

impl Tape {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic")
    }

    /// Waits until this many have come, and takes them.
    pub(crate) async fn take(&self, count: usize) -> Vec<(Subject, Bytes, Option<MessageId>)> {
        let what = format!("{count} messages");
        self.wait(&what, |state| state.received.len() >= count)
            .await;
        std::mem::take(&mut self.state().received)
    }

    /// The same, only what they say.
    pub(crate) async fn texts(&self, count: usize) -> Vec<String> {
        let received = self.take(count).await.into_iter();
        let text = |payload: Bytes| String::from_utf8_lossy(&payload).into_owned();
        received.map(|(_, payload, _)| text(payload)).collect()
    }

    pub(crate) async fn wait(&self, what: &str, is_so: impl Fn(&State) -> bool) {
        let come = async {
            loop {
                let changed = self.changed.notified();
                if is_so(&self.state()) {
                    return;
                }
                changed.await;
            }
        };
        let is_come = timeout(PATIENCE, come).await.is_ok();
        assert!(is_come, "gave up waiting for {what}: {:?}", self.state());
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.changed.notify_waiters();
    }
}

impl Sink for Tape {
    fn receive(&self, subject: Subject, payload: Bytes, id: Option<MessageId>) {
        self.change(|state| state.received.push((subject, payload, id)));
    }

    fn resumed(&self) {
        self.change(|state| state.resumed += 1);
    }

    fn overrun(&self, messages: u64) {
        self.change(|state| state.overrun += messages);
    }
}

pub(crate) fn server(address: SocketAddr) -> RedisServer {
    RedisServer {
        host: address.ip().to_string().into(),
        port: address.port(),
        database: 0,
    }
}

pub(crate) fn settings(servers: RedisServers) -> config::Redis {
    config::Redis {
        servers,
        username: None,
        password: None,
        tls: None,
        prefix: "switchyard:".into(),
        link: BusLink {
            timeout: LINK,
            unready_after: None,
        },
    }
}

/// A bus to one server, which is there.
pub(crate) async fn one(address: SocketAddr, replica: &str) -> (Bus, Arc<Tape>) {
    let servers = RedisServers::One(server(address));
    let (bus, tape) = start(settings(servers), replica);
    connected(&bus).await;
    (bus, tape)
}

pub(crate) fn start(settings: config::Redis, replica: &str) -> (Bus, Arc<Tape>) {
    let tape = Arc::new(Tape::default());
    let sink: Arc<dyn Sink> = Arc::<Tape>::clone(&tape);
    let bus = Bus::start(&config::Bus::Redis(settings), replica, sink);
    (bus.expect("good settings"), tape)
}

pub(crate) async fn connected(bus: &Bus) {
    is(bus, "connected", |status| status == Status::Connected).await;
}

pub(crate) async fn gone(bus: &Bus) {
    is(bus, "gone", |status| status != Status::Connected).await;
}

async fn is(bus: &Bus, what: &str, is_so: impl Fn(Status) -> bool) {
    let mut status = bus.status();
    let come = status.wait_for(|status| is_so(*status));
    let is_come = timeout(PATIENCE, come).await.is_ok();
    assert!(
        is_come,
        "gave up waiting for the bus to be {what}: {:?}",
        bus.fault()
    );
}

/// Waits until the bus says this of why it is gone.
pub(crate) fn fault(bus: &Bus, part: &str) {
    let said = || bus.fault().filter(|fault| fault.contains(part));
    eventually(&format!("{part:?}"), said);
}

/// Follows a channel, and returns when it is in effect.
pub(crate) async fn follow(bus: &Bus, channel: &str) {
    bus.follow(&channel.into());
    let read = bus.since(channel, None, 0, KEEP).await;
    read.expect("it is followed");
}

pub(crate) fn channel(name: &str) -> Subject {
    Subject::Channel(name.into())
}

pub(crate) async fn publish(bus: &Bus, name: &str, text: &str) -> Result<Reached, PublishError> {
    bus.publish(&channel(name), text.to_owned().into()).await
}
