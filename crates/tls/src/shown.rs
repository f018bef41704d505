//! The certificates that a listener shows now: they can be replaced while it serves.

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;

use crate::names::Names;

/// What every handshake looks into once.
#[derive(Debug)]
pub(crate) struct Shown {
    names: ArcSwap<Names>,
}

impl Shown {
    pub(crate) fn new(names: Names) -> Self {
        Self {
            names: ArcSwap::from_pointee(names),
        }
    }

    pub(crate) fn replace(&self, names: Names) {
        self.names.store(Arc::new(names));
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // The library has put the name in lower case.
        let names = self.names.load();
        Some(Arc::clone(names.find(hello.server_name())))
    }
}
