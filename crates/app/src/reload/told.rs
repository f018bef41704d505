//! What the admin API says of a reload.

use arcstr::ArcStr;
use http::StatusCode;
use serde_json::{Value, json};
use switchyard_admin::ReloadRefused;
use switchyard_config::{Changes, Diagnostic};

use super::{Outcome, ReloadError, Report};

impl Report {
    pub(super) fn told(&self) -> Value {
        let outcome = match self.outcome {
            Outcome::Applied => "applied",
            Outcome::Unchanged => "unchanged",
            Outcome::DryRun => "dry_run",
        };
        json!({
            "outcome": outcome,
            "changes": {
                "listeners": changes(&self.diff.listeners),
                "routes": changes(&self.diff.routes),
                "clusters": changes(&self.diff.clusters),
                "settings": self.diff.settings,
            },
            "needs_restart": self.needs_restart,
            "sessions": {
                "unchanged": self.sessions.unchanged,
                "adopting": self.sessions.adopting,
                "closing": self.sessions.closing.iter().map(|(route, sessions)| {
                    (route.to_string(), Value::from(*sessions))
                }).collect::<serde_json::Map<_, _>>(),
            },
        })
    }
}

fn changes(changes: &Changes) -> Value {
    let names = |names: &[ArcStr]| names.iter().map(|it| json!(**it)).collect::<Value>();
    json!({
        "added": names(&changes.added),
        "removed": names(&changes.removed),
        "changed": names(&changes.changed),
    })
}

impl ReloadError {
    pub(super) fn told(&self) -> ReloadRefused {
        let status = match self {
            Self::NoFile | Self::Leaving => StatusCode::CONFLICT,
            Self::Config(_) | Self::Start(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Thread(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let problems = match self {
            Self::Config(errors) => errors.iter().map(problem).collect(),
            Self::NoFile | Self::Leaving | Self::Start(_) | Self::Thread(_) => Vec::new(),
        };
        ReloadRefused {
            status,
            body: json!({ "error": self.to_string(), "problems": problems }),
        }
    }
}

fn problem(problem: &Diagnostic) -> Value {
    json!({
        "file": problem.path.display().to_string(),
        "line": problem.position.map(|at| at.line),
        "column": problem.position.map(|at| at.column),
        "message": problem.message,
        "help": problem.help,
    })
}
