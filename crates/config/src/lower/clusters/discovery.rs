//! Who the endpoints of a cluster are: written out, or looked up; exactly one.

use std::path::Path;

use super::super::optional;
use crate::decode::{At, Known};
use crate::model::{Discovery, Dns, Kubernetes, RecordType, Records};
use crate::raw;
use crate::report::{Problem, Report};
use crate::scalar::{Count, Switch};
use crate::source::Span;

/// Whether a cluster's endpoints are written out (`None`) or looked up.
pub(super) fn lower(
    raw: &raw::Cluster,
    directory: &Path,
    report: &mut Report,
) -> Known<Option<Discovery>> {
    let (endpoints, dns) = (raw.endpoints.as_ref()?, raw.dns.as_ref()?);
    match (endpoints, dns, raw.kubernetes.as_ref()?) {
        (Some(_), None, None) => Some(None),
        (None, Some(dns), None) => Some(Some(Discovery::Dns(self::dns(dns, report)?))),
        (None, None, Some(it)) => Some(Some(Discovery::Kubernetes(kubernetes(
            &it.value, directory,
        )?))),
        (endpoints, dns, kubernetes) => {
            let given = [
                endpoints.as_ref().map(|it| it.span),
                dns.as_ref().map(|it| it.span),
                kubernetes.as_ref().map(|it| it.span),
            ];
            let given: Vec<_> = given.into_iter().flatten().collect();
            if let Some(problem) = not_one(given, raw.name.as_ref().map(|it| it.span)) {
                report.add(problem);
            }
            None
        }
    }
}

/// Nothing is said of a cluster without a name: it has been told about that.
fn not_one(mut given: Vec<Span>, name: Option<Span>) -> Option<Problem> {
    given.sort();
    let help = "use one of `endpoints`, `dns` and `kubernetes`";
    if let [first, second, ..] = given.as_slice() {
        let problem = Problem::new(*second, "the endpoints come from one place only");
        return Some(problem.related(*first, "the first").help(help));
    }
    let problem = Problem::new(name?, "nothing says which endpoints this cluster has");
    Some(problem.help(format!(
        "{help}, such as `endpoints: [{{ address: 10.0.0.11:9000 }}]`"
    )))
}

fn dns(raw: &At<raw::Dns>, report: &mut Report) -> Option<Dns> {
    let At { value, span, .. } = raw;
    let records = records(value, *span, report);
    let (min, max) = (value.min_refresh.as_ref()?, value.max_refresh.as_ref()?);
    if min.value.0 > max.value.0 {
        let problem = Problem::new(max.span, "`max_refresh` is shorter than `min_refresh`");
        report.add(problem.related(min.span, "longer"));
        return None;
    }
    let resolvers = value.resolvers.clone()?.whole()?;
    Some(Dns {
        name: value.name.as_ref()?.0.clone(),
        records: records?,
        resolvers: resolvers.into_iter().map(|it| it.0).collect(),
        timeout: value.timeout.as_ref()?.0,
        min_refresh: min.value.0,
        max_refresh: max.value.0,
        retry: value.retry.as_ref()?.0,
        required: value.required? == Switch::On,
    })
}

fn records(raw: &raw::Dns, whole: Span, report: &mut Report) -> Option<Records> {
    let port = raw.port.as_ref()?;
    let number = |port: &At<_>| port_number(port.value);
    match (raw.type_?, port) {
        (RecordType::A, Some(port)) => Some(Records::A(number(port)?)),
        (RecordType::Aaaa, Some(port)) => Some(Records::Aaaa(number(port)?)),
        (RecordType::Srv, None) => Some(Records::Srv),
        (RecordType::Srv, Some(port)) => {
            let problem = Problem::new(port.span, "SRV records have ports of their own");
            report.add(problem.help("leave `port` out"));
            None
        }
        (RecordType::A | RecordType::Aaaa, None) => {
            let problem = Problem::new(whole, "addresses need a port");
            report.add(problem.help("add `port: 9000`, or use `type: srv`"));
            None
        }
    }
}

fn port_number(port: Count<1, 65_535>) -> Option<u16> {
    u16::try_from(port.0).ok()
}

fn kubernetes(raw: &raw::Kubernetes, directory: &Path) -> Option<Kubernetes> {
    let kubeconfig = raw.kubeconfig.as_ref()?.as_ref();
    Some(Kubernetes {
        namespace: raw.namespace.as_ref()?.as_ref().map(|name| name.0.clone()),
        service: raw.service.as_ref()?.0.clone(),
        port: raw.port.as_ref()?.0.clone(),
        kubeconfig: kubeconfig.map(|file| directory.join(&file.value.0)),
        context: optional(raw.context.as_ref()?.as_ref(), |it| {
            Some(it.value.0.clone())
        })?,
        required: raw.required? == Switch::On,
    })
}
