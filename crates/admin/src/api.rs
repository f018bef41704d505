//! From a request to the resource that answers it: who may ask, whether there is such a path, and whether that
//! may be done there.

use std::time::Instant;

use http::request::Parts;
use http::{HeaderMap, Method, StatusCode, header};

use crate::Admin;
use crate::answer::{Answer, answer, json_answer, method_not_allowed, ok, problem, unauthorized};
use crate::body::{Order, Unread};
use crate::router::{self, Found, Resource};
use crate::{channels, publish, readiness, reload, sessions};

/// The content type of the Prometheus text exposition format.
const EXPOSITION: &str = "text/plain; version=0.0.4; charset=utf-8";

impl Admin {
    /// Answers one request. Paths and shapes are a contract: see docs/operations/admin.md.
    pub(crate) async fn answer(&self, head: Parts, body: Unread) -> Answer {
        let (method, uri, headers) = (&head.method, &head.uri, &head.headers);
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
        let order = Order::new(headers, body);
        self.serve(&found, method, uri.query(), order).await
    }

    /// Probes have no token.
    fn admits(&self, found: Option<&Found>, headers: &HeaderMap) -> bool {
        let is_open = found.is_some_and(|found| {
            matches!(found.entry.resource, Resource::Health | Resource::Readiness)
        });
        let token = self.token.load();
        is_open || token.as_ref().is_none_or(|token| token.admits(headers))
    }

    async fn serve(
        &self,
        found: &Found,
        method: &Method,
        query: Option<&str>,
        order: Order,
    ) -> Answer {
        let parts = &self.parts;
        let (clusters, sessions, push) = (&parts.clusters, &parts.sessions, &parts.push);
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
            (Resource::Sessions, &Method::DELETE) => sessions.close_all(push, query),
            (Resource::Sessions, _) => sessions.list(push, query).await,
            (Resource::Session, &Method::DELETE) => {
                sessions.close(push, found.name(0), query).await
            }
            (Resource::Session, _) => sessions::show(push, found.name(0)).await,
            (Resource::SessionMessages, _) => {
                sessions::send(push, found.name(0), query, order).await
            }
            (Resource::SessionChannel, &Method::DELETE) => {
                sessions::unsubscribe(push, found.name(0), found.name(1), query).await
            }
            (Resource::SessionChannel, _) => {
                sessions::subscribe(push, found.name(0), found.name(1), query).await
            }
            (Resource::Publish, _) => publish::publish(push, query, order).await,
            (Resource::Channels, _) => channels::list(push, query),
            (Resource::Channel, _) => channels::count(push, found.name(0), query).await,
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
        let parts = &self.parts;
        let bus = *parts.push.status().borrow();
        let obstacle = readiness::obstacle(
            self.watch.phase(),
            parts.drains.is_whole_gateway(),
            (parts.is_discovered)(),
            bus,
            parts.unready_after,
            Instant::now(),
        );
        match obstacle {
            Some(obstacle) => status(StatusCode::SERVICE_UNAVAILABLE, obstacle),
            None => status(StatusCode::OK, "ready"),
        }
    }
}

fn status(code: StatusCode, status: &str) -> Answer {
    json_answer(code, &serde_json::json!({ "status": status }))
}
