//! A server's side of TLS: a port where the gateway's TLS goes in, and comes out as plain text at an
//! endpoint.
//!
//! So whatever plays an endpoint plays it over TLS too.

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use tokio::runtime::Builder;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{NoClientAuth, WebPkiClientVerifier};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{
    HandshakeKind, ProtocolVersion, RootCertStore, ServerConfig, SupportedProtocolVersion,
};

use crate::certificate::Certificate;
use crate::tunnel::{Farewell, carry};
use crate::wait::PATIENCE;

/// What a cover shows and asks.
#[derive(Debug, Clone, Copy)]
pub struct Manners<'a> {
    /// What it shows.
    pub certificate: &'a Certificate,
    /// Whom it lets in; without it nobody is asked.
    pub asks_for: Option<&'a Certificate>,
    /// The newest version that it speaks.
    pub newest: Newest,
}

/// The newest version of TLS that a cover speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Newest {
    /// 1.2, and no other.
    Tls12,
    /// 1.3, and 1.2 too.
    Tls13,
}

/// A port that ends TLS before an endpoint. Dropping it closes the port; connections live on.
#[derive(Debug)]
pub struct Cover {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    acceptor: Option<JoinHandle<()>>,
    guests: Receiver<Result<Guest, String>>,
}

/// One connection over TLS, after its handshake.
#[derive(Debug)]
pub struct Guest {
    /// The name that was asked for in clear.
    pub asked_for: Option<String>,
    /// The protocol that was agreed on.
    pub protocol: Option<String>,
    /// The certificate that the gateway showed.
    pub shown: Option<CertificateDer<'static>>,
    /// Whether it is TLS 1.3.
    pub is_newest: bool,
    /// Whether the gateway came with a ticket.
    pub resumed: bool,
    tcp: TcpStream,
    farewell: Receiver<Farewell>,
}

impl Cover {
    /// Before the endpoint at `address`; it shows `certificate` and asks for none.
    pub fn before(address: SocketAddr, certificate: &Certificate) -> Self {
        Self::with(
            address,
            Manners {
                certificate,
                asks_for: None,
                newest: Newest::Tls13,
            },
        )
    }

    /// Before the endpoint at `address`.
    pub fn with(address: SocketAddr, manners: Manners<'_>) -> Self {
        let config = config(manners);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let own = listener.local_addr().expect("bound");
        let stop = Arc::new(AtomicBool::new(false));
        let (sender, guests) = channel();
        let stopped = Arc::clone(&stop);
        let acceptor = thread::spawn(move || {
            for tcp in listener.incoming().map_while(Result::ok) {
                if stopped.load(Ordering::Acquire) {
                    return;
                }
                let (config, sender) = (Arc::clone(&config), sender.clone());
                thread::spawn(move || serve(tcp, config, address, &sender));
            }
        });
        Self {
            address: own,
            stop,
            acceptor: Some(acceptor),
            guests,
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next handshake: who came, or why it came to nothing.
    ///
    /// # Errors
    /// What the library says of a handshake that failed.
    #[track_caller]
    pub fn next(&self) -> Result<Guest, String> {
        let next = self.guests.recv_timeout(PATIENCE);
        next.expect("a connection from the gateway")
    }

    /// The next handshake, which has to succeed.
    #[track_caller]
    pub fn guest(&self) -> Guest {
        self.next().expect("a TLS handshake")
    }

    /// Whether a connection came that nobody has asked for.
    pub fn has_more(&self) -> bool {
        self.guests.try_recv().is_ok()
    }
}

impl Guest {
    /// Writes bytes past TLS.
    #[track_caller]
    pub fn break_in(&mut self, bytes: &[u8]) {
        self.tcp.write_all(bytes).expect("the gateway takes it");
    }

    /// How the gateway ends its stream.
    #[track_caller]
    pub fn farewell(&self) -> Farewell {
        let farewell = self.farewell.recv_timeout(PATIENCE);
        farewell.expect("the gateway to end the connection")
    }
}

impl Drop for Cover {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        let woken = TcpStream::connect(self.address);
        if let (Ok(_), Some(acceptor)) = (woken, self.acceptor.take()) {
            // A panic there has failed the test already.
            let _ = acceptor.join();
        }
    }
}

fn config(manners: Manners<'_>) -> Arc<ServerConfig> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let versions: &[&SupportedProtocolVersion] = match manners.newest {
        Newest::Tls12 => &[&TLS12],
        Newest::Tls13 => &[&TLS13, &TLS12],
    };
    let verifier = manners.asks_for.map(|known| {
        let mut roots = RootCertStore::empty();
        roots.add(known.der.clone()).expect("a certificate");
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .build()
            .expect("a verifier")
    });
    let own = manners.certificate;
    let key = PrivateKeyDer::from_pem_slice(own.key.as_bytes()).expect("a key");
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .expect("versions")
        .with_client_cert_verifier(verifier.unwrap_or_else(|| Arc::new(NoClientAuth)))
        .with_single_cert(vec![own.der.clone()], key)
        .expect("a pair");
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Arc::new(config)
}

/// Does the handshake of one connection, and carries it to the endpoint.
fn serve(
    tcp: TcpStream,
    config: Arc<ServerConfig>,
    endpoint: SocketAddr,
    guests: &Sender<Result<Guest, String>>,
) {
    let handle = tcp.try_clone().expect("a descriptor");
    tcp.set_nodelay(true).expect("a socket option");
    tcp.set_nonblocking(true).expect("a socket option");
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let tcp = tokio::net::TcpStream::from_std(tcp).expect("a socket");
        let tls = match TlsAcceptor::from(config).accept(tcp).await {
            Ok(tls) => tls,
            Err(error) => return drop(guests.send(Err(error.to_string()))),
        };
        let (farewells, farewell) = channel();
        let (_, state) = tls.get_ref();
        let guest = Guest {
            asked_for: state.server_name().map(str::to_owned),
            protocol: state
                .alpn_protocol()
                .map(|name| String::from_utf8_lossy(name).into_owned()),
            shown: state
                .peer_certificates()
                .map(|chain| chain[0].clone().into_owned()),
            is_newest: state.protocol_version() == Some(ProtocolVersion::TLSv1_3),
            resumed: state.handshake_kind() == Some(HandshakeKind::Resumed),
            tcp: handle,
            farewell,
        };
        // A test that ends early does not ask for the rest.
        let _ = guests.send(Ok(guest));
        let Ok(plain) = tokio::net::TcpStream::connect(endpoint).await else {
            return;
        };
        plain.set_nodelay(true).expect("a socket option");
        let tell = |farewell| {
            let _ = farewells.send(farewell);
        };
        carry(tls, plain, tell).await;
    });
}
