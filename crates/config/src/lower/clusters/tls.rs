//! TLS to endpoints: the files that it names, and no verification that is asked for and skipped.

use super::super::files::Files;
use super::super::optional;
use crate::decode::{At, Known};
use crate::model::{ClientCertificate, ClusterTls, Trust};
use crate::raw;
use crate::report::{Problem, Report};
use crate::scalar::{File, Switch};

/// Reads what is shown and trusted.
pub(super) fn lower(
    raw: Known<Option<raw::ClusterTls>>,
    files: &Files<'_>,
    report: &mut Report,
) -> Known<Option<ClusterTls>> {
    optional(raw?, |raw| tls(raw, files, report))
}

fn tls(raw: raw::ClusterTls, files: &Files<'_>, report: &mut Report) -> Option<ClusterTls> {
    let trust = trust(raw.ca, raw.dangerously_skip_verification, files, report);
    let certificate = raw
        .certificate
        .and_then(|raw| optional(raw, |raw| certificate(&raw, files, report)));
    Some(ClusterTls {
        server_name: raw.server_name?.map(|name| name.0.clone()),
        trust: trust?,
        certificate: certificate?,
        min_version: raw.min_version?,
    })
}

fn trust(
    ca: Known<Option<At<File>>>,
    skip: Known<At<Switch>>,
    files: &Files<'_>,
    report: &mut Report,
) -> Option<Trust> {
    let (ca, skip) = (ca?, skip?);
    match (ca, skip.value) {
        (None, Switch::Off) => Some(Trust::System),
        (None, Switch::On) => Some(Trust::Anyone),
        (Some(ca), Switch::Off) => files.whole(&ca, report).map(Trust::Authorities),
        (Some(ca), Switch::On) => {
            let message = "nobody is verified, so there is nobody to trust";
            let problem = Problem::new(skip.span, message).related(ca.span, "trusted");
            report.add(problem.help("leave `dangerously_skip_verification` out: `ca` is enough"));
            None
        }
    }
}

/// Reads what is shown to those who ask who comes.
pub(in crate::lower) fn certificate(
    raw: &raw::ClientCertificate,
    files: &Files<'_>,
    report: &mut Report,
) -> Option<ClientCertificate> {
    let cert = raw.cert.as_ref().and_then(|file| files.whole(file, report));
    let key = raw.key.as_ref().and_then(|file| files.whole(file, report));
    Some(ClientCertificate {
        cert: cert?,
        key: key?,
    })
}
