//! `/sessions`: who is there, how each stands, and asking them to go.

mod describe;

use std::time::Duration;

use futures_util::future::join_all;
use http::StatusCode;
use serde_json::json;
use switchyard_drain::Tasks;
use switchyard_proto::session::Cause;
use switchyard_proto::{Close, CloseCode};
use switchyard_relay::{Asking, DrainPlan, Handle, Registry, SessionId, Walk};

use crate::answer::{Answer, Problem, accepted, bad, ok, problem};
use crate::close::{self, CloseWish};
use crate::filter::{self, Filter};
use crate::query::Query;
use describe::describe;

/// How many sessions a page has where the query does not say.
const LIMIT: usize = 100;

/// And at most.
const MOST: usize = 1000;

/// How long sessions are given to say how they stand; they answer side by side.
const PATIENCE: Duration = Duration::from_millis(500);

/// What sessions are told that an operator closes, unless the order says otherwise.
const CLOSE: (CloseCode, &str) = (CloseCode::SERVICE_RESTART, "closed by an operator");

/// The sessions of this process.
pub struct SessionControl {
    /// Those of each worker.
    pub registries: Vec<Registry>,
    /// In which order, and over which time, several are asked to go, as it is in use.
    pub plan: Box<dyn Fn() -> DrainPlan + Send + Sync>,
    /// Where the asking goes on when the order has been answered.
    pub tasks: Tasks,
}

impl SessionControl {
    /// One page of those that the query picks, oldest first.
    pub(crate) async fn list(&self, query: Option<&str>) -> Result<Answer, Problem> {
        let query = Query::parse(query, &[filter::WORDS, &["limit", "after"]])?;
        let filter = Filter::of(&query)?;
        let limit = query.number("limit", &(1..=MOST))?.unwrap_or(LIMIT);
        let after = query.number("after", &(0..=u64::MAX))?;
        let after = after.map_or(SessionId::NONE, SessionId::of);
        let mut page = self.pick(after, &filter, limit.saturating_add(1));
        let is_last = page.len() <= limit;
        page.truncate(limit);
        let next = page.last().filter(|_| !is_last);
        let next = next.map(|last| last.info().id.get());
        let sessions = join_all(page.iter().map(|it| describe(it, PATIENCE))).await;
        Ok(ok(&json!({ "sessions": sessions, "next": next })))
    }

    /// How one session stands.
    pub(crate) async fn show(&self, id: &str) -> Result<Answer, Problem> {
        Ok(ok(&describe(&self.find(id)?, PATIENCE).await))
    }

    /// Asks one session to go.
    pub(crate) fn close(&self, id: &str, query: Option<&str>) -> Result<Answer, Problem> {
        let query = Query::parse(query, &[close::WORDS])?;
        let close = farewell(&CloseWish::of(&query)?);
        let handle = self.find(id)?;
        let is_new = handle.told().is_none();
        handle.close(Cause::Admin, close);
        tracing::info!(session = %handle.info().id, "closing by order");
        Ok(accepted(&json!({ "sessions": usize::from(is_new) })))
    }

    /// Asks those that the query picks to go, one after the other.
    pub(crate) fn close_all(&self, query: Option<&str>) -> Result<Answer, Problem> {
        let query = Query::parse(query, &[filter::WORDS, close::WORDS, &["over", "all"]])?;
        let filter = Filter::of(&query)?;
        match (filter.is_empty(), query.is_true("all")?) {
            (true, false) => {
                return Err(bad(
                    "say which sessions, such as `route=NAME`, or `all=true`",
                ));
            }
            (false, true) => {
                return Err(bad(
                    "either `all=true` or a filter: both together contradict",
                ));
            }
            (true, true) | (false, false) => {}
        }
        let usual = (self.plan)();
        let over = query.duration("over")?.unwrap_or(usual.over);
        let plan = DrainPlan {
            over,
            close: farewell(&CloseWish::of(&query)?),
            ..usual
        };
        let mut leaving = self.pick(SessionId::NONE, &filter, usize::MAX);
        leaving.retain(|handle| handle.told().is_none());
        let sessions = leaving.len();
        let asking = tokio::task::block_in_place(|| Asking::of(leaving, &plan, Cause::Admin));
        tracing::info!(sessions, "closing by order");
        self.tasks
            .spawn(async move { asking.run(asking.pace(), || true).await });
        Ok(accepted(&json!({
            "sessions": sessions,
            "over_ms": u64::try_from(over.as_millis()).unwrap_or(u64::MAX),
        })))
    }

    /// The first `most` that come after `after`. With many sessions this takes a while: the runtime's thread is
    /// left to its other tasks.
    fn pick(&self, after: SessionId, filter: &Filter, most: usize) -> Vec<Handle> {
        let now = switchyard_relay::now();
        tokio::task::block_in_place(|| {
            let all = Walk::after(after, &self.registries);
            all.filter(|handle| filter.picks(handle, now))
                .take(most)
                .collect()
        })
    }

    fn find(&self, id: &str) -> Result<Handle, Problem> {
        let Ok(number) = id.parse() else {
            return Err(bad("a session is named by its number, as in /sessions"));
        };
        let id = SessionId::of(number);
        let mut registries = self.registries.iter();
        registries
            .find_map(|registry| registry.get(id))
            .ok_or_else(|| {
                problem(
                    StatusCode::NOT_FOUND,
                    "this process has no open session of this number; each process counts anew",
                )
            })
    }
}

fn farewell(wish: &CloseWish) -> Close {
    let (code, reason) = CLOSE;
    wish.on(&Close::new(code, reason).unwrap_or_else(|_| code.into()))
}
