//! A client's side of TLS: a port where plain text goes in, and comes out of the gateway's TLS.
//!
//! So whatever plays a client over a [`Socket`] plays it over TLS too.

use std::io;
use std::net::{self, SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, copy, split};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::WantsClientCert;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, ConfigBuilder, HandshakeKind, RootCertStore,
};

use crate::certificate::Certificate;
use crate::socket::Socket;
use crate::wait::PATIENCE;

/// What a client trusts, and the tickets it has been given.
#[derive(Clone)]
pub struct Trust(Arc<ClientConfig>);

impl Trust {
    /// In these certificates.
    pub fn of(certificates: &[&Certificate]) -> Self {
        Self(Arc::new(trusting(certificates).with_no_client_auth()))
    }

    /// The same for a client that shows a certificate of its own.
    pub fn showing(client: &Certificate, certificates: &[&Certificate]) -> Self {
        let key = PrivateKeyDer::from_pem_slice(client.key.as_bytes()).expect("a key");
        let config = trusting(certificates)
            .with_client_auth_cert(vec![client.der.clone()], key)
            .expect("a certificate and its key");
        Self(Arc::new(config))
    }

    /// The same, with these protocols offered, such as `h2` (RFC 7301).
    #[must_use]
    pub fn offering(mut self, protocols: &[&str]) -> Self {
        let protocols = protocols.iter().map(|name| name.as_bytes().to_vec());
        Arc::make_mut(&mut self.0).alpn_protocols = protocols.collect();
        self
    }
}

impl Trust {
    /// The hello of a client that asks for `name`, for those who say no more.
    pub fn hello(&self, name: &str) -> Vec<u8> {
        let name = ServerName::try_from(name.to_owned()).expect("a name");
        let mut client = ClientConnection::new(Arc::clone(&self.0), name).expect("a client");
        let mut hello = Vec::new();
        client.write_tls(&mut hello).expect("a vector grows");
        hello
    }
}

fn trusting(certificates: &[&Certificate]) -> ConfigBuilder<ClientConfig, WantsClientCert> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots.add(certificate.der.clone()).expect("a certificate");
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
}

/// One connection over TLS.
#[derive(Debug)]
pub struct Tunnel {
    /// The certificate that the server showed.
    pub shown: CertificateDer<'static>,
    /// What the two sides agreed to speak.
    pub protocol: Option<String>,
    /// Whether the client came with a ticket that the server took.
    pub resumed: bool,
    carrier: JoinHandle<Farewell>,
}

/// How the gateway ended its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Farewell {
    /// With a `close_notify` (RFC 8446 section 6.1).
    Said,
    /// Without.
    CutOff,
}

impl Tunnel {
    /// Connects to `server`, asks for `name`, and gives the plain end of the connection.
    ///
    /// # Errors
    /// The handshake failed.
    pub fn open(server: SocketAddr, trust: &Trust, name: &str) -> io::Result<(Self, Socket)> {
        Self::over(net::TcpStream::connect(server)?, trust, name)
    }

    /// The same over a connection that is there.
    ///
    /// # Errors
    /// The handshake failed.
    pub fn over(tcp: net::TcpStream, trust: &Trust, name: &str) -> io::Result<(Self, Socket)> {
        tcp.set_nodelay(true)?;
        tcp.set_nonblocking(true)?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let name = ServerName::try_from(name.to_owned()).expect("a name");
        let connector = TlsConnector::from(Arc::clone(&trust.0));
        let tls = runtime.block_on(async {
            let tcp = TcpStream::from_std(tcp)?;
            timeout(PATIENCE, connector.connect(name, tcp)).await?
        })?;
        let (_, state) = tls.get_ref();
        let shown = state.peer_certificates().expect("a certificate")[0].clone();
        let resumed = state.handshake_kind() == Some(HandshakeKind::Resumed);
        let protocol = state
            .alpn_protocol()
            .map(|name| String::from_utf8_lossy(name).into_owned());
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let socket = Socket::connect(listener.local_addr()?);
        let (plain, _) = listener.accept()?;
        plain.set_nodelay(true)?;
        plain.set_nonblocking(true)?;
        let carrier = thread::spawn(move || {
            runtime.block_on(async {
                carry(tls, TcpStream::from_std(plain).expect("a socket"), |_| ()).await
            })
        });
        let tunnel = Self {
            shown,
            protocol,
            resumed,
            carrier,
        };
        Ok((tunnel, socket))
    }

    /// How the server ended its stream; both ends of the connection must have ended.
    #[track_caller]
    pub fn farewell(self) -> Farewell {
        self.carrier.join().expect("the tunnel works")
    }
}

/// Carries both ways until both have ended; `ended` is told at once how the gateway's did.
pub(crate) async fn carry(
    tls: impl AsyncRead + AsyncWrite + Unpin,
    mut plain: TcpStream,
    ended: impl FnOnce(Farewell),
) -> Farewell {
    let (mut from_gateway, mut to_gateway) = split(tls);
    let (mut from_test, mut to_test) = plain.split();
    let there = async {
        // One that breaks is seen on the way back.
        let _ = copy(&mut from_test, &mut to_gateway).await;
        let _ = to_gateway.shutdown().await;
    };
    let back = async {
        let carried = copy(&mut from_gateway, &mut to_test).await;
        let farewell = match carried {
            Ok(_) => Farewell::Said,
            Err(_) => Farewell::CutOff,
        };
        ended(farewell);
        let _ = to_test.shutdown().await;
        farewell
    };
    let ((), farewell) = tokio::join!(there, back);
    farewell
}
