//! `/sessions`: who is there, how each stands, and asking them to go.

mod describe;
mod members;
mod one;
#[cfg(test)]
mod tests;

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use switchyard_drain::Tasks;
use switchyard_proto::session::Cause;
use switchyard_proto::{Close, CloseCode};
use switchyard_push::Push;
use switchyard_relay::{Asking, DrainPlan, Handle, Registry, SessionId, Walk};

use crate::answer::{Answer, Problem, accepted, bad, ok};
use crate::close::{self, CloseWish};
use crate::filter::{self, Filter};
use crate::query::Query;
use describe::describe;
use members::Members;
pub use one::describing;
use one::{named, not_found};
pub(crate) use one::{send, show, subscribe, unsubscribe};

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
    /// One page of those that the query picks, in the order of their names.
    pub(crate) async fn list(&self, push: &Push, query: Option<&str>) -> Result<Answer, Problem> {
        let query = Query::parse(query, &[filter::WORDS, &["limit", "after"]])?;
        let filter = Filter::of(&query)?;
        let limit = query.number("limit", &(1..=MOST))?.unwrap_or(LIMIT);
        let after = query.number("after", &(0..=u64::MAX))?;
        let after = after.map_or(SessionId::NONE, SessionId::of);
        let mut page = self.pick(push, after, &filter, limit.saturating_add(1));
        let is_last = page.len() <= limit;
        page.truncate(limit);
        let next = page.last().filter(|_| !is_last);
        let next = next.map(|last| last.info().id.get());
        let mut describing = Vec::with_capacity(page.len());
        for handle in &page {
            describing.push(describe(push, handle, PATIENCE));
        }
        let sessions = join_all(describing).await;
        Ok(ok(&json!({ "sessions": sessions, "next": next })))
    }

    /// Asks one session to go, here or at another replica.
    pub(crate) async fn close(
        &self,
        push: &Push,
        id: &str,
        query: Option<&str>,
    ) -> Result<Answer, Problem> {
        let query = Query::parse(query, &[close::WORDS])?;
        let close = farewell(&CloseWish::of(&query)?);
        let name = named(push, id)?;
        let here = self.find(name.id);
        let here = here.filter(|_| name.replica == push.replica());
        let is_new = here.is_none_or(|handle| handle.told().is_none());
        push.close(name, &close)
            .await
            .map_err(|why| not_found(id, &why))?;
        Ok(accepted(&json!({ "sessions": usize::from(is_new) })))
    }

    /// Asks those that the query picks to go, one after the other.
    pub(crate) fn close_all(&self, push: &Push, query: Option<&str>) -> Result<Answer, Problem> {
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
        let mut leaving = self.pick(push, SessionId::NONE, &filter, usize::MAX);
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
    fn pick(&self, push: &Push, after: SessionId, filter: &Filter, most: usize) -> Vec<Handle> {
        let now = switchyard_relay::now();
        tokio::task::block_in_place(|| {
            let all = Walk::after(after, &self.registries);
            let picked = |handle: &Handle| filter.picks(handle, now);
            match filter.channel() {
                None => all.filter(picked).take(most).collect(),
                Some(channel) => {
                    let members = Members::after(push.hub(), channel, after);
                    members.filter(picked).take(most).collect()
                }
            }
        })
    }

    fn find(&self, id: SessionId) -> Option<Handle> {
        let mut registries = self.registries.iter();
        registries.find_map(|registry| registry.get(id))
    }
}

fn farewell(wish: &CloseWish) -> Close {
    let (code, reason) = CLOSE;
    wish.on(&Close::new(code, reason).unwrap_or_else(|_| code.into()))
}
