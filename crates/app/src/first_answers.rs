//! The clusters that this process began with and whose endpoints are looked up: it is ready once each has been
//! answered for the first time.
//!
//! That is never taken back. Clusters that a reload adds are not waited for, and those that it takes away not any
//! more.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arcstr::ArcStr;
use switchyard_upstream::{Clusters, FirstAnswer};
use tokio::time::{Instant, timeout};

/// After how long somebody is told that it takes long.
const LONG: Duration = Duration::from_secs(5);

/// As many clusters are named; how many more there are is said.
const NAMED: usize = 10;

/// See the module. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct FirstAnswers {
    awaited: Arc<[FirstAnswer]>,
}

/// The names of clusters that have not been answered.
#[derive(Debug)]
pub(crate) struct Missing(Vec<ArcStr>);

impl FirstAnswers {
    /// Those of these clusters, which have not been started.
    pub(crate) fn of(clusters: &Clusters) -> Self {
        let all = clusters.iter().map(|cluster| cluster.first_answer());
        let mut awaited: Vec<_> = all.filter(|it| !it.is_given()).cloned().collect();
        awaited.sort_by(|one, other| one.cluster().cmp(other.cluster()));
        Self {
            awaited: awaited.into(),
        }
    }

    /// Whether nothing is waited for any more.
    pub(crate) fn are_given(&self) -> bool {
        self.awaited.iter().all(FirstAnswer::is_given)
    }

    /// Returns when nothing is.
    pub(crate) async fn given(&self) {
        for answer in self.awaited.iter() {
            answer.given().await;
        }
    }

    /// What is waited for.
    pub(crate) fn missing(&self) -> Missing {
        let missing = self.awaited.iter().filter(|it| !it.is_given());
        Missing(missing.map(|it| it.cluster().clone()).collect())
    }

    /// Has the log say what is waited for when that takes long, and when it is over.
    pub(crate) async fn warn_of_missing(self) {
        let began = Instant::now();
        if timeout(LONG, self.given()).await.is_ok() {
            return;
        }
        tracing::warn!(
            clusters = %self.missing(),
            "not ready: discovery of these clusters has not been answered yet; `discovery failed` says why, \
             and `required: off` does without"
        );
        self.given().await;
        let after_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(after_ms, "discovery of every cluster has been answered");
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = self.0.iter().take(NAMED).map(|name| &**name);
        f.write_str(&named.collect::<Vec<_>>().join(", "))?;
        match self.0.len().saturating_sub(NAMED) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use switchyard_config as config;

    use super::*;

    /// Those of so many clusters that are looked up, and of one that is not.
    fn of(count: usize) -> FirstAnswers {
        let looked_up = (10..10 + count)
            .map(|n| format!("{{ name: c{n}, dns: {{ name: chat.test, port: 9 }} }}, "))
            .collect::<Vec<_>>()
            .concat();
        let text = format!(
            "{{ listeners: [{{ name: web, address: \"127.0.0.1:0\" }}], routes: [{{ name: all, cluster: written }}], \
             clusters: [{looked_up} {{ name: written, endpoints: [{{ address: \"127.0.0.1:9\" }}] }}, \
             {{ name: optional, kubernetes: {{ service: chat, port: 9, required: off }} }}] }}"
        );
        let config = config::parse(&text, "test.yaml".as_ref()).unwrap();
        FirstAnswers::of(crate::compose::snapshot(&config).unwrap().clusters())
    }

    #[tokio::test]
    async fn without_clusters_that_have_to_be_looked_up_there_is_nothing_to_wait_for() {
        assert!(of(0).are_given());
        of(0).given().await;
        assert_eq!(of(0).missing().to_string(), "");
    }

    #[test]
    fn those_that_are_missing_are_named_and_the_many_counted() {
        let answers = of(2);
        assert!(!answers.are_given());
        assert_eq!(answers.missing().to_string(), "c10, c11");
        let many = of(12).missing().to_string();
        assert!(many.starts_with("c10, c11, c12, ") && many.ends_with(", c19 and 2 more"));
    }
}
