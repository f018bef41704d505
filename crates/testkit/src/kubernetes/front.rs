//! TLS in front of the API server: it shows a certificate, and may want one.

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
use tokio_rustls::rustls::server::danger::ClientCertVerifier;
use tokio_rustls::rustls::server::{NoClientAuth, WebPkiClientVerifier};
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
    /// Carries what comes over TLS to `server`. The file `ca.pem` in `folder` is what a client needs.
    pub(super) fn of(server: SocketAddr, folder: &Path) -> Self {
        Self::with(server, folder, Arc::new(NoClientAuth))
    }

    /// The same for clients that show a certificate: they need `client.pem` and `client.key`, too.
    pub(super) fn asking(server: SocketAddr, folder: &Path) -> Self {
        Self::with(server, folder, verifier(folder))
    }

    fn with(server: SocketAddr, folder: &Path, verifier: Arc<dyn ClientCertVerifier>) -> Self {
        let acceptor = acceptor(folder, verifier);
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

/// Lets in whoever shows the certificate that is written into `folder`.
fn verifier(folder: &Path) -> Arc<dyn ClientCertVerifier> {
    let wanted = Certificate::of(&["client"]);
    fs::write(folder.join("client.pem"), &wanted.pem).expect("a file");
    fs::write(folder.join("client.key"), &wanted.key).expect("a file");
    let mut roots = RootCertStore::empty();
    roots.add(wanted.der).expect("a certificate");
    let provider = Arc::new(aws_lc_rs::default_provider());
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .expect("a certificate")
}

fn acceptor(folder: &Path, verifier: Arc<dyn ClientCertVerifier>) -> TlsAcceptor {
    let shown = Certificate::of(&["127.0.0.1"]);
    fs::write(folder.join("ca.pem"), &shown.pem).expect("a file");
    let key = PrivateKeyDer::from_pem_slice(shown.key.as_bytes()).expect("a key");
    let provider = Arc::new(aws_lc_rs::default_provider());
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
