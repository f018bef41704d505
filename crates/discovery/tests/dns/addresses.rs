//! A and AAAA records.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use switchyard_discovery::dns::Refresh;
use switchyard_testkit::{Dnsmasq, PATIENCE};

use crate::followed::{A, AAAA, Followed, QUICK};

#[tokio::test]
async fn addresses_are_told_in_order_and_again_when_they_change() {
    let dns = Dnsmasq::start(&["local=/test/"]);
    dns.set_hosts(&[
        ("a.test", "127.0.0.9"),
        ("a.test", "127.0.0.10"),
        ("a.test", "::1"),
    ]);
    let mut followed = Followed::new(dns.address(), "a.test", A);
    assert_eq!(
        followed.members().await,
        ["127.0.0.9:8080 1", "127.0.0.10:8080 1"]
    );
    dns.set_hosts(&[("a.test", "127.0.0.10"), ("a.test", "127.0.0.11")]);
    assert_eq!(
        followed.members().await,
        ["127.0.0.10:8080 1", "127.0.0.11:8080 1"]
    );
}

#[tokio::test]
async fn the_same_answer_is_told_once() {
    let dns = Dnsmasq::start(&["local=/test/"]);
    let both = [("a.test", "127.0.0.2"), ("a.test", "127.0.0.3")];
    dns.set_hosts(&both);
    let mut followed = Followed::new(dns.address(), "a.test", A);
    followed.members().await;
    let asked = dns.asked("query[A]", "a.test");
    followed
        .go_on(|| dns.asked("query[A]", "a.test") > asked + 3)
        .await;
    dns.set_hosts(&both[..1]);
    assert_eq!(followed.members().await, ["127.0.0.2:8080 1"]);
}

#[tokio::test]
async fn addresses_of_ipv6_have_a_kind_of_their_own() {
    let dns = Dnsmasq::start(&["host-record=a.test,127.0.0.1,::1"]);
    let mut followed = Followed::new(dns.address(), "a.test.", AAAA);
    assert_eq!(followed.members().await, ["[::1]:8080 1"]);
}

#[tokio::test]
async fn an_alias_is_followed() {
    let dns = Dnsmasq::start(&["cname=b.test,a.test", "host-record=a.test,127.0.0.4"]);
    let mut followed = Followed::new(dns.address(), "b.test", A);
    assert_eq!(followed.members().await, ["127.0.0.4:8080 1"]);
}

/// More than fits one datagram of 1232 bytes.
#[tokio::test]
async fn a_long_answer_is_fetched_over_tcp() {
    let dns = Dnsmasq::start(&[]);
    let ips: Vec<_> = (1..=200).map(|n| format!("127.0.1.{n}")).collect();
    let hosts: Vec<_> = ips.iter().map(|ip| ("a.test", ip.as_str())).collect();
    dns.set_hosts(&hosts);
    let mut followed = Followed::new(dns.address(), "a.test", A);
    let wanted: Vec<_> = ips.iter().map(|ip| format!("{ip}:8080 1")).collect();
    assert_eq!(followed.members().await, wanted);
}

/// A record that has just changed is seen when the old one expires: not before, and not twice as late.
#[tokio::test]
async fn a_record_is_asked_for_again_when_it_expires() {
    let dns = Dnsmasq::start(&["local-ttl=1"]);
    dns.set_hosts(&[("a.test", "127.0.0.2")]);
    let refresh = Refresh {
        max: Duration::from_hours(1),
        ..QUICK
    };
    let server: SocketAddr = dns.address();
    let mut followed = Followed::with(server, "a.test", A, refresh, PATIENCE);
    followed.members().await;
    let told = Instant::now();
    dns.set_hosts(&[("a.test", "127.0.0.3")]);
    assert_eq!(followed.members().await, ["127.0.0.3:8080 1"]);
    // It was asked before it was told, so a little less than a second may have passed since.
    assert!(told.elapsed() > Duration::from_millis(900));
    assert_eq!(dns.asked("query[A]", "a.test"), 2);
}
