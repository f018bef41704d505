//! What each admin path answers.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use http_body_util::Full;
use switchyard_drain::Phase;

use crate::Admin;

/// The content type of the Prometheus text exposition format.
const EXPOSITION: &str = "text/plain; version=0.0.4; charset=utf-8";
const JSON: &str = "application/json";

pub(crate) type Answer = Response<Full<Bytes>>;

impl Admin {
    /// Answers one request. Paths and shapes are a contract: see docs/operations/admin.md.
    pub(crate) fn answer(&self, method: &Method, path: &str, headers: &HeaderMap) -> Answer {
        let open = matches!(path, "/healthz" | "/readyz");
        if !open
            && !self
                .token
                .as_ref()
                .is_none_or(|token| token.admits(headers))
        {
            return unauthorized();
        }
        let respond: fn(&Self) -> Answer = match path {
            "/metrics" => Self::metrics,
            "/healthz" => Self::health,
            "/readyz" => Self::readiness,
            _ => {
                return problem(
                    StatusCode::NOT_FOUND,
                    "no such path; there are /metrics, /healthz and /readyz",
                );
            }
        };
        if method == Method::GET || method == Method::HEAD {
            respond(self)
        } else {
            method_not_allowed()
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

    #[expect(
        clippy::unused_self,
        reason = "has the shape that `answer` dispatches to"
    )]
    fn health(&self) -> Answer {
        status(StatusCode::OK, "ok")
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

fn status(code: StatusCode, status: &str) -> Answer {
    answer(code, JSON, format!("{{\"status\":\"{status}\"}}\n"))
}

fn problem(code: StatusCode, message: &str) -> Answer {
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

fn method_not_allowed() -> Answer {
    let mut answer = problem(
        StatusCode::METHOD_NOT_ALLOWED,
        "this path answers GET and HEAD",
    );
    answer
        .headers_mut()
        .insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
    answer
}

fn answer(code: StatusCode, content_type: &'static str, body: String) -> Answer {
    let mut answer = Response::new(Full::from(body));
    *answer.status_mut() = code;
    answer
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}
