//! Who says who the clients of a listener are: the authority that their certificates must come from.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::server::danger::ClientCertVerifier;

use crate::error::Error;
use crate::identity::File;
use crate::roots;

/// Whether a client may do without a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Demand {
    /// It may not.
    Required,
    /// It may; one that it does show must be good.
    Optional,
}

/// What clients are asked for.
#[derive(Clone)]
pub struct Authority {
    roots: Arc<RootCertStore>,
    demand: Demand,
    /// Tells tickets of one authority and demand from those of others.
    pub(crate) scope: [u8; 32],
}

impl Authority {
    /// Reads the certificates that those of clients must be signed by, from the PEM text of a file.
    ///
    /// # Errors
    /// There is none, or one that cannot be used.
    pub fn parse(file: File<'_>, demand: Demand) -> Result<Self, Error> {
        Ok(Self {
            scope: scope(file.content, demand),
            roots: Arc::new(roots::of(file)?),
            demand,
        })
    }

    pub(crate) fn verifier(
        &self,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Arc<dyn ClientCertVerifier>, Error> {
        let roots = Arc::clone(&self.roots);
        let builder = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(provider));
        let built = match self.demand {
            Demand::Required => builder.build(),
            Demand::Optional => builder.allow_unauthenticated().build(),
        };
        built.map_err(Error::Verifier)
    }
}

fn scope(content: &[u8], demand: Demand) -> [u8; 32] {
    let demand: &[u8] = match demand {
        Demand::Required => b"required",
        Demand::Optional => b"optional",
    };
    let content = digest(&SHA256, content);
    let both = digest(&SHA256, &[content.as_ref(), demand].concat());
    let mut scope = [0; 32];
    scope.copy_from_slice(both.as_ref());
    scope
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority")
            .field("demand", &self.demand)
            .finish_non_exhaustive()
    }
}
