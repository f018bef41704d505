//! `switchyard sessions`.

use std::process::ExitCode;

use anyhow::bail;
use http::Method;
use serde_json::Value;

use super::{print, publish};
use crate::admin_client::{AdminClient, part, target};
use crate::cli::{Close, Filter, List, Sessions, Show, Subscription};
use crate::table::{cell, list, span, table};

const TITLES: &[&str] = &[
    "ID",
    "CLIENT",
    "LISTENER",
    "ROUTE",
    "ENDPOINT",
    "OPEN",
    "IDLE",
    "FROM CLIENT",
    "FROM ENDPOINT",
    "TOLD TO GO",
];

pub(crate) fn execute(sessions: &Sessions) -> anyhow::Result<ExitCode> {
    match sessions {
        Sessions::List(list) => listed(list),
        Sessions::Show(show) => shown(show),
        Sessions::Send(send) => publish::send(send),
        Sessions::Subscribe(subscription) => subscribed(subscription, &Method::PUT),
        Sessions::Unsubscribe(subscription) => subscribed(subscription, &Method::DELETE),
        Sessions::Close(close) => closed(close),
    }
}

fn listed(wanted: &List) -> anyhow::Result<ExitCode> {
    let mut words = words(&wanted.filter);
    words.extend([
        ("limit", wanted.limit.as_deref()),
        ("after", wanted.after.as_deref()),
    ]);
    let client = AdminClient::new(&wanted.at)?;
    let answer = client.ask(&Method::GET, &target("/sessions", &words))?;
    if wanted.at.json {
        return print(&format!("{answer}\n"));
    }
    let rows: Vec<_> = list(&answer, "sessions").map(row).collect();
    let more = match answer.get("next").and_then(Value::as_u64) {
        Some(next) => format!("there are more: --after {next}\n"),
        None => String::new(),
    };
    print(&(table(TITLES, &rows) + &more))
}

fn row(session: &Value) -> Vec<String> {
    vec![
        cell(session, &["id"]),
        cell(session, &["client"]),
        cell(session, &["listener"]),
        cell(session, &["route"]),
        cell(session, &["endpoint"]),
        span(session, "duration_ms"),
        span(session, "idle_ms"),
        cell(session, &["live", "bytes_from_downstream"]),
        cell(session, &["live", "bytes_from_upstream"]),
        cell(session, &["told_to_go"]),
    ]
}

fn shown(wanted: &Show) -> anyhow::Result<ExitCode> {
    let client = AdminClient::new(&wanted.at)?;
    let answer = client.ask(&Method::GET, &format!("/sessions/{}", part(&wanted.id)))?;
    if wanted.at.json {
        return print(&format!("{answer}\n"));
    }
    let whole = answer.as_object().into_iter().flatten();
    let whole = whole.filter(|(name, _)| *name != "live");
    let live = answer.get("live").and_then(Value::as_object);
    let all = whole.chain(live.into_iter().flatten());
    let rows: Vec<_> = all
        .map(|(name, value)| vec![name.clone(), cell(value, &[])])
        .collect();
    print(&table(&["WHAT", "VALUE"], &rows))
}

fn subscribed(wanted: &Subscription, method: &Method) -> anyhow::Result<ExitCode> {
    let (id, channel) = (part(&wanted.id), part(&wanted.channel));
    let client = AdminClient::new(&wanted.at)?;
    let answer = client.ask(method, &format!("/sessions/{id}/channels/{channel}"))?;
    if wanted.at.json {
        return print(&format!("{answer}\n"));
    }
    let done = if *method == Method::PUT {
        "subscribed"
    } else {
        "unsubscribed"
    };
    print(&format!("{done}: {}\n", wanted.id))
}

fn closed(wanted: &Close) -> anyhow::Result<ExitCode> {
    let close = [
        ("code", wanted.goodbye.code.as_deref()),
        ("reason", wanted.goodbye.reason.as_deref()),
    ];
    let mut filter = words(&wanted.filter);
    filter.extend([
        ("over", wanted.goodbye.over.as_deref()),
        ("all", wanted.all.then_some("true")),
    ]);
    let target = match &wanted.id {
        None => {
            filter.extend(close);
            target("/sessions", &filter)
        }
        Some(_) if filter.iter().any(|(_, value)| value.is_some()) => {
            bail!("either one session, or a filter");
        }
        Some(id) => target(&format!("/sessions/{}", part(id)), &close),
    };
    let client = AdminClient::new(&wanted.at)?;
    let answer = client.ask(&Method::DELETE, &target)?;
    if wanted.at.json {
        return print(&format!("{answer}\n"));
    }
    print(&format!("asked to go: {}\n", cell(&answer, &["sessions"])))
}

fn words(filter: &Filter) -> Vec<(&'static str, Option<&str>)> {
    vec![
        ("listener", filter.listener.as_deref()),
        ("route", filter.route.as_deref()),
        ("cluster", filter.cluster.as_deref()),
        ("endpoint", filter.endpoint.as_deref()),
        ("client", filter.client.as_deref()),
        ("idle_over", filter.idle_over.as_deref()),
        ("older_than", filter.older_than.as_deref()),
        ("channel", filter.channel.as_deref()),
    ]
}
