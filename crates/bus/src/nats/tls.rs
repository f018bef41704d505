//! TLS towards the servers.

use std::sync::Arc;

use async_nats::rustls::crypto::aws_lc_rs;
use async_nats::rustls::pki_types::pem::PemObject as _;
use async_nats::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use async_nats::rustls::{ClientConfig, RootCertStore};
use switchyard_config as config;

use crate::error::BusError;

/// What `settings` say; without any no server is trusted, so that one that insists on TLS is not spoken to.
pub(super) fn client(settings: Option<&config::BusTls>) -> Result<ClientConfig, BusError> {
    let fault = |error: async_nats::rustls::Error| BusError::Tls {
        fault: error.to_string(),
    };
    let roots = settings.map_or_else(|| Ok(RootCertStore::empty()), roots)?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(fault)?
        .with_root_certificates(roots);
    match settings.and_then(|settings| settings.certificate.as_ref()) {
        None => Ok(builder.with_no_client_auth()),
        Some(own) => {
            let key = PrivateKeyDer::from_pem_slice(own.key.content.expose());
            let key = key.map_err(|error| unusable(&own.key, &error.to_string()))?;
            let chain = certificates(&own.cert)?;
            builder.with_client_auth_cert(chain, key).map_err(fault)
        }
    }
}

fn roots(settings: &config::BusTls) -> Result<RootCertStore, BusError> {
    let mut roots = RootCertStore::empty();
    let Some(file) = &settings.authorities else {
        let found = rustls_native_certs::load_native_certs();
        // One that is too old or too odd to be read is no reason to do without all others.
        roots.add_parsable_certificates(found.certs);
        return Ok(roots);
    };
    for certificate in certificates(file)? {
        let added = roots.add(certificate);
        added.map_err(|error| unusable(file, &error.to_string()))?;
    }
    Ok(roots)
}

fn certificates(file: &config::NamedFile) -> Result<Vec<CertificateDer<'static>>, BusError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(file.content.expose()).collect();
    match found {
        Err(error) => Err(unusable(file, &error.to_string())),
        Ok(none) if none.is_empty() => Err(unusable(file, "there is no certificate in it")),
        Ok(certificates) => Ok(certificates),
    }
}

fn unusable(file: &config::NamedFile, fault: &str) -> BusError {
    BusError::File {
        file: file.path.clone(),
        fault: fault.to_owned(),
    }
}
