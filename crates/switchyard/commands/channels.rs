//! `switchyard channels`.

use std::process::ExitCode;

use http::Method;
use serde_json::Value;

use super::print;
use crate::admin_client::{AdminClient, part, target};
use crate::cli::Channels;
use crate::table::{cell, list, table};

pub(crate) fn execute(wanted: &Channels) -> anyhow::Result<ExitCode> {
    match &wanted.name {
        Some(name) => counted(wanted, name),
        None => listed(wanted),
    }
}

fn listed(wanted: &Channels) -> anyhow::Result<ExitCode> {
    let words = [
        ("prefix", wanted.prefix.as_deref()),
        ("limit", wanted.limit.as_deref()),
        ("after", wanted.after.as_deref()),
    ];
    let client = AdminClient::new(&wanted.at)?;
    let answer = client.ask(&Method::GET, &target("/channels", &words))?;
    if wanted.at.json {
        return print(&format!("{answer}\n"));
    }
    let rows: Vec<_> = list(&answer, "channels")
        .map(|channel| {
            ["channel", "sessions"]
                .map(|name| cell(channel, &[name]))
                .into()
        })
        .collect();
    let more = match answer.get("next").and_then(Value::as_str) {
        Some(next) => format!("there are more: --after {next}\n"),
        None => String::new(),
    };
    print(&(table(&["CHANNEL", "SESSIONS"], &rows) + &more))
}

fn counted(wanted: &Channels, name: &str) -> anyhow::Result<ExitCode> {
    let words = [("within", wanted.within.as_deref())];
    let target = target(&format!("/channels/{}", part(name)), &words);
    let client = AdminClient::new(&wanted.at)?;
    let answer = client.ask(&Method::GET, &target)?;
    if wanted.at.json {
        return print(&format!("{answer}\n"));
    }
    print(&table(
        &["CHANNEL", "SESSIONS", "HERE", "REPLICAS"],
        &[row(&answer)],
    ))
}

fn row(answer: &Value) -> Vec<String> {
    let replicas = |name| cell(answer, &["replicas", name]);
    vec![
        cell(answer, &["channel"]),
        cell(answer, &["sessions"]),
        cell(answer, &["local"]),
        format!("{} of {}", replicas("answered"), replicas("expected")),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_count_says_whose_it_is() {
        let answer = json!({
            "channel": "a", "sessions": 12, "local": 4, "replicas": { "answered": 2, "expected": 3 },
        });
        assert_eq!(row(&answer), ["a", "12", "4", "2 of 3"]);
    }
}
