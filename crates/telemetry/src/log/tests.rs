//! What lines look like, and what peers cannot do to them.

use std::io::Write;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tracing::{debug, info, warn};

use super::*;
use crate::access::{Closed, Opened, Request, Traffic};
use crate::labels::{AffinityResult, Initiator, Protocol};

/// What an address in tests is.
const CLIENT: std::net::IpAddr = std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));

#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0
            .lock()
            .expect("not poisoned")
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn options(format: Format, level: Level, access: bool) -> LogOptions {
    let access = access.then_some(AccessLog { format, file: None });
    LogOptions {
        format,
        level,
        access,
    }
}

fn json() -> LogOptions {
    options(Format::Json, Level::Info, true)
}

/// A log that is written to a page.
fn log_to(page: &Page) -> Arc<Sink> {
    let output = whole::Whole::new(page.clone());
    let sink = sink::start("test", output, DroppedLines::default());
    Arc::new(sink.expect("a thread"))
}

impl Page {
    fn lines(&self) -> Vec<String> {
        let bytes = self.0.lock().expect("not poisoned").clone();
        let text = String::from_utf8(bytes).expect("UTF-8");
        text.lines().map(str::to_owned).collect()
    }
}

/// The lines that `events` makes.
fn lines(options: &LogOptions, events: impl FnOnce()) -> Vec<String> {
    let page = Page::default();
    let log = log_to(&page);
    let control = LogControl::start(options).expect("no file to open");
    let subscriber = subscriber(control.live(), Arc::clone(&log));
    tracing::subscriber::with_default(subscriber, events);
    control.finish();
    log.finish();
    page.lines()
}

fn records(options: &LogOptions, events: impl FnOnce()) -> Vec<Value> {
    let parse = |line: &String| serde_json::from_str(line).expect("a line is a JSON object");
    lines(options, events).iter().map(parse).collect()
}

#[test]
fn what_a_library_says_of_the_bus_is_for_who_debugs() {
    let say = || {
        tracing::error!(target: "async_nats::connector", "authorization violation");
        tracing::info!("the bus is there");
    };
    let messages = |level| {
        let records = records(&options(Format::Json, level, true), say);
        records.len()
    };
    assert_eq!(messages(Level::Info), 1);
    assert_eq!(messages(Level::Debug), 2);
}

fn opened() -> Opened<'static> {
    Opened {
        session: &"00ff",
        request_id: "r-1",
        listener: "web",
        route: "chat",
        cluster: "app",
        endpoint: "10.0.0.1:80",
        client: CLIENT,
        cert: None,
        protocol: Protocol::Http2,
        host: "chat.example.com",
        path: "/rooms/7?token=*",
        subprotocol: None,
        affinity: AffinityResult::Owner,
        handshake: Duration::from_micros(1250),
    }
}

fn closed() -> Closed<'static> {
    Closed {
        session: &"00ff",
        request_id: "r-1",
        route: "chat",
        cluster: "app",
        endpoint: "10.0.0.1:80",
        client: CLIENT,
        protocol: Protocol::Http2,
        affinity: AffinityResult::Failover,
        initiator: Initiator::Downstream,
        code: 1001,
        reason: "close_frame",
        duration: Duration::from_secs(61),
        idle: Duration::from_millis(12),
        silent: None,
        ping_rtt_downstream: None,
        ping_rtt_upstream: Some(Duration::from_micros(1_250)),
        from_downstream: Traffic {
            bytes: 10,
            messages: 1,
            largest_message: 4,
        },
        from_upstream: Traffic {
            bytes: 20,
            messages: 2,
            largest_message: 9,
        },
    }
}

#[test]
fn a_json_line_is_flat_with_a_utc_timestamp() {
    let records = records(&json(), || {
        info!(listener = "web", sessions = 7, "listening");
    });
    let [record] = records.as_slice() else {
        panic!("{records:?}")
    };
    assert_eq!(record["message"], "listening");
    assert_eq!(record["level"], "INFO");
    assert_eq!(record["listener"], "web");
    assert_eq!(record["sessions"], 7);
    assert_eq!(record["target"], module_path!());
    let timestamp = record["timestamp"].as_str().expect("a string");
    assert_eq!(timestamp.len(), "2026-11-23T04:33:00.000000Z".len());
    assert!(
        timestamp.ends_with('Z') && timestamp.contains('T'),
        "{timestamp}"
    );
}

#[test]
fn the_records_of_a_session_carry_numbers_as_numbers() {
    let records = records(&json(), || {
        opened().emit();
        closed().emit();
    });
    let [opened, closed] = records.as_slice() else {
        panic!("{records:?}")
    };
    assert_eq!(opened["message"], "session opened");
    assert_eq!(opened["target"], "access");
    assert_eq!(opened["client"], "192.0.2.7");
    assert_eq!(opened["handshake_ms"], 1.25);
    assert_eq!(opened["protocol"], "h2");
    assert_eq!(opened["affinity"], "owner");
    assert!(opened.get("subprotocol").is_none());
    assert_eq!(closed["message"], "session closed");
    assert_eq!(closed["session"], "00ff");
    assert_eq!(closed["code"], 1001);
    assert_eq!(closed["initiator"], "downstream");
    assert_eq!(closed["reason"], "close_frame");
    assert_eq!(closed["duration_ms"], 61_000);
    assert_eq!(closed["idle_ms"], 12);
    assert_eq!(closed["bytes_from_downstream"], 10);
    assert_eq!(closed["messages_from_upstream"], 2);
    assert_eq!(closed["largest_message_bytes"], 9);
    assert_eq!(closed["last_ping_rtt_ms_upstream"], 1.25);
    assert!(closed.get("last_ping_rtt_ms_downstream").is_none());
    assert!(closed.get("silent_side").is_none());
}

#[test]
fn the_record_of_a_request_leaves_out_what_there_was_not() {
    let request = Request {
        request_id: "r-2",
        listener: "web",
        route: None,
        cluster: None,
        endpoint: None,
        client: CLIENT,
        cert: None,
        protocol: Protocol::Http2,
        method: "GET",
        host: "example.com",
        path: "/",
        status: 404,
        reason: Some("no_route"),
        duration: Duration::from_micros(90),
    };
    let records = records(&json(), || request.emit());
    let [record] = records.as_slice() else {
        panic!("{records:?}")
    };
    assert_eq!(record["message"], "request");
    assert_eq!(record["status"], 404);
    assert_eq!(record["reason"], "no_route");
    assert!(record.get("route").is_none());
}

#[test]
fn the_access_log_is_switched_apart_from_the_level() {
    let quiet = records(&options(Format::Json, Level::Error, true), || {
        warn!("not shown");
        opened().emit();
    });
    assert_eq!(quiet.len(), 1);
    assert_eq!(quiet[0]["target"], "access");
    let off = records(&options(Format::Json, Level::Trace, false), || {
        debug!("shown");
        opened().emit();
    });
    assert_eq!(off.len(), 1);
    assert_eq!(off[0]["message"], "shown");
}

#[test]
fn a_peer_cannot_break_a_line() {
    let hostile = "a\nb\r\u{1b}[2J\u{7f}\u{9b}31m\u{85}end";
    for format in [Format::Json, Format::Text] {
        let lines = lines(&options(format, Level::Info, true), || {
            info!(field = hostile, shown = %hostile, debugged = ?hostile, "{hostile}");
            Opened {
                host: hostile,
                path: hostile,
                ..opened()
            }
            .emit();
        });
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(
            !lines.iter().any(|line| line.contains(char::is_control)),
            "{lines:?}"
        );
    }
}

#[test]
fn json_reads_back_what_was_escaped() {
    let hostile = "a\nb\u{1b}[2J\u{7f}\u{9b}31m";
    let records = records(&json(), || info!(field = hostile, "hostile"));
    assert_eq!(records[0]["field"], hostile);
}

#[test]
fn text_names_its_fields() {
    let lines = lines(&options(Format::Text, Level::Info, true), || {
        info!(listener = "web", "listening");
    });
    assert_eq!(lines.len(), 1);
    assert!(lines[0].contains("INFO") && lines[0].contains(r#"listening listener="web""#));
}

#[test]
fn what_a_value_logs_while_it_is_written_is_a_line_of_its_own() {
    struct Talkative;
    impl std::fmt::Display for Talkative {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            info!("inner");
            f.write_str("outer")
        }
    }
    let records = records(&json(), || info!(value = %Talkative, "done"));
    assert!(
        records
            .iter()
            .all(|record| record["message"] != "inner" || record["value"].is_null())
    );
    assert_eq!(records.last().expect("a line")["value"], "outer");
}

#[test]
fn numbers_are_numbers_and_what_json_has_not_is_null() {
    let records = records(&json(), || {
        info!(
            u = u64::MAX,
            i = -7_i64,
            yes = true,
            f = 0.25,
            none = f64::NAN,
            "numbers"
        );
    });
    let record = &records[0];
    assert_eq!(record["u"], u64::MAX);
    assert_eq!(record["i"], -7);
    assert_eq!(record["yes"], true);
    assert_eq!(record["f"], 0.25);
    assert!(record["none"].is_null());
}

/// A reader that says what each write brought, and takes the next when the test lets it.
struct Paced {
    written: Sender<Vec<u8>>,
    go: Receiver<()>,
}

impl Write for Paced {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let _ = self.written.send(bytes.to_vec());
        let _ = self.go.recv();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn paced() -> (Sink, DroppedLines, Receiver<Vec<u8>>, Sender<()>) {
    let (written, writes) = channel();
    let (let_go, go) = channel();
    let dropped = DroppedLines::default();
    let output = whole::Whole::new(Paced { written, go });
    let sink = sink::start("test", output, dropped.clone()).expect("a thread");
    (sink, dropped, writes, let_go)
}

#[test]
fn lines_gather_while_the_reader_is_busy_and_go_out_as_one() {
    let (sink, _, writes, let_go) = paced();
    sink.put(b"first\n");
    assert_eq!(writes.recv().expect("a write"), b"first\n");
    for _ in 0..1000 {
        sink.put(b"more\n");
    }
    let_go.send(()).expect("the writer waits");
    assert_eq!(writes.recv().expect("a write"), b"more\n".repeat(1000));
    drop(let_go);
    drop(sink);
    assert!(writes.recv().is_err(), "nothing is left");
}

#[test]
fn no_line_is_torn_and_each_thread_keeps_its_order() {
    let page = Page::default();
    let sink = log_to(&page);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let sink = &sink;
            scope.spawn(move || {
                for number in 0..500 {
                    sink.put(format!("{thread} {number}\n").as_bytes());
                }
            });
        }
    });
    sink.finish();
    let mut next = [0; 4];
    for line in page.lines() {
        let (thread, number) = line.split_once(' ').expect("a whole line");
        let next = &mut next[thread.parse::<usize>().expect("a thread")];
        assert_eq!(number.parse::<usize>().expect("a number"), *next);
        *next += 1;
    }
    assert_eq!(next, [500; 4]);
}

fn metrics() -> crate::Metrics {
    let metrics = crate::Metrics::new(crate::Build {
        version: "",
        revision: "",
        rustc: "",
    });
    metrics.expect("no two metrics collide")
}

#[test]
fn lines_that_nobody_reads_are_dropped_and_counted() {
    let (sink, dropped, writes, let_go) = paced();
    sink.put(b"stuck\n");
    writes.recv().expect("a write");
    let line = vec![b'x'; 1024 * 1024];
    let room = sink::WAITING / line.len();
    for _ in 0..room + 2 {
        sink.put(&line);
    }
    assert_eq!((dropped.slow(), dropped.failed()), (2, 0));
    let metrics = metrics();
    metrics.count_dropped_lines(dropped).expect("once");
    let sample = "\nswitchyard_log_lines_dropped_total 2\n";
    assert!(metrics.render().expect("renders").contains(sample));
    drop(let_go);
    sink.finish();
    assert_eq!(writes.recv().expect("a write").len(), room * line.len());
}

mod changes;
