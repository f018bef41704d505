//! `/clusters`: who is in them, how they are, and the drain of one endpoint.

use std::sync::Arc;

use http::StatusCode;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use switchyard_config::OnRemoved;
use switchyard_upstream::{
    Cluster, ClusterStatus, Clusters, Departure, Departures, EndpointStatus, Health, Level, Survey,
};

use crate::api::{Answer, json_answer, problem};

/// The clusters, and what can be asked and told about their sessions.
pub struct ClusterControl {
    /// Those of the snapshot in use. Asked anew for each request: a snapshot may be replaced.
    pub clusters: Box<dyn Fn() -> Arc<Clusters> + Send + Sync>,
    /// Which of a cluster's sessions would be better off elsewhere; an endpoint has too many with more than
    /// so many hundredths of its share.
    pub survey: Surveyor,
    /// Where to say that sessions are to go.
    pub departures: Departures,
}

/// Surveys a cluster.
pub type Surveyor = Box<dyn Fn(&Cluster, u32) -> Survey + Send + Sync>;

/// What is too many where the cluster does not say: the default of `rebalance.above`.
const ABOVE: u32 = 120;

/// A path below `/clusters`.
pub(crate) enum Path<'a> {
    /// All of them.
    All,
    /// Which sessions of a cluster would be asked to come again.
    Rebalance { cluster: &'a str },
    /// The drain of an endpoint, as the path names it.
    Drain { cluster: &'a str, endpoint: &'a str },
}

impl<'a> Path<'a> {
    /// Reads a path; `None` when there is no such one.
    pub(crate) fn parse(path: &'a str) -> Option<Self> {
        let rest = path.strip_prefix("/clusters")?;
        let mut parts = rest.split('/').skip(1);
        let whole = [(); 4].map(|()| parts.next());
        match (whole, parts.next()) {
            ([None, ..], _) if rest.is_empty() => Some(Self::All),
            ([Some(cluster), Some("rebalance"), None, None], None) => {
                Some(Self::Rebalance { cluster })
            }
            (
                [
                    Some(cluster),
                    Some("endpoints"),
                    Some(endpoint),
                    Some("drain"),
                ],
                None,
            ) => Some(Self::Drain { cluster, endpoint }),
            _ => None,
        }
    }
}

impl ClusterControl {
    /// All clusters and their endpoints, by name.
    pub(crate) fn list(&self) -> Answer {
        let clusters = (self.clusters)();
        let mut all: Vec<_> = clusters.iter().map(|cluster| cluster.status()).collect();
        all.sort_by(|one, other| one.name.cmp(&other.name));
        let all: Vec<_> = all.iter().map(cluster).collect();
        json_answer(StatusCode::OK, &json!({ "clusters": all }))
    }

    /// What rebalancing would do now, whether or not it is done.
    pub(crate) fn rebalance(&self, cluster: &str) -> Answer {
        let Some(cluster) = self.find(cluster) else {
            return no_cluster();
        };
        let settings = cluster.rebalance();
        let above = settings.map_or(ABOVE, |settings| settings.above);
        let survey = (self.survey)(&cluster, above);
        let endpoints: Vec<_> = survey.endpoints.iter().map(level).collect();
        let body = json!({
            "cluster": &**cluster.name(),
            "enabled": settings.is_some(),
            "above": f64::from(above) / 100.0,
            "would_ask": survey.reasons.iter().flatten().count(),
            "endpoints": endpoints,
        });
        json_answer(StatusCode::OK, &body)
    }

    /// Gives an endpoint no new sessions, and asks those that it has to go where that is wanted.
    pub(crate) fn drain(&self, cluster: &str, endpoint: &str, query: Option<&str>) -> Answer {
        let Some(cluster) = self.find(cluster) else {
            return no_cluster();
        };
        let sessions = match query {
            None | Some("") => cluster.on_removed(),
            Some("sessions=drain") => OnRemoved::Drain,
            Some("sessions=keep") => OnRemoved::Keep,
            Some(_) => {
                let message = "the query may be `sessions=drain` or `sessions=keep`";
                return problem(StatusCode::BAD_REQUEST, message);
            }
        };
        let Some(endpoint) = cluster.drain(&decoded(endpoint), sessions) else {
            return no_endpoint();
        };
        if sessions == OnRemoved::Drain {
            let departure = Departure {
                cluster: Arc::clone(cluster.name()),
                endpoint: Arc::clone(&endpoint),
            };
            if self.departures.try_send(departure).is_err() {
                cluster.undrain(endpoint.name());
                let message = "too many endpoints leave at this moment; try again";
                return problem(StatusCode::SERVICE_UNAVAILABLE, message);
            }
        }
        tracing::info!(cluster = %cluster.name(), endpoint = %endpoint.name(), "draining by order");
        let body = json!({ "status": "draining", "sessions": endpoint.load() });
        json_answer(StatusCode::ACCEPTED, &body)
    }

    /// Takes the drain of an endpoint back.
    pub(crate) fn undrain(&self, cluster: &str, endpoint: &str) -> Answer {
        let Some(cluster) = self.find(cluster) else {
            return no_cluster();
        };
        let Some(endpoint) = cluster.undrain(&decoded(endpoint)) else {
            return no_endpoint();
        };
        tracing::info!(cluster = %cluster.name(), endpoint = %endpoint.name(), "serving by order");
        json_answer(StatusCode::OK, &json!({ "status": "serving" }))
    }

    fn find(&self, name: &str) -> Option<Arc<Cluster>> {
        (self.clusters)().get(&decoded(name)).cloned()
    }
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn no_cluster() -> Answer {
    problem(StatusCode::NOT_FOUND, "there is no such cluster")
}

fn no_endpoint() -> Answer {
    let message = "the cluster has no such endpoint; they are called by their addresses";
    problem(StatusCode::NOT_FOUND, message)
}

fn cluster(status: &ClusterStatus) -> Value {
    let endpoints: Vec<_> = status.endpoints.iter().map(endpoint).collect();
    json!({
        "name": &*status.name,
        "balancer": status.balancer.as_str(),
        "discovery": status.discovery.as_str(),
        "endpoints": endpoints,
    })
}

fn level(level: &Level) -> Value {
    json!({
        "endpoint": &*level.endpoint,
        "sessions": level.sessions,
        "most": level.most,
        "misplaced": level.misplaced,
        "above": level.above,
    })
}

fn endpoint(status: &EndpointStatus) -> Value {
    let health = match status.health {
        Health::Unknown => "unknown",
        Health::Up => "up",
        Health::Down => "down",
    };
    json!({
        "endpoint": &*status.name,
        "weight": status.weight,
        "zone": status.zone.as_deref(),
        "state": status.state.as_str(),
        "health": health,
        "sessions": status.sessions,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_many_is_the_default_of_the_configuration() {
        let text = "{ listeners: [{ name: web, address: \"127.0.0.1:0\" }], \
                    routes: [{ name: all, cluster: app }], clusters: [{ name: app, rebalance: {}, \
                    endpoints: [{ address: \"127.0.0.1:9\" }] }] }";
        let config = switchyard_config::parse(text, "test.yaml".as_ref()).unwrap();
        assert_eq!(config.clusters[0].rebalance.unwrap().above, ABOVE);
    }

    #[test]
    fn only_whole_paths_are_paths() {
        assert!(matches!(Path::parse("/clusters"), Some(Path::All)));
        let drain = Path::parse("/clusters/a/endpoints/%5B::1%5D:9/drain");
        let Some(Path::Drain { cluster, endpoint }) = drain else {
            panic!("it is one");
        };
        assert_eq!((cluster, &*decoded(endpoint)), ("a", "[::1]:9"));
        for path in [
            "/clusters/",
            "/clustersa",
            "/clusters/a",
            "/clusters/a/endpoints/b",
            "/clusters/a/endpoints/b/drain/",
            "/clusters/a/endpoint/b/drain",
            "/metrics",
        ] {
            assert!(Path::parse(path).is_none(), "{path}");
        }
    }
}
