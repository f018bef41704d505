//! Gateways that the test plays, at several addresses of loopback.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use super::*;

/// How long is waited for somebody who does not answer.
const PATIENCE: Duration = Duration::from_millis(500);

/// Somebody who says this to the first who asks; nothing at all, if that is empty.
fn gateway(ip: &str, answer: String) -> SocketAddr {
    let listener = TcpListener::bind((ip, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let _ = socket.read(&mut [0; 1000]).unwrap();
        socket.write_all(answer.as_bytes()).unwrap();
        if answer.is_empty() {
            // Until the other side has enough of it.
            let _ = socket.read(&mut [0]);
        }
    });
    address
}

fn answer(status: &str, word: &str) -> String {
    let body = format!("{{\"status\":\"{word}\"}}");
    format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn draining(ip: &str) -> SocketAddr {
    gateway(ip, answer("503 Service Unavailable", "draining"))
}

fn ask(addresses: &[SocketAddr]) -> anyhow::Result<State> {
    let client = AdminClient {
        authority: "gateways:9901".to_owned(),
        token: None,
        patience: PATIENCE,
    };
    let addresses = addresses.iter().copied().collect();
    run(client.state_among(&addresses, "/readyz")).unwrap()
}

#[test]
fn one_that_is_ready_is_enough() {
    let ready = gateway("127.0.0.2", answer("200 OK", "ready"));
    let silent = gateway("127.0.0.3", String::new());
    let began = Instant::now();
    let state = ask(&[draining("127.0.0.1"), ready, silent]).unwrap();
    assert!(state.is_well && state.status == "ready");
    assert!(began.elapsed() < PATIENCE);
}

#[test]
fn where_none_is_each_has_its_word() {
    let (one, silent) = (draining("127.0.0.1"), gateway("127.0.0.2", String::new()));
    let gone = TcpListener::bind("127.0.0.3:0").unwrap();
    let dead = gone.local_addr().unwrap();
    drop(gone);
    let state = ask(&[one, silent, dead]).unwrap();
    assert!(!state.is_well);
    let told = state.status;
    assert!(told.starts_with(&format!("draining ({one}); ")), "{told}");
    assert!(told.contains("did not answer within 500ms"), "{told}");
    assert!(
        told.contains("nobody can be reached: Connection refused"),
        "{told}"
    );
    assert!(told.ends_with(&format!("({dead})")), "{told}");
}

#[test]
fn the_many_are_counted() {
    let all: Vec<_> = (1..=7).map(|n| draining(&format!("127.0.0.{n}"))).collect();
    let told = ask(&all).unwrap().status;
    assert_eq!(told.matches("draining").count(), TOLD, "{told}");
    assert!(told.ends_with("; and 2 more"), "{told}");
}

#[test]
fn one_alone_is_told_as_it_is() {
    assert_eq!(ask(&[draining("127.0.0.1")]).unwrap().status, "draining");
    let no_json = gateway(
        "127.0.0.1",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx".into(),
    );
    let error = ask(&[no_json]).unwrap_err().to_string();
    assert!(
        error.starts_with("gateways:9901 answers 200 OK and no JSON"),
        "{error}"
    );
}
