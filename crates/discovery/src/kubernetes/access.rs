//! From an [`Access`] to a [`Target`]: where the API server is, what it is known by, who asks.
//!
//! Files are read here, each time anew. Not here: the form of a kubeconfig.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use http::{HeaderValue, Uri};
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::{Error as PemError, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::error::Error;
use crate::kubernetes::{Access, config};

/// Where a pod finds the files of its service account.
pub(super) const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// Everything that a request needs.
pub(super) struct Target {
    /// A name or an address, without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    /// What comes before `/apis`; empty, or begins with a slash and does not end with one.
    pub(super) base: String,
    /// The value of `Authorization`.
    pub(super) authorization: Option<HeaderValue>,
    /// TLS and the name that the server's certificate has to have; plain HTTP without.
    pub(super) tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
}

/// What an access says, with the contents of its files. Certificates and keys are PEM.
#[derive(Debug, Default)]
pub(super) struct Description {
    pub(super) server: String,
    pub(super) server_name: Option<String>,
    pub(super) authority: Option<Vec<u8>>,
    pub(super) token: Option<String>,
    pub(super) certificate: Option<(Vec<u8>, Vec<u8>)>,
}

impl Target {
    /// Reads what is needed.
    pub(super) fn of(access: &Access) -> Result<Self, Error> {
        let description = match access {
            Access::InCluster => {
                in_cluster(|name| std::env::var(name).ok(), SERVICE_ACCOUNT.as_ref())?
            }
            Access::Kubeconfig { path, context } => config::read(path, context.as_deref())?,
        };
        description.try_into()
    }
}

fn in_cluster(env: impl Fn(&str) -> Option<String>, folder: &Path) -> Result<Description, Error> {
    let required = |name: &str| env(name).ok_or_else(|| unclear(&format!("{name} is not set")));
    let host = required("KUBERNETES_SERVICE_HOST")?;
    let port = required("KUBERNETES_SERVICE_PORT")?;
    let server = if host.contains(':') {
        format!("https://[{host}]:{port}")
    } else {
        format!("https://{host}:{port}")
    };
    Ok(Description {
        server,
        authority: Some(read(folder.join("ca.crt"))?),
        token: Some(read_token(folder.join("token"))?),
        ..Description::default()
    })
}

/// The contents of a file.
pub(super) fn read(path: PathBuf) -> Result<Vec<u8>, Error> {
    fs::read(&path).map_err(|source| Error::ApiUnreadable { path, source })
}

/// The token in a file.
pub(super) fn read_token(path: PathBuf) -> Result<String, Error> {
    Ok(String::from_utf8_lossy(&read(path)?).trim().to_owned())
}

/// An access that is not understood.
pub(super) fn unclear(what: &str) -> Error {
    Error::ApiAccess(what.to_owned())
}

impl TryFrom<Description> for Target {
    type Error = Error;

    fn try_from(description: Description) -> Result<Self, Error> {
        let unlike = || unclear(&format!("{:?} is no URL of a server", description.server));
        let server: Uri = description.server.parse().or(Err(unlike()))?;
        let host = server.host().ok_or_else(unlike)?;
        let host = host.trim_matches(['[', ']']).to_owned();
        let name = description.server_name.as_deref().unwrap_or(&host);
        let (tls, port) = match server.scheme_str() {
            Some("https") => (Some((secure(&description)?, name_of(name)?)), 443),
            Some("http") => (None, 80),
            _ => return Err(unlike()),
        };
        Ok(Self {
            port: server.port_u16().unwrap_or(port),
            base: server.path().trim_end_matches('/').to_owned(),
            authorization: description.token.as_deref().map(bearer).transpose()?,
            host,
            tls,
        })
    }
}

fn name_of(name: &str) -> Result<ServerName<'static>, Error> {
    ServerName::try_from(name.to_owned())
        .map_err(|error| unclear(&format!("{name:?} is no name of a server: {error}")))
}

fn bearer(token: &str) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::try_from(format!("Bearer {token}"))
        .map_err(|error| unclear(&format!("the token is none: {error}")))?;
    value.set_sensitive(true);
    Ok(value)
}

fn secure(description: &Description) -> Result<Arc<ClientConfig>, Error> {
    let authority = description.authority.as_deref();
    let authority = authority.ok_or_else(|| unclear("no certificate authority is given"))?;
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(Error::ApiCertificate)?
        .with_root_certificates(roots(authority)?);
    let mut config = match &description.certificate {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let key = PrivateKeyDer::from_pem_slice(key).map_err(|e| no_pem("client key", &e))?;
            builder
                .with_client_auth_cert(certificates(certificate, "client certificate")?, key)
                .map_err(Error::ApiCertificate)?
        }
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn roots(authority: &[u8]) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    let certificates = certificates(authority, "certificate authority")?;
    // One that is unusable must not keep the others from being used.
    let (added, _) = roots.add_parsable_certificates(certificates);
    if added == 0 {
        return Err(unclear("the certificate authority has no certificate"));
    }
    Ok(roots)
}

fn certificates(pem: &[u8], what: &str) -> Result<Vec<CertificateDer<'static>>, Error> {
    CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|error| no_pem(what, &error))
}

/// What is no PEM. The text has nothing of the content.
pub(super) fn no_pem(what: &str, error: &PemError) -> Error {
    unclear(&format!("the {what} cannot be read: {error}"))
}

#[cfg(test)]
mod tests {
    use switchyard_testkit::Certificate;

    use super::*;

    fn target(server: &str) -> Result<Target, Error> {
        let authority = Certificate::of(&["kubernetes"]).pem.into_bytes();
        Description {
            server: server.into(),
            authority: Some(authority),
            token: Some("secret".into()),
            ..Description::default()
        }
        .try_into()
    }

    #[test]
    fn a_url_says_where_and_how() {
        for (server, host, port, base, tls) in [
            ("https://10.0.0.1", "10.0.0.1", 443, "", true),
            ("https://[fd00::1]:6443", "fd00::1", 6443, "", true),
            (
                "https://rancher.example/k8s/c-1/",
                "rancher.example",
                443,
                "/k8s/c-1",
                true,
            ),
            ("http://localhost:8001", "localhost", 8001, "", false),
        ] {
            let target = target(server).unwrap_or_else(|error| panic!("{server}: {error}"));
            assert_eq!((target.host.as_str(), target.port), (host, port));
            assert_eq!((target.base.as_str(), target.tls.is_some()), (base, tls));
            assert_eq!(target.authorization.unwrap(), "Bearer secret");
        }
    }

    #[test]
    fn what_is_no_url_is_refused() {
        for server in ["", "10.0.0.1:6443", "ftp://10.0.0.1", "https://"] {
            assert!(target(server).is_err(), "{server:?}");
        }
    }

    #[test]
    fn a_pod_is_told_by_its_environment_and_its_files() {
        let folder = tempfile::tempdir().unwrap();
        let env = |name: &str| match name {
            "KUBERNETES_SERVICE_HOST" => Some("fd00::1".to_owned()),
            "KUBERNETES_SERVICE_PORT" => Some("443".to_owned()),
            _ => None,
        };
        let error = in_cluster(env, folder.path()).unwrap_err();
        assert!(error.to_string().ends_with("ca.crt"), "{error}");
        fs::write(folder.path().join("ca.crt"), "authority").unwrap();
        fs::write(folder.path().join("token"), "first\n").unwrap();
        let description = in_cluster(env, folder.path()).unwrap();
        assert_eq!(description.server, "https://[fd00::1]:443");
        assert_eq!(description.authority.unwrap(), b"authority");
        assert_eq!(description.token.unwrap(), "first");
        fs::write(folder.path().join("token"), "second").unwrap();
        let description = in_cluster(env, folder.path()).unwrap();
        assert_eq!(description.token.unwrap(), "second");
        assert!(in_cluster(|_| None, folder.path()).is_err());
    }

    #[test]
    fn an_authority_without_a_certificate_is_refused() {
        let description = Description {
            server: "https://10.0.0.1".into(),
            authority: Some(b"nothing".to_vec()),
            ..Description::default()
        };
        assert!(Target::try_from(description).is_err());
    }
}
