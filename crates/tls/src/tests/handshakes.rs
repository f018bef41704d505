//! Versions, protocols, names and clients that come back.

use std::task::Poll;

use tokio::net::TcpStream;
use tokio_rustls::rustls::{ClientConnection, ProtocolVersion};

use crate::testing::{Client, Pair, Wire, context, identity, spoken, terms};
use crate::{Acceptor, Oldest, Resumption, TlsStream, Version};

#[test]
fn the_newest_version_that_both_have_is_spoken() {
    assert_eq!(Pair::new().handshake.version, Version::Tls13);
    let pair = Pair::tls12();
    assert_eq!(pair.handshake.version, Version::Tls12);
    assert_eq!(
        pair.client.protocol_version(),
        Some(ProtocolVersion::TLSv1_2)
    );
}

#[test]
fn an_older_version_is_refused_where_the_listener_says_so() {
    let identities = [identity(&["localhost"])];
    let acceptor = Acceptor::new(&identities, terms(Oldest::Tls13)).unwrap();
    let client = Client::tls12(&identities).connect("localhost");
    let error = Pair::of(&acceptor, client).err().unwrap();
    assert_eq!(error.reason(), "incompatible");
}

#[test]
fn a_client_that_comes_back_resumes() {
    let identities = [identity(&["localhost"])];
    let acceptor = Acceptor::new(&identities, terms(Oldest::Tls12)).unwrap();
    for client in [Client::of(&identities), Client::tls12(&identities)] {
        let mut kinds = Vec::new();
        for _ in 0..3 {
            let mut pair = Pair::of(&acceptor, client.connect("localhost")).unwrap();
            assert!(matches!(pair.write(b"x"), Poll::Ready(Ok(1))));
            assert_eq!(pair.heard().0, b"x");
            kinds.push(pair.handshake.resumption);
        }
        assert_eq!(
            kinds,
            [Resumption::Full, Resumption::Resumed, Resumption::Resumed]
        );
    }
}

#[test]
fn http_1_is_agreed_on_and_nothing_else() {
    let identities = [identity(&["localhost"])];
    let acceptor = Acceptor::new(&identities, terms(Oldest::Tls12)).unwrap();
    let agreed = |protocols: &[&str]| {
        let client = Client::of(&identities)
            .protocols(protocols)
            .connect("localhost");
        let pair = Pair::of(&acceptor, client).map_err(|error| error.to_string())?;
        Ok::<_, String>(pair.client.alpn_protocol().map(<[u8]>::to_vec))
    };
    assert_eq!(agreed(&["h2", "http/1.1"]), Ok(Some(b"http/1.1".to_vec())));
    assert_eq!(agreed(&[]), Ok(None));
    assert!(agreed(&["h2"]).is_err());
}

fn shown(pair: &ClientConnection) -> &[u8] {
    pair.peer_certificates().unwrap()[0].as_ref()
}

#[test]
fn the_name_that_is_asked_for_chooses_the_certificate() {
    let identities = [
        identity(&["first.test"]),
        identity(&["*.chat.test", "chat.test"]),
        identity(&["One.chat.test", "chat.test"]),
    ];
    let acceptor = Acceptor::new(&identities, terms(Oldest::Tls12)).unwrap();
    for (name, expected) in [
        ("first.test", 0),
        ("two.chat.test", 1),
        ("chat.test", 1),
        ("one.chat.test", 2),
        ("ONE.chat.test", 2),
    ] {
        let pair = Pair::of(&acceptor, Client::of(&identities).connect(name)).unwrap();
        let own = &identities[expected].key.cert[0];
        assert_eq!(shown(&pair.client), own.as_ref(), "{name}");
    }
}

#[test]
fn a_name_that_nobody_has_gets_the_first_and_so_does_none() {
    let identities = [
        identity(&["first.test", "127.0.0.1"]),
        identity(&["*.chat.test"]),
    ];
    let acceptor = Acceptor::new(&identities, terms(Oldest::Tls12)).unwrap();
    for unknown in ["other.test", "a.b.chat.test"] {
        let error = Pair::of(&acceptor, Client::of(&identities).connect(unknown))
            .err()
            .unwrap();
        assert_eq!(error.reason(), "client_refused", "{unknown}");
    }
    // An address is not asked for by name.
    let pair = Pair::of(&acceptor, Client::of(&identities).connect("127.0.0.1")).unwrap();
    assert_eq!(shown(&pair.client), identities[0].key.cert[0].as_ref());
}

#[test]
fn a_handshake_over_a_slow_wire_is_the_same() {
    let identities = [identity(&["localhost"])];
    let acceptor = Acceptor::new(&identities, terms(Oldest::Tls12)).unwrap();
    let mut client = Client::of(&identities).connect("localhost");
    let mut server = TlsStream::new(Wire::default(), acceptor.session().unwrap());
    loop {
        let bytes = spoken(&mut client);
        server
            .io_mut()
            .incoming
            .extend(bytes.chunks(1).map(<[u8]>::to_vec));
        server.io_mut().room.extend([1, 0, 100, 0, 0, 7]);
        let polled = server.poll_handshake(&mut context());
        crate::testing::hear(&mut client, &std::mem::take(&mut server.io_mut().outgoing));
        if let Poll::Ready(done) = polled {
            assert_eq!(done.unwrap().version, Version::Tls13);
            assert_eq!(server.held(), 0);
            return;
        }
    }
}

#[test]
fn what_comes_with_the_end_of_the_handshake_is_not_lost() {
    let identities = [identity(&["localhost"])];
    let acceptor = Acceptor::new(&identities, terms(Oldest::Tls12)).unwrap();
    let mut client = Client::of(&identities).connect("localhost");
    let mut server = TlsStream::new(Wire::default(), acceptor.session().unwrap());
    server.io_mut().incoming.push_back(spoken(&mut client));
    assert!(server.poll_handshake(&mut context()).is_pending());
    crate::testing::hear(&mut client, &std::mem::take(&mut server.io_mut().outgoing));
    std::io::Write::write_all(&mut client.writer(), b"GET / HTTP/1.1").unwrap();
    server.io_mut().incoming.push_back(spoken(&mut client));
    let Poll::Ready(Ok(handshake)) = server.poll_handshake(&mut context()) else {
        panic!()
    };
    let mut pair = Pair {
        client,
        server,
        handshake,
    };
    assert_eq!(pair.read_all(100).0, b"GET / HTTP/1.1");
}

#[test]
fn a_stream_is_no_larger_than_its_socket() {
    assert_eq!(size_of::<TlsStream<TcpStream>>(), size_of::<usize>());
}

#[test]
fn what_is_shown_is_replaced_for_those_who_come_later() {
    let before = [identity(&["localhost"])];
    let after = [identity(&["other.test"]), identity(&["localhost"])];
    let acceptor = Acceptor::new(&before, terms(Oldest::Tls12)).unwrap();
    let client = Client::of(&[&before[..], &after].concat());
    let mut early = Pair::of(&acceptor, client.connect("localhost")).unwrap();
    acceptor.show(&after).unwrap();
    let fresh = Client::of(&after);
    let late = Pair::of(&acceptor, fresh.connect("localhost")).unwrap();
    assert_eq!(shown(&late.client), after[1].key.cert[0].as_ref());
    assert!(matches!(early.write(b"x"), Poll::Ready(Ok(1))));
    assert_eq!(early.heard().0, b"x");
    // The ticket of before is as good as ever.
    let again = Pair::of(&acceptor, client.connect("localhost")).unwrap();
    assert_eq!(again.handshake.resumption, Resumption::Resumed);
    acceptor.show(&[]).unwrap_err();
    let late = Pair::of(&acceptor, fresh.connect("localhost")).unwrap();
    assert_eq!(shown(&late.client), after[1].key.cert[0].as_ref());
}
