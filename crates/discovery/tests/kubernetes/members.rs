//! Who is told, when the API server is well.

use std::fs;

use switchyard_discovery::kubernetes::{Access, Port};
use switchyard_discovery::{Stance, Update};
use switchyard_testkit::Certificate;
use switchyard_testkit::kubernetes::{ApiServer, EndpointSlice, Pod};

use crate::followed::Followed;

fn slice(name: &str) -> EndpointSlice {
    EndpointSlice::new("chat", name, 80)
}

#[test]
fn slices_are_merged_in_order_and_ready_wins() {
    let server = ApiServer::start();
    let first = slice("chat-a")
        .pod(Pod::ready("10.0.0.9"))
        .pod(Pod::leaving("10.0.0.1"));
    let second = slice("chat-b")
        .pod(Pod::ready("10.0.0.1"))
        .pod(Pod::leaving("10.0.0.3"))
        .pod(Pod::unready("10.0.0.4"));
    server.set(&first);
    server.set(&second);
    server.set(&slice("chat-6").family("IPv6").pod(Pod::ready("fd00::1")));
    server.set(
        &slice("chat-f")
            .family("FQDN")
            .pod(Pod::ready("chat.example")),
    );
    let mut chat = Followed::of(&server);
    assert_eq!(
        chat.members(),
        ["10.0.0.1:80", "10.0.0.3:80-", "10.0.0.9:80", "[fd00::1]:80"]
    );
}

#[test]
fn only_the_slices_of_the_service_count() {
    let server = ApiServer::start();
    let mut elsewhere = slice("chat-a").pod(Pod::ready("10.0.0.1"));
    elsewhere.namespace = "other".into();
    server.set(&elsewhere);
    server.set(&EndpointSlice::new("chat-2", "chat-2-a", 80).pod(Pod::ready("10.0.0.2")));
    let mut chat = Followed::of(&server);
    assert_eq!(chat.members(), [""; 0]);
    server.set(&EndpointSlice::new("chat-2", "chat-2-b", 80).pod(Pod::ready("10.0.0.3")));
    server.set(&slice("chat-b").pod(Pod::ready("10.0.0.4")));
    assert_eq!(chat.members(), ["10.0.0.4:80"]);
}

#[test]
fn without_a_namespace_it_is_that_of_the_context() {
    let server = ApiServer::start();
    server.set(&slice("chat-a").pod(Pod::ready("10.0.0.1")));
    let mut elsewhere = slice("chat-a").pod(Pod::ready("10.0.0.2"));
    elsewhere.namespace = "other".into();
    server.set(&elsewhere);
    let followed = || {
        let access = Access::Kubeconfig {
            path: server.kubeconfig(),
            context: None,
        };
        Followed::in_namespace(None, access, Port::Number(80)).members()
    };
    assert_eq!(followed(), ["10.0.0.1:80"]);
    let text = fs::read_to_string(server.kubeconfig()).unwrap();
    let text = text.replace("    user: test\n", "    user: test\n    namespace: other\n");
    fs::write(server.kubeconfig(), text).unwrap();
    assert_eq!(followed(), ["10.0.0.2:80"]);
}

#[test]
fn a_zone_is_told() {
    let server = ApiServer::start();
    server.set(&slice("chat-a").pod(Pod::ready("10.0.0.1").zone("eu-1a")));
    let mut chat = Followed::of(&server);
    let Update::Members(members) = chat.next() else {
        panic!("no members")
    };
    assert_eq!(members[0].zone.as_deref(), Some("eu-1a"));
    assert_eq!(members[0].weight.get(), 1);
    assert_eq!(members[0].stance, Stance::Ready);
}

#[test]
fn each_change_is_told_and_nothing_else() {
    let server = ApiServer::start();
    let alone = slice("chat-a").pod(Pod::ready("10.0.0.1"));
    server.set(&alone);
    let mut chat = Followed::of(&server);
    assert_eq!(chat.members(), ["10.0.0.1:80"]);
    // The same again, one that is not told, and a bookmark: no change.
    server.set(&alone);
    server.set(&alone.clone().pod(Pod::unready("10.0.0.2")));
    server.bookmark();
    server.set(&alone.pod(Pod::ready("10.0.0.2")));
    assert_eq!(chat.members(), ["10.0.0.1:80", "10.0.0.2:80"]);
    server.set(&slice("chat-a").pod(Pod::leaving("10.0.0.1")));
    assert_eq!(chat.members(), ["10.0.0.1:80-"]);
    server.set(&slice("chat-b").pod(Pod::ready("10.0.0.3")));
    assert_eq!(chat.members(), ["10.0.0.1:80-", "10.0.0.3:80"]);
    server.delete("default", "chat-a");
    assert_eq!(chat.members(), ["10.0.0.3:80"]);
    // Nobody is there: the API server says so.
    server.set(&slice("chat-b"));
    assert_eq!(chat.members(), [""; 0]);
}

#[test]
fn a_port_is_taken_by_number_and_a_slice_without_it_contributes_nothing() {
    let server = ApiServer::start();
    server.set(&slice("chat-a").pod(Pod::ready("10.0.0.1")));
    let mut other = slice("chat-b").pod(Pod::ready("10.0.0.2"));
    other.ports = vec![("ws".into(), 8080), ("metrics".into(), 9090)];
    server.set(&other);
    other.name = "chat-c".into();
    other.ports.clear();
    server.set(&other);
    let mut by_number = Followed::with(&server, Port::Number(8080));
    assert_eq!(by_number.members(), ["10.0.0.2:8080"]);
    let mut by_name = Followed::of(&server);
    assert_eq!(by_name.members(), ["10.0.0.1:80", "10.0.0.2:8080"]);
    let mut absent = Followed::with(&server, Port::Name("absent".into()));
    assert_eq!(absent.members(), [""; 0]);
}

#[test]
fn a_list_of_many_pages_is_one() {
    let server = ApiServer::start();
    for n in 0..230 {
        let address = format!("10.0.{}.{}", n / 100, n % 100);
        server.set(&slice(&format!("chat-{n:03}")).pod(Pod::ready(&address)));
    }
    let mut chat = Followed::of(&server);
    assert_eq!(chat.members().len(), 230);
    let requests = server.requests_until(|requests| requests.len() >= 4);
    assert_eq!(requests.iter().filter(|r| !r.is_watch()).count(), 3);
    server.set(&slice("chat-229"));
    assert_eq!(chat.members().len(), 229);
}

#[test]
fn it_is_asked_over_tls_with_a_certificate() {
    let server = ApiServer::start_with_tls();
    server.set(&slice("chat-a").pod(Pod::ready("10.0.0.1")));
    let mut chat = Followed::of(&server);
    assert_eq!(chat.members(), ["10.0.0.1:80"]);
    server.set(&slice("chat-b").pod(Pod::ready("10.0.0.2")));
    assert_eq!(chat.members(), ["10.0.0.1:80", "10.0.0.2:80"]);
}

#[test]
fn a_server_that_is_not_trusted_is_not_asked() {
    let server = ApiServer::start_with_tls();
    let authority = server.kubeconfig().with_file_name("ca.pem");
    let trusted = fs::read(&authority).unwrap();
    fs::write(&authority, Certificate::of(&["127.0.0.1"]).pem).unwrap();
    let mut chat = Followed::of(&server);
    assert_eq!(chat.failure().reason(), "api_unreachable");
    // What is in the file is read again.
    fs::write(&authority, trusted).unwrap();
    assert_eq!(chat.members_after("api_unreachable"), [""; 0]);
}

#[test]
fn it_ends_when_nobody_listens() {
    let server = ApiServer::start();
    let mut chat = Followed::of(&server);
    assert_eq!(chat.members(), [""; 0]);
    server.await_watches(1);
    chat.leave();
}
