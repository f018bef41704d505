//! What is told when a name cannot be looked up, and that it takes nothing back.

use std::time::Duration;

use switchyard_testkit::Dnsmasq;

use crate::followed::{A, AAAA, Followed, QUICK, chain};
use crate::stub;

#[tokio::test]
async fn each_failure_has_its_reason() {
    let dns = Dnsmasq::start(&["local=/test/", "host-record=a.test,127.0.0.1"]);
    let nobody = ([127, 0, 0, 1], 0).into(); // the system refuses to send there
    let cases = [
        (dns.address(), "b.test", A, "dns_no_name"),
        (dns.address(), "a.test", AAAA, "dns_no_records"),
        (dns.address(), "elsewhere.example", A, "dns_refused"),
        (dns.address(), "a..test", A, "dns_bad_name"),
        (stub::answering(2), "a.test", A, "dns_server_failed"),
        (nobody, "a.test", A, "dns_unreachable"),
        (stub::answering(5), "a.test", A, "dns_refused"),
    ];
    for (server, name, kind, reason) in cases {
        let failure = Followed::new(server, name, kind).failure().await;
        assert_eq!(failure.reason(), reason, "{name}: {}", chain(&failure));
        assert!(failure.to_string().contains(name), "{failure}");
    }
}

#[tokio::test]
async fn a_name_that_comes_back_as_it_was_is_no_news() {
    let dns = Dnsmasq::start(&["local=/test/"]);
    let a = [("a.test", "127.0.0.2")];
    dns.set_hosts(&a);
    let mut followed = Followed::new(dns.address(), "a.test", A);
    assert_eq!(followed.members().await, ["127.0.0.2:8080 1"]);
    dns.set_hosts(&[]);
    assert_eq!(followed.failure().await.reason(), "dns_no_name");
    dns.set_hosts(&a);
    let asked = dns.asked("query[A]", "a.test");
    followed
        .go_on(|| dns.asked("query[A]", "a.test") > asked + 3)
        .await;
    dns.set_hosts(&[("a.test", "127.0.0.3")]);
    assert_eq!(followed.members_at_last().await, ["127.0.0.3:8080 1"]);
}

#[tokio::test]
async fn a_server_that_is_silent_is_waited_for_until_the_timeout() {
    let dns = Dnsmasq::start(&["local=/test/"]);
    dns.set_hosts(&[("a.test", "127.0.0.2")]);
    let timeout = Duration::from_millis(500);
    let mut followed = Followed::with(dns.address(), "a.test", A, QUICK, timeout);
    assert_eq!(followed.members_at_last().await, ["127.0.0.2:8080 1"]);
    dns.freeze();
    assert_eq!(followed.failure().await.reason(), "dns_timeout");
    assert_eq!(followed.failure().await.reason(), "dns_timeout");
    dns.thaw();
    dns.set_hosts(&[("a.test", "127.0.0.3")]);
    assert_eq!(followed.members_at_last().await, ["127.0.0.3:8080 1"]);
}

#[tokio::test]
async fn a_server_that_is_gone_is_asked_until_it_is_back() {
    let mut dns = Dnsmasq::start(&["host-record=a.test,127.0.0.2"]);
    let timeout = Duration::from_millis(500);
    let mut followed = Followed::with(dns.address(), "a.test", A, QUICK, timeout);
    assert_eq!(followed.members_at_last().await, ["127.0.0.2:8080 1"]);
    dns.stop();
    // The library does not hear that nothing listens.
    assert_eq!(followed.failure().await.reason(), "dns_timeout");
    dns.restart(&["host-record=a.test,127.0.0.3"]);
    assert_eq!(followed.members_at_last().await, ["127.0.0.3:8080 1"]);
}
