//! `/channels`: those of this process, and how many sessions one has everywhere.

use std::time::Duration;

use serde_json::json;
use switchyard_push::Push;

use crate::answer::{Answer, Problem, bad, ok};
use crate::filter;
use crate::query::Query;

/// How many channels a page has where the query does not say.
const LIMIT: usize = 100;

/// And at most.
const MOST: usize = 1000;

/// How long other replicas are given to count where the query does not say.
const WITHIN: Duration = Duration::from_millis(500);

/// And at most.
const LONGEST: Duration = Duration::from_secs(10);

/// One page of those that have subscribers here, by name.
pub(crate) fn list(push: &Push, query: Option<&str>) -> Result<Answer, Problem> {
    let query = Query::parse(query, &[&["prefix", "after", "limit"]])?;
    let limit = query.number("limit", &(1..=MOST))?.unwrap_or(LIMIT);
    let prefix = query.text("prefix").unwrap_or_default();
    let hub = push.hub();
    let mut page = hub.channels(prefix, query.text("after"), limit.saturating_add(1));
    let is_last = page.len() <= limit;
    page.truncate(limit);
    let next = page.last().filter(|_| !is_last).map(|(name, _)| &**name);
    let channels = page.iter();
    let channels =
        channels.map(|(name, sessions)| json!({ "channel": &**name, "sessions": sessions }));
    Ok(ok(
        &json!({ "channels": channels.collect::<Vec<_>>(), "next": next }),
    ))
}

/// How many sessions of all replicas a channel has, and which replicas have said so.
pub(crate) async fn count(
    push: &Push,
    channel: &str,
    query: Option<&str>,
) -> Result<Answer, Problem> {
    let channel = filter::channel(channel)?;
    let query = Query::parse(query, &[&["within"]])?;
    let within = query.duration("within")?.unwrap_or(WITHIN);
    if within > LONGEST {
        return Err(bad(&format!("`within` is {LONGEST:?} at most")));
    }
    let census = push.census(&channel, within).await;
    let names = census.answered.iter().map(ToString::to_string);
    Ok(ok(&json!({
        "channel": &*channel,
        "sessions": census.sessions,
        "local": census.local,
        "replicas": {
            "answered": census.answered.len(),
            "expected": census.expected.len(),
            "names": names.collect::<Vec<_>>(),
        },
    })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{World, ask};

    #[tokio::test]
    async fn channels_come_page_by_page() {
        let world = World::new();
        for name in ["room:1", "room:2", "room:3", "user:1"] {
            world.subscribe(name);
        }
        world.subscribe("room:2");
        let get = async |target: &str| ask(&world, "GET", target, None).await;
        let channel = |name, sessions| json!({ "channel": name, "sessions": sessions });
        let page =
            json!({ "channels": [channel("room:1", 1), channel("room:2", 2)], "next": "room:2" });
        assert_eq!(get("/channels?prefix=room:&limit=2").await, (200, page));
        let page = json!({ "channels": [channel("room:3", 1)], "next": null });
        let rest = get("/channels?prefix=room:&limit=2&after=room:2").await;
        assert_eq!(rest, (200, page));
        assert_eq!(get("/channels?limit=1001").await.0, 400);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn one_is_counted_everywhere() {
        let world = World::new();
        world.subscribe("a/b");
        let replica = world.push.replica().to_string();
        let get = async |target: &str| ask(&world, "GET", target, None).await;
        let expected = json!({
            "channel": "a/b", "sessions": 1, "local": 1,
            "replicas": { "answered": 1, "expected": 1, "names": [replica] },
        });
        assert_eq!(get("/channels/a%2Fb").await, (200, expected));
        assert_eq!(get("/channels/a?within=50ms").await.1["sessions"], 0);
        assert_eq!(get("/channels/a?within=11s").await.0, 400);
        assert_eq!(get("/channels/a%20b").await.0, 400);
    }
}
