//! The name that an endpoint has to show: what the cluster says, what DNS says, or its address.

use switchyard_testkit::{Certificate, Cover, Dnsmasq, Endpoint, Gateway, Settings};

use super::{beside, wait_handshakes};

/// A gateway that looks its endpoints up, and trusts `certificate`.
#[track_caller]
fn looked_up(server: &Dnsmasq, rest: &str, certificate: &Certificate) -> Gateway {
    let address = server.address();
    let dns = format!(
        "dns: {{ name: Chat.test., resolvers: [\"{address}\"], min_refresh: 50ms, retry: 50ms, {rest} }}"
    );
    let settings = Settings::looked_up().cluster(&dns);
    let gateway = beside(&settings.cluster("tls: { ca: ca.pem }"), certificate);
    let labels = [("cluster", "main")];
    gateway.wait_metric("switchyard_cluster_endpoints", &labels, 1);
    gateway
}

#[track_caller]
fn answers(gateway: &Gateway) -> u16 {
    switchyard_testkit::gateway::get(gateway.web(), "/").status()
}

#[test]
fn an_address_is_verified_where_there_is_no_name() {
    let endpoint = Endpoint::named("one");
    for (names, status) in [(["127.0.0.1"], 200), (["127.0.0.2"], 502)] {
        let certificate = Certificate::of(&names);
        let cover = Cover::before(endpoint.address(), &certificate);
        let settings = Settings::to(&[cover.address()]).cluster("tls: { ca: ca.pem }");
        let gateway = beside(&settings, &certificate);
        assert_eq!(answers(&gateway), status, "{names:?}");
        if status == 200 {
            assert_eq!(cover.guest().asked_for, None, "an address is not sent");
        }
    }
}

#[test]
fn the_name_that_is_looked_up_is_the_one_to_show() {
    let endpoint = Endpoint::named("one");
    let certificate = Certificate::of(&["chat.test"]);
    let cover = Cover::before(endpoint.address(), &certificate);
    let server = Dnsmasq::start(&["local=/test/", "host-record=chat.test,127.0.0.1"]);
    let port = format!("port: {}", cover.address().port());
    let gateway = looked_up(&server, &port, &certificate);
    assert_eq!(answers(&gateway), 200);
    assert_eq!(cover.guest().asked_for.as_deref(), Some("chat.test"));
}

#[test]
fn the_target_of_an_srv_record_is_the_one_to_show_and_may_change() {
    let endpoint = Endpoint::named("one");
    let certificate = Certificate::of(&["a.test"]);
    let cover = Cover::before(endpoint.address(), &certificate);
    let port = cover.address().port();
    let zone = |target: &str| {
        [
            "local=/test/".to_owned(),
            format!("host-record={target},127.0.0.1"),
            format!("srv-host=chat.test,{target},{port},0,1"),
        ]
    };
    let [before, after] = ["a.test", "b.test"].map(zone);
    let mut server = Dnsmasq::start(&before.each_ref().map(String::as_str));
    let gateway = looked_up(&server, "type: srv", &certificate);
    assert_eq!(answers(&gateway), 200);
    assert_eq!(cover.guest().asked_for.as_deref(), Some("a.test"));
    // The same address under another name is not trusted for what it was.
    server.restart(&after.each_ref().map(String::as_str));
    let changed = "switchyard_discovery_updates_total";
    gateway.wait_metric(changed, &[("cluster", "main")], 2);
    assert_eq!(answers(&gateway), 502);
    wait_handshakes(&gateway, cover.address(), "wrong_name", "no", 1);
}
