//! `/drain`: begins, shows and takes back drains of the whole gateway, a listener, a route or a cluster.
//!
//! Not here: what becomes of sessions and handshakes meanwhile; whoever implements [`DrainControl`] knows.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};
use switchyard_drain::{Phase, Scope};
use switchyard_relay::Progress;

use crate::Admin;
use crate::answer::{Answer, Problem, accepted, bad, ok, problem};
use crate::close::{self, CloseWish};
use crate::query::Query;

/// The words of a query that say what is drained.
const SCOPES: &[&str] = &["listener", "route", "cluster"];

/// Begins drains and knows of all.
pub trait DrainControl: Send + Sync {
    /// Begins one.
    ///
    /// # Errors
    /// See [`DrainRefused`].
    fn begin(&self, scope: Scope, wish: DrainWish) -> Result<DrainStatus, DrainRefused>;

    /// Takes one back: new sessions are welcome again, and whoever was not asked to go stays.
    ///
    /// # Errors
    /// There is none, or it is the process that leaves.
    fn cancel(&self, scope: &Scope) -> Result<DrainStatus, DrainRefused>;

    /// All that are in force.
    fn list(&self) -> Vec<DrainStatus>;

    /// How far the process's own is, once it asks sessions to go.
    fn own(&self) -> Option<Progress>;

    /// Whether the whole gateway is drained by order.
    fn is_whole_gateway(&self) -> bool;
}

/// What an order says otherwise than the configuration.
#[derive(Clone, Debug, Default)]
pub struct DrainWish {
    /// The time over which the asking is spread.
    pub over: Option<Duration>,
    /// How long after new handshakes are turned away those are cut that are left.
    pub deadline: Option<Duration>,
    /// What sessions are told.
    pub close: CloseWish,
}

/// A drain that is in force.
#[derive(Clone, Debug)]
pub struct DrainStatus {
    /// What is drained.
    pub scope: Scope,
    /// How long ago it was begun.
    pub begun: Duration,
    /// How far it is, once sessions are asked to go.
    pub progress: Option<Progress>,
    /// When those are cut that are left, if they are.
    pub deadline: Option<Duration>,
}

/// How far a drain has gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DrainStage {
    /// New sessions are still welcome.
    Waiting,
    /// They are turned away, and sessions are asked to go.
    Asking,
    /// All were asked, and some are left.
    Closing,
    /// Nobody is left.
    Done,
}

/// Why a drain is not begun, or not taken back.
#[derive(Clone, Debug)]
pub enum DrainRefused {
    /// Nothing has this name.
    NoSuch(Scope),
    /// It is drained already.
    UnderWay(Scope),
    /// It is not drained.
    NotUnderWay(Scope),
    /// The process itself leaves.
    Leaving,
    /// Those that are asked last would be cut before.
    TooSlow {
        /// The time over which the asking is spread.
        over: Duration,
        /// When those are cut that are left.
        deadline: Duration,
    },
}

impl DrainStatus {
    /// How far it has gone.
    pub fn stage(&self) -> DrainStage {
        match self.progress {
            None => DrainStage::Waiting,
            Some(Progress { left: 0, .. }) => DrainStage::Done,
            Some(Progress { waiting: 0, .. }) => DrainStage::Closing,
            Some(_) => DrainStage::Asking,
        }
    }
}

impl Admin {
    pub(crate) fn drains(&self) -> Answer {
        let drains = &self.parts.drains;
        let all: Vec<_> = drains.list().iter().map(described).collect();
        let mut process = json!({ "phase": phase(self.watch.phase()) });
        extend(&mut process, &counts(drains.own()));
        ok(&json!({ "process": process, "drains": all }))
    }

    pub(crate) fn begin_drain(&self, query: Option<&str>) -> Result<Answer, Problem> {
        let query = Query::parse(query, &[SCOPES, &["over", "deadline"], close::WORDS])?;
        let wish = DrainWish {
            over: query.duration("over")?,
            deadline: query.duration("deadline")?,
            close: CloseWish::of(&query)?,
        };
        let begun = self.parts.drains.begin(scope(&query)?, wish);
        begun.map(|it| accepted(&described(&it))).map_err(refused)
    }

    pub(crate) fn cancel_drain(&self, query: Option<&str>) -> Result<Answer, Problem> {
        let query = Query::parse(query, &[SCOPES])?;
        let cancelled = self.parts.drains.cancel(&scope(&query)?);
        let cancelled = cancelled.map_err(refused)?;
        let mut body = described(&cancelled);
        extend(&mut body, &json!({ "state": "cancelled" }));
        Ok(ok(&body))
    }
}

fn scope(query: &Query) -> Result<Scope, Problem> {
    let [listener, route, cluster] = ["listener", "route", "cluster"].map(|word| query.text(word));
    match (listener, route, cluster) {
        (None, None, None) => Ok(Scope::Gateway),
        (Some(name), None, None) => Ok(Scope::Listener(name.into())),
        (None, Some(name), None) => Ok(Scope::Route(name.into())),
        (None, None, Some(name)) => Ok(Scope::Cluster(name.into())),
        _ => Err(bad(
            "one of `listener`, `route` and `cluster`, or none of them",
        )),
    }
}

fn refused(refused: DrainRefused) -> Problem {
    match refused {
        DrainRefused::NoSuch(scope) => {
            problem(StatusCode::NOT_FOUND, &format!("there is no {scope}"))
        }
        DrainRefused::UnderWay(scope) => {
            let message = format!("{scope} is drained already; DELETE takes it back");
            problem(StatusCode::CONFLICT, &message)
        }
        DrainRefused::NotUnderWay(scope) => {
            problem(StatusCode::NOT_FOUND, &format!("{scope} is not drained"))
        }
        DrainRefused::Leaving => problem(
            StatusCode::CONFLICT,
            "the process itself is leaving, which is not taken back",
        ),
        DrainRefused::TooSlow { over, deadline } => bad(&format!(
            "asking takes {over:?} and the deadline is after {deadline:?}; say a shorter `over` or a longer `deadline`"
        )),
    }
}

fn described(status: &DrainStatus) -> Value {
    let (kind, name, cluster) = match &status.scope {
        Scope::Gateway => ("gateway", None, None),
        Scope::Listener(name) => ("listener", Some(name), None),
        Scope::Route(name) => ("route", Some(name), None),
        Scope::Cluster(name) => ("cluster", Some(name), None),
        Scope::Endpoint { cluster, endpoint } => ("endpoint", Some(endpoint), Some(cluster)),
    };
    let mut body = json!({
        "scope": kind,
        "name": name.map(|name| &**name),
        "cluster": cluster.map(|name| &**name),
        "state": stage(status.stage()),
        "began_seconds_ago": seconds(status.begun),
        "deadline_seconds": status.deadline.map(seconds),
    });
    extend(&mut body, &counts(status.progress));
    body
}

fn counts(progress: Option<Progress>) -> Value {
    json!({
        "total": progress.map(|it| it.total),
        "asked": progress.map(|it| it.asked),
        "left": progress.map(|it| it.left),
        "eta_seconds": progress.map(|it| seconds(it.eta)),
    })
}

fn extend(body: &mut Value, more: &Value) {
    if let (Some(body), Some(more)) = (body.as_object_mut(), more.as_object()) {
        body.extend(more.clone());
    }
}

fn stage(stage: DrainStage) -> &'static str {
    match stage {
        DrainStage::Waiting => "waiting",
        DrainStage::Asking => "asking",
        DrainStage::Closing => "closing",
        DrainStage::Done => "done",
    }
}

fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Serving => "serving",
        Phase::Leaving => "leaving",
        Phase::Draining => "draining",
        Phase::Cut => "stopped",
    }
}

/// To a thousandth.
fn seconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(counts: Option<[usize; 4]>) -> DrainStatus {
        DrainStatus {
            scope: Scope::Endpoint {
                cluster: "app".into(),
                endpoint: "10.0.0.1:9".into(),
            },
            begun: Duration::from_millis(1500),
            progress: counts.map(|[total, asked, waiting, left]| Progress {
                total,
                asked,
                waiting,
                left,
                eta: Duration::from_secs(3),
            }),
            deadline: None,
        }
    }

    #[test]
    fn a_drain_goes_from_stage_to_stage() {
        for (counts, stage) in [
            (None, DrainStage::Waiting),
            (Some([4, 1, 3, 4]), DrainStage::Asking),
            (Some([4, 4, 0, 2]), DrainStage::Closing),
            (Some([4, 4, 0, 0]), DrainStage::Done),
            (Some([0, 0, 0, 0]), DrainStage::Done),
        ] {
            assert_eq!(status(counts).stage(), stage);
        }
    }

    #[test]
    fn it_is_described_by_scope_and_counts() {
        let expected = json!({
            "scope": "endpoint", "name": "10.0.0.1:9", "cluster": "app", "state": "asking",
            "began_seconds_ago": 1.5, "deadline_seconds": null,
            "total": 4, "asked": 1, "left": 4, "eta_seconds": 3.0,
        });
        assert_eq!(described(&status(Some([4, 1, 3, 4]))), expected);
    }

    #[test]
    fn only_one_thing_is_drained_at_a_time() {
        let scope = |text| scope(&Query::parse(Some(text), &[SCOPES]).ok()?).ok();
        assert_eq!(scope(""), Some(Scope::Gateway));
        assert_eq!(scope("route=a"), Some(Scope::Route("a".into())));
        assert_eq!(scope("route=a&cluster=b"), None);
    }
}
