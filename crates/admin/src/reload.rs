//! `/reload`: another configuration in the place of the one in use. How that is done is the gateway's.

use http::StatusCode;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use crate::answer::{Answer, Problem, json_answer, ok, problem};
use crate::query::Query;

/// The words of its query.
const WORDS: &[&str] = &["dry_run"];

/// Where orders are taken.
pub type ReloadOrders = mpsc::Sender<ReloadOrder>;

/// That the configuration is to be read again.
#[derive(Debug)]
pub struct ReloadOrder {
    /// Whether it is only to be said what would come of it.
    pub dry_run: bool,
    /// Where it is said what came of it.
    pub answer: oneshot::Sender<Result<Value, ReloadRefused>>,
}

/// Why nothing has changed.
#[derive(Clone, Debug, PartialEq)]
pub struct ReloadRefused {
    /// Whose fault it is.
    pub status: StatusCode,
    /// What is wrong, with `error` in it.
    pub body: Value,
}

/// Orders a reload, and waits for what comes of it.
pub(crate) async fn order(orders: &ReloadOrders, query: Option<&str>) -> Result<Answer, Problem> {
    let dry_run = Query::parse(query, &[WORDS])?.is_true("dry_run")?;
    let (answer, answered) = oneshot::channel();
    let ordered = orders.send(ReloadOrder { dry_run, answer }).await;
    if ordered.is_err() {
        return Err(nobody());
    }
    match answered.await {
        Ok(Ok(report)) => Ok(ok(&report)),
        Ok(Err(refused)) => Ok(json_answer(refused.status, &refused.body)),
        Err(_) => Err(nobody()),
    }
}

fn nobody() -> Problem {
    problem(
        StatusCode::SERVICE_UNAVAILABLE,
        "the gateway takes no orders any more",
    )
}
