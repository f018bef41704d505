//! `switchyard drain`.

use std::process::ExitCode;

use http::Method;
use serde_json::Value;

use super::print;
use crate::admin_client::{AdminClient, part, target};
use crate::cli::{Drain, DrainAction};
use crate::table::{cell, list, table};

const TITLES: &[&str] = &[
    "WHAT", "NAME", "STATE", "SESSIONS", "ASKED", "LEFT", "ETA", "CUT IN",
];

pub(crate) fn execute(drain: &Drain) -> anyhow::Result<ExitCode> {
    let client = AdminClient::new(&drain.at)?;
    let (method, target) = request(drain);
    let answer = client.ask(&method, &target)?;
    if drain.at.json {
        return print(&format!("{answer}\n"));
    }
    match drain.action {
        DrainAction::Status => print(&status(drain, &answer)),
        DrainAction::Start => print(&told(&answer, "draining")),
        DrainAction::Cancel => print(&told(&answer, "serving again")),
    }
}

fn request(drain: &Drain) -> (Method, String) {
    let method = match drain.action {
        DrainAction::Status => return (Method::GET, "/drain".to_owned()),
        DrainAction::Start => Method::POST,
        DrainAction::Cancel => Method::DELETE,
    };
    if let (Some(cluster), Some(endpoint)) = (&drain.cluster, &drain.endpoint) {
        let (cluster, endpoint) = (part(cluster), part(endpoint));
        let target = format!("/clusters/{cluster}/endpoints/{endpoint}/drain");
        return (method, target);
    }
    let words = [
        ("listener", drain.listener.as_deref()),
        ("route", drain.route.as_deref()),
        ("cluster", drain.cluster.as_deref()),
        ("over", drain.goodbye.over.as_deref()),
        ("deadline", drain.deadline.as_deref()),
        ("code", drain.goodbye.code.as_deref()),
        ("reason", drain.goodbye.reason.as_deref()),
    ];
    (method, target("/drain", &words))
}

fn told(answer: &Value, state: &str) -> String {
    match (cell(answer, &["scope"]), cell(answer, &["name"])) {
        // An endpoint's.
        (scope, _) if scope == "-" => format!("{state}\n"),
        (scope, name) if name == "-" => format!("{state}: {scope}\n"),
        (scope, name) => format!("{state}: {scope} {name}\n"),
    }
}

fn status(drain: &Drain, answer: &Value) -> String {
    let phase = cell(answer, &["process", "phase"]);
    let rows: Vec<_> = list(answer, "drains")
        .filter(|row| is_meant(drain, row))
        .map(row)
        .collect();
    let progress = match cell(answer, &["process", "left"]) {
        left if left == "-" => String::new(),
        left => {
            let eta = seconds(answer.get("process"), "eta_seconds");
            format!(", {left} sessions left, all asked in {eta}")
        }
    };
    let drains = if rows.is_empty() {
        "nothing is drained by order\n".to_owned()
    } else {
        table(TITLES, &rows)
    };
    format!("process: {phase}{progress}\n{drains}")
}

/// Whether the command line asks for this one.
fn is_meant(drain: &Drain, row: &Value) -> bool {
    let wanted = [
        ("listener", &drain.listener),
        ("route", &drain.route),
        ("endpoint", &drain.endpoint),
        ("cluster", &drain.cluster),
    ];
    let mut named = wanted
        .iter()
        .filter_map(|(scope, name)| Some((*scope, name.as_deref()?)));
    match named.next() {
        None => true,
        Some((scope, name)) => cell(row, &["scope"]) == scope && cell(row, &["name"]) == name,
    }
}

fn row(drain: &Value) -> Vec<String> {
    vec![
        cell(drain, &["scope"]),
        cell(drain, &["name"]),
        cell(drain, &["state"]),
        cell(drain, &["total"]),
        cell(drain, &["asked"]),
        cell(drain, &["left"]),
        seconds(Some(drain), "eta_seconds"),
        seconds(Some(drain), "deadline_seconds"),
    ]
}

fn seconds(row: Option<&Value>, name: &str) -> String {
    let seconds = row.and_then(|row| row.get(name)).and_then(Value::as_f64);
    seconds.map_or_else(|| "-".to_owned(), |seconds| format!("{seconds:.0}s"))
}
