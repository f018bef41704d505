//! What is different between two configurations, by name.
//!
//! Not here: what follows from it for what is running.

use std::collections::HashMap;

use arcstr::ArcStr;

use crate::model::{Cluster, Config, Listener, Route};

/// What is different between a configuration and the one before it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diff {
    /// Of `listeners`.
    pub listeners: Changes,
    /// Of `routes`. An order of routes that is another is a change of those that moved.
    pub routes: Changes,
    /// Of `clusters`.
    pub clusters: Changes,
    /// Other keys at the top of the file, in the order of the reference.
    pub settings: Vec<&'static str>,
}

/// What is different between two lists of things with names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// They were not there before.
    pub added: Vec<ArcStr>,
    /// They are not there any more.
    pub removed: Vec<ArcStr>,
    /// They are there and not the same.
    pub changed: Vec<ArcStr>,
}

impl Diff {
    /// What is different in `after`. What is in files that are named is compared as well.
    #[must_use]
    pub fn between(before: &Config, after: &Config) -> Self {
        let settings = [
            (
                "affinity_key_file",
                before.affinity_key != after.affinity_key,
            ),
            (
                "trusted_proxies",
                before.trusted_proxies != after.trusted_proxies,
            ),
            ("bus", before.bus != after.bus),
            ("push", before.push != after.push),
            ("drain", before.drain != after.drain),
            ("admin", before.admin != after.admin),
            ("reload", before.reload != after.reload),
            ("log", before.log != after.log),
            ("workers", before.workers != after.workers),
        ];
        let changed = settings.into_iter().filter(|(_, is_changed)| *is_changed);
        Self {
            listeners: Changes::between(&before.listeners, &after.listeners),
            routes: routes(&before.routes, &after.routes),
            clusters: Changes::between(&before.clusters, &after.clusters),
            settings: changed.map(|(key, _)| key).collect(),
        }
    }

    /// Whether nothing is different.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The first match wins, so that the place among those that stay counts.
fn routes(before: &[Route], after: &[Route]) -> Changes {
    let mut changes = Changes::between(before, after);
    let stays = |route: &&Route, others: &[Route]| others.iter().any(|it| it.name == route.name);
    let was = before.iter().filter(|route| stays(route, after));
    let is = after.iter().filter(|route| stays(route, before));
    for (_, moved) in was.zip(is).filter(|(was, is)| was.name != is.name) {
        if !changes.changed.contains(&moved.name) {
            changes.changed.push(moved.name.clone());
        }
    }
    changes
}

/// Something that is known by its name.
trait Named: PartialEq {
    fn name(&self) -> &ArcStr;
}

impl Named for Listener {
    fn name(&self) -> &ArcStr {
        &self.name
    }
}

impl Named for Route {
    fn name(&self) -> &ArcStr {
        &self.name
    }
}

impl Named for Cluster {
    fn name(&self) -> &ArcStr {
        &self.name
    }
}

impl Changes {
    fn between<T: Named>(before: &[T], after: &[T]) -> Self {
        let mut were: HashMap<_, _> = before.iter().map(|it| (it.name(), it)).collect();
        let mut changes = Self::default();
        for is in after {
            match were.remove(is.name()) {
                None => changes.added.push(is.name().clone()),
                Some(was) if was != is => changes.changed.push(is.name().clone()),
                Some(_) => {}
            }
        }
        let gone = before.iter().filter(|was| were.contains_key(was.name()));
        changes.removed = gone.map(|was| was.name().clone()).collect();
        changes
    }
}

#[cfg(test)]
mod tests;
