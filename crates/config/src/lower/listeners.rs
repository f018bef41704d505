//! Listeners: unique names, the files of their certificates, and whom their PROXY headers come from.

use arcstr::ArcStr;
use ipnet::IpNet;

use super::files::Files;
use super::{Names, optional};
use crate::decode::{At, Known, List};
use crate::model::{
    AcceptProxy, Certificate, ClientAuth, ClientCa, Http2, Listener, TicketKey, Tls,
};
use crate::node::Given;
use crate::raw;
use crate::report::{Problem, Report};
use crate::scalar::{File, Switch};

/// The proxies that are believed.
type Trusted<'a> = Known<&'a List<IpNet, 0>>;

/// Checks the listeners, and reads what they show.
pub(super) fn lower(
    list: List<raw::Listener, 1>,
    trusted: Trusted<'_>,
    files: &Files<'_>,
    report: &mut Report,
) -> Option<Vec<Listener>> {
    let mut names = Names::new("listener", list.complete);
    for listener in &list.items {
        names.define(listener.name.as_ref(), report);
    }
    // All of them are looked at, whatever is wrong with the first.
    let lowered: Vec<_> = list
        .items
        .into_iter()
        .map(|raw| listener(raw, trusted, files, report))
        .collect();
    lowered.into_iter().collect()
}

fn listener(
    raw: raw::Listener,
    trusted: Trusted<'_>,
    files: &Files<'_>,
    report: &mut Report,
) -> Option<Listener> {
    let http2 = http2(&raw, report);
    let proxy_protocol = accept_proxy(raw.proxy_protocol.as_ref(), trusted, report);
    let tls = raw
        .tls
        .and_then(|raw| optional(raw, |raw| tls(raw, files, report)));
    Some(Listener {
        name: raw.name?.value.0,
        address: raw.address?.value.0,
        max_connections: raw.max_connections?.at_least_one(),
        handshake_timeout: raw.handshake_timeout?.0,
        proxy_protocol: proxy_protocol?,
        tls: tls?,
        http2: http2?,
    })
}

/// On with TLS and off without, unless it is said.
fn http2(raw: &raw::Listener, report: &mut Report) -> Known<Option<Http2>> {
    let extended_connect = raw.extended_connect.as_ref()?;
    let is_on = match raw.http2.as_ref()? {
        Some(said) => said.value == Switch::On,
        None => raw.tls.as_ref()?.is_some(),
    };
    if !is_on && extended_connect.value == Switch::On {
        let message = "`extended_connect` is of HTTP/2, which this listener does not speak";
        let help = "`http2: on` has it spoken; WebSockets over HTTP/1.1 need neither";
        report.add(Problem::new(extended_connect.span, message).help(help));
        return None;
    }
    let settings = Http2 {
        extended_connect: extended_connect.value == Switch::On,
        max_concurrent_streams: raw.max_concurrent_streams.as_ref()?.at_least_one(),
    };
    Some(is_on.then_some(settings))
}

/// A header that nobody is trusted to send would close every connection.
fn accept_proxy(
    raw: Option<&At<AcceptProxy>>,
    trusted: Trusted<'_>,
    report: &mut Report,
) -> Option<AcceptProxy> {
    let raw = raw?;
    let nobody = trusted.is_some_and(|list| list.complete && list.items.is_empty());
    if nobody && raw.value != AcceptProxy::Off {
        let problem = Problem::new(raw.span, "nobody is trusted to send a PROXY header");
        report.add(problem.help("list the networks of the load balancers in `trusted_proxies`"));
        return None;
    }
    Some(raw.value)
}

fn tls(raw: raw::Tls, files: &Files<'_>, report: &mut Report) -> Option<Tls> {
    let certificates: Vec<_> = raw
        .certificates?
        .whole()?
        .iter()
        .map(|raw| certificate(raw, files, report))
        .collect();
    let ticket_key = raw
        .ticket_key_file
        .and_then(|file| optional(file, |file| ticket_key(&file, files, report)));
    let client_ca = client_ca(raw.client_ca, raw.client_auth, files, report);
    Some(Tls {
        certificates: certificates.into_iter().collect::<Option<_>>()?,
        min_version: raw.min_version?,
        handshakes_at_once: raw.handshakes_at_once?.at_least_one(),
        ticket_key: ticket_key?,
        client_ca: client_ca?,
    })
}

fn client_ca(
    file: Known<Option<At<File>>>,
    demand: Known<At<ClientAuth>>,
    files: &Files<'_>,
    report: &mut Report,
) -> Known<Option<ClientCa>> {
    let Some(written) = file? else {
        if let Some(demand) = demand.filter(|it| it.given == Given::File) {
            let problem = Problem::new(demand.span, "this says nothing without `client_ca`");
            report.add(problem.help("name the authority of the clients' certificates there"));
        }
        return Some(None);
    };
    let file = files.whole(&written, report);
    Some(Some(ClientCa {
        name: name(&written),
        file: file?,
        demand: demand?.value,
    }))
}

fn ticket_key(written: &At<File>, files: &Files<'_>, report: &mut Report) -> Option<TicketKey> {
    Some(TicketKey {
        name: name(written),
        file: files.secret_of(written, TicketKey::MIN_BYTES, report)?,
    })
}

/// What a file is called in logs and metrics.
fn name(written: &At<File>) -> ArcStr {
    written.value.0.to_string_lossy().into()
}

fn certificate(
    raw: &raw::Certificate,
    files: &Files<'_>,
    report: &mut Report,
) -> Option<Certificate> {
    let cert = raw.cert.as_ref().and_then(|file| files.whole(file, report));
    let key = raw.key.as_ref().and_then(|file| files.whole(file, report));
    let (written, cert) = (raw.cert.as_ref()?, cert?);
    let beside = Certificate::staple_path(&cert.path);
    Some(Certificate {
        name: name(written),
        staple: files.beside(beside, written, report),
        cert,
        key: key?,
    })
}
