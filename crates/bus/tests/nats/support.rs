//! A bus at a server, a sink that remembers, and a publisher that is no gateway.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use switchyard_bus::{Bus, MessageId, Sink, Status, Subject};
use switchyard_config as config;
use switchyard_testkit::{NatsServer, PATIENCE};
use tokio::sync::watch;
use tokio::time::timeout;

/// What one operation may take in these tests.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(2);

/// A sink that remembers.
pub(crate) struct Tape {
    heard: Mutex<Heard>,
    news: watch::Sender<()>,
}

#[derive(Default)]
pub(crate) struct Heard {
    pub(crate) received: Vec<(Subject, Bytes, Option<MessageId>)>,
    pub(crate) resumed: u64,
    pub(crate) overrun: u64,
}

impl Heard {
    /// What came on this channel, as text.
    pub(crate) fn on(&self, channel: &str) -> Vec<String> {
        let wanted = Subject::Channel(channel.into());
        let on = self
            .received
            .iter()
            .filter(|(subject, ..)| *subject == wanted);
        on.map(|(_, payload, _)| String::from_utf8_lossy(payload).into_owned())
            .collect()
    }
}

impl Tape {
    pub(crate) fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().expect("no panic")
    }

    /// Waits until what was heard is as `wanted`.
    #[track_caller]
    pub(crate) fn until(
        &self,
        what: &str,
        wanted: impl Fn(&Heard) -> bool,
    ) -> impl Future<Output = ()> {
        let mut news = self.news.subscribe();
        let what = what.to_owned();
        async move {
            let heard = timeout(PATIENCE, news.wait_for(|()| wanted(&self.heard()))).await;
            let heard = heard.unwrap_or_else(|_| panic!("gave up waiting for {what}"));
            heard.expect("the tape lives");
        }
    }

    fn note(&self, change: impl FnOnce(&mut Heard)) {
        change(&mut self.heard());
        self.news.send_replace(());
    }
}

impl Sink for Tape {
    fn receive(&self, subject: Subject, payload: Bytes, id: Option<MessageId>) {
        self.note(|heard| heard.received.push((subject, payload, id)));
    }

    fn resumed(&self) {
        self.note(|heard| heard.resumed += 1);
    }

    fn overrun(&self, messages: u64) {
        self.note(|heard| heard.overrun += messages);
    }
}

/// A bus and what it heard.
pub(crate) struct Replica {
    pub(crate) bus: Bus,
    pub(crate) tape: Arc<Tape>,
}

impl Replica {
    /// One that is not connected yet.
    pub(crate) fn start(name: &str, config: config::Nats) -> Self {
        let tape = Arc::new(Tape {
            heard: Mutex::default(),
            news: watch::Sender::new(()),
        });
        let sink: Arc<dyn Sink> = Arc::clone(&tape) as _;
        let bus = Bus::start(&config::Bus::Nats(config), name, sink).expect("usable settings");
        Self { bus, tape }
    }

    /// One that is connected to this server.
    pub(crate) async fn at(name: &str, server: &NatsServer) -> Self {
        let replica = Self::start(name, reaching(&[server.address()]));
        replica.connected().await;
        replica
    }

    pub(crate) async fn connected(&self) {
        self.status("the bus to be there", |status| status == Status::Connected)
            .await;
    }

    pub(crate) async fn gone(&self) {
        self.status("the bus to be gone", |status| status != Status::Connected)
            .await;
    }

    async fn status(&self, what: &str, wanted: impl Fn(Status) -> bool) {
        let mut status = self.bus.status();
        let reached = timeout(PATIENCE, status.wait_for(|status| wanted(*status))).await;
        let reached = reached.unwrap_or_else(|_| panic!("no {what}: {:?}", self.bus.fault()));
        reached.expect("the bus lives");
    }

    /// Waits until the bus says why it is not there.
    pub(crate) async fn fault(&self, wanted: &str) -> String {
        let found = async {
            loop {
                match self.bus.fault() {
                    Some(fault) if fault.contains(wanted) => return fault.to_string(),
                    _ => pause().await,
                }
            }
        };
        let found = timeout(PATIENCE, found).await;
        found.unwrap_or_else(|_| panic!("no fault with {wanted:?}: {:?}", self.bus.fault()))
    }

    /// Follows a channel, and waits until the server knows: what `native` says there arrives.
    pub(crate) async fn follow(&self, native: &Native, channel: &str) {
        self.bus.follow(&channel.into());
        self.followed(native, channel).await;
    }

    /// Waits until what `native` says on a channel arrives.
    pub(crate) async fn followed(&self, native: &Native, channel: &str) {
        let before = self.tape.heard().on(channel).len();
        let arrived = self
            .tape
            .until(channel, |heard| heard.on(channel).len() > before);
        let asking = async {
            loop {
                native.publish(channel, "probe").await;
                pause().await;
            }
        };
        tokio::select! {
            () = arrived => {}
            () = asking => {}
        }
        // Every probe has arrived when one of a kind has.
        native.publish(channel, "last probe").await;
        let is_last = |heard: &Heard| heard.on(channel).iter().any(|text| text == "last probe");
        self.tape.until("the last probe", is_last).await;
        self.tape.heard().received.clear();
    }
}

/// Between two questions about what can only be asked.
pub(crate) async fn pause() {
    tokio::time::sleep(Duration::from_millis(2)).await;
}

/// How these servers are reached by somebody who shows nothing.
pub(crate) fn reaching(servers: &[SocketAddr]) -> config::Nats {
    config::Nats {
        servers: servers
            .iter()
            .map(|server| server.to_string().into())
            .collect(),
        identity: config::NatsIdentity::Nobody,
        tls: None,
        prefix: "switchyard.".into(),
        link: config::BusLink {
            timeout: TIMEOUT,
            unready_after: None,
        },
    }
}

/// A publisher that knows nothing of gateways.
pub(crate) struct Native(pub(crate) async_nats::Client);

impl Native {
    pub(crate) async fn at(server: &NatsServer) -> Self {
        let client = async_nats::connect(server.address().to_string()).await;
        Self(client.expect("a server"))
    }

    pub(crate) async fn publish(&self, channel: &str, text: impl Into<String>) {
        let subject = format!("switchyard.channel.{channel}");
        let published = self.0.publish(subject, text.into().into()).await;
        published.expect("it is connected");
    }
}
