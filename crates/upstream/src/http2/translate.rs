//! A handshake of HTTP/1.1 as an extended CONNECT (RFC 8441), and its answer back.
//!
//! There is no key and nothing made of it between the two: the gateway knows that the endpoint has
//! understood by its settings. It makes what the client expects of its own.

use http::header::{
    CONNECTION, HOST, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, TRANSFER_ENCODING,
    UPGRADE,
};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Method, Request, StatusCode, Uri, Version, response};
use hyper::ext::Protocol;
use switchyard_proto::handshake::{Agreement, Offer, ResponseError};

/// Where an endpoint is said to be that the client has given no name of.
const NOWHERE: Authority = Authority::from_static("localhost");

/// The handshake `request` as an extended CONNECT.
pub(crate) fn connect<B>(request: Request<()>, scheme: Scheme, body: B) -> Request<B> {
    let (mut head, ()) = address(request, scheme).into_parts();
    head.method = Method::CONNECT;
    head.extensions.insert(Protocol::from_static("websocket"));
    for name in [UPGRADE, SEC_WEBSOCKET_KEY] {
        head.headers.remove(name);
    }
    Request::from_parts(head, body)
}

/// A request with its target and its host where HTTP/2 has them (RFC 9113 section 8.3.1), and no field of
/// a connection.
pub(crate) fn address<B>(mut request: Request<B>, scheme: Scheme) -> Request<B> {
    let host = request.headers_mut().remove(HOST);
    let host = host.and_then(|host| Authority::try_from(host.as_bytes()).ok());
    let path = request.uri().path_and_query().cloned();
    let target = Uri::builder()
        .scheme(scheme)
        .authority(host.unwrap_or(NOWHERE))
        .path_and_query(path.unwrap_or_else(|| PathAndQuery::from_static("/")))
        .build();
    *request.uri_mut() = target.unwrap_or_default();
    *request.version_mut() = Version::HTTP_2;
    // hyper finds the case of names there, which are in lower case here.
    request.extensions_mut().clear();
    let headers = request.headers_mut();
    headers.remove(CONNECTION);
    headers.remove(TRANSFER_ENCODING);
    request
}

/// The answer that opened a WebSocket, as the 101 that answers `offer`, and what was agreed on.
///
/// # Errors
/// It agrees to what was not offered.
pub(crate) fn switching(
    mut answer: response::Parts,
    offer: &Offer,
) -> Result<(response::Parts, Agreement), ResponseError> {
    answer.status = StatusCode::SWITCHING_PROTOCOLS;
    answer.version = Version::HTTP_11;
    let headers = &mut answer.headers;
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.remove(SEC_WEBSOCKET_ACCEPT);
    if let Ok(accept) = HeaderValue::from_str(offer.key().accept().as_str()) {
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    }
    let fields = answer.headers.iter();
    let fields: Vec<_> = fields
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .collect();
    let agreement = offer.verify(answer.status.as_u16(), fields.iter().copied())?;
    Ok((answer, agreement))
}

#[cfg(test)]
mod tests {
    use http::Response;
    use http::header::SEC_WEBSOCKET_PROTOCOL;

    use super::*;
    use crate::testing::{handshake, offer};

    #[test]
    fn an_upgrade_is_an_extended_connect() {
        let connect = connect(handshake(), Scheme::HTTPS, ());
        assert_eq!(connect.method(), Method::CONNECT);
        assert_eq!(connect.uri().scheme_str(), Some("https"));
        let protocol = connect.extensions().get::<Protocol>();
        assert_eq!(protocol.unwrap().as_str(), "websocket");
        for name in [HOST, CONNECTION, UPGRADE, SEC_WEBSOCKET_KEY] {
            assert!(!connect.headers().contains_key(&name), "{name}");
        }
        assert_eq!(connect.headers()["sec-websocket-version"], "13");
    }

    #[test]
    fn a_host_becomes_the_authority() {
        let request = Request::get("/a?b=c").header(HOST, "chat.example.com:8443");
        let request = address(request.body(()).unwrap(), Scheme::HTTP);
        assert_eq!(request.uri(), "http://chat.example.com:8443/a?b=c");
    }

    #[test]
    fn a_200_is_the_101_that_the_client_waits_for() {
        let (answer, ()) = Response::new(()).into_parts();
        let (switching, agreement) = switching(answer, &offer()).unwrap();
        assert_eq!(switching.status, 101);
        let accept = &switching.headers[SEC_WEBSOCKET_ACCEPT];
        assert_eq!(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert_eq!(agreement.subprotocol, None);
    }

    #[test]
    fn what_was_not_offered_cannot_be_agreed_on() {
        let answer = Response::builder().header(SEC_WEBSOCKET_PROTOCOL, "uninvited");
        let (answer, ()) = answer.body(()).unwrap().into_parts();
        assert!(switching(answer, &offer()).is_err());
    }
}
