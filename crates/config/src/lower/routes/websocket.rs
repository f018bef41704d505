//! Policy for sessions: limits, Pings and how long a session lives.

use std::time::Duration;

use super::super::optional;
use crate::decode::{At, Known, List, OrOff};
use crate::model::{MaxLifetime, Pings, WebSocket};
use crate::node::Given;
use crate::raw::{self, Timeout};
use crate::report::{Problem, Report};
use crate::scalar::written;

/// Whoever says nothing for this long, asked whether it is there, is not.
const LONG_ENOUGH: Duration = Duration::from_mins(1);

pub(super) fn lower(raw: raw::WebSocket, report: &mut Report) -> Option<WebSocket> {
    let pings = pings(raw.ping_interval, raw.pong_timeout, report);
    Some(WebSocket {
        allowed_origins: optional(raw.allowed_origins?, |list| texts(list, |it| it.0))?,
        subprotocols: optional(raw.subprotocols?, |list| texts(list, |it| it.0))?,
        max_message: raw.max_message?.0.map(|size| size.0),
        max_frame: raw.max_frame?.0.map(|size| size.0),
        idle_timeout: raw.idle_timeout?.0.map(|time| time.0),
        pings: pings?,
        max_lifetime: optional(raw.max_lifetime?, |raw| max_lifetime(&raw))?,
        close_timeout: raw.close_timeout?.0,
        buffer_limit: usize::try_from(raw.buffer_limit?.0).unwrap_or(usize::MAX),
    })
}

fn texts<T>(list: List<T, 1>, text: impl Fn(T) -> String) -> Option<Vec<String>> {
    Some(list.whole()?.into_iter().map(text).collect())
}

/// Checks that there is the one for the other, and that it is short enough to be of use.
fn pings(
    interval: Known<At<OrOff<Timeout>>>,
    timeout: Known<At<Timeout>>,
    report: &mut Report,
) -> Known<Option<Pings>> {
    let (interval, timeout) = (interval?, timeout?);
    let Some(every) = interval.value.0.map(|time| time.0) else {
        if timeout.given == Given::File {
            report.add(alone(&timeout));
            return None;
        }
        return Some(None);
    };
    let longest = every.max(LONG_ENOUGH);
    if timeout.value.0 > longest {
        report.add(late(longest, &interval, &timeout));
        return None;
    }
    Some(Some(Pings {
        interval: every,
        timeout: timeout.value.0,
    }))
}

fn alone(timeout: &At<Timeout>) -> Problem {
    let message = "nothing is pinged, so there is no Pong to wait for";
    let help = "add `ping_interval`, such as `ping_interval: 30s`, or leave `pong_timeout` out";
    Problem::new(timeout.span, message).help(help)
}

fn late(longest: Duration, interval: &At<OrOff<Timeout>>, timeout: &At<Timeout>) -> Problem {
    let (longest, found) = (written(longest), written(timeout.value.0));
    let message = format!("a side that is silent for {found} after a Ping has long been gone");
    let problem = Problem::new(timeout.span, message).related(interval.span, "pinged after this");
    problem.help(format!("set `pong_timeout` to {longest} or less"))
}

fn max_lifetime(raw: &raw::MaxLifetime) -> Option<MaxLifetime> {
    let (after, close) = (raw.after.as_ref()?.0, raw.close.as_ref()?);
    let percent = raw.jitter?.0.map_or(0, |percent| percent.0);
    Some(MaxLifetime {
        after,
        jitter: after * percent / 100,
        code: close.code.as_ref()?.0,
        reason: close.reason.as_ref()?.0.clone(),
    })
}
