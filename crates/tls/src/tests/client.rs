//! The client's end, before a server of the library's own.

use std::collections::VecDeque;
use std::io::{Read as _, Write as _};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::server::{NoClientAuth, WebPkiClientVerifier};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{
    RootCertStore, ServerConfig, ServerConnection, SupportedProtocolVersion,
};

use crate::accept::{Handshake, Resumption, Version};
use crate::connect::{ClientStream, ConnectError, is_tls_failure};
use crate::names::Names;
use crate::shown::Shown;
use crate::testing::{Wire, context, file, identity, pems};
use crate::{Connector, ConnectorSettings, Destination, Error, Identity, Oldest, ServerName};
use crate::{TlsStream, Trust};

const BOTH: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];

/// A certificate that signed itself, and so is what a client has to trust.
struct Own {
    pem: String,
    identity: Identity,
}

fn own(names: &[&str]) -> Own {
    let (cert, key) = pems(names);
    let identity = Identity::parse(file("tls.crt", &cert), file("tls.key", &key)).unwrap();
    Own {
        pem: cert,
        identity,
    }
}

fn server(own: &Own, versions: &[&'static SupportedProtocolVersion]) -> Arc<ServerConfig> {
    server_that_asks(own, versions, None)
}

/// One that asks who comes, and knows `client`.
fn server_that_asks(
    own: &Own,
    versions: &[&'static SupportedProtocolVersion],
    client: Option<&Identity>,
) -> Arc<ServerConfig> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = client.map(|client| {
        let mut roots = RootCertStore::empty();
        roots.add(client.key.cert[0].clone()).unwrap();
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .build()
            .unwrap()
    });
    let names = Names::new(std::slice::from_ref(&own.identity)).unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_client_cert_verifier(verifier.unwrap_or_else(|| Arc::new(NoClientAuth)))
        .with_cert_resolver(Arc::new(Shown::new(names)));
    Arc::new(config)
}

fn connector(trust: Trust<'_>) -> Connector {
    connector_with(trust, None, Oldest::Tls12)
}

fn connector_with(trust: Trust<'_>, identity: Option<Identity>, oldest: Oldest) -> Connector {
    let settings = ConnectorSettings {
        trust,
        identity,
        oldest,
    };
    Connector::new(settings).unwrap()
}

fn trusting(own: &Own, name: &str) -> Destination {
    let connector = connector(Trust::Authorities(file("ca.pem", &own.pem)));
    connector.towards(ServerName::parse(name).unwrap())
}

/// Both ends after the handshake.
struct Pair {
    client: ClientStream<Wire>,
    server: ServerConnection,
    handshake: Handshake,
}

impl Pair {
    /// Does the handshake; an error is the client's.
    fn of(to: &Destination, config: &Arc<ServerConfig>) -> Result<Self, ConnectError> {
        let mut client = TlsStream::new(Wire::default(), to.session()?);
        let mut server = ServerConnection::new(Arc::clone(config)).unwrap();
        loop {
            let polled = client.poll_handshake(&mut context());
            let outgoing = std::mem::take(&mut client.io_mut().outgoing);
            hear(&mut server, &outgoing);
            if let Poll::Ready(handshake) = polled {
                let handshake = handshake?;
                let writes = client.io_mut().writes;
                *client.io_mut() = Wire::default();
                assert!(writes <= 2, "{writes}");
                let mut pair = Self {
                    client,
                    server,
                    handshake,
                };
                pair.server_speaks(b"");
                return Ok(pair);
            }
            let spoken = spoken(&mut server);
            if spoken.is_empty() {
                client.io_mut().ended = true;
            }
            client.io_mut().incoming.push_back(spoken);
        }
    }

    /// The server says `plain`, and whatever else it has to say, in one piece.
    fn server_speaks(&mut self, plain: &[u8]) {
        self.server.writer().write_all(plain).unwrap();
        let records = spoken(&mut self.server);
        if !records.is_empty() {
            self.client.io_mut().incoming.push_back(records);
        }
    }

    fn read(&mut self, room: usize) -> Poll<std::io::Result<Vec<u8>>> {
        let mut bytes = vec![0; room];
        let mut buffer = ReadBuf::new(&mut bytes);
        let polled = Pin::new(&mut self.client).poll_read(&mut context(), &mut buffer);
        polled.map_ok(|()| buffer.filled().to_vec())
    }

    fn write(&mut self, plain: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.client).poll_write(&mut context(), plain)
    }

    /// What the server decrypts of all that was written; whether it was told goodbye.
    fn heard(&mut self) -> (Vec<u8>, bool) {
        let outgoing = std::mem::take(&mut self.client.io_mut().outgoing);
        hear(&mut self.server, &outgoing)
    }
}

fn spoken(server: &mut ServerConnection) -> Vec<u8> {
    let mut records = Vec::new();
    while server.wants_write() {
        server.write_tls(&mut records).unwrap();
    }
    records
}

fn hear(server: &mut ServerConnection, mut records: &[u8]) -> (Vec<u8>, bool) {
    let (mut plain, mut closed) = (Vec::new(), false);
    while !records.is_empty() {
        server.read_tls(&mut records).unwrap();
        // What it did not like is told by an alert.
        let Ok(state) = server.process_new_packets() else {
            break;
        };
        let mut piece = vec![0; state.plaintext_bytes_to_read()];
        server.reader().read_exact(&mut piece).unwrap();
        plain.extend(piece);
        closed = state.peer_has_closed();
    }
    (plain, closed)
}

fn pair(own: &Own) -> Pair {
    Pair::of(&trusting(own, "localhost"), &server(own, &BOTH)).unwrap()
}

#[track_caller]
fn refusal(to: &Destination, config: &Arc<ServerConfig>) -> &'static str {
    let error = Pair::of(to, config).err().expect("a refusal");
    error.reason()
}

#[test]
fn a_message_is_one_read_and_one_write_and_leaves_nothing() {
    let own = own(&["localhost"]);
    for (version, expected) in [(&TLS13, Version::Tls13), (&TLS12, Version::Tls12)] {
        let config = server(&own, &[version]);
        let mut pair = Pair::of(&trusting(&own, "localhost"), &config).unwrap();
        assert_eq!(pair.handshake.version, expected);
        // The tickets come before anything that is meant for the caller.
        assert!(pair.read(100).is_pending());
        assert_eq!(pair.client.held(), 0);
        *pair.client.io_mut() = Wire::default();
        assert!(matches!(pair.write(&[7; 1_000]), Poll::Ready(Ok(1_000))));
        assert_eq!(pair.client.io_mut().writes, 1);
        assert_eq!(pair.heard().0, [7; 1_000]);
        pair.server_speaks(&[8; 1_000]);
        let Poll::Ready(Ok(read)) = pair.read(65_536) else {
            panic!()
        };
        assert_eq!(read, [8; 1_000]);
        assert_eq!(pair.client.io_mut().reads, 1);
        assert_eq!(pair.client.held(), 0);
    }
}

#[test]
fn a_server_that_cannot_be_trusted_is_told_from_one_that_fails() {
    let (own, other) = (own(&["localhost"]), own(&["localhost"]));
    let config = server(&own, &BOTH);
    assert_eq!(
        refusal(&trusting(&own, "other.test"), &config),
        "wrong_name"
    );
    assert_eq!(refusal(&trusting(&own, "127.0.0.1"), &config), "wrong_name");
    assert_eq!(
        refusal(&trusting(&other, "localhost"), &config),
        "unknown_issuer"
    );
    let tls13 = connector_with(
        Trust::Authorities(file("ca.pem", &own.pem)),
        None,
        Oldest::Tls13,
    );
    let tls13 = tls13.towards(ServerName::parse("localhost").unwrap());
    assert_eq!(
        refusal(&tls13, &server(&own, &[&TLS12])),
        "endpoint_refused"
    );
}

#[test]
fn an_address_is_verified_too() {
    let own = own(&["127.0.0.1", "::1"]);
    let config = server(&own, &BOTH);
    for name in ["127.0.0.1", "::1"] {
        let pair = Pair::of(&trusting(&own, name), &config).unwrap();
        assert_eq!(pair.server.server_name(), None, "{name} was sent in clear");
    }
    assert_eq!(refusal(&trusting(&own, "127.0.0.2"), &config), "wrong_name");
}

#[test]
fn a_name_is_sent_and_http1_offered() {
    let own = own(&["localhost"]);
    let mut config = Arc::unwrap_or_clone(server(&own, &BOTH));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let pair = Pair::of(&trusting(&own, "localhost"), &Arc::new(config)).unwrap();
    assert_eq!(pair.server.server_name(), Some("localhost"));
    assert_eq!(pair.server.alpn_protocol(), Some(&b"http/1.1"[..]));
}

#[test]
fn nobody_is_asked_where_that_is_wanted() {
    let own = own(&["localhost"]);
    let to = connector(Trust::Anyone).towards(ServerName::parse("other.test").unwrap());
    for version in BOTH {
        let pair = Pair::of(&to, &server(&own, &[version])).unwrap();
        assert_eq!(pair.server.server_name(), Some("other.test"));
    }
}

#[test]
fn tickets_are_brought_back_to_the_destination_that_gave_them() {
    let own = own(&["localhost"]);
    for version in BOTH {
        let config = server(&own, &[version]);
        let to = trusting(&own, "localhost");
        for (round, expected) in [Resumption::Full, Resumption::Resumed, Resumption::Resumed]
            .into_iter()
            .enumerate()
        {
            let mut pair = Pair::of(&to, &config).unwrap();
            assert_eq!(pair.handshake.resumption, expected, "{round}");
            assert!(pair.read(1).is_pending());
        }
        let connector = connector(Trust::Authorities(file("ca.pem", &own.pem)));
        let name = || ServerName::parse("localhost").unwrap();
        let [one, two] = [connector.towards(name()), connector.towards(name())];
        assert!(Pair::of(&one, &config).unwrap().read(1).is_pending());
        let other = Pair::of(&two, &config).unwrap();
        assert_eq!(other.handshake.resumption, Resumption::Full);
    }
}

#[test]
fn who_is_asked_shows_what_it_has() {
    let (own, client) = (own(&["localhost"]), identity(&["gateway"]));
    for version in BOTH {
        let config = server_that_asks(&own, &[version], Some(&client));
        let to = |identity| {
            let trust = Trust::Authorities(file("ca.pem", &own.pem));
            let connector = connector_with(trust, identity, Oldest::Tls12);
            connector.towards(ServerName::parse("localhost").unwrap())
        };
        let pair = Pair::of(&to(Some(client.clone())), &config).unwrap();
        assert_eq!(pair.server.peer_certificates(), Some(&client.key.cert[..]));
        for shown in [None, Some(identity(&["gateway"]))] {
            match Pair::of(&to(shown), &config) {
                Err(error) => assert_eq!(error.reason(), "endpoint_refused"),
                // For TLS 1.3 the handshake is done before the server has looked.
                Ok(mut pair) => {
                    assert_eq!(pair.handshake.version, Version::Tls13);
                    let Poll::Ready(Err(error)) = pair.read(100) else {
                        panic!()
                    };
                    assert!(is_tls_failure(&error), "{error}");
                }
            }
        }
    }
}

#[test]
fn a_server_that_breaks_off_or_is_none_is_told_apart() {
    let own = own(&["localhost"]);
    for (comes, reason) in [
        (&b""[..], "endpoint_gone"),
        (b"\x16\x03\x03", "endpoint_gone"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "not_tls"),
        (b"\x15\x03\x03\x00\x02\x02\x28", "endpoint_refused"),
    ] {
        let wire = Wire {
            incoming: VecDeque::from([comes.to_vec()]),
            ended: true,
            ..Wire::default()
        };
        let session = trusting(&own, "localhost").session().unwrap();
        let mut client = TlsStream::new(wire, session);
        let Poll::Ready(Err(error)) = client.poll_handshake(&mut context()) else {
            panic!("{comes:?}")
        };
        assert_eq!(ConnectError::from(error).reason(), reason);
        assert_eq!(client.held(), 0);
    }
}

#[test]
fn a_chain_may_be_long_but_not_of_any_length() {
    for (names, is_taken) in [(600, true), (1_000, false)] {
        let names: Vec<_> = (0..names)
            .map(|n| format!("{n:04}.chat.internal"))
            .collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let own = own(&names);
        let shaken = Pair::of(&trusting(&own, names[0]), &server(&own, &BOTH));
        assert_eq!(shaken.is_ok(), is_taken, "{}", own.pem.len());
        let reason = shaken.err().map(|error| error.reason());
        assert_eq!(reason, (!is_taken).then_some("not_tls"));
    }
}

#[test]
fn rubbish_in_the_middle_is_a_failure_of_tls_and_a_fin_is_none() {
    let own = own(&["localhost"]);
    let mut broken = pair(&own);
    broken.server_speaks(b"good");
    let rubbish = [&[23, 3, 3, 0, 40][..], &[0; 40]].concat();
    broken.client.io_mut().incoming.push_back(rubbish);
    assert!(matches!(broken.read(100), Poll::Ready(Ok(good)) if good == b"good"));
    let Poll::Ready(Err(error)) = broken.read(100) else {
        panic!()
    };
    assert!(is_tls_failure(&error) && !is_tls_failure(&std::io::ErrorKind::BrokenPipe.into()));
    let mut ended = pair(&own);
    ended.client.io_mut().ended = true;
    assert!(matches!(ended.read(100), Poll::Ready(Ok(end)) if end.is_empty()));
}

#[test]
fn shutting_down_says_goodbye_and_the_servers_is_an_end() {
    let own = own(&["localhost"]);
    let mut pair = pair(&own);
    assert!(matches!(pair.write(b"last words"), Poll::Ready(Ok(10))));
    let shut = Pin::new(&mut pair.client).poll_shutdown(&mut context());
    assert!(shut.is_ready() && pair.client.io_mut().shut_down);
    assert_eq!(pair.heard(), (b"last words".to_vec(), true));
    pair.server_speaks(b"still here");
    pair.server.send_close_notify();
    pair.server_speaks(b"");
    assert!(matches!(pair.read(100), Poll::Ready(Ok(it)) if it == b"still here"));
    assert!(matches!(pair.read(100), Poll::Ready(Ok(end)) if end.is_empty()));
}

#[test]
fn a_file_of_authorities_says_what_is_wrong_with_it() {
    let refused = |content: &str| {
        let settings = ConnectorSettings {
            trust: Trust::Authorities(file("ca.pem", content)),
            identity: None,
            oldest: Oldest::Tls12,
        };
        Connector::new(settings).unwrap_err()
    };
    assert!(matches!(refused("nothing"), Error::NoAuthority { .. }));
    let cut = "-----BEGIN CERTIFICATE-----\nAAAA\n";
    assert!(matches!(refused(cut), Error::Pem { .. }));
    let odd = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let error = refused(odd);
    assert!(matches!(error, Error::BadAuthority { .. }), "{error}");
    assert!(error.to_string().contains("`ca.pem`"), "{error}");
}
