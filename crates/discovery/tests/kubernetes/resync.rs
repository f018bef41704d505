//! Watches that end, and versions that are gone: nothing is missed, and nobody is told of it.

use switchyard_testkit::kubernetes::{ApiServer, EndpointSlice, Gone, Pod, Request};

use crate::followed::Followed;

fn slice(name: &str, address: &str) -> EndpointSlice {
    EndpointSlice::new("chat", name, 80).pod(Pod::ready(address))
}

/// A service with two slices, followed, with its watch open.
fn two() -> (ApiServer, Followed) {
    let server = ApiServer::start();
    server.set(&slice("chat-a", "10.0.0.1"));
    server.set(&slice("chat-b", "10.0.0.2"));
    let mut chat = Followed::of(&server);
    assert_eq!(chat.members(), ["10.0.0.1:80", "10.0.0.2:80"]);
    server.await_watches(1);
    (server, chat)
}

fn lists(requests: &[Request]) -> usize {
    requests.iter().filter(|r| !r.is_watch()).count()
}

#[test]
fn a_watch_asks_for_bookmarks_and_an_end() {
    let (server, _chat) = two();
    let requests = server.requests_until(|requests| requests.len() == 2);
    let watch = &requests[1];
    assert_eq!(watch.get("allowWatchBookmarks"), "true");
    assert_eq!(watch.get("resourceVersion"), "1002");
    assert_eq!(
        watch.get("labelSelector"),
        "kubernetes.io/service-name=chat"
    );
    let seconds: u32 = watch.get("timeoutSeconds").parse().unwrap();
    assert!((240..300).contains(&seconds), "{seconds}");
}

#[test]
fn a_watch_that_is_over_goes_on_where_it_was() {
    let (server, mut chat) = two();
    server.end_watches();
    server.delete("default", "chat-a");
    assert_eq!(chat.members(), ["10.0.0.2:80"]);
    let requests = server.requests_until(|requests| requests.len() == 3);
    assert_eq!(lists(&requests), 1);
    assert_eq!(requests[2].get("resourceVersion"), "1002");
}

#[test]
fn a_watch_that_breaks_within_a_line_goes_on_where_it_was() {
    let (server, mut chat) = two();
    server.set(&slice("chat-c", "10.0.0.3"));
    assert_eq!(chat.members().len(), 3);
    server.break_watches();
    server.set(&slice("chat-b", "10.0.0.9"));
    assert_eq!(
        chat.members(),
        ["10.0.0.1:80", "10.0.0.3:80", "10.0.0.9:80"]
    );
    let requests = server.requests_until(|requests| requests.len() == 3);
    assert_eq!(lists(&requests), 1);
    assert_eq!(requests[2].get("resourceVersion"), "1003");
}

#[test]
fn a_bookmark_is_where_it_goes_on() {
    let (server, mut chat) = two();
    // Versions go by that are no concern of this service; then only a bookmark keeps up with them.
    server.set(&EndpointSlice::new("other", "other-a", 80));
    server.compact(Gone::Answer);
    server.bookmark();
    server.end_watches();
    server.await_watches(2);
    server.delete("default", "chat-b");
    assert_eq!(chat.members(), ["10.0.0.1:80"]);
    let requests = server.requests_until(|requests| requests.len() == 3);
    assert_eq!(lists(&requests), 1);
    assert_eq!(requests[2].get("resourceVersion"), "1004");
}

/// What is gone in between is gone, and what is new is there, all at once.
#[track_caller]
fn lists_again(server: &ApiServer, chat: &mut Followed) {
    assert_eq!(chat.members(), ["10.0.0.2:80", "10.0.0.3:80"]);
    let requests = server.requests_until(|requests| requests.len() >= 4);
    assert_eq!(lists(&requests), 2);
    server.set(&slice("chat-d", "10.0.0.4"));
    assert_eq!(chat.members().len(), 3);
}

/// A watch that fell behind while it was broken.
fn behind(gone: Gone) {
    let (server, mut chat) = two();
    server.at_once(|server| {
        server.break_watches();
        server.delete("default", "chat-a");
        server.set(&slice("chat-c", "10.0.0.3"));
        server.compact(gone);
    });
    lists_again(&server, &mut chat);
}

#[test]
fn gone_as_an_answer_is_followed_by_a_list() {
    behind(Gone::Answer);
}

#[test]
fn gone_as_the_first_event_is_followed_by_a_list() {
    behind(Gone::Event);
}

#[test]
fn gone_in_the_midst_of_a_watch_is_followed_by_a_list() {
    let (server, mut chat) = two();
    server.at_once(|server| {
        server.gone();
        server.delete("default", "chat-a");
        server.set(&slice("chat-c", "10.0.0.3"));
    });
    lists_again(&server, &mut chat);
}

#[test]
fn a_list_whose_pages_are_gone_begins_anew() {
    let server = ApiServer::start();
    for n in 0..150 {
        server.set(&slice(&format!("chat-{n:03}"), &format!("10.0.0.{n}")));
    }
    server.compact_between_pages();
    let mut chat = Followed::of(&server);
    assert_eq!(chat.members().len(), 150);
    let requests = server.requests_until(|requests| requests.len() >= 4);
    assert_eq!(requests[1].get("continue"), "1150-100");
    assert_eq!(requests[2].get("continue"), "");
}
