//! What comes with a request: JSON, no larger than it need be and within a time.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use crate::answer::{Problem, bad, problem};

/// How long a body may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What there is in a body beside the payload of a message: names of channels, most of all.
const BESIDE: usize = 128 * 1024;

/// The most bytes that JSON makes of one: `\u0000`.
const ESCAPED: usize = 6;

/// A body that was not read.
pub(crate) type Unread = UnsyncBoxBody<Bytes, io::Error>;

/// A request whose body was not read.
pub(crate) struct Order {
    is_json: bool,
    body: Unread,
}

impl Order {
    pub(crate) fn new(headers: &HeaderMap, body: Unread) -> Self {
        Self {
            is_json: is_json(headers),
            body,
        }
    }

    /// What it says, which is a message of up to so many bytes and little more.
    ///
    /// # Errors
    /// It is too large, too slow, or not what was to come.
    pub(crate) async fn read<What: DeserializeOwned>(
        self,
        max_message: usize,
    ) -> Result<What, Problem> {
        if !self.is_json {
            return Err(problem(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "the body is JSON: its `Content-Type` is application/json",
            ));
        }
        let most = max_message.saturating_mul(ESCAPED).saturating_add(BESIDE);
        let bytes = self.collect(most).await?;
        serde_json::from_slice(&bytes).map_err(|error| bad(&format!("the body: {error}")))
    }

    async fn collect(self, most: usize) -> Result<Bytes, Problem> {
        let reading = Limited::new(self.body, most).collect();
        match timeout(PATIENCE, reading).await {
            Ok(Ok(whole)) => Ok(whole.to_bytes()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => {
                Err(too_large(&format!("the body has more than {most} bytes")))
            }
            Ok(Err(_broken)) => Err(bad("the body did not come whole")),
            Err(_elapsed) => Err(problem(
                StatusCode::REQUEST_TIMEOUT,
                "the body did not come in time",
            )),
        }
    }
}

/// Whether it may be: it is said to be, or nothing is said, or what `curl` says of whatever it sends.
fn is_json(headers: &HeaderMap) -> bool {
    const KINDS: [&str; 2] = ["application/json", "application/x-www-form-urlencoded"];
    let Some(said) = headers.get(header::CONTENT_TYPE) else {
        return true;
    };
    let said = said.to_str().ok();
    let kind = said.and_then(|said| said.split(';').next());
    let kind = kind.map(str::trim);
    kind.is_some_and(|kind| KINDS.iter().any(|known| kind.eq_ignore_ascii_case(known)))
}

/// More than is taken.
pub(crate) fn too_large(message: &str) -> Problem {
    problem(StatusCode::PAYLOAD_TOO_LARGE, message)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::{head, unread};

    async fn read(kind: &str, body: Vec<u8>, most: usize) -> Result<Value, StatusCode> {
        let head = head("POST", "/publish", kind);
        let order = Order::new(&head.headers, unread(body));
        order.read(most).await.map_err(|problem| problem.code)
    }

    #[tokio::test]
    async fn a_body_is_json_and_no_larger_than_it_need_be() {
        let json = "application/json";
        let body = || br#"{"a":1}"#.to_vec();
        assert_eq!(read(json, body(), 9).await, Ok(json!({ "a": 1 })));
        let charset = "Application/JSON; charset=utf-8";
        assert_eq!(read(charset, body(), 9).await, Ok(json!({ "a": 1 })));
        let of_curl = "application/x-www-form-urlencoded";
        assert_eq!(read(of_curl, body(), 9).await, Ok(json!({ "a": 1 })));
        for kind in ["text/plain", "multipart/form-data; boundary=x", ""] {
            let refused = read(kind, body(), 9).await;
            assert_eq!(refused, Err(StatusCode::UNSUPPORTED_MEDIA_TYPE), "{kind}");
        }
        let broken = read(json, b"{".to_vec(), 9).await;
        assert_eq!(broken, Err(StatusCode::BAD_REQUEST));
        let large = |more| vec![b' '; BESIDE + 9 * ESCAPED + more];
        assert_eq!(read(json, large(0), 9).await, Err(StatusCode::BAD_REQUEST));
        assert_eq!(
            read(json, large(1), 9).await,
            Err(StatusCode::PAYLOAD_TOO_LARGE)
        );
    }
}
