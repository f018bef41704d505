//! How long the inner work of the gateway takes: `cargo bench --bench micro`.
//!
//! For a first look and for comparing two ways of doing something. Not a gate: times on a shared
//! machine prove nothing, and `benches/instructions` counts instead. Not here: whole sessions over
//! sockets, which are `benches/load`'s.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "what a benchmark sets up is known to be right"
)]

use std::fmt::Write as _;
use std::hint::black_box;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::{Duration, Instant};

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use http::HeaderMap;
use switchyard_balance::{Affinity, HashKey, Member, maglev, rendezvous};
use switchyard_config::{HostPattern, Match, PathPattern, Segment};
use switchyard_edge::routes::{Host, Path, RouteTable};
use switchyard_proto::frame::{Header, OpCode};
use switchyard_proto::handshake::{Deflate, Key, Offer, asks_for_websocket};
use switchyard_proto::scanner::{Rules, ScanEnd, Scanner, StopAt};
use switchyard_proto::{Output, Policy, Session, Side};
use switchyard_relay::{Registry, RequestId, SessionId, SessionInfo, Tie};
use switchyard_telemetry::{Build, Metrics};
use switchyard_upstream::{Cluster, Clusters, Endpoint, Seat};

fn main() {
    divan::main();
}

/// The largest read of a relay.
const READ: usize = 256 * 1024;
const FROM: Side = Side::Downstream;
const LIMIT: u64 = 16 << 20;

/// Reads of whole frames through the scanner alone; the rate is in frames.
#[divan::bench(args = [0, 16, 128, 1024, 16 * 1024])]
fn scanner_full_reads(bencher: Bencher<'_, '_>, len: usize) {
    let frame = frame(len);
    let frames = READ / frame.len();
    let read = frame.repeat(frames);
    let rules = Rules {
        from: FROM,
        deflate: Deflate::Off,
        max_frame: LIMIT,
        max_message: LIMIT,
        awaited: None,
    };
    let mut scanner = Scanner::new();
    bencher.counter(ItemsCount::new(frames)).bench_local(|| {
        let scan = scanner.scan(&rules, black_box(&read), StopAt::Never, &mut ());
        assert_eq!((scan.pass, scan.end), (read.len(), ScanEnd::Input));
    });
}

/// One frame a read through a session: the usual case of chat.
#[divan::bench(args = [0, 16, 128, 1024, 16 * 1024])]
fn session_one_frame_a_read(bencher: Bencher<'_, '_>, len: usize) {
    let mut relay = Relay::new();
    let read = frame(len);
    bencher.bench_local(|| relay.take(black_box(&read)));
}

/// Reads of whole frames through a session; the rate is in frames.
#[divan::bench(args = [16, 128, 1024])]
fn session_full_reads(bencher: Bencher<'_, '_>, len: usize) {
    let mut relay = Relay::new();
    let frame = frame(len);
    let frames = READ / frame.len();
    let read = frame.repeat(frames);
    bencher
        .counter(ItemsCount::new(frames))
        .bench_local(|| relay.take(black_box(&read)));
}

/// One frame of 1 MiB through a session, in reads of 64 KiB.
#[divan::bench]
fn session_one_mebibyte(bencher: Bencher<'_, '_>) {
    let mut relay = Relay::new();
    let stream = frame(1 << 20);
    bencher
        .counter(BytesCount::of_slice(&stream))
        .bench_local(|| {
            for read in stream.chunks(READ) {
                relay.take(black_box(read));
            }
        });
}

/// The parts of a handshake that are ours.
mod handshake {
    use super::{Bencher, Key, Offer, asks_for_websocket, black_box};

    type Field = (&'static str, &'static [u8]);

    const REQUEST: [Field; 14] = [
        ("host", b"chat.example.com"),
        ("connection", b"keep-alive, Upgrade"),
        ("pragma", b"no-cache"),
        ("cache-control", b"no-cache"),
        (
            "user-agent",
            b"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
        ),
        ("upgrade", b"websocket"),
        ("origin", b"https://chat.example.com"),
        ("sec-websocket-version", b"13"),
        ("accept-encoding", b"gzip, deflate, br, zstd"),
        ("accept-language", b"en-US,en;q=0.5"),
        (
            "cookie",
            b"sid=0123456789abcdef0123456789abcdef; theme=dark",
        ),
        ("sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ=="),
        ("sec-websocket-protocol", b"chat.v2, chat.v1"),
        (
            "sec-websocket-extensions",
            b"permessage-deflate; client_max_window_bits",
        ),
    ];

    const RESPONSE: [Field; 5] = [
        ("upgrade", b"websocket"),
        ("connection", b"Upgrade"),
        ("sec-websocket-accept", b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        ("sec-websocket-protocol", b"chat.v2"),
        ("sec-websocket-extensions", b"permessage-deflate"),
    ];

    fn offer() -> Offer {
        Offer::parse("GET", black_box(REQUEST).into_iter()).expect("a valid request")
    }

    #[divan::bench]
    fn request_read() -> Offer {
        assert!(asks_for_websocket(black_box(REQUEST).into_iter()));
        offer()
    }

    #[divan::bench]
    fn response_verified(bencher: Bencher<'_, '_>) {
        let offer = offer();
        bencher.bench_local(|| {
            offer
                .verify(101, black_box(RESPONSE).into_iter())
                .expect("a valid response")
        });
    }

    #[divan::bench]
    fn accept_of_a_key(bencher: Bencher<'_, '_>) {
        let key = Key::from_bytes([7; 16]);
        bencher.bench_local(|| black_box(key).accept());
    }
}

/// The owners of affinity values among so many endpoints.
#[divan::bench(args = [5, 10, 20, 100, 1000, 5000])]
fn rendezvous_owner(bencher: Bencher<'_, '_>, count: u32) {
    let members = members(count);
    let affinities = affinities();
    let mut affinities = affinities.iter().cycle();
    bencher.bench_local(|| {
        let affinity = *affinities.next().expect("one");
        rendezvous::order(&HashKey::PUBLIC, affinity, black_box(&members)).next()
    });
}

/// The whole order, which a handshake needs only when nothing answers.
#[divan::bench(args = [5, 20, 100])]
fn rendezvous_order(bencher: Bencher<'_, '_>, count: u32) {
    let members = members(count);
    let affinity = HashKey::PUBLIC.affinity("path:room", b"room-4711");
    bencher.bench_local(|| {
        rendezvous::order(&HashKey::PUBLIC, affinity, black_box(&members)).sum::<usize>()
    });
}

/// The owners of affinity values by a table of so many endpoints.
#[divan::bench(args = [5, 10, 20, 100, 1000, 5000])]
fn maglev_owner(bencher: Bencher<'_, '_>, count: u32) {
    let table = maglev::Table::new(&HashKey::PUBLIC, &members(count));
    let affinities = affinities();
    let mut affinities = affinities.iter().cycle();
    bencher.bench_local(|| {
        let affinity = *affinities.next().expect("one");
        table.order(&HashKey::PUBLIC, black_box(affinity)).next()
    });
}

/// What a cluster of so many endpoints pays when one comes or goes.
#[divan::bench(args = [5, 10, 20, 100, 1000, 5000])]
fn maglev_build(bencher: Bencher<'_, '_>, count: u32) {
    let members = members(count);
    bencher.bench_local(|| maglev::Table::new(&HashKey::PUBLIC, black_box(&members)));
}

/// What rebalancing pays to look at so many sessions on so many endpoints.
#[divan::bench(args = [(10_000, 20), (100_000, 20), (100_000, 100), (100_000, 1000)], sample_count = 10)]
fn rebalancing_look(bencher: Bencher<'_, '_>, (sessions, endpoints): (u32, u32)) {
    let cluster = cluster(endpoints);
    let endpoints = cluster.endpoints();
    let seat = |(affinity, endpoint): (&Affinity, &Arc<Endpoint>)| Seat {
        endpoint: endpoint.name().clone(),
        affinity: Some(affinity.to_bits()),
        is_going: false,
    };
    let affinities = affinities();
    let seats = affinities.iter().cycle().zip(endpoints.iter().cycle());
    let seats: Vec<_> = seats.map(seat).take(sessions as usize).collect();
    bencher.bench_local(|| cluster.survey(black_box(&seats), 120));
}

/// How long a worker's list of so many sessions is held for a look at them.
#[divan::bench(args = [10_000, 100_000])]
fn registry_handles(bencher: Bencher<'_, '_>, sessions: usize) {
    let registry = Registry::new();
    let open = |_| registry.open(session_info());
    let _tickets: Vec<_> = (0..sessions).map(open).collect();
    bencher.bench_local(|| registry.handles());
}

/// The route of a request that only the last of so many takes.
#[divan::bench(args = [10, 1000])]
fn router_last_of(bencher: Bencher<'_, '_>, count: usize) {
    let table = routes(count);
    let host = format!("tenant-{}.example.com", count - 1);
    let headers = HeaderMap::new();
    bencher.bench_local(|| {
        let host = Host::parse(black_box(host.as_bytes())).expect("a host");
        let path = Path::parse(black_box("/rooms/4711")).expect("a path");
        let found = table.find(&host, &path, &headers).map(|found| *found.route);
        assert_eq!(found, Some(count - 1));
    });
}

/// A session between two peers that take everything.
struct Relay {
    session: Session,
    now: Instant,
    written: usize,
}

impl Relay {
    fn new() -> Self {
        let policy = Arc::new(Policy {
            max_frame: Some(LIMIT),
            max_message: Some(LIMIT),
            idle_timeout: Some(Duration::from_mins(10)),
            pings: None,
            max_lifetime: None,
            close_timeout: Duration::from_secs(5),
        });
        let now = Instant::now();
        Self {
            session: Session::new(policy, Deflate::Off, || 7, now),
            now,
            written: 0,
        }
    }

    /// What the relay does with a read, short of the system calls.
    fn take(&mut self, mut read: &[u8]) {
        while !read.is_empty() {
            let used = self.session.handle_input(FROM, read, self.now, &mut ());
            self.drain();
            read = read.get(used..).unwrap_or_default();
        }
    }

    fn drain(&mut self) {
        loop {
            match self.session.poll_output() {
                Output::Pass { len, .. } | Output::Skip { len, .. } => self.written += len,
                Output::Send { bytes, .. } => self.written += bytes.len(),
                Output::Publish { .. } | Output::Shutdown { .. } => {}
                Output::Wait { .. } => return,
                Output::Finished(outcome) => panic!("ended: {outcome:?}"),
            }
        }
    }
}

fn frame(len: usize) -> Vec<u8> {
    let header = Header {
        fin: true,
        rsv: 0,
        opcode: OpCode::Binary,
        mask: Some([0x37, 0xFA, 0x21, 0x3D]),
        payload_len: len as u64,
    };
    let mut bytes = header.encode().to_vec();
    bytes.resize(bytes.len() + len, 0x5A);
    bytes
}

fn members(count: u32) -> Vec<Member> {
    (0..count)
        .map(|number| {
            let name = format!("10.0.{}.{}:9000", number / 250, number % 250);
            Member::new(&HashKey::PUBLIC, &name, NonZeroU32::MIN)
        })
        .collect()
}

fn cluster(endpoints: u32) -> Arc<Cluster> {
    let mut text = String::from(
        "{ listeners: [{ name: web, address: \"127.0.0.1:0\" }], \
         routes: [{ name: main, cluster: app }], \
         clusters: [{ name: app, endpoints: [",
    );
    for number in 0..endpoints {
        let (high, low) = (number / 250, number % 250);
        write!(text, "{{ address: \"10.0.{high}.{low}:9000\" }},").expect("a string grows");
    }
    text.push_str("] }] }");
    let config = switchyard_config::parse(&text, FilePath::new("bench.yaml")).expect("right");
    let build = Build {
        version: "0",
        revision: "0",
        rustc: "0",
    };
    let metrics = Metrics::new(build).expect("names are right");
    let clusters = Clusters::new(
        &config.clusters,
        &HashKey::PUBLIC,
        &metrics,
        &Clusters::default(),
    );
    let clusters = clusters.expect("no files to read");
    Arc::clone(clusters.get("app").expect("the only one"))
}

fn session_info() -> SessionInfo {
    SessionInfo {
        id: SessionId::next(),
        listener: "web".into(),
        route: "main".into(),
        cluster: "app".into(),
        endpoint: "10.0.0.1:9000".into(),
        client: IpAddr::from([127, 0, 0, 1]),
        request_id: RequestId::Made([7; 16]),
        opened: switchyard_relay::now(),
        tie: Tie::Nothing,
    }
}

/// So many that a table's slots for them are not all in the nearest cache.
fn affinities() -> Vec<Affinity> {
    (0..1u32 << 14)
        .map(|user| HashKey::PUBLIC.affinity("cookie:user", &user.to_le_bytes()))
        .collect()
}

/// A tenant each: its host, and a path with a capture.
fn routes(count: usize) -> RouteTable<usize> {
    let path = PathPattern::Template(vec![
        Segment::Literal("rooms".to_owned()),
        Segment::Capture("room".to_owned()),
    ]);
    let route = |number| {
        let host = format!("tenant-{number}.example.com");
        let matches = Match {
            hosts: vec![HostPattern::Exact(host)],
            path: path.clone(),
            headers: Vec::new(),
        };
        (matches, number)
    };
    RouteTable::new((0..count).map(route)).expect("no header names")
}
