//! Plain HTTP on the same port: streamed both ways, connections kept, hops' own fields kept to the
//! hop, and what two parsers could read differently refused.

use std::io::Write as _;
use std::process::{Command, Stdio};

use switchyard_testkit::head::{read_body, read_chunk};
use switchyard_testkit::{Endpoint, Head, Response, Settings, Socket};

use crate::support::{Stage, gateway};

const GET: &str = "GET /page?x=1 HTTP/1.1\r\nHost: chat.example.com\r\n\r\n";

/// Sends a request; returns the client's end, the endpoint's end and the request as it came there.
#[track_caller]
fn forward(stage: &Stage, request: &str) -> (Socket, Socket, Head) {
    let mut client = Socket::connect(stage.gateway.web());
    client.send(request.as_bytes());
    let mut server = stage.endpoint.accept();
    let head = Head::read(&mut server);
    (client, server, head)
}

/// The status for a request that no endpoint must see.
#[track_caller]
fn refused(stage: &Stage, request: &str) -> u16 {
    let mut client = Socket::connect(stage.gateway.web());
    client.send(request.as_bytes());
    let status = Response::read(&mut client).status();
    assert!(!stage.endpoint.has_more(), "an endpoint saw {request:?}");
    status
}

#[test]
fn a_request_and_its_answer() {
    let stage = Stage::new();
    let (mut client, mut server, head) = forward(&stage, GET);
    assert_eq!(head.start, "GET /page?x=1 HTTP/1.1");
    assert_eq!(head.get("host"), Some("chat.example.com"));
    server.send(b"HTTP/1.1 203 Odd\r\nContent-Length: 5\r\nX-Kept: yes\r\n\r\nhello");
    let answer = Response::read(&mut client);
    assert_eq!((answer.status(), answer.text()), (203, "hello"));
    assert_eq!(answer.head.get("x-kept"), Some("yes"));
    let labels = [("route", "main"), ("status", "203")];
    stage
        .gateway
        .wait_metric("switchyard_http_requests_total", &labels, 1);
}

#[test]
fn connections_are_kept_on_both_sides() {
    let stage = Stage::with(|settings| settings.workers(1));
    let (mut client, mut server, _) = forward(&stage, GET);
    for n in 0..5 {
        server.send(format!("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{n}").as_bytes());
        assert_eq!(Response::read(&mut client).text(), n.to_string());
        client.send(GET.as_bytes());
        Head::read(&mut server);
    }
    assert!(
        !stage.endpoint.has_more(),
        "one connection to the endpoint is enough"
    );
}

#[test]
fn a_kept_connection_that_the_endpoint_closed_is_not_used_again() {
    let stage = Stage::with(|settings| settings.workers(1));
    let (mut client, mut server, _) = forward(&stage, GET);
    server.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(Response::read(&mut client).status(), 200);
    drop(server);
    client.send(GET.as_bytes());
    let mut server = stage.endpoint.accept();
    Head::read(&mut server);
    server.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nagain");
    assert_eq!(Response::read(&mut client).text(), "again");
}

#[test]
fn connection_close_is_heeded() {
    let stage = Stage::new();
    let request = "GET / HTTP/1.1\r\nHost: chat.example.com\r\nConnection: close\r\n\r\n";
    let (mut client, mut server, _) = forward(&stage, request);
    server.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    assert_eq!(Response::read(&mut client).text(), "ok");
    client.expect_end();
}

#[test]
fn a_body_is_passed_on_while_it_comes() {
    let stage = Stage::new();
    let request = "POST / HTTP/1.1\r\nHost: chat.example.com\r\nTransfer-Encoding: chunked\r\n\r\n";
    let (mut client, mut server, head) = forward(&stage, request);
    assert_eq!(head.get("transfer-encoding"), Some("chunked"));
    for piece in ["first", "second", "third"] {
        client.send(format!("{:x}\r\n{piece}\r\n", piece.len()).as_bytes());
        assert_eq!(read_chunk(&mut server), piece.as_bytes());
    }
    client.send(b"0\r\n\r\n");
    assert_eq!(read_chunk(&mut server), b"");
    server.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_eq!(Head::read(&mut client).status(), 200);
    for piece in ["one", "two"] {
        server.send(format!("{:x}\r\n{piece}\r\n", piece.len()).as_bytes());
        assert_eq!(read_chunk(&mut client), piece.as_bytes());
    }
    server.send(b"0\r\n\r\n");
    assert_eq!(read_chunk(&mut client), b"");
}

#[test]
fn a_long_body_goes_either_way() {
    let stage = Stage::new();
    let body = vec![b'x'; 5 << 20];
    let length = body.len();
    let request =
        format!("PUT / HTTP/1.1\r\nHost: chat.example.com\r\nContent-Length: {length}\r\n\r\n");
    let (mut client, mut server, head) = forward(&stage, &request);
    assert_eq!(head.get("content-length"), Some(&*length.to_string()));
    std::thread::scope(|scope| {
        scope.spawn(|| client.send(&body));
        assert!(read_body(&mut server, &head) == body);
    });
    server.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n").as_bytes());
    std::thread::scope(|scope| {
        scope.spawn(|| server.send(&body));
        assert!(Response::read(&mut client).body == body);
    });
}

#[test]
fn an_answer_up_to_the_end_of_the_connection() {
    let stage = Stage::new();
    let (mut client, mut server, _) = forward(&stage, GET);
    server.send(b"HTTP/1.1 200 OK\r\n\r\nuntil I hang up");
    drop(server);
    assert_eq!(Response::read(&mut client).text(), "until I hang up");
}

#[test]
fn head_has_a_length_and_no_body() {
    let stage = Stage::new();
    let (mut client, mut server, head) = forward(
        &stage,
        "HEAD / HTTP/1.1\r\nHost: chat.example.com\r\nConnection: close\r\n\r\n",
    );
    assert!(head.start.starts_with("HEAD / "));
    server.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
    let answer = Head::read(&mut client);
    assert_eq!(
        (answer.status(), answer.get("content-length")),
        (200, Some("1000"))
    );
    client.expect_end();
}

#[test]
fn fields_of_one_hop_stay_on_it() {
    let stage = Stage::new();
    let request = "GET / HTTP/1.1\r\nHost: chat.example.com\r\nConnection: keep-alive, X-Mine\r\n\
                   Keep-Alive: timeout=5\r\nX-Mine: secret\r\nProxy-Connection: keep-alive\r\n\
                   TE: trailers\r\nX-Kept: yes\r\n\r\n";
    let (mut client, mut server, head) = forward(&stage, request);
    for field in ["x-mine", "keep-alive", "proxy-connection", "te", "upgrade"] {
        assert_eq!(head.get(field), None, "{head:#?}");
    }
    assert_eq!(head.get("x-kept"), Some("yes"));
    server.send(
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive, x-its\r\nX-Its: secret\r\n\
          Keep-Alive: timeout=9\r\nX-Kept: yes\r\n\r\n",
    );
    let answer = Response::read(&mut client).head;
    assert_eq!(
        (answer.get("x-its"), answer.get("keep-alive")),
        (None, None),
        "{answer:#?}"
    );
    assert_eq!(answer.get("x-kept"), Some("yes"));
}

/// A request that claims to come through proxies.
const CLAIMS: &str = "GET / HTTP/1.1\r\nHost: chat.example.com\r\nX-Forwarded-For: 203.0.113.7\r\n\
                      X-Forwarded-Proto: https\r\nX-Forwarded-Host: shop.example.com\r\n\
                      Forwarded: for=203.0.113.7\r\nX-Request-Id: theirs\r\n\r\n";

#[test]
fn a_stranger_is_not_believed() {
    let stage = Stage::new();
    let (_client, _server, head) = forward(&stage, CLAIMS);
    assert_eq!(head.get("x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(head.get("x-forwarded-proto"), Some("http"));
    assert_eq!(head.get("x-forwarded-host"), Some("chat.example.com"));
    assert!(
        head.get("forwarded")
            .is_some_and(|value| !value.contains("203.0.113.7")),
        "{head:#?}"
    );
    assert_ne!(head.get("x-request-id"), Some("theirs"));
}

#[test]
fn a_trusted_proxy_is_believed() {
    let stage = Stage::with(|settings| settings.top("trusted_proxies: [127.0.0.0/8]"));
    let (_client, _server, head) = forward(&stage, CLAIMS);
    assert_eq!(head.get("x-forwarded-for"), Some("203.0.113.7, 127.0.0.1"));
    assert_eq!(head.get("x-forwarded-proto"), Some("https"));
    assert_eq!(head.get("x-forwarded-host"), Some("shop.example.com"));
    assert_eq!(head.get("x-request-id"), Some("theirs"));
}

#[test]
fn names_keep_their_case_where_the_cluster_asks_for_it() {
    let request = "GET / HTTP/1.1\r\nHost: chat.example.com\r\nX-OddCase: 1\r\n\r\n";
    let name = |stage: Stage| {
        let (_client, _server, head) = forward(&stage, request);
        head.fields
            .into_iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("x-oddcase"))
            .unwrap()
            .0
    };
    assert_eq!(name(Stage::new()), "x-oddcase");
    assert_eq!(
        name(Stage::with(
            |settings| settings.cluster("header_case: preserve")
        )),
        "X-OddCase"
    );
}

#[test]
fn what_two_parsers_could_read_differently_is_refused() {
    let stage = Stage::new();
    let wrong = [
        ("no Host", "GET / HTTP/1.1\r\n\r\n"),
        (
            "two Hosts",
            "GET / HTTP/1.1\r\nHost: a.example\r\nHost: a.example\r\n\r\n",
        ),
        (
            "another authority",
            "GET http://a.example/ HTTP/1.1\r\nHost: b.example\r\n\r\n",
        ),
        (
            "a length with an encoding",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
        (
            "two lengths",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
        ),
        (
            "an upgrade to h2c",
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
        ),
        ("a dot segment", "GET /a/../b HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("a bad name", "GET / HTTP/1.1\r\nHost: a\r\nX Y: 1\r\n\r\n"),
        ("no HTTP", "hello\r\n\r\n"),
    ];
    for (what, request) in wrong {
        assert_eq!(refused(&stage, request), 400, "{what}");
    }
    assert_eq!(
        refused(&stage, "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n"),
        501
    );
}

#[test]
fn a_body_beyond_the_limit_is_413() {
    let stage = Stage::with(|settings| settings.http("max_body: 1KiB"));
    let announced = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1025\r\n\r\n";
    assert_eq!(refused(&stage, announced), 413);
}

#[test]
fn a_body_that_grows_beyond_the_limit_is_cut() {
    let stage = Stage::with(|settings| settings.http("max_body: 1KiB"));
    let request = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let (mut client, mut server, _) = forward(&stage, request);
    let _ = client.try_send(format!("800\r\n{}\r\n", "x".repeat(2048)).as_bytes());
    let (seen, _) = server.drain();
    assert!(
        !seen.ends_with(b"0\r\n\r\n"),
        "the endpoint must not take it for whole"
    );
    assert_eq!(Response::read(&mut client).status(), 413);
}

#[test]
fn an_endpoint_that_takes_too_long_is_504() {
    let stage = Stage::with(|settings| settings.http("request_timeout: 200ms"));
    let (mut client, _server, _) = forward(&stage, GET);
    assert_eq!(Response::read(&mut client).status(), 504);
}

#[test]
fn an_endpoint_that_breaks_off_breaks_the_answer_off() {
    let stage = Stage::new();
    let (mut client, mut server, _) = forward(&stage, GET);
    server.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
    assert_eq!(Head::read(&mut client).status(), 200);
    drop(server);
    let (body, _) = client.drain();
    assert_eq!(body, b"half");
}

#[test]
fn curl_may_expect_100_continue() {
    let endpoint = Endpoint::serve(|mut socket| {
        let head = Head::read(&mut socket);
        let length = read_body(&mut socket, &head).len().to_string();
        let lines = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{length}",
            length.len()
        );
        socket.send(lines.as_bytes());
    });
    let gateway = gateway(&Settings::to(&[endpoint.address()]));
    let mut curl = Command::new("curl")
        .args([
            "-sS",
            "--max-time",
            "30",
            "--expect100-timeout",
            "30",
            "-H",
            "Expect: 100-continue",
        ])
        .args([
            "--data-binary",
            "@-",
            &format!("http://{}/upload", gateway.web()),
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("curl is installed");
    curl.stdin
        .take()
        .unwrap()
        .write_all(&vec![b'x'; 2 << 20])
        .unwrap();
    let output = curl.wait_with_output().unwrap();
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        (2 << 20).to_string()
    );
}

#[test]
fn http_1_0_is_answered_and_closed() {
    let stage = Stage::new();
    let (mut client, mut server, _) =
        forward(&stage, "GET / HTTP/1.0\r\nHost: chat.example.com\r\n\r\n");
    server.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
    let answer = Response::read(&mut client);
    assert_eq!(
        answer.head.get("transfer-encoding"),
        None,
        "HTTP/1.0 knows no chunks"
    );
    assert_eq!(answer.text(), "abc");
}

#[test]
fn requests_in_a_row_are_answered_in_order() {
    let endpoint = Endpoint::serve(|mut socket| {
        while let Some(head) = Head::next(&mut socket) {
            let target = head.target();
            let lines = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{target}",
                target.len()
            );
            socket.send(lines.as_bytes());
        }
    });
    let gateway = gateway(&Settings::to(&[endpoint.address()]));
    let mut client = Socket::connect(gateway.web());
    let row: Vec<String> = (0..10)
        .map(|n| format!("GET /{n} HTTP/1.1\r\nHost: a\r\n\r\n"))
        .collect();
    client.send(row.concat().as_bytes());
    for n in 0..10 {
        assert_eq!(Response::read(&mut client).text(), format!("/{n}"));
    }
}
