//! From the files of a listener's TLS to what it shows.

use switchyard_config as config;
use switchyard_tls::{self as tls, Authority, Demand, File, Identity, UnixTime};

/// Reads a pair. A staple that clients would refuse is left out, and what is wrong with it comes
/// beside.
pub(super) fn identity(
    files: &config::Certificate,
    now: UnixTime,
) -> Result<(Identity, Option<tls::Error>), tls::Error> {
    let identity = Identity::parse(file(&files.cert), file(&files.key))?;
    let Some(staple) = &files.staple else {
        return Ok((identity, None));
    };
    Ok(match identity.stapled(file(staple), now) {
        Ok(stapled) => (stapled, None),
        Err(fault) => (identity, Some(fault)),
    })
}

/// Reads the authority of clients.
pub(super) fn authority(ca: &config::ClientCa) -> Result<Authority, tls::Error> {
    let demand = match ca.demand {
        config::ClientAuth::Required => Demand::Required,
        config::ClientAuth::Optional => Demand::Optional,
    };
    Authority::parse(file(&ca.file), demand)
}

/// Says that a certificate goes without its staple.
pub(super) fn tell_of_staple(listener: &str, files: &config::Certificate, fault: &tls::Error) {
    tracing::warn!(
        listener,
        certificate = &*files.name,
        problem = %fault,
        "the certificate is shown without its OCSP response"
    );
}

fn file(file: &config::NamedFile) -> File<'_> {
    File {
        path: &file.path,
        content: file.content.expose(),
    }
}
