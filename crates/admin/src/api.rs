//! From a request to the resource that answers it: who may ask, whether there is such a path, and whether that
//! may be done there.

use http::{HeaderMap, Method, StatusCode, Uri, header};
use switchyard_drain::Phase;

use crate::Admin;
use crate::answer::{Answer, answer, json_answer, method_not_allowed, ok, problem, unauthorized};
use crate::reload;
use crate::router::{self, Found, Resource};

/// The content type of the Prometheus text exposition format.
const EXPOSITION: &str = "text/plain; version=0.0.4; charset=utf-8";

impl Admin {
    /// Answers one request. Paths and shapes are a contract: see docs/operations/admin.md.
    pub(crate) async fn answer(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Answer {
        let found = router::find(uri.path());
        if !self.admits(found.as_ref(), headers) {
            return unauthorized();
        }
        let Some(found) = found else {
            return problem(StatusCode::NOT_FOUND, &router::everything()).answer();
        };
        if !found.entry.allows(method) {
            return method_not_allowed(&found.entry.allowed());
        }
        if router::changes(method) && headers.contains_key(header::ORIGIN) {
            return problem(StatusCode::FORBIDDEN, "pages may not change anything here").answer();
        }
        self.serve(&found, method, uri.query()).await
    }

    /// Probes have no token.
    fn admits(&self, found: Option<&Found>, headers: &HeaderMap) -> bool {
        let is_open = found.is_some_and(|found| {
            matches!(found.entry.resource, Resource::Health | Resource::Readiness)
        });
        let token = self.token.load();
        is_open || token.as_ref().is_none_or(|token| token.admits(headers))
    }

    async fn serve(&self, found: &Found, method: &Method, query: Option<&str>) -> Answer {
        let parts = &self.parts;
        let (clusters, sessions) = (&parts.clusters, &parts.sessions);
        let done = match (found.entry.resource, method) {
            (Resource::Metrics, _) => Ok(self.metrics()),
            (Resource::Health, _) => Ok(status(StatusCode::OK, "ok")),
            (Resource::Readiness, _) => Ok(self.readiness()),
            (Resource::Clusters, _) => Ok(clusters.list()),
            (Resource::Rebalance, _) => clusters.rebalance(found.name(0)),
            (Resource::EndpointDrain, &Method::DELETE) => {
                clusters.undrain(found.name(0), found.name(1))
            }
            (Resource::EndpointDrain, _) => clusters.drain(found.name(0), found.name(1), query),
            (Resource::Sessions, &Method::DELETE) => sessions.close_all(query),
            (Resource::Sessions, _) => sessions.list(query).await,
            (Resource::Session, &Method::DELETE) => sessions.close(found.name(0), query),
            (Resource::Session, _) => sessions.show(found.name(0)).await,
            (Resource::Drain, &Method::POST) => self.begin_drain(query),
            (Resource::Drain, &Method::DELETE) => self.cancel_drain(query),
            (Resource::Drain, _) => Ok(self.drains()),
            (Resource::Config, _) => Ok(ok((parts.config)().as_json())),
            (Resource::Reload, _) => reload::order(&parts.reload, query).await,
            (Resource::Routes, _) => Ok(parts.routes.list(&*parts.drains)),
        };
        done.unwrap_or_else(|problem| problem.answer())
    }

    fn metrics(&self) -> Answer {
        match self.metrics.render() {
            Ok(text) => answer(StatusCode::OK, EXPOSITION, text),
            Err(error) => {
                tracing::error!(%error, "metrics could not be rendered");
                problem(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "metrics could not be rendered; see the log",
                )
                .answer()
            }
        }
    }

    fn readiness(&self) -> Answer {
        match self.watch.phase() {
            Phase::Serving if self.parts.drains.is_whole_gateway() => {
                status(StatusCode::SERVICE_UNAVAILABLE, "draining")
            }
            Phase::Serving => status(StatusCode::OK, "ready"),
            Phase::Leaving => status(StatusCode::SERVICE_UNAVAILABLE, "leaving"),
            Phase::Draining => status(StatusCode::SERVICE_UNAVAILABLE, "draining"),
            Phase::Cut => status(StatusCode::SERVICE_UNAVAILABLE, "stopped"),
        }
    }
}

fn status(code: StatusCode, status: &str) -> Answer {
    json_answer(code, &serde_json::json!({ "status": status }))
}
