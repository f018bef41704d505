//! Who is let in, and what is said when it is not the gateway.

use switchyard_bus::{Bus, BusError, PublishError, Reached, Sink};
use switchyard_config as config;
use switchyard_config::{BusTls, ClientCertificate, NamedFile, RedisServers, Secret};
use switchyard_testkit::{Authority, Certificate, Claims, Redis};

use crate::support::{
    KEEP, Tape, channel, connected, fault, follow, publish, server, settings, start,
};

/// The rule of the documentation, for one server with history.
const RULE: &str = "user switchyard on >secret resetchannels &switchyard:* +ping +publish +subscribe \
    +unsubscribe +select ~switchyard:history:* +eval +evalsha +exists +pexpire +time +xadd \
    +xinfo|stream +xrange +xtrim";

fn secret(text: &str) -> Secret {
    Secret::new(text.as_bytes())
}

fn named(name: &str, content: &str) -> NamedFile {
    NamedFile {
        path: name.into(),
        content: Secret::new(content.as_bytes()),
    }
}

fn to(redis: &Redis) -> config::Redis {
    settings(RedisServers::One(server(redis.address())))
}

/// Uses everything.
async fn works(bus: &Bus, tape: &Tape) {
    connected(bus).await;
    follow(bus, "room").await;
    assert_eq!(publish(bus, "room", "x").await, Ok(Reached::Replicas(1)));
    let id = bus.append("room", "kept".into(), KEEP).await.expect("kept");
    let received = tape.take(2).await;
    assert_eq!(received[0], (channel("room"), "x".into(), None));
    assert_eq!(received[1].2, Some(id));
    let missed = bus.since("room", Some(id), 10, KEEP).await.expect("read");
    assert!(!missed.has_gap);
    bus.unfollow("room");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_with_the_rights_of_the_documentation_can_do_everything() {
    let redis = Redis::start(&[RULE]);
    let (bus, tape) = start(
        config::Redis {
            username: Some("switchyard".into()),
            password: Some(secret("secret")),
            servers: RedisServers::One(config::RedisServer {
                database: 3,
                ..server(redis.address())
            }),
            ..to(&redis)
        },
        "a1",
    );
    works(&bus, &tape).await;
    assert_eq!(
        redis
            .ask(&["INFO", "keyspace"])
            .as_str()
            .map(|text| text.contains("db3:keys=1")),
        Some(true)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_said_and_tried_again() {
    let redis = Redis::start(&["requirepass right"]);
    let (bus, tape) = start(
        config::Redis {
            password: Some(secret("wrong")),
            ..to(&redis)
        },
        "a1",
    );
    fault(&bus, "WRONGPASS");
    assert_eq!(
        publish(&bus, "room", "x").await,
        Err(PublishError::Unreachable)
    );
    // The operator gives in.
    let address = redis.address();
    drop(redis);
    let _replaced = Redis::start_at(address, &["requirepass wrong"]);
    works(&bus, &tape).await;
    assert_eq!(tape.state().resumed, 0, "it had never been there");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_without_a_right_is_told_which() {
    let rule = RULE.replace("&switchyard:*", "&other:*");
    let redis = Redis::start(&[&rule]);
    let (bus, _tape) = start(
        config::Redis {
            username: Some("switchyard".into()),
            password: Some(secret("secret")),
            ..to(&redis)
        },
        "a1",
    );
    fault(&bus, "no permissions to access one of the channels");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_shown_to_a_server_is_not_said_of_it() {
    let redis = Redis::start(&["rename-command HELLO \"\""]);
    let (bus, _tape) = start(
        config::Redis {
            username: Some("switchyard".into()),
            password: Some(secret("secret")),
            ..to(&redis)
        },
        "a1",
    );
    fault(&bus, "refuses");
    let said = bus.fault().expect("it cannot be there");
    assert!(said.contains("unknown command"), "{said}");
    assert!(!said.contains("secret"), "{said}");
}

/// A server that shows `certificate` and wants to see one of `clients`.
fn covered(certificate: &Certificate, clients: &Authority) -> Redis {
    let files = [
        ("cert.pem", &*certificate.pem),
        ("key.pem", &*certificate.key),
        ("clients.pem", &*clients.pem()),
    ];
    Redis::start_over_tls(&files, |folder, port| {
        let folder = folder.display();
        format!(
            "port 0\ntls-port {port}\ntls-cert-file {folder}/cert.pem\ntls-key-file {folder}/key.pem\n\
             tls-ca-cert-file {folder}/clients.pem\ntls-auth-clients yes"
        )
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_is_spoken_with_those_who_are_trusted() {
    let certificate = Certificate::of(&[&switchyard_testkit::redis::host()]);
    let clients = Authority::new();
    let redis = covered(&certificate, &clients);
    let own = clients.issue(Claims {
        name: "gateway",
        ..Claims::default()
    });
    let tls = |authority: &str| {
        Some(BusTls {
            authorities: Some(named("ca.pem", authority)),
            certificate: Some(ClientCertificate {
                cert: named("own.pem", &own.pem),
                key: named("own.key", &own.key),
            }),
        })
    };
    let with = |tls| config::Redis { tls, ..to(&redis) };
    let (bus, tape) = start(with(tls(&certificate.pem)), "a1");
    works(&bus, &tape).await;

    let other = Certificate::of(&[&switchyard_testkit::redis::host()]);
    let (bus, _tape) = start(with(tls(&other.pem)), "b2");
    fault(&bus, "the certificate cannot be trusted");

    let mut unknown = tls(&certificate.pem).expect("some");
    unknown.certificate = None;
    let (bus, _tape) = start(with(Some(unknown)), "c3");
    fault(&bus, "redis server");

    let (bus, _tape) = start(to(&redis), "d4");
    fault(&bus, "redis server");
}

#[tokio::test]
async fn settings_that_cannot_be_used_are_refused() {
    let refused = |settings: config::Redis| {
        let sink: std::sync::Arc<dyn Sink> = std::sync::Arc::new(Tape::default());
        Bus::start(&config::Bus::Redis(settings), "a1", sink).expect_err("unusable")
    };
    let redis = settings(RedisServers::One(server(([127, 0, 0, 1], 1).into())));
    let error = refused(config::Redis {
        password: Some(Secret::new(b"\xff")),
        ..redis.clone()
    });
    assert!(matches!(error, BusError::Identity { .. }), "{error}");
    let error = refused(config::Redis {
        tls: Some(BusTls {
            authorities: Some(named("ca.pem", "nothing")),
            certificate: None,
        }),
        ..redis
    });
    assert!(error.to_string().contains("`ca.pem`"), "{error}");
}
