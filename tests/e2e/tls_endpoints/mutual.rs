//! Endpoints that ask who comes.

use switchyard_testkit::{
    Certificate, Cover, Endpoint, Gateway, Handshake, Head, Manners, Newest, Settings,
};

use crate::support::BINARY;

/// An endpoint that asks for `asked`, and what comes of a handshake by a gateway that shows `own`.
fn ask(asked: &Certificate, own: Option<&Certificate>, newest: Newest) -> (Gateway, Cover, u16) {
    let endpoint = Endpoint::named("one");
    let certificate = Certificate::of(&["chat.test"]);
    let manners = Manners {
        certificate: &certificate,
        asks_for: Some(asked),
        newest,
    };
    let cover = Cover::with(endpoint.address(), manners);
    let mut files = vec![("ca.pem", certificate.pem.as_str())];
    let mut shows = String::new();
    if let Some(own) = own {
        files.extend([("own.crt", own.pem.as_str()), ("own.key", own.key.as_str())]);
        shows.push_str(", certificate: { cert: own.crt, key: own.key }");
    }
    let tls = format!("tls: {{ ca: ca.pem, server_name: chat.test{shows} }}");
    let settings = Settings::to(&[cover.address()]).cluster(&tls);
    let gateway = Gateway::start_beside(BINARY, &settings, &files);
    let status = Head::read(&mut Handshake::to("/").send(gateway.web())).status();
    (gateway, cover, status)
}

#[test]
fn the_gateway_shows_its_certificate_where_it_is_asked() {
    let own = Certificate::of(&["gateway"]);
    for newest in [Newest::Tls12, Newest::Tls13] {
        let (_gateway, cover, status) = ask(&own, Some(&own), newest);
        assert_eq!(status, 101);
        let guest = cover.guest();
        assert_eq!(guest.is_newest, newest == Newest::Tls13);
        assert!(guest.shown.as_ref() == Some(&own.der));
    }
}

#[test]
fn without_one_or_with_another_it_is_refused() {
    let (own, other) = (Certificate::of(&["gateway"]), Certificate::of(&["gateway"]));
    for newest in [Newest::Tls12, Newest::Tls13] {
        for shown in [None, Some(&other)] {
            let (gateway, cover, status) = ask(&own, shown, newest);
            assert_eq!(status, 502, "{newest:?}");
            assert!(cover.next().is_err());
            // With TLS 1.3 the endpoint refuses after the handshake is done for the gateway.
            let labels = [("cluster", "main"), ("reason", "tls_failed")];
            gateway.wait_metric("switchyard_endpoint_failures_total", &labels, 1);
        }
    }
}
