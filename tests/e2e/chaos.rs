//! Endpoints that come, leave, crash and stall at random under clients that do the same: however it goes,
//! every session has a record of its end, and no count is off when all is over.
//!
//! Small by default. `SWITCHYARD_CHAOS_SESSIONS` and `SWITCHYARD_CHAOS_SECONDS` make it larger;
//! `SWITCHYARD_CHAOS_SEED` repeats what happens to the endpoints, though not what clients make of it.
//! docs/testing.md has the command and what came of it.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;
use switchyard_testkit::kubernetes::{ApiServer, EndpointSlice, Pod};
use switchyard_testkit::{Gateway, Process, Settings, clients, eventually};

use crate::support::gateway;

/// From one thing that happens to an endpoint to the next.
const TICK: Duration = Duration::from_millis(400);

/// Endpoints at the start.
const FIRST: u64 = 5;

/// A number from the environment.
fn setting(name: &str, default: u64) -> u64 {
    env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

/// Numbers without visible order: the generator splitmix64.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }
}

/// What goes on with an endpoint, for so many ticks.
enum Fate {
    Serves,
    /// It is found as one that terminates.
    Leaves(u64),
    /// Its process is gone, and discovery does not know.
    Crashed(u64),
    /// Its process is stopped: the system accepts for it, and nobody answers.
    Stalls(u64),
}

struct Server {
    process: Option<Process>,
    slice: EndpointSlice,
    fate: Fate,
}

impl Server {
    fn start(number: u64) -> Self {
        let (process, address) = clients::serve("ws_endpoint.mjs", &["off"]);
        Self {
            process: Some(process),
            slice: EndpointSlice::new("chat", &format!("s{number}"), address.port()),
            fate: Fate::Serves,
        }
    }

    fn signal(&self, signal: Signal) {
        if let Some(process) = &self.process {
            process.signal(signal);
        }
    }
}

/// The endpoints, and who says which there are.
struct Servers {
    api: ApiServer,
    all: Vec<Server>,
    started: u64,
    /// Things that have happened.
    happened: u64,
}

impl Servers {
    fn start(count: u64) -> Self {
        let mut servers = Self {
            api: ApiServer::start(),
            all: Vec::new(),
            started: 0,
            happened: 0,
        };
        (0..count).for_each(|_| servers.join());
        servers
    }

    fn join(&mut self) {
        self.started += 1;
        let server = Server::start(self.started);
        self.api
            .set(&server.slice.clone().pod(Pod::ready("127.0.0.1")));
        self.all.push(server);
    }

    /// What has gone on for long enough ends, and something happens to one of those that serve.
    fn tick(&mut self, dice: &mut Dice) {
        self.age();
        let serving = |server: &&mut Server| matches!(server.fate, Fate::Serves);
        let serving: Vec<_> = self.all.iter_mut().filter(serving).collect();
        let count = serving.len() as u64;
        if count < 3 || (count < 6 && dice.roll(3) == 0) {
            return self.join();
        }
        let chosen = usize::try_from(dice.roll(count)).unwrap();
        let server = serving.into_iter().nth(chosen).expect("one of them");
        self.happened += 1;
        let ticks = 1 + dice.roll(6);
        server.fate = match self.happened % 3 {
            0 => {
                let leaving = server.slice.clone().pod(Pod::leaving("127.0.0.1"));
                self.api.set(&leaving);
                Fate::Leaves(ticks)
            }
            1 => {
                server.signal(Signal::STOP);
                Fate::Stalls(ticks)
            }
            _ => {
                server.process = None;
                Fate::Crashed(ticks)
            }
        };
    }

    fn age(&mut self) {
        let api = &self.api;
        self.all.retain_mut(|server| {
            match &mut server.fate {
                Fate::Leaves(ticks) | Fate::Crashed(ticks) | Fate::Stalls(ticks) if *ticks > 0 => {
                    *ticks -= 1;
                }
                Fate::Stalls(_) => {
                    server.signal(Signal::CONT);
                    server.fate = Fate::Serves;
                }
                Fate::Leaves(_) | Fate::Crashed(_) => {
                    api.delete("default", &server.slice.name);
                    return false;
                }
                Fate::Serves => {}
            }
            true
        });
    }

    /// Lets everybody go on.
    fn settle(&self) {
        self.all
            .iter()
            .for_each(|server| server.signal(Signal::CONT));
    }
}

fn in_front_of(servers: &Servers) -> Gateway {
    let watched = format!(
        "kubernetes: {{ namespace: default, service: chat, port: ws, kubeconfig: {} }}",
        servers.api.kubeconfig().display()
    );
    let settings = Settings::looked_up()
        .route("affinity: [{ header: x-user }]")
        .websocket("close_timeout: 1s")
        .http("request_timeout: 3s")
        .drain("over: 1s")
        .cluster(&watched)
        .cluster("connect_timeout: 500ms")
        .cluster("bounded_load: 1.5")
        .cluster("slow_start: 2s")
        .cluster("pending_handshakes: { max: 50, queue: 2000, wait: 2s }")
        .cluster("outlier: { consecutive_failures: 3, eject_for: 1s }")
        .cluster("health: { tcp: {}, interval: 500ms, timeout: 300ms }")
        .cluster("rebalance: { sessions_per_second: 50 }");
    gateway(&settings)
}

/// The lines of this kind, by session.
fn sessions(lines: &[Value], message: &str) -> BTreeMap<String, Value> {
    let of_kind = lines.iter().filter(|line| line["message"] == message);
    let mut sessions = BTreeMap::new();
    for line in of_kind {
        let id = line["session"].as_str().expect("a name").to_owned();
        let before = sessions.insert(id, line.clone());
        assert!(before.is_none(), "{message} twice: {line}");
    }
    sessions
}

/// Every session that opened has ended once, and its record says why.
#[track_caller]
fn every_end_is_recorded(gateway: &Gateway) -> usize {
    let closed = eventually("every session to have ended", || {
        let lines = gateway.log().so_far();
        let opened: BTreeSet<_> = sessions(&lines, "session opened").into_keys().collect();
        let closed = sessions(&lines, "session closed");
        closed.keys().eq(&opened).then_some(closed)
    });
    for record in closed.values() {
        let says = |key: &str| record[key].as_str().is_some_and(|text| !text.is_empty());
        assert!(says("reason") && says("initiator"), "{record}");
        assert!(record["code"].is_u64(), "{record}");
    }
    let (metrics, ended) = (gateway.metrics(), closed.len() as u64);
    let accepted = [("result", "accepted")];
    assert_eq!(
        metrics.count("switchyard_handshakes_total", &accepted),
        ended
    );
    assert_eq!(metrics.count("switchyard_session_closes_total", &[]), ended);
    closed.len()
}

/// Nothing is counted that is not there.
#[track_caller]
fn no_gauge_is_off(gateway: &Gateway) {
    for gauge in [
        "switchyard_sessions",
        "switchyard_endpoint_sessions",
        "switchyard_endpoint_pending_handshakes",
        "switchyard_endpoint_queued_handshakes",
        "switchyard_upstream_ports_used_ratio",
        "switchyard_buffered_bytes",
    ] {
        let is_zero = || {
            gateway
                .metrics()
                .get(gauge, &[])
                .is_none_or(|sum| sum <= 0.0)
        };
        eventually(gauge, || is_zero().then_some(()));
    }
    gateway.wait_metric("switchyard_listener_connections", &[("listener", "web")], 0);
    let answer = gateway.ask_admin("/clusters");
    let said: Value = serde_json::from_str(answer.text()).expect("JSON");
    let endpoints = said["clusters"][0]["endpoints"].as_array().expect("a list");
    assert!(!endpoints.is_empty());
    for endpoint in endpoints {
        assert_eq!(endpoint["sessions"], 0, "{endpoint}");
    }
}

/// What came of it, for the documentation.
fn report(gateway: &Gateway, clients: &Value, ended: usize) -> String {
    let families = [
        "switchyard_handshakes_total",
        "switchyard_session_closes_total",
        "switchyard_affinity_total",
        "switchyard_endpoint_ejections_total",
        "switchyard_cluster_retries_total",
        "switchyard_cluster_retries_denied_total",
        "switchyard_cluster_rebalanced_total",
    ];
    let metrics = gateway.metrics();
    let samples = families.iter().flat_map(|family| metrics.about(family));
    let head = format!("{ended} sessions have ended; the clients say {clients}");
    [head]
        .into_iter()
        .chain(samples)
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn chaos_leaves_no_session_without_an_end_and_no_count_off() {
    let count = setting("SWITCHYARD_CHAOS_SESSIONS", 150);
    let lasting = Duration::from_secs(setting("SWITCHYARD_CHAOS_SECONDS", 8));
    let seed = setting("SWITCHYARD_CHAOS_SEED", u64::from(std::process::id()));
    println!("SWITCHYARD_CHAOS_SEED={seed}");
    let mut dice = Dice(seed);
    let mut servers = Servers::start(FIRST);
    let gateway = in_front_of(&servers);
    let labels = [("cluster", "main")];
    gateway.wait_metric("switchyard_cluster_endpoints", &labels, FIRST);
    let url = format!("ws://{}/", gateway.web());
    let mut clients = clients::start(
        "chaos_clients.mjs",
        &[&url, &count.to_string(), &(seed % (1 << 32)).to_string()],
    );
    let begin = Instant::now();
    while begin.elapsed() < lasting {
        std::thread::park_timeout(TICK);
        servers.tick(&mut dice);
    }
    servers.settle();
    clients.signal(Signal::TERM);
    assert!(clients.wait_exit().success(), "{clients}");
    let totals = clients.stdout().to_end().last().expect("totals").clone();
    let opened = totals["totals"]["opened"].as_u64().expect("a number");
    assert!(opened >= count / 2, "{totals}");
    let ended = every_end_is_recorded(&gateway);
    no_gauge_is_off(&gateway);
    println!("{}", report(&gateway, &totals, ended));
}
