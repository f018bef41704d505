//! Two and three gateways on a real Redis or NATS, which goes and comes back.

use serde_json::{Value, json};
use switchyard_testkit::endpoint::Accepted;
use switchyard_testkit::{
    Endpoint, Gateway, Handshake, NatsServer, Redis, Settings, eventually, handshake,
};

use super::{by_path, names, post, publish, said, wait_subscribed};
use crate::support::{Ends, gateway};

/// What carries messages between the gateways of a test.
pub(super) enum Server {
    Redis(Redis),
    Nats(NatsServer),
}

/// Gateways on one bus, and the endpoint that the test plays for all.
pub(super) struct Fleet {
    pub(super) server: Server,
    pub(super) gateways: Vec<Gateway>,
    pub(super) endpoint: Accepted,
}

impl Server {
    pub(super) fn redis() -> Self {
        Self::Redis(Redis::start(&[]))
    }

    pub(super) fn nats() -> Self {
        Self::Nats(NatsServer::with_jetstream())
    }

    /// Its name in metrics.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Redis(_) => "redis",
            Self::Nats(_) => "nats",
        }
    }

    pub(super) fn url(&self) -> String {
        match self {
            Self::Redis(redis) => format!("redis://{}", redis.address()),
            Self::Nats(nats) => format!("nats://{}", nats.address()),
        }
    }

    fn kill(&mut self) {
        match self {
            Self::Redis(redis) => redis.kill(),
            Self::Nats(nats) => nats.kill(),
        }
    }

    fn restart(&mut self) {
        match self {
            Self::Redis(redis) => redis.restart(),
            Self::Nats(nats) => nats.restart(),
        }
    }
}

impl Fleet {
    #[track_caller]
    pub(super) fn new(server: Server, replicas: usize, lines: &str) -> Self {
        let endpoint = Endpoint::bind();
        let more = |settings: Settings| {
            let bus = format!(
                "bus: {{ {}: {{ url: \"{}\", unready_after: 300ms }} }}",
                server.kind(),
                server.url()
            );
            settings.top(&bus).top(lines).drain("ready_delay: 0s")
        };
        let settings = more(by_path(Settings::to(&[endpoint.address()])));
        let gateways = (0..replicas).map(|_| gateway(&settings)).collect();
        let fleet = Self {
            server,
            gateways,
            endpoint,
        };
        for gateway in &fleet.gateways {
            fleet.wait_connected(gateway, 1);
        }
        fleet
    }

    #[track_caller]
    fn wait_connected(&self, gateway: &Gateway, connected: u64) {
        gateway.wait_metric(
            "switchyard_bus_connected",
            &[("bus", self.server.kind())],
            connected,
        );
    }

    #[track_caller]
    pub(super) fn open(&self, at: usize, target: &str) -> Ends {
        self.open_as(at, &Handshake::to(target))
    }

    #[track_caller]
    pub(super) fn open_as(&self, at: usize, handshake: &Handshake) -> Ends {
        let socket = handshake.send(self.gateways[at].web());
        let server = self.endpoint.accept_websocket();
        Ends {
            client: handshake::finish(socket),
            server,
        }
    }

    /// Every session has had a message, and nothing more is under way: a channel is followed a moment after its first
    /// subscriber came.
    #[track_caller]
    pub(super) fn settle(&self, channel: &str, sessions: &mut [Ends]) {
        let mut ready = vec![false; sessions.len()];
        eventually("every session to be reached", || {
            publish(&self.gateways[0], channel, "there?");
            for (ends, ready) in sessions.iter_mut().zip(&mut ready) {
                *ready |= ends.client.socket().has_now();
            }
            ready.iter().all(|it| *it).then_some(())
        });
        publish(&self.gateways[0], channel, "all there");
        for ends in sessions {
            while ends.client.receive_text() != "all there" {}
        }
    }
}

/// What all replicas say of a channel.
#[track_caller]
fn counted(gateway: &Gateway, channel: &str) -> Value {
    let answer = gateway.ask_admin(&format!("/channels/{channel}?within=10s"));
    said(&answer, 200)
}

/// Publishes through each replica, and every session has all of it.
fn every_replica(server: Server) {
    let fleet = Fleet::new(server, 3, "");
    let mut sessions: Vec<Ends> = (0..6).map(|at| fleet.open(at % 3, "/room")).collect();
    let mut aside = fleet.open(1, "/aside");
    for (at, ends) in sessions.iter_mut().enumerate() {
        wait_subscribed(&fleet.gateways[at % 3], "room", 2);
        ends.talk();
    }
    fleet.settle("room", &mut sessions);
    for at in 0..3 {
        for number in 0..50 {
            publish(&fleet.gateways[at], "room", &format!("{at}:{number}"));
        }
    }
    for ends in &mut sessions {
        let mut next = [0, 0, 0];
        for _ in 0..150 {
            let text = ends.client.receive_text();
            let (at, number) = text.split_once(':').expect("a replica and a number");
            let at: usize = at.parse().expect("a number");
            assert_eq!(number, next[at].to_string(), "of replica {at}");
            next[at] += 1;
        }
        ends.talk();
    }
    aside.talk();
}

/// What is asked of a session of another replica.
fn another_replicas_session(server: Server) {
    let fleet = Fleet::new(server, 2, "");
    let mut ends = fleet.open(0, "/room");
    let name = names(&fleet.gateways[0]).remove(0);
    let other = &fleet.gateways[1];
    let messages = format!("/sessions/{name}/messages");
    said(
        &post(other, &messages, &json!({ "text": "from afar" })),
        200,
    );
    assert_eq!(ends.client.receive_text(), "from afar");
    let count = eventually("both replicas to answer", || {
        let count = counted(other, "room");
        (count["replicas"]["answered"] == 2).then_some(count)
    });
    assert_eq!(
        (&count["sessions"], &count["local"]),
        (&json!(1), &json!(0)),
        "{count}"
    );
    let closing =
        crate::support::order(other, "DELETE", &format!("/sessions/{name}?code=4001"), "");
    assert!(closing.status() < 300, "{}", closing.text());
    assert_eq!(ends.client.receive_close().0, 4001);
    drop(ends);
    fleet.gateways[0].closed();
    said(&post(other, &messages, &json!({ "text": "late" })), 410);
}

/// The bus goes and comes back while sessions talk.
fn a_bus_that_goes(server: Server) {
    let mut fleet = Fleet::new(server, 2, "");
    let mut sessions = [fleet.open(0, "/room"), fleet.open(1, "/room")];
    fleet.settle("room", &mut sessions);
    fleet.server.kill();
    for gateway in &fleet.gateways {
        fleet.wait_connected(gateway, 0);
        let refused = post(
            gateway,
            "/publish",
            &json!({ "channel": "room", "text": "x" }),
        );
        assert_eq!(refused.status(), 503, "{}", refused.text());
        eventually("it to be unready", || {
            let answer = gateway.ask_admin("/readyz");
            (answer.status() == 503 && answer.text().contains("bus")).then_some(())
        });
    }
    sessions.iter_mut().for_each(Ends::talk);
    // One that comes meanwhile is subscribed as well when the bus is there again.
    let late = fleet.open(1, "/room");
    fleet.server.restart();
    for gateway in &fleet.gateways {
        fleet.wait_connected(gateway, 1);
        gateway.wait_metric(
            "switchyard_bus_gaps_total",
            &[("bus", fleet.server.kind())],
            1,
        );
        eventually("it to be ready", || {
            (gateway.ask_admin("/readyz").status() == 200).then_some(())
        });
    }
    let [first, second] = sessions;
    let mut sessions = [first, second, late];
    fleet.settle("room", &mut sessions);
    sessions.iter_mut().for_each(Ends::talk);
}

#[test]
fn every_replica_on_redis() {
    every_replica(Server::redis());
}

#[test]
fn every_replica_on_nats() {
    every_replica(Server::nats());
}

#[test]
fn another_replicas_session_on_redis() {
    another_replicas_session(Server::redis());
}

#[test]
fn another_replicas_session_on_nats() {
    another_replicas_session(Server::nats());
}

#[test]
fn redis_goes_and_comes_back() {
    a_bus_that_goes(Server::redis());
}

#[test]
fn nats_goes_and_comes_back() {
    a_bus_that_goes(Server::nats());
}
