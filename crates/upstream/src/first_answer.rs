//! The first answer to the question who is in a cluster: a new process waits for it before it is ready.
//!
//! Whoever is asked has answered when it said who is there, be it nobody. Once it has, that holds for the process,
//! whatever becomes of the cluster.
//!
//! Not here: who waits.

use std::sync::Arc;

use arcstr::ArcStr;
use switchyard_config as config;
use tokio::sync::SetOnce;

/// See the module. Clones are the same; those of one name share it, whatever their settings.
#[derive(Clone, Debug)]
pub struct FirstAnswer {
    cluster: ArcStr,
    given: Arc<SetOnce<()>>,
}

impl FirstAnswer {
    /// That of a cluster with these settings. Where nobody has to answer, it is given.
    pub(crate) fn of(settings: &config::Cluster) -> Self {
        let answer = Self {
            cluster: settings.name.clone(),
            given: Arc::default(),
        };
        if !is_required(settings) {
            answer.give();
        }
        answer
    }

    /// Nobody waits for it any more.
    pub(crate) fn give(&self) {
        // Given before: it is the same.
        self.given.set(()).ok();
    }

    /// Whether it has been given, or need not be.
    #[must_use]
    pub fn is_given(&self) -> bool {
        self.given.initialized()
    }

    /// Returns when it has been.
    pub async fn given(&self) {
        self.given.wait().await;
    }

    /// The cluster's name.
    #[must_use]
    pub fn cluster(&self) -> &ArcStr {
        &self.cluster
    }
}

/// Whether a process with a cluster of these settings waits for an answer.
pub(crate) fn is_required(settings: &config::Cluster) -> bool {
    let discovery = settings.discovery.as_ref();
    discovery.is_some_and(config::Discovery::is_required)
}
