//! Names, and what becomes of endpoints with which there is no TLS. Those with which there is are in
//! the end-to-end tests.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::cluster::Cluster;
use crate::error::DialError;
use crate::ranking::Place;
use crate::send::Answered;
use crate::testing::{CLIENT, Peer, Rig, Script, get, ranked, settings, within};
use switchyard_discovery::{Found, Stance};

const IP: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn anyone(server_name: Option<&str>) -> ClusterTls {
    ClusterTls {
        server_name: server_name.map(Into::into),
        trust: config::Trust::Anyone,
        certificate: None,
        min_version: config::TlsVersion::Tls12,
    }
}

fn secured(rig: &Rig, addresses: &[SocketAddr], timeout: Duration) -> Arc<Cluster> {
    rig.cluster(config::Cluster {
        tls: Some(anyone(None)),
        connect_timeout: timeout,
        ..settings(addresses)
    })
}

/// What comes of a request to an endpoint that goes on as `play`.
async fn ask<F: Future>(
    timeout: Duration,
    play: impl FnOnce(Peer) -> F,
) -> (Rig, Arc<Cluster>, Result<Answered, DialError>) {
    let (rig, script) = (Rig::new(), Script::bind().await);
    let cluster = secured(&rig, &[script.address()], timeout);
    let sending = within(
        rig.dialer
            .send(&cluster, ranked(&cluster), &CLIENT, get("/")),
    );
    let (sent, _) = tokio::join!(Box::pin(sending), async {
        play(script.accept().await).await
    });
    (rig, cluster, sent)
}

#[test]
fn a_name_is_the_clusters_or_the_endpoints_own_or_its_address() {
    let named = Tls::new(&anyone(Some("chat.internal"))).unwrap();
    let unnamed = Tls::new(&anyone(None)).unwrap();
    for (tls, found, expected) in [
        (&named, None, "chat.internal"),
        (&named, Some("a.internal"), "chat.internal"),
        (&unnamed, Some("a.internal"), "a.internal"),
        (&unnamed, None, "127.0.0.1"),
        (&unnamed, Some("no name at all"), "127.0.0.1"),
    ] {
        assert_eq!(tls.expected(IP, found).to_string(), expected, "{found:?}");
        assert_eq!(tls.towards(IP, found).name().to_string(), expected);
    }
}

#[test]
fn a_name_that_is_none_is_refused() {
    let error = Tls::new(&anyone(Some("not a name"))).unwrap_err();
    assert!(matches!(error, Error::ServerName { .. }), "{error}");
}

#[tokio::test]
async fn an_endpoint_under_another_name_is_another_to_connections() {
    let rig = Rig::new();
    let cluster = secured(&rig, &[], Duration::from_secs(5));
    let found = |name: &str| {
        let found = Found {
            address: (IP, 9).into(),
            name: Some(name.into()),
            weight: std::num::NonZeroU32::MIN,
            zone: None,
            stance: Stance::Ready,
        };
        cluster.adopt(&[found]);
        let endpoint = Arc::clone(&cluster.endpoints()[0]);
        (endpoint.security(), endpoint)
    };
    let (first, endpoint) = found("a.internal");
    let (same, again) = found("a.internal");
    let (other, renamed) = found("b.internal");
    assert!(first.is_some() && first == same && first != other);
    assert!(Arc::ptr_eq(&endpoint, &again) && Arc::ptr_eq(&endpoint, &renamed));
    let plain = rig.cluster(settings(&[(IP, 9).into()]));
    assert_eq!(plain.endpoints()[0].security(), None);
}

#[tokio::test]
async fn an_endpoint_that_says_nothing_is_given_up_in_time() {
    let short = Duration::from_millis(50);
    let (rig, _cluster, sent) = ask(short, |mut peer| async move { peer.closed().await }).await;
    let error = sent.unwrap_err();
    assert_eq!(
        (error.reason(), error.status().as_u16()),
        ("tls_timeout", 504)
    );
    assert!(error.blames_endpoint());
    let metrics = rig.metrics.render().unwrap();
    assert!(
        metrics.contains(r#"result="timeout",version="none",resumed="no"} 1"#),
        "{metrics}"
    );
}

#[tokio::test]
async fn an_endpoint_that_speaks_no_tls_has_failed() {
    for said in ["HTTP/1.1 400 Bad Request\r\n\r\n", ""] {
        let long = Duration::from_secs(5);
        let (_rig, _cluster, sent) =
            ask(long, |mut peer| async move { peer.say(said).await }).await;
        let error = sent.unwrap_err();
        assert_eq!(
            (error.reason(), error.status().as_u16()),
            ("tls_failed", 502),
            "{said:?}"
        );
        assert!(error.blames_endpoint());
    }
}

#[tokio::test]
async fn nothing_was_sent_so_the_next_is_asked() {
    let rig = Rig::new();
    let (first, second) = (Script::bind().await, Script::bind().await);
    let addresses = [first.address(), second.address()];
    let cluster = secured(&rig, &addresses, Duration::from_millis(200));
    let sending = within(
        rig.dialer
            .send(&cluster, ranked(&cluster), &CLIENT, get("/")),
    );
    let (sent, ..) = tokio::join!(
        Box::pin(sending),
        async { first.accept().await.closed().await },
        async { second.accept().await.say("no").await },
    );
    assert_eq!(sent.unwrap_err().reason(), "tls_failed", "the second's");
    assert!(rig.counts(r#"switchyard_cluster_retries_total{cluster="chat"} 1"#));
    let owner = ranked(&cluster).next().unwrap();
    assert_eq!((owner.place, owner.endpoint.load()), (Place::Owner, 0));
}
