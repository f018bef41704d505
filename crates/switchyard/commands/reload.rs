//! `switchyard reload`.

use std::fmt::Write as _;
use std::process::ExitCode;

use http::Method;
use serde_json::Value;

use super::print;
use crate::admin_client::{AdminClient, target};
use crate::cli::Reload;
use crate::table::cell;

pub(crate) fn execute(reload: &Reload) -> anyhow::Result<ExitCode> {
    let dry_run = reload.dry_run.then_some("true");
    let target = target("/reload", &[("dry_run", dry_run)]);
    let answer = AdminClient::new(&reload.at)?.ask(&Method::POST, &target)?;
    if reload.at.json {
        return print(&format!("{answer}\n"));
    }
    print(&told(&answer))
}

/// What came of it, or would come of it, in a few lines.
fn told(answer: &Value) -> String {
    let mut text = match cell(answer, &["outcome"]).as_str() {
        "unchanged" => return "the configuration is the same\n".to_owned(),
        "dry_run" => "this would change:\n".to_owned(),
        _ => "reloaded; this has changed:\n".to_owned(),
    };
    for kind in ["listeners", "routes", "clusters"] {
        for change in ["added", "removed", "changed"] {
            let title = format!("{kind} {change}");
            line(
                &mut text,
                &title,
                answer.pointer(&format!("/changes/{kind}/{change}")),
            );
        }
    }
    line(
        &mut text,
        "settings changed",
        answer.pointer("/changes/settings"),
    );
    line(
        &mut text,
        "only with a restart",
        answer.get("needs_restart"),
    );
    let number = |name: &str| cell(answer, &["sessions", name]);
    let (unchanged, adopting) = (number("unchanged"), number("adopting"));
    let closing = closing(answer.pointer("/sessions/closing"));
    let _ = writeln!(
        text,
        "  sessions: {unchanged} unchanged, {adopting} under other limits, {closing}"
    );
    text
}

/// Adds a line with these names, unless there are none.
fn line(text: &mut String, title: &str, names: Option<&Value>) {
    let names = names.and_then(Value::as_array).into_iter().flatten();
    let names: Vec<_> = names.filter_map(Value::as_str).collect();
    if !names.is_empty() {
        let _ = writeln!(text, "  {title}: {}", names.join(", "));
    }
}

fn closing(by_route: Option<&Value>) -> String {
    let routes = by_route.and_then(Value::as_object).into_iter().flatten();
    let routes: Vec<_> = routes
        .map(|(route, sessions)| format!("{route} {sessions}"))
        .collect();
    if routes.is_empty() {
        return "none asked to go".to_owned();
    }
    format!("asked to go: {}", routes.join(", "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_changes_is_told_by_name() {
        let answer = json!({
            "outcome": "dry_run",
            "changes": {
                "listeners": { "added": [], "removed": [], "changed": [] },
                "routes": { "added": ["news"], "removed": ["old", "older"], "changed": [] },
                "clusters": { "added": [], "removed": [], "changed": ["chat"] },
                "settings": ["log", "workers"],
            },
            "needs_restart": ["workers"],
            "sessions": { "unchanged": 7, "adopting": 2, "closing": { "old": 3, "older": 1 } },
        });
        assert_eq!(
            told(&answer),
            "this would change:\n  routes added: news\n  routes removed: old, older\n  clusters changed: chat\n  \
             settings changed: log, workers\n  only with a restart: workers\n  \
             sessions: 7 unchanged, 2 under other limits, asked to go: old 3, older 1\n"
        );
    }
}
