//! Handshakes with endpoints that behave, and with endpoints that do not.

use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{StatusCode, Version};
use socket2::SockRef;
use switchyard_config::SendProxy;

use tokio::net::TcpStream;

use super::*;
use crate::stream::Stream;
use crate::testing::{
    Blackhole, CLIENT, Peer, Refusing, Rig, SWITCHING, Script, handshake, offer, ranked, settings,
    text, within,
};

/// Long enough never to fire in a test that works.
const LONG: Duration = Duration::from_secs(10);

async fn upgrade(rig: &Rig, cluster: &Cluster) -> Result<Upgrade, DialError> {
    upgrade_within(rig, cluster, LONG).await
}

async fn upgrade_within(
    rig: &Rig,
    cluster: &Cluster,
    answer_within: Duration,
) -> Result<Upgrade, DialError> {
    within(rig.dialer.upgrade(
        cluster,
        ranked(cluster),
        &CLIENT,
        &offer(),
        handshake(),
        answer_within,
    ))
    .await
}

fn switched(upgrade: Result<Upgrade, DialError>) -> Switched {
    match upgrade {
        Ok(Upgrade::Switched(switched)) => switched,
        other => panic!("not switched: {other:?}"),
    }
}

fn answered(upgrade: Result<Upgrade, DialError>) -> Answered {
    match upgrade {
        Ok(Upgrade::Answered(answered)) => answered,
        other => panic!("not answered: {other:?}"),
    }
}

/// What comes of a handshake when the endpoint says `bytes` and closes.
async fn answer_with(bytes: impl AsRef<[u8]>) -> Result<Upgrade, DialError> {
    let (rig, script) = (Rig::new(), Script::bind().await);
    let cluster = rig.cluster(settings(&[script.address()]));
    let (upgrade, _peer) = tokio::join!(upgrade(&rig, &cluster), async {
        let mut peer = script.answer(bytes).await;
        peer.0.shutdown().await.ok();
        peer
    });
    upgrade
}

#[tokio::test]
async fn a_handshake_becomes_a_socket() {
    let (rig, script) = (Rig::new(), Script::bind().await);
    let cluster = rig.cluster(settings(&[script.address()]));
    let (upgrade, mut peer) = tokio::join!(upgrade(&rig, &cluster), script.answer(SWITCHING));
    let mut switched = switched(upgrade);
    assert_eq!(switched.response.status, StatusCode::SWITCHING_PROTOCOLS);
    assert_eq!(switched.response.headers["upgrade"], "websocket");
    assert_eq!(switched.agreement.subprotocol, None);
    assert_eq!(switched.place, Place::Owner);
    assert_eq!(switched.endpoint.address(), script.address());
    assert!(switched.early.is_empty());
    assert!(switched.response.extensions.is_empty());
    peer.say("down").await;
    switched.io.write_all(b"up").await.unwrap();
    let mut read = [0; 4];
    within(switched.io.read_exact(&mut read)).await.unwrap();
    assert_eq!(&read, b"down");
    within(peer.0.read_exact(&mut read[..2])).await.unwrap();
    assert_eq!(&read[..2], b"up");
}

#[tokio::test]
async fn the_socket_sends_and_acknowledges_at_once_and_has_no_other_option_yet() {
    let (rig, script) = (Rig::new(), Script::bind().await);
    let cluster = rig.cluster(settings(&[script.address()]));
    let (upgrade, _peer) = tokio::join!(upgrade(&rig, &cluster), script.answer(SWITCHING));
    let io = switched(upgrade).io;
    let Line::Own(io) = io else {
        panic!("a connection of its own");
    };
    let socket = SockRef::from(&io);
    assert!(socket.tcp_nodelay().unwrap());
    assert!(socket.tcp_quickack().unwrap());
    assert!(!socket.keepalive().unwrap());
}

#[tokio::test]
async fn the_request_arrives_as_it_was_given_in_http_1_1() {
    let (rig, script) = (Rig::new(), Script::bind().await);
    let cluster = rig.cluster(settings(&[script.address()]));
    let mut request = handshake();
    *request.version_mut() = Version::HTTP_3;
    let offer = offer();
    let upgrade = rig
        .dialer
        .upgrade(&cluster, ranked(&cluster), &CLIENT, &offer, request, LONG);
    let (upgrade, head) = tokio::join!(within(upgrade), async {
        let mut peer = script.accept().await;
        let head = peer.head().await;
        peer.say(SWITCHING).await;
        head
    });
    switched(upgrade);
    assert!(
        head.starts_with("GET /rooms/7?user=1 HTTP/1.1\r\n"),
        "{head}"
    );
    assert!(head.contains("\r\nhost: chat.example.com\r\n"), "{head}");
    assert!(
        head.contains("\r\nsec-websocket-protocol: chat.v2, chat.v1\r\n"),
        "{head}"
    );
}

#[tokio::test]
async fn a_handshake_never_announces_a_body() {
    let (rig, script) = (Rig::new(), Script::bind().await);
    let cluster = rig.cluster(settings(&[script.address()]));
    let mut request = handshake();
    request
        .headers_mut()
        .insert(CONTENT_LENGTH, http::HeaderValue::from_static("5"));
    request
        .headers_mut()
        .insert(TRANSFER_ENCODING, http::HeaderValue::from_static("chunked"));
    let offer = offer();
    let upgrade = rig
        .dialer
        .upgrade(&cluster, ranked(&cluster), &CLIENT, &offer, request, LONG);
    let (upgrade, head) = within(async {
        tokio::join!(upgrade, async {
            let mut peer = script.accept().await;
            let head = peer.head().await;
            peer.say(SWITCHING).await;
            head
        })
    })
    .await;
    switched(upgrade);
    assert!(!head.contains("content-length"), "{head}");
    assert!(!head.contains("transfer-encoding"), "{head}");
}

#[tokio::test]
async fn bytes_behind_the_101_are_handed_on() {
    for early in ["\x01", "frames that came with the 101"] {
        let switched = switched(answer_with(format!("{SWITCHING}{early}")).await);
        let (mut seen, mut io) = (switched.early.to_vec(), switched.io);
        within(io.read_to_end(&mut seen)).await.unwrap();
        assert_eq!(seen, early.as_bytes());
        assert_eq!(switched.early.as_ref(), early.as_bytes());
    }
}

#[tokio::test]
async fn early_bytes_do_not_pin_the_read_buffer() {
    let switched = switched(answer_with(format!("{SWITCHING}early")).await);
    drop(switched.response);
    let early = switched
        .early
        .try_into_mut()
        .expect("not shared with the head");
    assert_eq!(early.capacity(), 5);
}

#[tokio::test]
async fn no_early_bytes_pin_nothing() {
    let switched = switched(answer_with(SWITCHING).await);
    drop(switched.response);
    // A view into a buffer would be its only one by now.
    assert!(switched.early.is_empty() && !switched.early.is_unique());
}

#[tokio::test]
async fn informational_answers_come_before_the_101() {
    let hints = "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n";
    switched(answer_with(format!("{hints}{SWITCHING}")).await);
}

#[tokio::test]
async fn a_subprotocol_that_was_offered_is_agreed_on() {
    let answer = SWITCHING.replace("Upgrade: ", "Sec-WebSocket-Protocol: chat.v1\r\nUpgrade: ");
    let agreement = switched(answer_with(answer).await).agreement;
    assert_eq!(agreement.subprotocol.as_deref(), Some("chat.v1"));
}

#[tokio::test]
async fn another_answer_goes_back_as_it_is_and_streams() {
    let (rig, script) = (Rig::new(), Script::bind().await);
    let cluster = rig.cluster(settings(&[script.address()]));
    let head = "HTTP/1.1 403 No Way\r\nx-why: tired\r\ncontent-length: 6\r\n\r\nnot";
    let (upgrade, mut peer) = tokio::join!(upgrade(&rig, &cluster), script.answer(head));
    let answered = answered(upgrade);
    assert_eq!(answered.response.status(), StatusCode::FORBIDDEN);
    assert_eq!(answered.response.headers()["x-why"], "tired");
    let (body, ()) =
        within(async { tokio::join!(text(answered.response.into_body()), peer.say("now")) }).await;
    assert_eq!(body, "notnow");
    within(peer.closed()).await;
    assert_eq!(cluster.endpoints()[0].load(), 0);
}

/// What a client gets of an endpoint that says `head` and, later, `rest`, and closes.
async fn declined_with(case: HeaderCase, head: &str, rest: &str) -> (StatusCode, String) {
    let (rig, script) = (Rig::new(), Script::bind().await);
    let mut settings = settings(&[script.address()]);
    settings.header_case = case;
    let cluster = rig.cluster(settings);
    let (upgrade, mut peer) = tokio::join!(upgrade(&rig, &cluster), script.answer(head));
    let response = answered(upgrade).response;
    let status = response.status();
    let (body, ()) = within(async {
        tokio::join!(text(response.into_body()), async {
            peer.say(rest).await;
            peer.0.shutdown().await.ok();
        })
    })
    .await;
    (status, body)
}

#[tokio::test]
async fn another_answer_ends_as_its_head_says() {
    let hint = "HTTP/1.1 103 Early Hints\r\n\r\n";
    for (head, rest, body) in [
        (
            "HTTP/1.1 403 No\r\ncontent-length: 3\r\n\r\n",
            "no!!!",
            "no!",
        ),
        (
            "HTTP/1.1 403 No\r\ntransfer-encoding: chunked\r\n\r\n2\r\nno\r\n",
            "1\r\n!\r\n0\r\n\r\n",
            "no!",
        ),
        ("HTTP/1.1 403 No\r\n\r\nno", "!", "no!"),
        ("HTTP/1.0 403 No\r\n\r\n", "no!", "no!"),
        ("HTTP/1.1 403 No\r\ncontent-length: 0\r\n\r\n", "", ""),
    ] {
        for case in [HeaderCase::Lower, HeaderCase::Preserve] {
            for head in [head.to_owned(), format!("{hint}{head}")] {
                let (status, read) = declined_with(case, &head, rest).await;
                assert_eq!((status.as_u16(), &*read), (403, body), "{head}");
            }
        }
    }
}

#[tokio::test]
async fn an_answer_that_is_large_or_without_a_body_goes_back_too() {
    let large = "x".repeat(100_000);
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", large.len());
    let (status, body) = declined_with(HeaderCase::Lower, &(head + &large), "").await;
    assert_eq!((status, body == large), (StatusCode::OK, true));
    for status in [204, 304] {
        let head = format!("HTTP/1.1 {status} No\r\ncontent-length: 5\r\n\r\n");
        let declined = declined_with(HeaderCase::Lower, &head, "").await;
        assert_eq!((declined.0.as_u16(), &*declined.1), (status, ""));
    }
}

#[tokio::test]
async fn a_head_that_comes_in_pieces_is_one() {
    let (rig, script) = (Rig::new(), Script::bind().await);
    let cluster = rig.cluster(settings(&[script.address()]));
    let (upgrade, _peer) = tokio::join!(upgrade(&rig, &cluster), async {
        let mut peer = script.answer("").await;
        for piece in SWITCHING.as_bytes().chunks(20) {
            peer.say(piece).await;
            // The other side gets its turn, and reads the piece alone.
            tokio::task::yield_now().await;
            tokio::task::yield_now().await;
        }
        peer
    });
    assert_eq!(switched(upgrade).response.headers.len(), 3);
}

#[tokio::test]
async fn a_request_that_is_larger_than_the_socket_takes_arrives_whole() {
    let (rig, script) = (Rig::new(), Script::bind().await);
    let cluster = rig.cluster(settings(&[script.address()]));
    let mut request = handshake();
    let large = "x".repeat(8 << 20);
    request
        .headers_mut()
        .insert("x-large", large.parse().unwrap());
    let offer = offer();
    let upgrade = rig
        .dialer
        .upgrade(&cluster, ranked(&cluster), &CLIENT, &offer, request, LONG);
    let (upgrade, head) = within(async {
        tokio::join!(upgrade, async {
            let mut peer = script.accept().await;
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                peer.0.read_buf(&mut head).await.unwrap();
            }
            peer.say(SWITCHING).await;
            head
        })
    })
    .await;
    switched(upgrade);
    let head = String::from_utf8(head).unwrap();
    assert!(head.contains(&format!("\r\nx-large: {large}\r\n")));
}

/// A connection that both sides know of, before anything is written on it.
async fn connected() -> (Stream, Peer) {
    let script = Script::bind().await;
    let (stream, peer) = tokio::join!(TcpStream::connect(script.address()), script.accept());
    (Stream::Plain(stream.unwrap()), peer)
}

#[tokio::test]
async fn nothing_is_sent_to_an_endpoint_that_has_gone_or_speaks_unasked() {
    for unasked in ["", "H", SWITCHING] {
        let (mut stream, mut peer) = connected().await;
        peer.say(unasked).await;
        peer.0.shutdown().await.unwrap();
        within(stream.tcp().readable()).await.unwrap();
        let sent = shake::send(&mut stream, b"GET / HTTP/1.1\r\n\r\n").await;
        assert!(
            matches!(sent, Err(Unwritten::Unsent(_))),
            "{unasked:?}: {sent:?}"
        );
        drop(stream);
        let mut request = Vec::new();
        // A reset is as good an end as any.
        within(peer.0.read_to_end(&mut request)).await.ok();
        assert!(request.is_empty());
    }
}

#[tokio::test]
async fn a_connection_that_was_reset_took_nothing() {
    let (mut stream, peer) = connected().await;
    peer.reset();
    within(stream.tcp().readable()).await.unwrap();
    let sent = shake::send(&mut stream, b"GET / HTTP/1.1\r\n\r\n").await;
    assert!(matches!(sent, Err(Unwritten::Unsent(_))), "{sent:?}");
}

#[tokio::test]
async fn the_lease_counts_while_it_is_held() {
    let (rig, script) = (Rig::new(), Script::bind().await);
    let cluster = rig.cluster(settings(&[script.address()]));
    let gauge = |open: u8| {
        let address = script.address();
        let line = format!(r#"{{cluster="chat",endpoint="{address}"}} {open}"#);
        rig.counts(&format!("switchyard_endpoint_sessions{line}"))
    };
    assert!(gauge(0));
    let (upgrade, ()) = tokio::join!(upgrade(&rig, &cluster), async {
        let mut peer = script.accept().await;
        peer.head().await;
        assert_eq!(
            cluster.endpoints()[0].load(),
            1,
            "a handshake in flight is load"
        );
        assert!(gauge(0), "and no session");
        peer.say(SWITCHING).await;
    });
    let switched = switched(upgrade);
    assert!(gauge(1));
    assert_eq!(cluster.endpoints()[0].load(), 1);
    drop(switched);
    assert!(gauge(0));
    assert_eq!(cluster.endpoints()[0].load(), 0);
}

#[tokio::test]
async fn a_wrong_101_is_a_bad_gateway() {
    let wrong = [
        SWITCHING.replace("s3pP", "S3pP"),
        SWITCHING.replace("Sec-WebSocket-Accept", "X-Accept"),
        SWITCHING.replace("Upgrade: websocket", "Upgrade: h2c"),
        SWITCHING.replace("Connection: Upgrade", "Connection: close"),
        SWITCHING.replace(
            "Upgrade: web",
            "Sec-WebSocket-Protocol: other\r\nUpgrade: web",
        ),
        SWITCHING.replace(
            "Upgrade: web",
            "Sec-WebSocket-Extensions: other\r\nUpgrade: web",
        ),
    ];
    for answer in wrong {
        let (rig, script) = (Rig::new(), Script::bind().await);
        let cluster = rig.cluster(settings(&[script.address()]));
        let (upgrade, mut peer) = tokio::join!(upgrade(&rig, &cluster), script.answer(&answer));
        let error = upgrade.unwrap_err();
        assert_eq!(
            (error.reason(), error.status().as_u16()),
            ("bad_handshake", 502),
            "{answer}"
        );
        within(peer.closed()).await;
        assert_eq!(cluster.endpoints()[0].load(), 0);
    }
}

#[tokio::test]
async fn a_head_that_is_not_http_is_a_bad_gateway() {
    let garbage: [&[u8]; 5] = [
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"HTTP/1.1 99999 What\r\n\r\n",
        b"HTTP/2.0 101 Switching\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1, 2\r\n\r\n",
    ];
    for answer in garbage {
        let error = answer_with(answer).await.unwrap_err();
        assert_eq!(
            (error.reason(), error.status().as_u16()),
            ("bad_response", 502),
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn a_close_before_the_answer_is_a_bad_gateway() {
    for answer in [
        "",
        "HTTP/1.1 1",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n",
    ] {
        let error = answer_with(answer).await.unwrap_err();
        let found = (error.reason(), error.status().as_u16());
        assert_eq!(found, ("closed_without_answer", 502), "{answer:?}");
    }
}

#[tokio::test]
async fn a_reset_before_the_answer_is_a_bad_gateway() {
    let (rig, script) = (Rig::new(), Script::bind().await);
    let cluster = rig.cluster(settings(&[script.address()]));
    let (upgrade, ()) = tokio::join!(upgrade(&rig, &cluster), async {
        script.answer("HTTP/1.1 ").await.reset();
    });
    let error = upgrade.unwrap_err();
    assert_eq!(
        (error.reason(), error.status().as_u16()),
        ("closed_without_answer", 502)
    );
}

#[tokio::test]
async fn heads_past_the_limits_end() {
    let endless: [(&str, &str); 3] = [
        (
            "HTTP/1.1 101 Switching Protocols\r\nx: ",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        ),
        ("HTTP/1.1 200 OK\r\n", "x-name: value\r\n"),
        ("HTTP/1.1 ", "2"),
    ];
    for (start, more) in endless {
        let (rig, script) = (Rig::new(), Script::bind().await);
        let cluster = rig.cluster(settings(&[script.address()]));
        let (upgrade, ()) = tokio::join!(upgrade(&rig, &cluster), async {
            script
                .answer(start)
                .await
                .say_forever(more.repeat(64).as_bytes())
                .await;
        });
        let error = upgrade.unwrap_err();
        assert_eq!(
            (error.reason(), error.status().as_u16()),
            ("bad_response", 502),
            "{start}"
        );
    }
}

#[tokio::test]
async fn fields_and_bytes_are_limited_apart() {
    let answer = |fields: usize, size: usize| {
        let field = format!("x-f: {}\r\n", "a".repeat(size));
        SWITCHING.replace("Upgrade: ", &format!("{}Upgrade: ", field.repeat(fields)))
    };
    switched(answer_with(answer(97, 100)).await);
    switched(answer_with(answer(1, 60 * 1024)).await);
    for past in [answer(98, 1), answer(1, 64 * 1024)] {
        assert_eq!(
            answer_with(past).await.unwrap_err().reason(),
            "bad_response"
        );
    }
}

#[tokio::test]
async fn an_endpoint_that_never_answers_is_left() {
    for silence in [
        "",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n",
    ] {
        let (rig, script) = (Rig::new(), Script::bind().await);
        let cluster = rig.cluster(settings(&[script.address()]));
        let short = Duration::from_millis(50);
        let upgrade = upgrade_within(&rig, &cluster, short);
        let (upgrade, mut peer) = tokio::join!(upgrade, script.answer(silence));
        let error = upgrade.unwrap_err();
        assert_eq!(
            (error.reason(), error.status().as_u16()),
            ("answer_timeout", 504)
        );
        within(peer.closed()).await;
    }
}

#[tokio::test]
async fn a_flood_of_informational_answers_does_not_outlast_the_deadline() {
    let (rig, script) = (Rig::new(), Script::bind().await);
    let cluster = rig.cluster(settings(&[script.address()]));
    let short = Duration::from_millis(50);
    let (upgrade, ()) = tokio::join!(upgrade_within(&rig, &cluster, short), async {
        let hints = "HTTP/1.1 103 Early Hints\r\nx: y\r\n\r\n".repeat(64);
        script.answer("").await.say_forever(hints.as_bytes()).await;
    });
    assert_eq!(upgrade.unwrap_err().reason(), "answer_timeout");
}

#[tokio::test]
async fn a_refused_connection_moves_on_to_the_next() {
    let (rig, script) = (Rig::new(), Script::bind().await);
    let (first, second) = (Refusing::new(), Refusing::new());
    let cluster = rig.cluster(settings(&[
        first.address(),
        second.address(),
        script.address(),
    ]));
    let (upgrade, _peer) = tokio::join!(upgrade(&rig, &cluster), script.answer(SWITCHING));
    let switched = switched(upgrade);
    assert_eq!(switched.place, Place::Failover);
    assert_eq!(switched.endpoint.address(), script.address());
    assert_eq!(cluster.endpoints()[0].load(), 0);
    assert!(rig.counts(r#"switchyard_cluster_retries_total{cluster="chat"} 2"#));
    let labels = format!(
        r#"{{cluster="chat",endpoint="{}",reason="connect_refused"}}"#,
        first.address()
    );
    assert!(rig.counts(&format!("switchyard_endpoint_failures_total{labels} 1")));
    let labels = format!(r#"{{cluster="chat",endpoint="{}"}}"#, script.address());
    assert!(rig.counts(&format!(
        "switchyard_endpoint_connect_seconds_count{labels} 1"
    )));
}

#[tokio::test]
async fn a_connect_timeout_moves_on_to_the_next() {
    let (rig, script, hole) = (Rig::new(), Script::bind().await, Blackhole::new());
    let mut settings = settings(&[hole.address(), script.address()]);
    settings.connect_timeout = Duration::from_millis(300);
    let cluster = rig.cluster(settings);
    let (upgrade, _peer) = tokio::join!(upgrade(&rig, &cluster), script.answer(SWITCHING));
    assert_eq!(switched(upgrade).place, Place::Failover);
}

#[tokio::test]
async fn a_connect_timeout_is_a_gateway_timeout() {
    let (rig, hole) = (Rig::new(), Blackhole::new());
    let mut settings = settings(&[hole.address()]);
    settings.connect_timeout = Duration::from_millis(50);
    let cluster = rig.cluster(settings);
    let error = upgrade(&rig, &cluster).await.unwrap_err();
    assert_eq!(
        (error.reason(), error.status().as_u16()),
        ("connect_timeout", 504)
    );
}

#[tokio::test]
async fn no_more_than_retries_are_tried() {
    let (rig, script) = (Rig::new(), Script::bind().await);
    let (first, second) = (Refusing::new(), Refusing::new());
    let mut settings = settings(&[first.address(), second.address(), script.address()]);
    settings.retries = 1;
    let cluster = rig.cluster(settings);
    let error = upgrade(&rig, &cluster).await.unwrap_err();
    assert_eq!(
        (error.reason(), error.status().as_u16()),
        ("connect_refused", 502)
    );
    assert!(rig.counts(r#"switchyard_cluster_retries_total{cluster="chat"} 1"#));
}

#[tokio::test]
async fn retries_end_with_their_budget() {
    let (rig, first, second) = (Rig::new(), Refusing::new(), Refusing::new());
    let mut settings = settings(&[first.address(), second.address()]);
    settings.retry_budget = Some(1);
    let cluster = rig.cluster(settings);
    let denied = r#"switchyard_cluster_retries_denied_total{cluster="chat"} 1"#;
    // A hundred are saved up, and ten a second come on top of that.
    for _ in 0..10_000 {
        let error = upgrade(&rig, &cluster).await.unwrap_err();
        assert_eq!(error.reason(), "connect_refused");
        if rig.counts(denied) {
            return;
        }
    }
    panic!("every retry was made");
}

#[tokio::test]
async fn nothing_is_retried_once_the_request_was_sent() {
    let (rig, first, second) = (Rig::new(), Script::bind().await, Script::bind().await);
    let cluster = rig.cluster(settings(&[first.address(), second.address()]));
    let (upgrade, ()) = tokio::join!(upgrade(&rig, &cluster), async {
        drop(first.answer("").await);
    });
    assert_eq!(upgrade.unwrap_err().reason(), "closed_without_answer");
    assert!(rig.counts(r#"switchyard_cluster_retries_total{cluster="chat"} 0"#));
}

#[tokio::test]
async fn a_dropped_handshake_leaves_nothing_behind() {
    let (rig, script) = (Rig::new(), Script::bind().await);
    let cluster = rig.cluster(settings(&[script.address()]));
    let mut peer = tokio::select! {
        _ = upgrade(&rig, &cluster) => panic!("nobody answered"),
        peer = script.answer("HTTP/1.1 101") => peer,
    };
    within(peer.closed()).await;
    assert_eq!(cluster.endpoints()[0].load(), 0);
    within(rig.tasks.finished()).await;
}

#[tokio::test]
async fn an_endpoint_is_told_first_whose_the_connection_is() {
    let (rig, script) = (Rig::new(), Script::bind().await);
    let refusing = Refusing::new();
    let mut settings = settings(&[refusing.address(), script.address()]);
    settings.proxy_protocol = SendProxy::V1;
    let cluster = rig.cluster(settings);
    let (upgrade, head) = tokio::join!(upgrade(&rig, &cluster), async {
        let mut peer = script.accept().await;
        let head = peer.head().await;
        peer.say(SWITCHING).await;
        head
    });
    let told = "PROXY TCP4 192.0.2.1 0.0.0.0 5 0\r\nGET /rooms/7?user=1 HTTP/1.1\r\n";
    assert!(head.starts_with(told), "{head}");
    switched(upgrade);
}
