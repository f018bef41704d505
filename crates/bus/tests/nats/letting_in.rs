//! Whom a server lets in, and whom the gateway trusts.

use std::time::Duration;

use switchyard_bus::{Keep, Reached, Subject};
use switchyard_config as config;
use switchyard_testkit::nats::Operator;
use switchyard_testkit::{Authority, Certificate, Claims, NatsServer};

use crate::support::{Replica, reaching};

fn secret(text: &str) -> config::Secret {
    config::Secret::new(text.as_bytes())
}

fn file(name: &str, text: &str) -> config::NamedFile {
    config::NamedFile {
        path: name.into(),
        content: secret(text),
    }
}

fn as_user(server: &NatsServer, password: &str) -> Replica {
    let mut config = reaching(&[server.address()]);
    config.identity = config::NatsIdentity::User {
        name: "gateway".into(),
        password: secret(password),
    };
    Replica::start("a1", config)
}

fn as_holder(server: &NatsServer, identity: config::NatsIdentity) -> Replica {
    let mut config = reaching(&[server.address()]);
    config.identity = identity;
    Replica::start("a1", config)
}

fn over_tls(
    server: &NatsServer,
    authorities: &str,
    certificate: Option<config::ClientCertificate>,
) -> Replica {
    let mut config = reaching(&[server.address()]);
    config.tls = Some(config::BusTls {
        authorities: Some(file("ca.pem", authorities)),
        certificate,
    });
    Replica::start("a1", config)
}

#[tokio::test]
async fn a_wrong_password_is_said_and_tried_again() {
    let user =
        |password: &str| format!("authorization {{ user: gateway, password: \"{password}\" }}");
    let mut server = NatsServer::start(&user("open"));
    let replica = as_user(&server, "sesame");
    let fault = replica.fault("authorization violation").await;
    assert!(fault.contains(&server.address().to_string()), "{fault}");
    assert!(!fault.contains("sesame"), "{fault}");
    server.restart_with(&user("sesame"));
    replica.connected().await;
    assert_eq!(replica.bus.fault(), None);
    assert_eq!(replica.tape.heard().resumed, 0, "it was not there before");
}

#[tokio::test]
async fn a_token_lets_in() {
    let server = NatsServer::start("authorization { token: \"open\" }");
    let token = |text| config::NatsIdentity::Token(secret(text));
    as_holder(&server, token("open")).connected().await;
    let other = as_holder(&server, token("closed"));
    other.fault("authorization violation").await;
}

#[tokio::test]
async fn credentials_of_the_right_operator_let_in() {
    let [operator, other] = [Operator::new(), Operator::new()];
    let server = NatsServer::start(&operator.lines());
    let credentials = |of: &Operator| config::NatsIdentity::Credentials(secret(&of.credentials()));
    as_holder(&server, credentials(&operator)).connected().await;
    let stranger = as_holder(&server, credentials(&other));
    stranger.fault("authorization violation").await;
}

/// A server where the gateway has these rights.
fn with_rights(publish: &str, subscribe: &str) -> NatsServer {
    NatsServer::start(&format!(
        "jetstream {{ store_dir: \"jetstream\" }}
        authorization {{ users: [{{ user: gateway, password: \"open\",
            permissions: {{ publish: [{publish}], subscribe: [{subscribe}] }} }}] }}"
    ))
}

#[tokio::test]
async fn few_rights_are_enough() {
    let server = with_rights("\"switchyard.>\", \"$JS.API.>\"", "\"switchyard.>\"");
    let replica = as_user(&server, "open");
    replica.connected().await;
    let keep = Keep {
        messages: 5,
        age: Duration::from_mins(1),
    };
    let mut ids = Vec::new();
    for text in ["1", "2"] {
        ids.push(replica.bus.append("a", text.into(), keep).await.unwrap());
    }
    let missed = replica.bus.since("a", Some(ids[0]), 5, keep).await.unwrap();
    assert_eq!(missed.messages, [(ids[1], "2".into())]);
    let itself = Subject::Replica("a1".into());
    let published = replica.bus.publish(&itself, "x".into()).await;
    assert_eq!(published, Ok(Reached::Replicas(1)));
}

#[tokio::test]
async fn a_missing_right_is_said() {
    let server = with_rights("\"switchyard.>\"", "\"switchyard.channel.>\"");
    let replica = as_user(&server, "open");
    let fault = replica.fault("it does not answer").await;
    assert!(fault.contains("Permissions Violation"), "{fault}");
}

#[tokio::test]
async fn a_server_has_to_be_who_the_authority_says() {
    let certificate = Certificate::of(&["127.0.0.1"]);
    let of_this_machine = NatsServer::start("").address().ip().to_string();
    let right = Certificate::of(&[&of_this_machine]);
    let server = NatsServer::with_tls(&right.pem, &right.key, None);
    over_tls(&server, &right.pem, None).connected().await;
    let other = over_tls(&server, &certificate.pem, None);
    other.fault("invalid peer certificate").await;
    // Without TLS in the configuration a server that insists on it is not trusted.
    let plain = Replica::start("a1", reaching(&[server.address()]));
    plain.fault("invalid peer certificate").await;
}

#[tokio::test]
async fn a_client_shows_its_certificate() {
    let of_this_machine = NatsServer::start("").address().ip().to_string();
    let own = Certificate::of(&[&of_this_machine]);
    let authority = Authority::new();
    let server = NatsServer::with_tls(&own.pem, &own.key, Some(&authority.pem()));
    let client = authority.issue(Claims::default());
    let shown = config::ClientCertificate {
        cert: file("client.pem", &client.pem),
        key: file("client-key.pem", &client.key),
    };
    over_tls(&server, &own.pem, Some(shown)).connected().await;
    let without = over_tls(&server, &own.pem, None);
    let fault = without.fault(&of_this_machine).await;
    assert!(fault.to_lowercase().contains("certificate"), "{fault}");
}

#[tokio::test]
async fn settings_that_no_server_could_make_good_are_refused() {
    use std::sync::Arc;

    use switchyard_bus::{Bus, BusError, MessageId, Sink};

    struct Nowhere;
    impl Sink for Nowhere {
        fn receive(&self, _: Subject, _: bytes::Bytes, _: Option<MessageId>) {}
        fn resumed(&self) {}
        fn overrun(&self, _: u64) {}
    }
    let start = |change: &dyn Fn(&mut config::Nats)| {
        let mut nats = reaching(&["127.0.0.1:1".parse().unwrap()]);
        change(&mut nats);
        Bus::start(&config::Bus::Nats(nats), "a1", Arc::new(Nowhere)).map(|_| ())
    };
    let no_creds = start(&|nats| nats.identity = config::NatsIdentity::Credentials(secret("x")));
    assert!(
        matches!(no_creds, Err(BusError::Identity { .. })),
        "{no_creds:?}"
    );
    let no_authority = start(&|nats| {
        nats.tls = Some(config::BusTls {
            authorities: Some(file("ca.pem", "nothing")),
            certificate: None,
        });
    });
    assert!(
        matches!(no_authority, Err(BusError::File { .. })),
        "{no_authority:?}"
    );
    let [one, other] = [Certificate::of(&["a"]), Certificate::of(&["b"])];
    let mixed = start(&|nats| {
        nats.tls = Some(config::BusTls {
            authorities: None,
            certificate: Some(config::ClientCertificate {
                cert: file("cert.pem", &one.pem),
                key: file("key.pem", &other.key),
            }),
        });
    });
    assert!(matches!(mixed, Err(BusError::Tls { .. })), "{mixed:?}");
}
