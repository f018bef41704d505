//! What each admin path answers.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri, header};
use http_body_util::Full;
use switchyard_drain::Phase;

use crate::{Admin, clusters};

/// The content type of the Prometheus text exposition format.
const EXPOSITION: &str = "text/plain; version=0.0.4; charset=utf-8";
const JSON: &str = "application/json";

pub(crate) type Answer = Response<Full<Bytes>>;

impl Admin {
    /// Answers one request. Paths and shapes are a contract: see docs/operations/admin.md.
    pub(crate) fn answer(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Answer {
        let path = uri.path();
        let open = matches!(path, "/healthz" | "/readyz");
        if !open
            && !self
                .token
                .load()
                .as_ref()
                .is_none_or(|token| token.admits(headers))
        {
            return unauthorized();
        }
        match (path, clusters::Path::parse(path)) {
            ("/metrics", _) => read(method, || self.metrics()),
            ("/healthz", _) => read(method, || status(StatusCode::OK, "ok")),
            ("/readyz", _) => read(method, || self.readiness()),
            (_, Some(clusters::Path::All)) => read(method, || self.clusters.list()),
            (_, Some(clusters::Path::Rebalance { cluster })) => {
                read(method, || self.clusters.rebalance(cluster))
            }
            (_, Some(clusters::Path::Drain { cluster, endpoint })) => {
                if headers.contains_key(header::ORIGIN) {
                    return problem(StatusCode::FORBIDDEN, "pages may not change anything here");
                }
                match *method {
                    Method::POST => self.clusters.drain(cluster, endpoint, uri.query()),
                    Method::DELETE => self.clusters.undrain(cluster, endpoint),
                    _ => method_not_allowed("POST, DELETE"),
                }
            }
            (_, None) => problem(
                StatusCode::NOT_FOUND,
                "no such path; there are /metrics, /healthz, /readyz and /clusters",
            ),
        }
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
            }
        }
    }

    fn readiness(&self) -> Answer {
        match self.watch.phase() {
            Phase::Serving => status(StatusCode::OK, "ready"),
            Phase::Leaving => status(StatusCode::SERVICE_UNAVAILABLE, "leaving"),
            Phase::Draining => status(StatusCode::SERVICE_UNAVAILABLE, "draining"),
            Phase::Cut => status(StatusCode::SERVICE_UNAVAILABLE, "stopped"),
        }
    }
}

/// Answers what changes nothing.
fn read(method: &Method, respond: impl FnOnce() -> Answer) -> Answer {
    if method == Method::GET || method == Method::HEAD {
        respond()
    } else {
        method_not_allowed("GET, HEAD")
    }
}

fn status(code: StatusCode, status: &str) -> Answer {
    answer(code, JSON, format!("{{\"status\":\"{status}\"}}\n"))
}

pub(crate) fn problem(code: StatusCode, message: &str) -> Answer {
    answer(code, JSON, format!("{{\"error\":\"{message}\"}}\n"))
}

fn unauthorized() -> Answer {
    let mut answer = problem(
        StatusCode::UNAUTHORIZED,
        "the admin token is missing or wrong",
    );
    answer
        .headers_mut()
        .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    answer
}

fn method_not_allowed(allowed: &'static str) -> Answer {
    let message = format!("this path answers {allowed}");
    let mut answer = problem(StatusCode::METHOD_NOT_ALLOWED, &message);
    answer
        .headers_mut()
        .insert(header::ALLOW, HeaderValue::from_static(allowed));
    answer
}

pub(crate) fn json_answer(code: StatusCode, body: &serde_json::Value) -> Answer {
    answer(code, JSON, format!("{body}\n"))
}

fn answer(code: StatusCode, content_type: &'static str, body: String) -> Answer {
    let mut answer = Response::new(Full::from(body));
    *answer.status_mut() = code;
    answer
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}
