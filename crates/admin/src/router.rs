//! Which paths there are, and what may be done there. `docs/openapi.yaml` describes each, and a test
//! compares the two.

use http::Method;
use percent_encoding::percent_decode_str;

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resource {
    Metrics,
    Health,
    Readiness,
    Clusters,
    Rebalance,
    EndpointDrain,
    Sessions,
    Session,
    SessionMessages,
    SessionChannel,
    Channels,
    Channel,
    Publish,
    Drain,
    Reload,
    Config,
    Routes,
}

/// A path, with names in braces for what varies.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) path: &'static str,
    pub(crate) resource: Resource,
    /// Whoever may GET may HEAD.
    pub(crate) methods: &'static [&'static str],
}

const fn entry(path: &'static str, resource: Resource, methods: &'static [&'static str]) -> Entry {
    Entry {
        path,
        resource,
        methods,
    }
}

/// Every path.
pub(crate) const PATHS: &[Entry] = &[
    entry("/metrics", Resource::Metrics, &["GET"]),
    entry("/healthz", Resource::Health, &["GET"]),
    entry("/readyz", Resource::Readiness, &["GET"]),
    entry("/clusters", Resource::Clusters, &["GET"]),
    entry(
        "/clusters/{cluster}/rebalance",
        Resource::Rebalance,
        &["GET"],
    ),
    entry(
        "/clusters/{cluster}/endpoints/{endpoint}/drain",
        Resource::EndpointDrain,
        &["POST", "DELETE"],
    ),
    entry("/sessions", Resource::Sessions, &["GET", "DELETE"]),
    entry("/sessions/{id}", Resource::Session, &["GET", "DELETE"]),
    entry(
        "/sessions/{id}/messages",
        Resource::SessionMessages,
        &["POST"],
    ),
    entry(
        "/sessions/{id}/channels/{channel}",
        Resource::SessionChannel,
        &["PUT", "DELETE"],
    ),
    entry("/publish", Resource::Publish, &["POST"]),
    entry("/channels", Resource::Channels, &["GET"]),
    entry("/channels/{channel}", Resource::Channel, &["GET"]),
    entry("/drain", Resource::Drain, &["GET", "POST", "DELETE"]),
    entry("/reload", Resource::Reload, &["POST"]),
    entry("/config", Resource::Config, &["GET"]),
    entry("/routes", Resource::Routes, &["GET"]),
];

/// A path that there is, and what its braces stand for, in order and decoded.
pub(crate) struct Found {
    pub(crate) entry: &'static Entry,
    names: Vec<String>,
}

/// Looks a path up.
pub(crate) fn find(path: &str) -> Option<Found> {
    PATHS.iter().find_map(|entry| {
        let names = matched(entry.path, path)?;
        Some(Found { entry, names })
    })
}

/// What the braces of `template` stand for in `path`, if it is one of its kind.
fn matched(template: &str, path: &str) -> Option<Vec<String>> {
    let (mut wanted, mut given) = (template.split('/'), path.split('/'));
    let mut names = Vec::new();
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(names),
            (Some(wanted), Some(given)) if wanted.starts_with('{') && !given.is_empty() => {
                names.push(percent_decode_str(given).decode_utf8_lossy().into_owned());
            }
            (Some(wanted), Some(given)) if wanted == given => {}
            _ => return None,
        }
    }
}

impl Found {
    /// What the `nth` pair of braces stands for.
    pub(crate) fn name(&self, nth: usize) -> &str {
        self.names.get(nth).map_or("", String::as_str)
    }
}

impl Entry {
    pub(crate) fn allows(&self, method: &Method) -> bool {
        let same = |allowed: &&str| method.as_str() == *allowed;
        self.methods.iter().any(same) || (method == Method::HEAD && self.methods.contains(&"GET"))
    }

    /// The methods as `Allow` has them.
    pub(crate) fn allowed(&self) -> String {
        let methods = self.methods.iter().flat_map(|method| match *method {
            "GET" => vec!["GET", "HEAD"],
            other => vec![other],
        });
        methods.collect::<Vec<_>>().join(", ")
    }
}

/// Whether this asks for a change.
pub(crate) fn changes(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD)
}

/// What to say where there is nothing: the first parts of all paths.
pub(crate) fn everything() -> String {
    let mut tops: Vec<_> = PATHS
        .iter()
        .filter_map(|entry| entry.path.split('/').nth(1))
        .collect();
    tops.dedup();
    format!("no such path; there are /{}", tops.join(", /"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    #[test]
    fn only_whole_paths_are_paths() {
        let drain = find("/clusters/a/endpoints/%5B::1%5D:9/drain").expect("it is one");
        assert_eq!(drain.entry.resource, Resource::EndpointDrain);
        assert_eq!((drain.name(0), drain.name(1)), ("a", "[::1]:9"));
        let channel = find("/sessions/17/channels/room%2F42%25").expect("it is one");
        assert_eq!(channel.entry.resource, Resource::SessionChannel);
        assert_eq!((channel.name(0), channel.name(1)), ("17", "room/42%"));
        for path in [
            "/clusters/",
            "/clustersa",
            "/clusters/a",
            "/clusters/a/endpoints/b",
            "/clusters/a/endpoints/b/drain/",
            "/clusters/a/endpoint/b/drain",
            "/clusters/a/endpoints//drain",
            "/sessions/",
            "/sessions/1/",
            "/sessions/1/messages/",
            "/sessions/1/channels/",
            "/channels/",
            "/",
            "",
        ] {
            assert!(find(path).is_none(), "{path}");
        }
    }

    #[test]
    fn what_may_be_done_is_said() {
        let sessions = find("/sessions").expect("it is one").entry;
        assert_eq!(sessions.allowed(), "GET, HEAD, DELETE");
        assert!(sessions.allows(&Method::HEAD) && sessions.allows(&Method::DELETE));
        assert!(!sessions.allows(&Method::POST));
        assert!(
            !find("/drain")
                .expect("it is one")
                .entry
                .allows(&Method::PUT)
        );
    }

    #[test]
    fn every_path_and_method_is_described_and_no_other() {
        let text = include_str!("../../../docs/openapi.yaml");
        let described: Value = serde_yaml::from_str(text).expect("YAML");
        let paths = described["paths"].as_object().expect("paths");
        let described: BTreeSet<_> = paths
            .iter()
            .flat_map(|(path, methods)| {
                let methods = methods.as_object().expect("methods").keys();
                let methods = methods.filter(|key| *key != "parameters");
                methods.map(|method| (path.clone(), method.to_ascii_uppercase()))
            })
            .collect();
        let served = PATHS.iter().flat_map(|entry| {
            let methods = entry.methods.iter();
            methods.map(|method| (entry.path.to_owned(), (*method).to_owned()))
        });
        assert_eq!(described, served.collect());
    }
}
