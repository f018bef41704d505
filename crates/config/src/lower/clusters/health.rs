//! Probes: exactly one kind.

use arcstr::ArcStr;

use super::super::optional;
use crate::decode::{At, Known};
use crate::model::{Health, HttpProbe, Probe, WebSocketProbe};
use crate::raw;
use crate::report::{Problem, Report};
use crate::scalar::HeaderValue;
use crate::source::Span;

/// Checks that one kind of probe is asked for.
pub(super) fn lower(
    raw: Known<Option<At<raw::Health>>>,
    report: &mut Report,
) -> Known<Option<Health>> {
    optional(raw?, |raw| health(raw, report))
}

fn health(raw: At<raw::Health>, report: &mut Report) -> Option<Health> {
    let At { value, span, .. } = raw;
    let probe = probe(&value, span, report);
    Some(Health {
        probe: probe?,
        interval: value.interval?.0,
        timeout: value.timeout?.0,
        unhealthy_after: value.unhealthy_after?.at_least_one(),
        healthy_after: value.healthy_after?.at_least_one(),
    })
}

fn probe(raw: &raw::Health, whole: Span, report: &mut Report) -> Option<Probe> {
    let (websocket, http) = (raw.websocket.as_ref()?, raw.http.as_ref()?);
    match (websocket, http, raw.tcp.as_ref()?) {
        (Some(probe), None, None) => websocket_probe(&probe.value).map(Probe::WebSocket),
        (None, Some(probe), None) => http_probe(&probe.value).map(Probe::Http),
        (None, None, Some(_)) => Some(Probe::Tcp),
        (websocket, http, tcp) => {
            let given = [
                websocket.as_ref().map(|it| it.span),
                http.as_ref().map(|it| it.span),
                tcp.as_ref().map(|it| it.span),
            ];
            report.add(not_one(given.into_iter().flatten().collect(), whole));
            None
        }
    }
}

fn not_one(mut given: Vec<Span>, whole: Span) -> Problem {
    given.sort();
    let problem = match given.as_slice() {
        [first, second, ..] => {
            Problem::new(*second, "there is only one kind of probe").related(*first, "the first")
        }
        _ => Problem::new(whole, "nothing says how endpoints are probed"),
    };
    problem.help("use one of `websocket`, `http` and `tcp`, such as `websocket: { path: /ws }`")
}

fn websocket_probe(raw: &raw::WebSocketProbe) -> Option<WebSocketProbe> {
    Some(WebSocketProbe {
        path: raw.path.as_ref()?.0.clone(),
        host: host(raw.host.as_ref()?.as_ref()),
        subprotocol: raw.subprotocol.as_ref()?.as_ref().map(|it| it.0.clone()),
        pong_within: raw.pong_within.as_ref()?.0,
    })
}

fn http_probe(raw: &raw::HttpProbe) -> Option<HttpProbe> {
    let status = raw.expect.as_ref()?.0;
    Some(HttpProbe {
        path: raw.path.as_ref()?.0.clone(),
        host: host(raw.host.as_ref()?.as_ref()),
        expect: u16::try_from(status).ok()?,
    })
}

fn host(raw: Option<&HeaderValue>) -> Option<ArcStr> {
    raw.map(|it| it.0.as_str().into())
}
