//! TLS in front of the API server: it shows a certificate and wants one.

use std::net::{SocketAddr, TcpListener as StdListener};
use std::path::Path;
use std::sync::Arc;
use std::{fs, thread};

use tokio::io::copy_bidirectional_with_sizes;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::sync::oneshot::{self, Sender};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use crate::certificate::Certificate;

const PIECE: usize = 16 << 10;

/// The front; it ends when it is dropped.
#[derive(Debug)]
pub(super) struct Front {
    pub(super) address: SocketAddr,
    /// Dropping it ends the thread.
    _end: Sender<()>,
}

impl Front {
    /// Carries what comes over TLS to `server`. The files `ca.pem`, `client.pem` and `client.key` in
    /// `folder` are what a client needs.
    pub(super) fn of(server: SocketAddr, folder: &Path) -> Self {
        let acceptor = acceptor(folder);
        let listener = StdListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("a socket option");
        let address = listener.local_addr().expect("bound");
        let (sender, ended) = oneshot::channel::<()>();
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        thread::spawn(move || {
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener).expect("a listener");
                tokio::select! {
                    () = carry(listener, acceptor, server) => {}
                    _ = ended => {}
                }
            });
        });
        Self {
            address,
            _end: sender,
        }
    }
}

fn acceptor(folder: &Path) -> TlsAcceptor {
    let (shown, wanted) = (
        Certificate::of(&["127.0.0.1"]),
        Certificate::of(&["client"]),
    );
    for (name, text) in [
        ("ca.pem", &shown.pem),
        ("client.pem", &wanted.pem),
        ("client.key", &wanted.key),
    ] {
        fs::write(folder.join(name), text).expect("a file");
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(wanted.der).expect("a certificate");
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .build()
            .expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(shown.key.as_bytes()).expect("a key");
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![shown.der], key)
        .expect("a certificate");
    TlsAcceptor::from(Arc::new(config))
}

async fn carry(listener: TcpListener, acceptor: TlsAcceptor, server: SocketAddr) {
    let mut carried = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let acceptor = acceptor.clone();
        carried.spawn(async move {
            // A client that is not trusted, or goes, is no failure of the front's.
            if let Ok(mut tls) = acceptor.accept(stream).await
                && let Ok(mut plain) = TcpStream::connect(server).await
            {
                let _ = copy_bidirectional_with_sizes(&mut tls, &mut plain, PIECE, PIECE).await;
            }
        });
    }
}
