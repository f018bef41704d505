//! From the first byte to the end of the handshake, as a listener does it.

use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::testing::{Client, identity, spoken, terms};
use crate::{Acceptor, Greeted, HandshakeError, Oldest, Version};

#[tokio::test]
async fn a_hello_that_was_read_before_is_answered_whatever_its_pieces() {
    let identities = [identity(&["localhost"])];
    let acceptor = Acceptor::new(&identities, terms(Oldest::Tls12)).unwrap();
    let clients = [Client::of(&identities), Client::tls12(&identities)];
    for (client, version) in clients.into_iter().zip([Version::Tls13, Version::Tls12]) {
        // In a smaller pipe each side would wait until the other has taken what it has to say.
        for room in [7, 100, 65_536] {
            let (near, far) = duplex(room);
            let connector = TlsConnector::from(Arc::new(client.config.clone()));
            let name = ServerName::try_from("localhost").unwrap();
            let connecting = async {
                let mut stream = connector.connect(name, near).await.unwrap();
                // It reads first: so small a pipe does not hold the server's ticket as well.
                assert_eq!(stream.read_u8().await.unwrap(), b'!');
                stream.write_all(b"over").await.unwrap();
                stream.flush().await.unwrap();
                stream
            };
            let accepting = async {
                let greeted = Greeted::wait(far).await.unwrap();
                let (mut stream, handshake) = acceptor.shake(greeted).await.unwrap();
                assert_eq!(handshake.version, version);
                stream.write_all(b"!").await.unwrap();
                stream.flush().await.unwrap();
                let mut said = [0; 4];
                stream.read_exact(&mut said).await.unwrap();
                assert_eq!(&said, b"over");
            };
            tokio::join!(connecting, accepting);
        }
    }
}

#[tokio::test]
async fn who_goes_before_the_hello_is_whole_is_gone() {
    let mut hello = spoken(&mut Client::of(&[identity(&["localhost"])]).connect("localhost"));
    hello.pop();
    for part in [&[][..], &hello] {
        let (mut near, far) = duplex(65_536);
        near.write_all(part).await.unwrap();
        drop(near);
        let gone = Greeted::wait(far).await;
        assert!(matches!(gone, Err(HandshakeError::Gone)), "{}", part.len());
    }
}

#[tokio::test]
async fn what_is_no_hello_is_refused_at_once() {
    let acceptor = crate::testing::acceptor();
    for bytes in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[22, 3, 1, 255, 255]] {
        let (mut near, far) = duplex(65_536);
        near.write_all(bytes).await.unwrap();
        near.write_all(&vec![0; 20_000]).await.unwrap();
        let greeted = Greeted::wait(far).await.unwrap();
        let refused = acceptor.shake(greeted).await.err().unwrap();
        assert_eq!(refused.reason(), "not_tls");
        assert_eq!(near.read_u8().await.unwrap(), 21, "an alert");
    }
}
