//! SRV records.

use std::time::Duration;

use switchyard_discovery::dns::{Kind, Refresh};
use switchyard_testkit::{Dnsmasq, PATIENCE};

use crate::followed::{Followed, QUICK};

const NAME: &str = "_ws._tcp.test";

fn follow(dns: &Dnsmasq) -> Followed {
    Followed::new(dns.address(), NAME, Kind::Srv)
}

#[tokio::test]
async fn the_first_priority_is_told_with_ports_weights_and_both_families() {
    let mut dns = Dnsmasq::start(&[
        "local=/test/",
        "srv-host=_ws._tcp.test,b.test,9002,10,0",
        "srv-host=_ws._tcp.test,a.test,9001,10,5",
        "srv-host=_ws._tcp.test,spare.test,9003,20,7",
        "host-record=a.test,127.0.0.2,::1",
        "host-record=b.test,127.0.0.1",
        "host-record=spare.test,127.0.0.3",
    ]);
    let mut followed = follow(&dns);
    assert_eq!(
        followed.members().await,
        ["127.0.0.1:9002 1", "127.0.0.2:9001 5", "[::1]:9001 5"]
    );
    assert_eq!(dns.asked("query[A]", "spare.test"), 0);
    dns.restart(&[
        "local=/test/",
        "srv-host=_ws._tcp.test,spare.test,9003,20,7",
        "host-record=spare.test,127.0.0.3",
    ]);
    assert_eq!(followed.members_at_last().await, ["127.0.0.3:9003 7"]);
}

#[tokio::test]
async fn a_target_whose_address_changes_is_told_anew() {
    let dns = Dnsmasq::start(&["local=/test/", "srv-host=_ws._tcp.test,a.test,9001,0,3"]);
    dns.set_hosts(&[("a.test", "127.0.0.2")]);
    let mut followed = follow(&dns);
    assert_eq!(followed.members().await, ["127.0.0.2:9001 3"]);
    dns.set_hosts(&[("a.test", "127.0.0.3")]);
    assert_eq!(followed.members().await, ["127.0.0.3:9001 3"]);
}

/// Asked for again within the patience of a test, and not after the hour that the rest is valid.
#[tokio::test]
async fn the_least_time_to_live_holds_of_record_and_targets() {
    let service = "srv-host=_ws._tcp.test,a.test,9001,0,3";
    for (of_record, target) in [
        ("local-ttl=1", "host-record=a.test,127.0.0.2,3600"),
        ("local-ttl=3600", "host-record=a.test,127.0.0.2,1"),
    ] {
        let dns = Dnsmasq::start(&["local=/test/", service, of_record, target]);
        let refresh = Refresh {
            max: Duration::from_hours(1),
            ..QUICK
        };
        let mut followed = Followed::with(dns.address(), NAME, Kind::Srv, refresh, PATIENCE);
        followed.members().await;
        followed.go_on(|| dns.asked("query[SRV]", NAME) > 1).await;
    }
}

#[tokio::test]
async fn a_target_that_is_missing_does_not_keep_back_the_others() {
    let dns = Dnsmasq::start(&[
        "local=/test/",
        "srv-host=_ws._tcp.test,gone.test,9002,0,2",
        "srv-host=_ws._tcp.test,a.test,9001,0,1",
    ]);
    dns.set_hosts(&[("a.test", "127.0.0.2")]);
    let mut followed = follow(&dns);
    assert_eq!(followed.members().await, ["127.0.0.2:9001 1"]);
    let failure = followed.failure().await;
    assert_eq!(failure.reason(), "dns_no_name");
    assert!(failure.to_string().contains("gone.test"), "{failure}");
    dns.set_hosts(&[("a.test", "127.0.0.2"), ("gone.test", "127.0.0.1")]);
    assert_eq!(
        followed.members_at_last().await,
        ["127.0.0.1:9002 2", "127.0.0.2:9001 1"]
    );
}

#[tokio::test]
async fn with_all_targets_missing_nothing_is_told_but_why() {
    let dns = Dnsmasq::start(&["local=/test/", "srv-host=_ws._tcp.test,gone.test,9002,0,2"]);
    let failure = follow(&dns).failure().await;
    assert_eq!(failure.reason(), "dns_no_name");
    assert!(failure.to_string().contains("gone.test"), "{failure}");
}

/// Without a target dnsmasq answers ".".
#[tokio::test]
async fn a_service_that_is_decidedly_not_there_has_no_records() {
    let dns = Dnsmasq::start(&["local=/test/", "srv-host=_ws._tcp.test"]);
    let failure = follow(&dns).failure().await;
    assert_eq!(failure.reason(), "dns_no_records");
}
