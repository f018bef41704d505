//! An API server that is away, refuses or talks nonsense: told as such, and nobody is lost.

use std::fs;

use switchyard_discovery::kubernetes::{Access, Port};
use switchyard_testkit::kubernetes::{ApiServer, EndpointSlice, Pod};

use crate::followed::Followed;

fn slice(name: &str, address: &str) -> EndpointSlice {
    EndpointSlice::new("chat", name, 80).pod(Pod::ready(address))
}

/// A service with one slice, followed, with its watch open.
fn one() -> (ApiServer, Followed) {
    let server = ApiServer::start();
    server.set(&slice("chat-a", "10.0.0.1"));
    let mut chat = Followed::of(&server);
    assert_eq!(chat.members(), ["10.0.0.1:80"]);
    server.await_watches(1);
    (server, chat)
}

#[test]
fn a_server_that_goes_away_takes_nobody_along() {
    let (mut server, mut chat) = one();
    server.stop();
    assert_eq!(chat.failure().reason(), "api_unreachable");
    server.set(&slice("chat-b", "10.0.0.2"));
    server.come_back();
    assert_eq!(
        chat.members_after("api_unreachable"),
        ["10.0.0.1:80", "10.0.0.2:80"]
    );
    let requests = server.requests_until(|requests| requests.len() >= 3);
    assert!(requests[2].is_watch(), "it goes on where it was");
}

#[test]
fn a_server_that_is_away_at_first_is_waited_for() {
    let mut server = ApiServer::start();
    server.set(&slice("chat-a", "10.0.0.1"));
    server.stop();
    let mut chat = Followed::of(&server);
    assert_eq!(chat.failure().reason(), "api_unreachable");
    server.come_back();
    assert_eq!(chat.members_after("api_unreachable"), ["10.0.0.1:80"]);
}

#[test]
fn a_refusal_is_told_with_what_the_server_says() {
    let (server, mut chat) = one();
    server.refuse(500);
    server.end_watches();
    let error = chat.failure();
    assert_eq!(error.reason(), "api_refused");
    assert_eq!(
        error.to_string(),
        "the API server answered 500: an error on the server"
    );
    server.set(&slice("chat-a", "10.0.0.2"));
    server.accept_again();
    assert_eq!(chat.members_after("api_refused"), ["10.0.0.2:80"]);
}

#[test]
fn what_was_told_before_a_failure_is_not_told_again() {
    let (server, mut chat) = one();
    server.refuse(503);
    server.end_watches();
    assert_eq!(chat.failure().reason(), "api_refused");
    server.accept_again();
    server.await_watches(2);
    server.set(&slice("chat-b", "10.0.0.2"));
    assert_eq!(
        chat.members_after("api_refused"),
        ["10.0.0.1:80", "10.0.0.2:80"]
    );
}

#[test]
fn an_event_that_is_none_is_told_and_followed_by_a_list() {
    for line in [
        "{\"type\":\"MODIFIED\",\"object\":{\"metadata\":",
        "{\"type\":\"RENAMED\",\"object\":{}}",
        "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"chat-x\"}}}",
        "",
    ] {
        let (server, mut chat) = one();
        server.say(line);
        assert_eq!(chat.failure().reason(), "api_nonsense", "{line}");
        server.set(&slice("chat-b", "10.0.0.2"));
        assert_eq!(chat.members(), ["10.0.0.1:80", "10.0.0.2:80"]);
        let requests = server.requests_until(|requests| requests.len() >= 3);
        assert!(!requests[2].is_watch(), "{line}");
    }
}

#[test]
fn an_error_event_is_told_and_followed_by_a_list() {
    let (server, mut chat) = one();
    server.say(
        r#"{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"etcd is away","reason":"InternalError","code":500}}"#,
    );
    let error = chat.failure();
    assert_eq!(
        error.to_string(),
        "the API server answered 500: etcd is away"
    );
    server.delete("default", "chat-a");
    assert_eq!(chat.members(), [""; 0]);
}

#[test]
fn a_list_that_is_none_is_told_and_takes_nobody_along() {
    let (server, mut chat) = one();
    server.answer_next_list(r#"{"metadata":{},"items":null}"#);
    server.gone();
    assert_eq!(chat.failure().reason(), "api_nonsense");
    server.set(&slice("chat-b", "10.0.0.2"));
    assert_eq!(chat.members(), ["10.0.0.1:80", "10.0.0.2:80"]);
}

#[test]
fn a_new_token_is_read() {
    let (server, mut chat) = one();
    server.rotate_token("another");
    server.end_watches();
    server.await_watches(2);
    let requests = server.requests_until(|requests| requests.len() >= 3);
    let last = requests.last().unwrap().authorization.as_deref();
    assert_eq!(last, Some("Bearer another"));
    server.set(&slice("chat-b", "10.0.0.2"));
    assert_eq!(chat.members(), ["10.0.0.1:80", "10.0.0.2:80"]);
}

#[test]
fn a_kubeconfig_that_is_none_is_told_and_read_again() {
    let server = ApiServer::start();
    server.set(&slice("chat-a", "10.0.0.1"));
    let good = fs::read(server.kubeconfig()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kubeconfig");
    fs::copy(
        server.kubeconfig().with_file_name("token"),
        folder.path().join("token"),
    )
    .unwrap();
    let access = Access::Kubeconfig {
        path: path.clone(),
        context: Some("test".into()),
    };
    let mut chat = Followed::over(access, Port::Name("ws".into()));
    assert_eq!(chat.failure().reason(), "api_access");
    fs::write(&path, "[").unwrap();
    assert_eq!(chat.failure().reason(), "api_access");
    fs::write(&path, good).unwrap();
    assert_eq!(chat.members_after("api_access"), ["10.0.0.1:80"]);
}

#[test]
fn it_ends_when_nobody_listens_while_it_waits() {
    let mut server = ApiServer::start();
    server.stop();
    let mut chat = Followed::of(&server);
    assert_eq!(chat.failure().reason(), "api_unreachable");
    chat.leave();
}
