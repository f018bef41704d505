//! Peers that break off, break the rules or never come to an end.

use std::io::ErrorKind;
use std::task::Poll;

use tokio_rustls::rustls::crypto::aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256;
use tokio_rustls::rustls::crypto::cipher::{
    MessageEncrypter, OutboundChunks, OutboundPlainMessage,
};
use tokio_rustls::rustls::{ConnectionTrafficSecrets, ContentType, ProtocolVersion};

use super::pending;
use crate::error::Interruption;
use crate::scratch::RECORD;
use crate::testing::{Client, Pair, Wire, acceptor, context, identity, spoken, terms};
use crate::{Acceptor, HandshakeError, Oldest, TlsStream};

fn refused(
    wire: Wire,
) -> (
    Poll<Result<crate::Handshake, Interruption>>,
    TlsStream<Wire>,
) {
    let mut server = TlsStream::new(wire, acceptor().session().unwrap());
    let polled = server.poll_handshake(&mut context());
    (polled, server)
}

fn comes(pieces: &[&[u8]]) -> Wire {
    Wire {
        incoming: pieces.iter().map(|piece| piece.to_vec()).collect(),
        ..Wire::default()
    }
}

#[test]
fn plain_http_is_answered_with_an_alert() {
    let (polled, mut server) = refused(comes(&[b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"]));
    let Poll::Ready(Err(error)) = polled else {
        panic!()
    };
    assert_eq!(HandshakeError::from(error).reason(), "not_tls");
    let alert = &server.io_mut().outgoing;
    assert_eq!((alert[0], alert.len()), (21, 7), "{alert:?}");
    assert_eq!(server.held(), 0);
}

#[test]
fn a_client_that_goes_before_it_is_done_is_no_error_of_ours() {
    let hello = spoken(&mut Client::of(&[identity(&["localhost"])]).connect("localhost"));
    for sent in [&hello[..], &hello[..20], b""] {
        let pieces: &[&[u8]] = if sent.is_empty() { &[] } else { &[sent] };
        let (polled, _) = refused(Wire {
            ended: true,
            ..comes(pieces)
        });
        let Poll::Ready(Err(error)) = polled else {
            panic!()
        };
        assert_eq!(HandshakeError::from(error).reason(), "client_gone");
    }
}

#[test]
fn a_hello_without_end_is_not_kept() {
    // A ClientHello of 65,000 bytes, in records of 1,000.
    let first = [&[22, 3, 1, 3, 236, 1, 0, 0xFD, 0xE8][..], &[0; 1_000]].concat();
    let (mut polled, mut server) = refused(comes(&[&first]));
    for _ in 0..60 {
        if let Poll::Ready(refused) = polled {
            assert_eq!(
                HandshakeError::from(refused.unwrap_err()).reason(),
                "not_tls"
            );
            assert_eq!(server.held(), 0);
            return;
        }
        assert!(server.held() < RECORD, "{}", server.held());
        let next = [&[22, 3, 3, 3, 232][..], &[0; 1_000]].concat();
        server.io_mut().incoming.push_back(next);
        polled = server.poll_handshake(&mut context());
    }
    panic!("all of it was taken");
}

#[test]
fn an_end_without_a_goodbye_is_an_end_also_in_a_record() {
    let mut pair = Pair::new();
    let mut records = pair.seal(b"whole");
    let cut = pair.seal(b"cut off");
    records.extend(&cut[..10]);
    pair.arrives(records);
    assert_eq!(pair.read_all(100).0, b"whole");
    assert_eq!(pair.server.held(), 10);
    pair.server.io_mut().ended = true;
    assert!(matches!(pair.read(100), Poll::Ready(Ok(end)) if end.is_empty()));
    assert_eq!(pair.server.held(), 0);
    assert!(
        matches!(pair.write(b"x"), Poll::Ready(Ok(1))),
        "only one way is closed"
    );
}

#[test]
fn what_came_before_the_rubbish_is_given_first() {
    let mut pair = Pair::new();
    let mut records = pair.seal(b"good");
    records.extend([23, 3, 3, 0, 40]);
    records.extend([0; 40]);
    records.extend(pair.seal(b"never seen"));
    pair.arrives(records);
    let (plain, end) = pair.read_all(100);
    assert_eq!(plain, b"good");
    let Poll::Ready(Err(error)) = end else {
        panic!()
    };
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    assert!(!pair.server.io_mut().outgoing.is_empty(), "an alert");
    assert!(matches!(pair.write(b"x"), Poll::Ready(Err(_))));
    assert!(matches!(pair.shut_down(), Poll::Ready(Ok(()))));
    assert_eq!(pair.server.held(), 0);
}

/// Makes records as the client would, and those that no client library makes.
struct Forger {
    encrypter: Box<dyn MessageEncrypter>,
    sequence: u64,
}

impl Forger {
    /// Takes the keys of the client.
    fn new() -> (Self, Pair) {
        let identities = [identity(&["localhost"])];
        let acceptor = Acceptor::new(&identities, terms(Oldest::Tls12)).unwrap();
        let client = Client::only(&identities, TLS13_AES_128_GCM_SHA256);
        let pair = Pair::of(&acceptor, client.connect("localhost")).unwrap();
        let stand_in = client.connect("localhost");
        let Pair {
            client,
            server,
            handshake,
        } = pair;
        let secrets = client.dangerous_extract_secrets().unwrap();
        let (sequence, ConnectionTrafficSecrets::Aes128Gcm { key, iv }) = secrets.tx else {
            panic!("another suite")
        };
        let suite = TLS13_AES_128_GCM_SHA256.tls13().unwrap();
        let encrypter = suite.aead_alg.encrypter(key, iv);
        (
            Self {
                encrypter,
                sequence,
            },
            Pair {
                client: stand_in,
                server,
                handshake,
            },
        )
    }

    fn seal(&mut self, typ: ContentType, plain: &[u8]) -> Vec<u8> {
        let message = OutboundPlainMessage {
            typ,
            version: ProtocolVersion::TLSv1_3,
            payload: OutboundChunks::Single(plain),
        };
        let sealed = self.encrypter.encrypt(message, self.sequence).unwrap();
        self.sequence += 1;
        sealed.encode()
    }
}

/// `KeyUpdate`, `update_requested` (RFC 8446 section 4.6.3).
const KEY_UPDATE: [u8; 5] = [24, 0, 0, 1, 1];

#[test]
fn writing_goes_on_while_half_a_handshake_message_is_there() {
    let (mut forger, mut pair) = Forger::new();
    let half = forger.seal(ContentType::Handshake, &KEY_UPDATE[..3]);
    pair.arrives(half);
    assert!(pending(&pair.read(100)));
    assert!(pair.server.held() > 0);
    for _ in 0..3 {
        assert!(matches!(pair.write(b"meanwhile"), Poll::Ready(Ok(9))));
    }
    let other = forger.seal(ContentType::Handshake, &KEY_UPDATE[3..]);
    pair.arrives(other);
    assert!(pending(&pair.read(100)));
    assert_eq!(pair.server.held(), 0);
    assert!(matches!(pair.write(b"under new keys"), Poll::Ready(Ok(14))));
    assert!(matches!(pair.shut_down(), Poll::Ready(Ok(()))));
}

#[test]
fn a_message_in_endless_pieces_is_not_kept() {
    let (mut forger, mut pair) = Forger::new();
    // A handshake message of 60,000 bytes, one byte a record.
    let mut pieces = forger.seal(ContentType::Handshake, &[24, 0, 0xEA, 0x60]);
    for _ in 0..3_000 {
        pieces.extend(forger.seal(ContentType::Handshake, &[0]));
        if pieces.len() > 1_000 {
            pair.arrives(std::mem::take(&mut pieces));
        }
        let end = pair.read(100);
        assert!(pair.server.held() < RECORD, "{}", pair.server.held());
        if let Poll::Ready(end) = end {
            assert_eq!(end.unwrap_err().kind(), ErrorKind::InvalidData);
            assert_eq!(pair.server.held(), 0);
            return;
        }
    }
    panic!("all of it was taken");
}

#[test]
fn asking_for_new_keys_again_and_again_is_refused() {
    let (mut forger, mut pair) = Forger::new();
    let mut round = 0;
    let end = loop {
        // Each is sealed under the keys before, so only the first can be read; a peer that
        // asks without an end sends them in one record.
        let flood = forger.seal(ContentType::Handshake, &KEY_UPDATE.repeat(40));
        pair.arrives(flood);
        match pair.read(100) {
            Poll::Ready(end) => break end,
            Poll::Pending => round += 1,
        }
        assert!(round < 40);
    };
    assert_eq!(end.unwrap_err().kind(), ErrorKind::InvalidData);
    assert!(pair.server.held() < 100);
}

#[test]
fn warnings_without_an_end_are_refused() {
    let (mut forger, mut pair) = Forger::new();
    // A warning that is no reason to close: user_canceled (RFC 8446 section 6.1).
    for round in 0..40 {
        let warning = forger.seal(ContentType::Alert, &[1, 90]);
        pair.arrives(warning);
        if let Poll::Ready(end) = pair.read(100) {
            assert_eq!(end.unwrap_err().kind(), ErrorKind::InvalidData);
            assert!(round > 0);
            return;
        }
        assert_eq!(pair.server.held(), 0);
    }
    panic!("all of them were taken");
}
