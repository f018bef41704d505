//! Answers in JSON, and the ones that say what went wrong.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use serde_json::{Value, json};
use switchyard_push::Fault;

const JSON: &str = "application/json";

pub(crate) type Answer = Response<Full<Bytes>>;

/// Why something else is answered than what was asked for.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) code: StatusCode,
    pub(crate) message: String,
}

impl Problem {
    pub(crate) fn answer(&self) -> Answer {
        json_answer(self.code, &json!({ "error": self.message }))
    }
}

pub(crate) fn ok(body: &Value) -> Answer {
    json_answer(StatusCode::OK, body)
}

pub(crate) fn accepted(body: &Value) -> Answer {
    json_answer(StatusCode::ACCEPTED, body)
}

pub(crate) fn json_answer(code: StatusCode, body: &Value) -> Answer {
    answer(code, JSON, format!("{body}\n"))
}

/// `message` says what is wrong, and what to do where that is not plain.
pub(crate) fn problem(code: StatusCode, message: &str) -> Problem {
    Problem {
        code,
        message: message.to_owned(),
    }
}

pub(crate) fn bad(message: &str) -> Problem {
    problem(StatusCode::BAD_REQUEST, message)
}

/// Why something was not done for a session, that is or is not there.
pub(crate) fn fault(fault: &Fault, gone: StatusCode) -> Problem {
    let code = match fault {
        Fault::Gone => gone,
        Fault::Full | Fault::Refused(_) => StatusCode::CONFLICT,
        Fault::Silent => StatusCode::GATEWAY_TIMEOUT,
        Fault::Unreachable | Fault::Busy => StatusCode::SERVICE_UNAVAILABLE,
        Fault::NotCarried(_) => StatusCode::BAD_GATEWAY,
    };
    problem(code, &fault.to_string())
}

pub(crate) fn unauthorized() -> Answer {
    let mut answer = problem(
        StatusCode::UNAUTHORIZED,
        "the admin token is missing or wrong",
    )
    .answer();
    let headers = answer.headers_mut();
    headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    answer
}

pub(crate) fn method_not_allowed(allowed: &str) -> Answer {
    let message = format!("this path answers {allowed}");
    let mut answer = problem(StatusCode::METHOD_NOT_ALLOWED, &message).answer();
    if let Ok(allowed) = HeaderValue::from_str(allowed) {
        answer.headers_mut().insert(header::ALLOW, allowed);
    }
    answer
}

pub(crate) fn answer(code: StatusCode, content_type: &'static str, body: String) -> Answer {
    let mut answer = Response::new(Full::from(body));
    *answer.status_mut() = code;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_done_is_told_from_what_is_not_known() {
        let why = || "no".to_owned();
        for (fault, code) in [
            (Fault::Gone, 410),
            (Fault::Full, 409),
            (Fault::Refused(why()), 409),
            (Fault::NotCarried(why()), 502),
            (Fault::Unreachable, 503),
            (Fault::Busy, 503),
            (Fault::Silent, 504),
        ] {
            assert_eq!(super::fault(&fault, StatusCode::GONE).code, code, "{fault}");
        }
    }
}
