//! Plain HTTP with endpoints that behave, and with endpoints that do not.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body_util::channel::{Channel, Sender};
use http_body_util::{BodyExt, Full};
use hyper::body::Frame;
use hyper::server::conn::http1::Builder as Server;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use switchyard_config::{HeaderCase, SendProxy};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::body::BoxError;
use crate::testing::{CLIENT, Refusing, Rig, Script, get, post, ranked, settings, text, within};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

async fn send(rig: &Rig, cluster: &Cluster, request: Request<Body>) -> Result<Answered, DialError> {
    within(rig.dialer.send(cluster, ranked(cluster), &CLIENT, request)).await
}

/// Sends a GET and reads the whole answer.
async fn fetch(rig: &Rig, cluster: &Cluster) -> Result<String, DialError> {
    let answered = send(rig, cluster, get("/")).await?;
    Ok(within(text(answered.response.into_body())).await)
}

/// What comes of a GET when the endpoint says `bytes` and closes.
async fn answer_with(bytes: impl AsRef<[u8]>) -> Result<Answered, DialError> {
    let (rig, script) = (Rig::new(), Script::bind().await);
    let cluster = rig.cluster(settings(&[script.address()]));
    let (answered, _peer) = tokio::join!(send(&rig, &cluster, get("/")), async {
        let mut peer = script.answer(bytes).await;
        peer.0.shutdown().await.ok();
        peer
    });
    answered
}

/// A body of unknown length that a test feeds.
fn fed() -> (Sender<Bytes, BoxError>, Body) {
    let (feed, body) = Channel::new(1);
    (feed, body.boxed_unsync())
}

#[tokio::test]
async fn a_request_gets_its_answer() {
    let (rig, script) = (Rig::new(), Script::bind().await);
    let cluster = rig.cluster(settings(&[script.address()]));
    let (answered, head) = tokio::join!(send(&rig, &cluster, get("/a?b=c")), async {
        let mut peer = script.accept().await;
        let head = peer.head().await;
        peer.say("HTTP/1.1 207 Many\r\nx-a: 1\r\nx-a: 2\r\ncontent-length: 2\r\n\r\nok")
            .await;
        head
    });
    let Answered {
        response,
        endpoint,
        place,
    } = answered.unwrap();
    assert_eq!(head, "GET /a?b=c HTTP/1.1\r\nhost: web.example.com\r\n\r\n");
    assert_eq!(response.status(), 207);
    let values: Vec<_> = response.headers().get_all("x-a").iter().collect();
    assert_eq!(values, ["1", "2"]);
    assert_eq!(place, Place::Owner);
    assert_eq!(endpoint.address(), script.address());
    assert_eq!(within(text(response.into_body())).await, "ok");
}

#[tokio::test]
async fn a_body_of_known_length_says_its_length() {
    let (rig, script) = (Rig::new(), Script::bind().await);
    let cluster = rig.cluster(settings(&[script.address()]));
    let (answered, head) = tokio::join!(send(&rig, &cluster, post("hello")), async {
        let mut peer = script.accept().await;
        let head = peer.until(b"hello").await;
        peer.say(OK).await;
        head
    });
    answered.unwrap();
    assert!(head.contains("\r\ncontent-length: 5\r\n"), "{head}");
    assert!(!head.contains("transfer-encoding"), "{head}");
}

#[tokio::test]
async fn a_body_streams_in_chunks_whatever_the_method() {
    for method in ["GET", "HEAD", "POST", "DELETE"] {
        let (rig, script) = (Rig::new(), Script::bind().await);
        let cluster = rig.cluster(settings(&[script.address()]));
        let (mut feed, body) = fed();
        let request = Request::builder()
            .method(method)
            .uri("/")
            .header("host", "a")
            .body(body);
        let (answered, ()) = tokio::join!(send(&rig, &cluster, request.unwrap()), async {
            let mut peer = script.accept().await;
            let head = peer.head().await;
            assert!(
                head.contains("\r\ntransfer-encoding: chunked\r\n"),
                "{head}"
            );
            feed.send_data("first".into()).await.unwrap();
            assert_eq!(peer.until(b"first\r\n").await, "5\r\nfirst\r\n");
            feed.send_data("second".into()).await.unwrap();
            drop(feed);
            assert_eq!(
                peer.until(b"\r\n0\r\n\r\n").await,
                "6\r\nsecond\r\n0\r\n\r\n"
            );
            peer.say("HTTP/1.1 204 No Content\r\n\r\n").await;
        });
        answered.unwrap();
    }
}

#[tokio::test]
async fn an_announced_length_is_kept() {
    let (rig, script) = (Rig::new(), Script::bind().await);
    let cluster = rig.cluster(settings(&[script.address()]));
    let (mut feed, body) = fed();
    let request = Request::put("/")
        .header("host", "a")
        .header("content-length", "4")
        .body(body);
    let (answered, ()) = tokio::join!(send(&rig, &cluster, request.unwrap()), async {
        let mut peer = script.accept().await;
        let head = peer.head().await;
        assert!(head.contains("\r\ncontent-length: 4\r\n"), "{head}");
        assert!(!head.contains("transfer-encoding"), "{head}");
        feed.send_data("four".into()).await.unwrap();
        peer.until(b"four").await;
        peer.say(OK).await;
    });
    answered.unwrap();
}

#[tokio::test]
async fn an_answer_streams() {
    let (rig, script) = (Rig::new(), Script::bind().await);
    let cluster = rig.cluster(settings(&[script.address()]));
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let (answered, mut peer) = tokio::join!(send(&rig, &cluster, get("/")), script.answer(head));
    let mut body = answered.unwrap().response.into_body();
    for chunk in ["one", "two"] {
        peer.say(format!("3\r\n{chunk}\r\n")).await;
        let frame = within(body.frame()).await.unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), chunk);
    }
    peer.say("0\r\nx-sum: 6\r\n\r\n").await;
    let trailers = within(body.frame())
        .await
        .unwrap()
        .unwrap()
        .into_trailers()
        .unwrap();
    assert_eq!(
        trailers,
        HeaderMap::from_iter([("x-sum".parse().unwrap(), "6".parse().unwrap())])
    );
    assert!(within(body.frame()).await.is_none());
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_an_error_of_its_body() {
    let short = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nshort";
    let answered = answer_with(short).await.unwrap();
    assert!(
        within(answered.response.into_body().collect())
            .await
            .is_err()
    );
}

#[tokio::test]
async fn no_byte_of_the_body_is_read_before_somebody_accepted() {
    let (rig, refusing) = (Rig::new(), Refusing::new());
    let cluster = rig.cluster(settings(&[refusing.address()]));
    let (mut feed, body) = fed();
    let request = Request::post("/").header("host", "a").body(body).unwrap();
    // The channel holds one frame: a second fits only once the first was read.
    feed.try_send(Frame::data("first".into())).unwrap();
    let error = send(&rig, &cluster, request).await.unwrap_err();
    assert_eq!(error.reason(), "connect_refused");
    assert!(
        feed.send_data("second".into()).await.is_err(),
        "the body went unread"
    );
}

#[tokio::test]
async fn a_body_moves_on_with_the_request() {
    let (rig, script, refusing) = (Rig::new(), Script::bind().await, Refusing::new());
    let cluster = rig.cluster(settings(&[refusing.address(), script.address()]));
    let (answered, ()) = tokio::join!(send(&rig, &cluster, post("hello")), async {
        let mut peer = script.accept().await;
        peer.until(b"\r\n\r\nhello").await;
        peer.say(OK).await;
    });
    assert_eq!(answered.unwrap().place, Place::Failover);
    assert!(rig.counts(r#"switchyard_cluster_retries_total{cluster="chat"} 1"#));
}

#[tokio::test]
async fn an_empty_ranking_is_unavailable() {
    let rig = Rig::new();
    let cluster = rig.cluster(settings(&[]));
    let error = send(&rig, &cluster, get("/")).await.unwrap_err();
    assert_eq!(
        (error.reason(), error.status().as_u16()),
        ("no_endpoint", 503)
    );
}

#[tokio::test]
async fn an_unasked_101_is_a_bad_gateway() {
    let (rig, script) = (Rig::new(), Script::bind().await);
    let cluster = rig.cluster(settings(&[script.address()]));
    let switching =
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n";
    let (sent, mut peer) = tokio::join!(send(&rig, &cluster, get("/")), script.answer(switching));
    let error = sent.unwrap_err();
    assert_eq!(
        (error.reason(), error.status().as_u16()),
        ("unasked_upgrade", 502)
    );
    within(peer.closed()).await;
}

#[tokio::test]
async fn answers_that_are_none_are_bad_gateways() {
    let table = [
        ("", "closed_without_answer"),
        ("HTTP/1.1 200 OK\r\nx", "closed_without_answer"),
        ("HTTP/1.1 103 Early Hints\r\n\r\n", "closed_without_answer"),
        ("220 mail.example.com ESMTP\r\n\r\n", "bad_response"),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
            "bad_response",
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
            "bad_response",
        ),
        ("HTTP/1.1 200 OK\r\nname : value\r\n\r\n", "bad_response"),
    ];
    for (answer, reason) in table {
        let error = answer_with(answer).await.unwrap_err();
        assert_eq!(
            (error.reason(), error.status().as_u16()),
            (reason, 502),
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn a_body_that_breaks_is_not_the_endpoints_fault() {
    let (rig, script) = (Rig::new(), Script::bind().await);
    let cluster = rig.cluster(settings(&[script.address()]));
    let (feed, body) = fed();
    let request = Request::post("/").header("host", "a").body(body).unwrap();
    let (sent, mut peer) = tokio::join!(send(&rig, &cluster, request), async {
        let mut peer = script.accept().await;
        peer.head().await;
        feed.abort("the client left".into());
        peer
    });
    let error = sent.unwrap_err();
    assert_eq!(
        (error.reason(), error.status().as_u16()),
        ("request_body", 400)
    );
    assert_eq!(error.body_error().unwrap().to_string(), "the client left");
    assert!(
        !rig.metrics
            .render()
            .unwrap()
            .contains("switchyard_endpoint_failures_total{")
    );
    within(peer.closed()).await;
}

#[tokio::test]
async fn nothing_is_retried_once_the_request_was_sent() {
    let (rig, first, second) = (Rig::new(), Script::bind().await, Script::bind().await);
    let cluster = rig.cluster(settings(&[first.address(), second.address()]));
    let (sent, ()) = tokio::join!(send(&rig, &cluster, get("/")), async {
        first.answer("HTTP/1.1 ").await.reset();
    });
    assert_eq!(sent.unwrap_err().reason(), "closed_without_answer");
    assert!(rig.counts(r#"switchyard_cluster_retries_total{cluster="chat"} 0"#));
}

#[tokio::test]
async fn a_dropped_request_ends_its_connection() {
    let (rig, script) = (Rig::new(), Script::bind().await);
    let cluster = rig.cluster(settings(&[script.address()]));
    let mut peer = tokio::select! {
        _ = send(&rig, &cluster, get("/")) => panic!("nobody answered"),
        peer = script.answer("HTTP/1.1 200") => peer,
    };
    within(peer.closed()).await;
    within(rig.tasks.finished()).await;
}

#[tokio::test]
async fn a_flood_of_informational_answers_ends_with_the_callers_deadline() {
    let (rig, script) = (Rig::new(), Script::bind().await);
    let cluster = rig.cluster(settings(&[script.address()]));
    let short = std::time::Duration::from_millis(50);
    let sent = tokio::time::timeout(short, send(&rig, &cluster, get("/")));
    let (sent, ()) = tokio::join!(sent, async {
        let hints = "HTTP/1.1 103 Early Hints\r\nx: y\r\n\r\n".repeat(64);
        script.answer("").await.say_forever(hints.as_bytes()).await;
    });
    assert!(sent.is_err(), "the caller's deadline");
    within(rig.tasks.finished()).await;
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let (rig, script) = (Rig::new(), Script::bind().await);
    let cluster = rig.cluster(settings(&[script.address()]));
    let client = async {
        for _ in 0..3 {
            assert_eq!(fetch(&rig, &cluster).await.unwrap(), "ok");
        }
    };
    let endpoint = async {
        let mut peer = script.accept().await;
        for _ in 0..3 {
            peer.head().await;
            peer.say(OK).await;
        }
        peer
    };
    within(Box::pin(async { tokio::join!(client, endpoint) })).await;
    let address = script.address();
    let labels = format!(r#"{{cluster="chat",endpoint="{address}"}}"#);
    assert!(rig.counts(&format!(
        "switchyard_endpoint_connect_seconds_count{labels} 1"
    )));
}

#[tokio::test]
async fn a_connection_that_must_close_is_not_used_again() {
    let closing = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok";
    let old = "HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok";
    for answer in [closing, old] {
        let (rig, script) = (Rig::new(), Script::bind().await);
        let cluster = rig.cluster(settings(&[script.address()]));
        let client = async {
            fetch(&rig, &cluster).await.unwrap();

            fetch(&rig, &cluster).await.unwrap();
        };
        let endpoint = async {
            let mut first = script.answer(answer).await;
            first.closed().await;
            script.answer(OK).await
        };
        within(Box::pin(async { tokio::join!(client, endpoint) })).await;
    }
}

#[tokio::test]
async fn a_kept_connection_that_was_closed_costs_nothing() {
    let (rig, script) = (Rig::new(), Script::bind().await);
    let cluster = rig.cluster(settings(&[script.address()]));
    let (fetched, peer) = tokio::join!(fetch(&rig, &cluster), script.answer(OK));
    fetched.unwrap();

    drop(peer);
    let (fetched, _peer) = tokio::join!(send(&rig, &cluster, post("again")), async {
        let mut peer = script.accept().await;
        peer.until(b"again").await;
        peer.say(OK).await;
        peer
    });
    assert_eq!(fetched.unwrap().place, Place::Owner);
    assert!(rig.counts(r#"switchyard_cluster_retries_total{cluster="chat"} 0"#));
    assert!(
        !rig.metrics
            .render()
            .unwrap()
            .contains("switchyard_endpoint_failures_total{")
    );
}

#[tokio::test]
async fn bytes_nobody_asked_for_end_a_kept_connection() {
    let (rig, script) = (Rig::new(), Script::bind().await);
    let cluster = rig.cluster(settings(&[script.address()]));
    let (fetched, mut peer) = tokio::join!(fetch(&rig, &cluster), script.answer(OK));
    fetched.unwrap();

    peer.say("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged")
        .await;
    let (fetched, _peer) = tokio::join!(fetch(&rig, &cluster), script.answer(OK));
    assert_eq!(fetched.unwrap(), "ok");
    within(peer.closed()).await;
}

#[tokio::test]
async fn field_names_keep_their_case_where_asked() {
    for (case, written) in [
        (HeaderCase::Preserve, "\r\nX-CuStOm: 1\r\n"),
        (HeaderCase::Lower, "\r\nx-custom: 1\r\n"),
    ] {
        let (rig, script) = (Rig::new(), Script::bind().await);
        let mut settings = settings(&[script.address()]);
        settings.header_case = case;
        let cluster = rig.cluster(settings);
        let (client, server) = tokio::io::duplex(1024);
        let forward = service_fn(async |request: Request<Incoming>| {
            let request = request.map(from_endpoint);
            send(&rig, &cluster, request)
                .await
                .map(|answered| answered.response)
        });
        let serve = Server::new()
            .preserve_header_case(true)
            .serve_connection(TokioIo::new(server), forward);
        let ask = async {
            let (mut read, mut write) = tokio::io::split(client);
            write
                .write_all(b"GET / HTTP/1.1\r\nHost: a\r\nX-CuStOm: 1\r\nconnection: close\r\n\r\n")
                .await
                .unwrap();
            let mut answer = String::new();
            read.read_to_string(&mut answer).await.unwrap();
            answer
        };
        let endpoint = async {
            let mut peer = script.accept().await;
            let head = peer.head().await;
            peer.say(OK.replace("content-l", "Content-L")).await;
            head
        };
        let (end, answer, head) = within(async { tokio::join!(serve, ask, endpoint) }).await;
        end.unwrap();
        assert!(head.contains(written), "{head}");
        assert_eq!(
            answer.contains("Content-Length: 2"),
            case == HeaderCase::Preserve,
            "{answer}"
        );
    }
}

#[test]
fn a_request_is_never_sent_in_another_version() {
    let cluster = Rig::new().cluster(settings(&[]));
    let mut request = get("/");
    *request.version_mut() = http::Version::HTTP_3;
    http1::prepare(&mut request, &cluster);
    assert_eq!(request.version(), http::Version::HTTP_11);
}

/// A body that has ended, and does not say that it is 0 bytes long.
struct Ended;

impl hyper::body::Body for Ended {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        true
    }
}

#[test]
fn an_empty_body_is_not_framed() {
    let empty = Full::from("")
        .map_err(|never| match never {})
        .boxed_unsync();
    for body in [Ended.boxed_unsync(), empty] {
        let mut request = Request::new(body);
        frame(&mut request);
        assert!(request.headers().is_empty());
    }
}

#[tokio::test]
async fn a_connection_with_an_introduction_serves_one_request() {
    let (rig, script) = (Rig::new(), Script::bind().await);
    let mut settings = settings(&[script.address()]);
    settings.proxy_protocol = SendProxy::V1;
    let cluster = rig.cluster(settings);
    let mut peers = Vec::new();
    for _ in 0..2 {
        let (answered, (peer, head)) = tokio::join!(send(&rig, &cluster, get("/")), async {
            let mut peer = script.accept().await;
            let head = peer.head().await;
            peer.say(OK).await;
            (peer, head)
        });
        assert_eq!(text(answered.unwrap().response.into_body()).await, "ok");
        let told = "PROXY TCP4 192.0.2.1 0.0.0.0 5 0\r\nGET / HTTP/1.1\r\n";
        assert!(head.starts_with(told), "{head}");
        peers.push(peer);
    }
    for mut peer in peers {
        peer.closed().await;
    }
}
