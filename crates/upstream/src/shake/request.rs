//! A handshake's request, as bytes (RFC 9112 section 3).
//!
//! Names and values are what `http` lets into a map: no line end, no NUL, no separator in a name.

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{Request, uri};
use switchyard_config::HeaderCase;

use super::capture;

/// Room for a field: what a browser and a proxy say takes that much on average.
const FIELD: usize = 48;

/// The head of `request` in HTTP/1.1.
///
/// It announces no body: bytes behind a handshake are frames.
pub(crate) async fn encode(mut request: Request<()>, case: HeaderCase) -> Vec<u8> {
    request.headers_mut().remove(CONTENT_LENGTH);
    request.headers_mut().remove(TRANSFER_ENCODING);
    match case {
        HeaderCase::Lower => in_lower_case(&request),
        HeaderCase::Preserve => Box::pin(capture::in_the_clients_case(request)).await,
    }
}

/// A line for the target and one for each value.
pub(super) fn in_lower_case(request: &Request<()>) -> Vec<u8> {
    let target = request.uri().path_and_query();
    let target = target.map_or("/", uri::PathAndQuery::as_str);
    let mut head = Vec::with_capacity(target.len() + FIELD * (request.headers().len() + 1));
    for part in [request.method().as_str(), " ", target, " HTTP/1.1\r\n"] {
        head.extend_from_slice(part.as_bytes());
    }
    for (name, value) in request.headers() {
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            head.extend_from_slice(part);
        }
    }
    head.extend_from_slice(b"\r\n");
    head
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue, Version};

    use super::*;
    use crate::testing::handshake;

    fn encoded(request: &Request<()>) -> String {
        String::from_utf8(in_lower_case(request)).unwrap()
    }

    #[test]
    fn a_head_is_a_line_for_the_target_and_one_for_each_value() {
        let mut request = Request::get("/a/b?c=d%20e").body(()).unwrap();
        let headers = request.headers_mut();
        headers.append("Host", HeaderValue::from_static("h"));
        headers.append("x-a", HeaderValue::from_static("1, 2"));
        headers.append("x-a", HeaderValue::from_static(""));
        assert_eq!(
            encoded(&request),
            "GET /a/b?c=d%20e HTTP/1.1\r\nhost: h\r\nx-a: 1, 2\r\nx-a: \r\n\r\n"
        );
    }

    #[test]
    fn the_target_is_in_origin_form() {
        for (target, line) in [
            ("http://chat.example.com/a?b", "GET /a?b HTTP/1.1"),
            ("http://chat.example.com", "GET / HTTP/1.1"),
            ("/", "GET / HTTP/1.1"),
        ] {
            let request = Request::get(target).body(()).unwrap();
            assert_eq!(encoded(&request), format!("{line}\r\n\r\n"));
        }
    }

    #[tokio::test]
    async fn either_case_is_the_same_to_the_byte_where_the_client_left_none() {
        for case in [HeaderCase::Lower, HeaderCase::Preserve] {
            for version in [Version::HTTP_10, Version::HTTP_11, Version::HTTP_3] {
                let mut request = handshake();
                *request.version_mut() = version;
                let head = encode(request, case).await;
                assert_eq!(head, in_lower_case(&handshake()), "{case:?} {version:?}");
            }
        }
    }

    #[tokio::test]
    async fn no_body_is_announced() {
        for case in [HeaderCase::Lower, HeaderCase::Preserve] {
            let mut request = handshake();
            let headers = request.headers_mut();
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("5"));
            headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
            assert_eq!(encode(request, case).await, in_lower_case(&handshake()));
        }
    }

    #[test]
    fn nothing_that_ends_a_line_can_be_in_a_field() {
        for bad in [b'\r', b'\n', 0] {
            assert!(HeaderValue::from_bytes(&[b'a', bad, b'b']).is_err());
            assert!(HeaderName::from_bytes(&[b'a', bad, b'b']).is_err());
        }
        assert!(HeaderName::from_bytes(b"a:b").is_err());
    }
}
