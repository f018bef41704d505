//! `/clusters`: who is in them, how they are, and the drain of one endpoint.

use std::sync::Arc;

use http::StatusCode;
use serde_json::{Value, json};
use switchyard_config::OnRemoved;
use switchyard_upstream::{
    Cluster, ClusterStatus, Clusters, Departure, Departures, EndpointStatus, Health, Level, Survey,
};

use crate::answer::{Answer, Problem, accepted, bad, ok, problem};
use crate::query::Query;

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

impl ClusterControl {
    /// All clusters and their endpoints, by name.
    pub(crate) fn list(&self) -> Answer {
        let clusters = (self.clusters)();
        let mut all: Vec<_> = clusters.iter().map(|cluster| cluster.status()).collect();
        all.sort_by(|one, other| one.name.cmp(&other.name));
        let all: Vec<_> = all.iter().map(cluster).collect();
        ok(&json!({ "clusters": all }))
    }

    /// What rebalancing would do now, whether or not it is done.
    pub(crate) fn rebalance(&self, cluster: &str) -> Result<Answer, Problem> {
        let cluster = self.find(cluster)?;
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
        Ok(ok(&body))
    }

    /// Gives an endpoint no new sessions, and asks those that it has to go where that is wanted.
    pub(crate) fn drain(
        &self,
        cluster: &str,
        endpoint: &str,
        query: Option<&str>,
    ) -> Result<Answer, Problem> {
        let cluster = self.find(cluster)?;
        let query = Query::parse(query, &[&["sessions"]])?;
        let sessions = match query.text("sessions") {
            None => cluster.on_removed(),
            Some("drain") => OnRemoved::Drain,
            Some("keep") => OnRemoved::Keep,
            Some(_) => return Err(bad("`sessions` may be `drain` or `keep`")),
        };
        let drained = cluster.drain(endpoint, sessions);
        let endpoint = drained.ok_or_else(no_endpoint)?;
        if sessions == OnRemoved::Drain {
            let departure = Departure {
                cluster: cluster.name().clone(),
                endpoint: Arc::clone(&endpoint),
            };
            if self.departures.try_send(departure).is_err() {
                cluster.undrain(endpoint.name());
                let message = "too many endpoints leave at this moment; try again";
                return Err(problem(StatusCode::SERVICE_UNAVAILABLE, message));
            }
        }
        tracing::info!(cluster = %cluster.name(), endpoint = %endpoint.name(), "draining by order");
        let body = json!({ "status": "draining", "sessions": endpoint.load() });
        Ok(accepted(&body))
    }

    /// Takes the drain of an endpoint back.
    pub(crate) fn undrain(&self, cluster: &str, endpoint: &str) -> Result<Answer, Problem> {
        let cluster = self.find(cluster)?;
        let endpoint = cluster.undrain(endpoint).ok_or_else(no_endpoint)?;
        tracing::info!(cluster = %cluster.name(), endpoint = %endpoint.name(), "serving by order");
        Ok(ok(&json!({ "status": "serving" })))
    }

    fn find(&self, name: &str) -> Result<Arc<Cluster>, Problem> {
        let found = (self.clusters)().get(name).cloned();
        found.ok_or_else(|| problem(StatusCode::NOT_FOUND, "there is no such cluster"))
    }
}

fn no_endpoint() -> Problem {
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
}
