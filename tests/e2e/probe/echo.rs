//! `probe --echo`: a WebSocket there and back.

use std::fs;
use std::thread;

use switchyard_testkit::endpoint::Accepted;
use switchyard_testkit::{Certificate, Endpoint, Frame, Head, PATIENCE, Settings, frame::opcode};
use tempfile::TempDir;

use super::{ENDLESS, amiss, dead_address, gateway, probe, well};
use crate::tls;

/// Runs the probe against an endpoint that the test plays, and gives the exit code and both outputs.
fn against(
    endpoint: &Accepted,
    more: &[&str],
    play: impl FnOnce() + Send,
) -> (Option<i32>, String, String) {
    let url = format!("ws://{}/echo", endpoint.address());
    thread::scope(|scope| {
        let probing = scope.spawn(|| probe(&[&["--echo", &url], more].concat()));
        play();
        probing.join().expect("it does not panic")
    })
}

#[test]
fn an_echo_through_the_gateway_is_heard_and_the_session_closed() {
    let endpoint = Endpoint::bind();
    let gateway = gateway(&Settings::to(&[endpoint.address()]));
    let place = gateway.web().to_string();
    let arguments = [
        "--echo",
        "ws://chat.example.com/echo?a=1",
        "--connect",
        &place,
        "-H",
        "Origin: https://a",
    ];
    let out = thread::scope(|scope| {
        let probing = scope.spawn(|| well(&arguments));
        let mut peer = endpoint.accept_websocket();
        assert_eq!(peer.head().target(), "/echo?a=1");
        assert_eq!(peer.head().get("host"), Some("chat.example.com"));
        assert_eq!(peer.head().get("origin"), Some("https://a"));
        // What else comes is read past, and a Ping answered.
        peer.send_text("welcome");
        peer.send(&Frame::ping("are you there?"));
        let message = peer.receive();
        assert_eq!(peer.receive(), Frame::pong("are you there?"));
        let (first, second) = message.payload.split_at(9);
        peer.send(&Frame::text(String::from_utf8(first.to_vec()).unwrap()).unfinished());
        peer.send(&Frame::continuation(second));
        let close = peer.receive();
        assert_eq!(close.closing(), (1000, ""));
        peer.send(&close);
        peer.socket().finish();
        probing.join().expect("it succeeds")
    });
    assert!(
        out.starts_with("echo after ") && !out.contains("Close"),
        "{out}"
    );
    let record = gateway.closed();
    assert_eq!(record["code"], 1000, "{record}");
}

#[test]
fn an_echo_over_tls_is_heard_from_whoever_is_trusted() {
    let endpoint = Endpoint::named("a");
    let (gateway, certificates) = tls::gateway(
        Settings::to(&[endpoint.address()]),
        &[&["chat.example.com"]],
    );
    let folder = TempDir::new().expect("a folder");
    let file = |name: &str, content: &str| {
        let path = folder.path().join(name);
        fs::write(&path, content).expect("a file");
        path.to_str().expect("UTF-8").to_owned()
    };
    let (ca, other) = (
        file("ca.crt", &certificates[0].pem),
        file("other.crt", &Certificate::of(&["a"]).pem),
    );
    let place = gateway.web().to_string();
    let ask = |host: &str, ca: &str| {
        let url = format!("wss://{host}/");
        probe(&["--echo", &url, "--connect", &place, "--ca", ca])
    };
    let (code, out, err) = ask("chat.example.com", &ca);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.starts_with("echo after "), "{out}");
    for (host, ca) in [("chat.example.com", &other), ("other.example.com", &ca)] {
        let (code, _, err) = ask(host, ca);
        assert_eq!(code, Some(1));
        assert!(
            err.starts_with(&format!(
                "no TLS with {place}: the certificate cannot be trusted"
            )),
            "{err}"
        );
    }
    let (_, _, err) = ask("chat.example.com", &file("empty.crt", ""));
    assert!(err.contains("empty.crt"), "{err}");
    let (_, _, err) = ask("chat.example.com", "/nowhere/ca.crt");
    assert!(err.contains("/nowhere/ca.crt cannot be read"), "{err}");
}

#[test]
fn a_server_without_tls_is_told_of() {
    let endpoint = Endpoint::bind();
    let folder = TempDir::new().expect("a folder");
    let ca = folder.path().join("ca.crt");
    fs::write(&ca, Certificate::of(&["a"]).pem).expect("a file");
    let ca = ca.to_str().expect("UTF-8");
    let url = format!("wss://{}/", endpoint.address());
    let said = thread::scope(|scope| {
        let probing = scope.spawn(|| amiss(&["--echo", &url, "--ca", ca]));
        endpoint.accept().send(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        probing.join().expect("it does not panic")
    });
    assert!(said.starts_with("no TLS with 127.0.0.1:"), "{said}");
}

#[test]
fn another_message_is_no_echo() {
    let endpoint = Endpoint::bind();
    let (code, _, err) = against(&endpoint, &["--timeout", "500ms"], || {
        let mut peer = endpoint.accept_websocket();
        let message = peer.receive_text();
        peer.send_text("first");
        peer.send_text(&message.to_uppercase());
        // The right bytes of the wrong kind.
        peer.send(&Frame::binary(message));
        peer.socket().drain();
    });
    assert_eq!(code, Some(1));
    assert!(
        err.starts_with(
            "no echo within 500ms; what came are 3 messages, the last `switchyard-probe "
        ),
        "{err}"
    );
}

#[test]
fn a_message_without_end_is_not_waited_for() {
    let endpoint = Endpoint::bind();
    let told = "the WebSocket broke before the echo: a message is longer than 64 KiB\n";
    let (code, _, err) = against(&endpoint, &[], || {
        let mut peer = endpoint.accept_websocket();
        peer.receive_text();
        peer.send(&Frame::text("").unfinished());
        let more = Frame::continuation([b'a'; 4096]).unfinished();
        let more = more.encode(None);
        assert!(peer.socket().fill(&more, PATIENCE, ENDLESS) < ENDLESS);
    });
    assert_eq!((code, &*err), (Some(1), told));
    // Nor one that says at once how long it is.
    let (code, _, err) = against(&endpoint, &[], || {
        let mut peer = endpoint.accept_websocket();
        peer.receive_text();
        peer.socket().send(b"\x81\x7f\0\0\0\x01\0\0\0\0");
        peer.socket().drain();
    });
    assert_eq!((code, &*err), (Some(1), told));
}

#[test]
fn whoever_closes_or_goes_before_the_echo_is_told_of() {
    let endpoint = Endpoint::bind();
    let (code, _, err) = against(&endpoint, &[], || {
        let mut peer = endpoint.accept_websocket();
        peer.receive_text();
        peer.send(&Frame::close(1008, "not you"));
        peer.socket().drain();
    });
    assert_eq!(
        (code, &*err),
        (
            Some(1),
            "the other side closed before the echo, with 1008 `not you`\n"
        )
    );
    let (code, _, err) = against(&endpoint, &[], || {
        endpoint.accept_websocket().receive_text();
    });
    assert_eq!(code, Some(1));
    assert!(
        err.starts_with("the WebSocket broke before the echo: "),
        "{err}"
    );
}

#[test]
fn a_close_that_is_not_answered_is_told_and_no_failure() {
    let endpoint = Endpoint::bind();
    let (code, out, err) = against(&endpoint, &["--timeout", "1s"], || {
        let mut peer = endpoint.accept_websocket();
        let message = peer.receive();
        peer.send(&message);
        assert_eq!(peer.receive().opcode, opcode::CLOSE);
        peer.socket().drain();
    });
    assert_eq!(code, Some(0), "{err}");
    assert!(
        out.ends_with("; the Close was not answered in time\n"),
        "{out}"
    );
}

#[test]
fn an_answer_that_is_no_101_is_shown() {
    let endpoint = Endpoint::bind();
    let answers: [(&[u8], &str); 4] = [
        (
            b"HTTP/1.1 404 Not Found\r\nContent-Length: 12\r\n\r\nno such room",
            "the handshake is answered 404 Not Found, not 101: `no such room`\n",
        ),
        // A body that does not come is not waited for for ever.
        (
            b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 12\r\n\r\n",
            "the handshake is answered 503 Service Unavailable, not 101\n",
        ),
        (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n",
            "the handshake's answer is none: ",
        ),
        (b"", "no answer to the handshake within 500ms\n"),
    ];
    for (answer, told) in answers {
        let (code, _, err) = against(&endpoint, &["--timeout", "500ms"], || {
            let mut socket = endpoint.accept();
            Head::read(&mut socket);
            socket.send(answer);
            socket.drain();
        });
        assert_eq!(code, Some(1));
        assert!(err.starts_with(told), "{err}");
    }
}

#[test]
fn nobody_there_is_told_with_the_place() {
    let dead = dead_address();
    let said = amiss(&["--echo", &format!("ws://{dead}/")]);
    assert!(
        said.starts_with(&format!(
            "nobody can be reached at {dead}: Connection refused"
        )),
        "{said}"
    );
    let said = amiss(&[
        "--echo",
        "ws://a/",
        "--connect",
        "nowhere.invalid:80",
        "--timeout",
        "5s",
    ]);
    assert!(
        said.starts_with("nowhere.invalid:80 cannot be looked up")
            || said.starts_with("no connection within 5s"),
        "{said}"
    );
    for (url, more, told) in [
        ("http://a/", &[][..], "is no URL of a WebSocket"),
        ("ws://a/", &["--ca", "ca.crt"], "--ca is for a wss: URL"),
        ("ws://a/", &["-H", "nonsense"], "is no header"),
        ("ws://a/", &["--connect", "a"], "`a` is no HOST:PORT"),
    ] {
        let said = amiss(&[&["--echo", url], more].concat());
        assert!(said.contains(told), "{said}");
    }
}
