//! What each probe takes for an answer, over real connections.

use std::net::SocketAddr;
use std::num::NonZeroU32;

use switchyard_config::{HttpProbe, Probe, SendProxy, WebSocketProbe};
use switchyard_drain::Tasks;
use switchyard_proto::handshake::Key;
use tokio::io::AsyncReadExt;

use super::*;
use crate::testing::{Blackhole, Peer, Refusing, Rig, Script, settings, within};

/// More than enough for what answers.
const LONG: Duration = Duration::from_secs(10);
/// For what never does.
const SHORT: Duration = Duration::from_millis(50);

fn health(probe: Probe, timeout: Duration) -> config::Health {
    config::Health {
        probe,
        interval: Duration::from_millis(1),
        timeout,
        unhealthy_after: NonZeroU32::new(2).unwrap(),
        healthy_after: NonZeroU32::new(2).unwrap(),
    }
}

fn websocket(pong_within: Duration) -> Probe {
    Probe::WebSocket(WebSocketProbe {
        path: "/ws?a=b".to_owned(),
        host: Some("chat.example.com".into()),
        subprotocol: Some("chat.v2".to_owned()),
        pong_within,
    })
}

fn http() -> Probe {
    Probe::Http(HttpProbe {
        path: "/healthz".to_owned(),
        host: None,
        expect: 204,
    })
}

async fn ask(address: SocketAddr, health: &config::Health) -> ProbeResult {
    let cluster = Rig::new().cluster(settings(&[address]));
    let asking = Asking {
        speech: Speech::Http1,
        preface: Vec::new(),
    };
    within(probe::probe(health, &cluster.endpoints()[0], &asking)).await
}

/// What a probe makes of an endpoint that goes on as `answer` once the head of a request is here.
async fn answered<F: Future>(
    health: config::Health,
    answer: impl FnOnce(Peer, String) -> F,
) -> ProbeResult {
    let script = Script::bind().await;
    let play = async {
        let mut peer = script.accept().await;
        let head = peer.head().await;
        answer(peer, head).await;
    };
    let (result, ()) = tokio::join!(ask(script.address(), &health), play);
    result
}

/// The 101 that `head` asks for.
fn switching(head: &str) -> String {
    let key = head
        .lines()
        .find_map(|line| line.strip_prefix("sec-websocket-key: "))
        .expect("a key");
    // The text of a key is its bytes in base64; its answer is a hash of the text.
    let accept = accept(key);
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: chat.v2\r\n\r\n"
    )
}

fn accept(key: &str) -> String {
    let value = |digit: u8| match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let digits = key.trim_end_matches('=').bytes().map(value);
    let bits = digits.fold((0u128, 0), |(bits, count), digit| {
        // The last digit has two bits that count.
        let width = if count == 21 { 2 } else { 6 };
        (bits << width | u128::from(digit >> (6 - width)), count + 1)
    });
    let key = Key::from_bytes(bits.0.to_be_bytes());
    key.accept().as_str().to_owned()
}

/// Reads the probe's Ping, which is masked, and gives its payload.
async fn ping(peer: &mut Peer) -> Vec<u8> {
    use tokio::io::AsyncReadExt;
    let mut frame = [0; 2 + 4 + 10];
    peer.0.read_exact(&mut frame).await.unwrap();
    assert_eq!(frame[..2], [0x89, 0x8a]);
    let (mask, payload) = frame[2..].split_at(4);
    let unmask = |(byte, mask): (&u8, &u8)| byte ^ mask;
    payload
        .iter()
        .zip(mask.iter().cycle())
        .map(unmask)
        .collect()
}

#[tokio::test]
async fn a_tcp_probe_wants_a_connection() {
    let tcp = health(Probe::Tcp, LONG);
    let script = Script::bind().await;
    assert_eq!(ask(script.address(), &tcp).await, ProbeResult::Ok);
    let refusing = Refusing::new();
    assert_eq!(ask(refusing.address(), &tcp).await, ProbeResult::Connect);
    let hole = Blackhole::new();
    let short = health(Probe::Tcp, SHORT);
    assert_eq!(ask(hole.address(), &short).await, ProbeResult::Timeout);
}

#[tokio::test]
async fn an_http_probe_wants_its_status() {
    let probe = health(http(), LONG);
    let good = answered(probe.clone(), |mut peer, head| async move {
        assert!(head.starts_with("GET /healthz HTTP/1.1\r\n"), "{head}");
        let address = peer.0.local_addr().unwrap();
        assert!(head.contains(&format!("host: {address}\r\n")), "{head}");
        assert!(head.contains("user-agent: switchyard-probe/"), "{head}");
        peer.say("HTTP/1.1 204 No Content\r\n\r\n").await;
        peer.closed().await;
    });
    assert_eq!(good.await, ProbeResult::Ok);
    for (answer, expected) in [
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            ProbeResult::Status,
        ),
        (
            "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n",
            ProbeResult::Status,
        ),
        ("nonsense\r\n\r\n", ProbeResult::Closed),
        ("", ProbeResult::Closed),
    ] {
        let result = answered(probe.clone(), |mut peer, _| async move {
            peer.say(answer).await;
        });
        assert_eq!(result.await, expected, "{answer:?}");
    }
    let silent = answered(health(http(), SHORT), |mut peer, _| async move {
        peer.closed().await;
    });
    assert_eq!(silent.await, ProbeResult::Timeout);
}

#[tokio::test]
async fn a_websocket_probe_wants_a_pong_and_says_goodbye() {
    let probe = health(websocket(LONG), LONG);
    let result = answered(probe.clone(), |mut peer, head| async move {
        assert!(head.starts_with("GET /ws?a=b HTTP/1.1\r\n"), "{head}");
        for field in ["host: chat.example.com", "sec-websocket-protocol: chat.v2"] {
            assert!(head.contains(&format!("{field}\r\n")), "{head}");
        }
        // A greeting comes right behind the 101, and a Ping of the endpoint's own.
        peer.say([switching(&head).as_bytes(), b"\x81\x02hi\x89\x00"].concat())
            .await;
        let payload = ping(&mut peer).await;
        peer.say([b"\x8a\x00\x8a\x0a", &payload[..]].concat()).await;
        peer.closed().await;
    });
    assert_eq!(result.await, ProbeResult::Ok);
}

#[tokio::test]
async fn a_websocket_that_is_none_is_told_from_one_that_hangs() {
    let probe = health(websocket(SHORT), LONG);
    let hangs = answered(probe.clone(), |mut peer, head| async move {
        peer.say(switching(&head)).await;
        peer.closed().await;
    });
    assert_eq!(hangs.await, ProbeResult::Pong);
    let closes = answered(health(websocket(LONG), LONG), |mut peer, head| async move {
        peer.say([switching(&head).as_bytes(), b"\x88\x02\x03\xe9"].concat())
            .await;
        peer.closed().await;
    });
    assert_eq!(closes.await, ProbeResult::Closed);
    let wrong = answered(probe.clone(), |mut peer, _| async move {
        peer.say(crate::testing::SWITCHING).await;
    });
    assert_eq!(wrong.await, ProbeResult::Handshake);
    let declines = answered(probe.clone(), |mut peer, _| async move {
        peer.say("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            .await;
    });
    assert_eq!(declines.await, ProbeResult::Status);
    let goes = answered(probe.clone(), |_, _| async {});
    assert_eq!(goes.await, ProbeResult::Closed);
    let silent = answered(health(websocket(LONG), SHORT), |mut peer, _| async move {
        peer.closed().await;
    });
    assert_eq!(silent.await, ProbeResult::Timeout);
}

#[tokio::test]
async fn an_endpoint_that_babbles_is_given_up() {
    let probe = health(websocket(LONG), LONG);
    let result = answered(probe.clone(), |mut peer, head| async move {
        peer.say(switching(&head)).await;
        peer.say_forever(b"\x82\x01x").await;
    });
    assert_eq!(result.await, ProbeResult::Pong);
}

#[tokio::test]
async fn probes_begin_with_a_header_that_speaks_for_the_gateway() {
    let v2 = "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";
    for (send, probe, expected) in [
        (SendProxy::V1, Probe::Tcp, "PROXY UNKNOWN\r\n"),
        (SendProxy::V2, Probe::Tcp, v2),
        (SendProxy::V1, http(), "PROXY UNKNOWN\r\nGET /healthz"),
        (SendProxy::Off, http(), "GET /healthz"),
    ] {
        let script = Script::bind().await;
        let config = config::Cluster {
            health: Some(health(probe, LONG)),
            proxy_protocol: send,
            ..settings(&[script.address()])
        };
        let cluster = Rig::new().cluster(config);
        cluster.watch_endpoint(&cluster.endpoints()[0], &Tasks::new());
        let mut begin = vec![0; expected.len()];
        let mut peer = script.accept().await;
        within(peer.0.read_exact(&mut begin)).await.unwrap();
        assert_eq!(String::from_utf8(begin).unwrap(), expected);
    }
}

#[tokio::test]
async fn the_watch_marks_the_endpoint_and_ends_with_it() {
    let rig = Rig::new();
    let refusing = Refusing::new();
    let config = config::Cluster {
        health: Some(health(Probe::Tcp, LONG)),
        ..settings(&[refusing.address()])
    };
    let cluster = rig.cluster(config);
    let tasks = Tasks::new();
    let endpoint = Arc::clone(&cluster.endpoints()[0]);
    assert_eq!(endpoint.health(), Health::Unknown);
    assert!(!endpoint.is_left_out(std::time::Instant::now()));
    cluster.watch_endpoint(&endpoint, &tasks);
    within(async {
        while endpoint.health() != Health::Down {
            time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    assert!(endpoint.is_left_out(std::time::Instant::now()));
    let labels = format!("cluster=\"chat\",endpoint=\"{}\"", refusing.address());
    assert!(rig.counts(&format!("switchyard_endpoint_up{{{labels}}} 0")));
    drop((cluster, endpoint));
    within(tasks.finished()).await;
}

#[test]
fn waits_are_spread_around_the_interval() {
    let interval = Duration::from_secs(10);
    let waits: Vec<_> = (0..1000).map(|_| spread(interval)).collect();
    let bounds = Duration::from_secs(9)..=Duration::from_secs(11);
    assert!(waits.iter().all(|wait| bounds.contains(wait)));
    assert!(
        waits
            .iter()
            .any(|wait| *wait < Duration::from_millis(9_500))
    );
    assert!(
        waits
            .iter()
            .any(|wait| *wait > Duration::from_millis(10_500))
    );
}
