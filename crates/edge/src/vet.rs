//! What the HTTP parser lets through and a gateway must refuse.
//!
//! Every rule here closes a way for the gateway and an endpoint to read one request differently.
//! Whether a WebSocket handshake is complete is not looked at here: `proto` judges that.

use std::iter::once;

use http::header::{CONTENT_LENGTH, HOST, HeaderMap, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderValue, Method, Request, StatusCode, Version};
use switchyard_proto::handshake;

use crate::framing::Framing;
use crate::routes::{BadPath, Host, Path};

const HTTP_PORT: u16 = 80;
const HTTPS_PORT: u16 = 443;

/// A request that may be routed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Vetted<'a> {
    /// The one host that the request is for.
    pub host: Host<'a>,
    /// The path in normal form.
    pub path: Path<'a>,
    /// What the client wants.
    pub kind: Kind,
}

/// What a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// It asks for a WebSocket session.
    WebSocket,
    /// It wants an ordinary response.
    Plain,
}

/// Why a request is not even routed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Violation {
    /// `CONNECT`: the gateway is no forward proxy.
    #[error("this gateway opens no tunnels")]
    Connect,
    /// The request target is no path (RFC 9112 section 3.2).
    #[error("the request target is not a path")]
    Target,
    /// The path has a dot segment.
    #[error("the path has a dot segment")]
    DotSegment,
    /// The path has a broken percent-encoding.
    #[error("the path has a broken percent-encoding")]
    PathEncoding,
    /// No `Host` field (RFC 9112 section 3.2). HTTP/1.0 is no exception: routes need a host.
    #[error("the Host field is missing")]
    MissingHost,
    /// More than one `Host` field (RFC 9112 section 3.2).
    #[error("there is more than one Host field")]
    RepeatedHost,
    /// The `Host` field or the target's authority does not name a host.
    #[error("the host is not a host name")]
    BadHost,
    /// The `Host` field names another host than the target's authority.
    #[error("the Host field and the request target name different hosts")]
    HostMismatch,
    /// Both `Content-Length` and `Transfer-Encoding` (RFC 9112 section 6.1): request smuggling.
    #[error("Content-Length and Transfer-Encoding exclude each other")]
    LengthWithEncoding,
    /// A handshake with a body, which the endpoint could take for frames.
    #[error("a handshake has no body")]
    BodyOnUpgrade,
    /// `Upgrade` to something that is not WebSocket, `h2c` for one.
    #[error("the only upgrade is to websocket")]
    ForeignUpgrade,
}

impl Violation {
    /// The status that the client is told.
    pub fn status(self) -> StatusCode {
        match self {
            Self::Connect => StatusCode::NOT_IMPLEMENTED,
            Self::Target
            | Self::DotSegment
            | Self::PathEncoding
            | Self::MissingHost
            | Self::RepeatedHost
            | Self::BadHost
            | Self::HostMismatch
            | Self::LengthWithEncoding
            | Self::BodyOnUpgrade
            | Self::ForeignUpgrade => StatusCode::BAD_REQUEST,
        }
    }

    /// A stable metric label.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Target => "target",
            Self::DotSegment => "dot_segment",
            Self::PathEncoding => "path_encoding",
            Self::MissingHost => "missing_host",
            Self::RepeatedHost => "repeated_host",
            Self::BadHost => "bad_host",
            Self::HostMismatch => "host_mismatch",
            Self::LengthWithEncoding => "length_with_encoding",
            Self::BodyOnUpgrade => "body_on_upgrade",
            Self::ForeignUpgrade => "foreign_upgrade",
        }
    }
}

impl From<BadPath> for Violation {
    fn from(bad: BadPath) -> Self {
        match bad {
            BadPath::DotSegment => Self::DotSegment,
            BadPath::Encoding => Self::PathEncoding,
        }
    }
}

/// Reads from `request` what routing needs. `framing` is how the parser found its body's length.
///
/// # Errors
/// The first rule that the request breaks.
pub(crate) fn vet<B>(request: &Request<B>, framing: Framing) -> Result<Vetted<'_>, Violation> {
    if request.method() == Method::CONNECT {
        return Err(Violation::Connect);
    }
    check_framing(request.headers(), framing)?;
    Ok(Vetted {
        host: host(request)?,
        path: path(request)?,
        kind: kind(request)?,
    })
}

/// What a request is after, whether or not it may have it: anything with `Upgrade` counts as a
/// handshake. RFC 9110 section 7.8 has an `Upgrade` in HTTP/1.0 ignored.
pub(crate) fn intent<B>(request: &Request<B>) -> Kind {
    if request.version() == Version::HTTP_10 || !request.headers().contains_key(UPGRADE) {
        Kind::Plain
    } else {
        Kind::WebSocket
    }
}

fn kind<B>(request: &Request<B>) -> Result<Kind, Violation> {
    let kind = intent(request);
    if kind == Kind::WebSocket {
        check_upgrade(request.headers())?;
    }
    Ok(kind)
}

fn check_upgrade(headers: &HeaderMap) -> Result<(), Violation> {
    let mut upgrades = headers.get_all(UPGRADE).iter();
    let is_ours = |value: &HeaderValue| {
        handshake::asks_for_websocket(once((UPGRADE.as_str(), value.as_bytes())))
    };
    if !upgrades.any(is_ours) {
        return Err(Violation::ForeignUpgrade);
    }
    if has_body(headers) {
        return Err(Violation::BodyOnUpgrade);
    }
    Ok(())
}

fn has_body(headers: &HeaderMap) -> bool {
    let is_zero = |value: &HeaderValue| value.as_bytes() == b"0";
    headers.contains_key(TRANSFER_ENCODING) || !headers.get_all(CONTENT_LENGTH).iter().all(is_zero)
}

fn check_framing(headers: &HeaderMap, framing: Framing) -> Result<(), Violation> {
    let both = headers.contains_key(CONTENT_LENGTH) && headers.contains_key(TRANSFER_ENCODING);
    if both || framing == Framing::Contradictory {
        return Err(Violation::LengthWithEncoding);
    }
    Ok(())
}

fn host<B>(request: &Request<B>) -> Result<Host<'_>, Violation> {
    let mut fields = request.headers().get_all(HOST).iter();
    let field = fields.next().ok_or(Violation::MissingHost)?;
    if fields.next().is_some() {
        return Err(Violation::RepeatedHost);
    }
    let host = Host::parse(field.as_bytes()).map_err(|_bad| Violation::BadHost)?;
    if let Some(authority) = request.uri().authority() {
        let named = Host::parse(authority.as_str().as_bytes());
        let named = named.map_err(|_bad| Violation::BadHost)?;
        if !host.is_same_place(&named, default_port(request)) {
            return Err(Violation::HostMismatch);
        }
    }
    Ok(host)
}

pub(crate) fn default_port<B>(request: &Request<B>) -> u16 {
    match request.uri().scheme_str() {
        Some("https" | "wss") => HTTPS_PORT,
        _ => HTTP_PORT,
    }
}

/// An absolute path, or the `*` of `OPTIONS *`.
fn path<B>(request: &Request<B>) -> Result<Path<'_>, Violation> {
    let path = request.uri().path();
    let is_asterisk = path == "*" && request.method() == Method::OPTIONS;
    if !path.starts_with('/') && !is_asterisk {
        return Err(Violation::Target);
    }
    Ok(Path::parse(path)?)
}

#[cfg(test)]
mod tests {
    use http::request::Builder;

    use super::*;

    fn get(uri: &str) -> Builder {
        Request::builder().uri(uri)
    }

    fn verdict(request: Builder) -> Result<Kind, Violation> {
        let request = request.body(()).unwrap();
        vet(&request, Framing::Plain).map(|vetted| vetted.kind)
    }

    fn upgrade(to: &str) -> Builder {
        get("/ws")
            .header("host", "h")
            .header("connection", "upgrade")
            .header("upgrade", to)
    }

    #[test]
    fn an_ordinary_request_passes() {
        let request = get("/%61?q=1")
            .header("host", "A.example:8080")
            .body(())
            .unwrap();
        let vetted = vet(&request, Framing::Plain).unwrap();
        assert_eq!(vetted.host.name(), "a.example");
        assert_eq!(vetted.path.as_str(), "/a");
        assert_eq!(vetted.kind, Kind::Plain);
    }

    #[test]
    fn there_is_exactly_one_host() {
        assert_eq!(verdict(get("/")), Err(Violation::MissingHost));
        assert_eq!(
            verdict(get("/").header("host", "")),
            Err(Violation::BadHost)
        );
        assert_eq!(
            verdict(get("/").header("host", "a/b")),
            Err(Violation::BadHost)
        );
        let twice = get("/").header("host", "a").header("host", "a");
        assert_eq!(verdict(twice), Err(Violation::RepeatedHost));
    }

    #[test]
    fn the_host_is_the_authority() {
        let to = |uri: &str, host: &str| verdict(get(uri).header("host", host));
        assert_eq!(to("http://a.example/x", "a.example:80"), Ok(Kind::Plain));
        assert_eq!(to("https://a.example/x", "A.example:443"), Ok(Kind::Plain));
        assert_eq!(
            to("http://a.example/x", "b.example"),
            Err(Violation::HostMismatch)
        );
        assert_eq!(
            to("http://a.example:81/x", "a.example"),
            Err(Violation::HostMismatch)
        );
        assert_eq!(
            to("http://user@a.example/x", "a.example"),
            Err(Violation::BadHost)
        );
    }

    #[test]
    fn the_target_is_a_path() {
        let connect = Request::builder().method("CONNECT").uri("a.example:80");
        assert_eq!(
            verdict(connect.header("host", "a.example:80")),
            Err(Violation::Connect)
        );
        assert_eq!(
            verdict(get("a.example").header("host", "a.example")),
            Err(Violation::Target)
        );
        assert_eq!(
            verdict(get("*").header("host", "h")),
            Err(Violation::Target)
        );
        assert_eq!(
            verdict(get("*").method("OPTIONS").header("host", "h")),
            Ok(Kind::Plain)
        );
        assert_eq!(
            verdict(get("/a/../b").header("host", "h")),
            Err(Violation::DotSegment)
        );
        assert_eq!(
            verdict(get("/%zz").header("host", "h")),
            Err(Violation::PathEncoding)
        );
    }

    #[test]
    fn the_body_has_one_length() {
        let chunked = || {
            get("/")
                .header("host", "h")
                .header("transfer-encoding", "chunked")
        };
        assert_eq!(verdict(chunked()), Ok(Kind::Plain));
        let both = chunked().header("content-length", "3");
        assert_eq!(verdict(both), Err(Violation::LengthWithEncoding));
        let request = chunked().body(()).unwrap();
        let seen_on_the_wire = vet(&request, Framing::Contradictory);
        assert_eq!(seen_on_the_wire, Err(Violation::LengthWithEncoding));
    }

    #[test]
    fn only_websocket_is_upgraded_to() {
        assert_eq!(verdict(upgrade("websocket")), Ok(Kind::WebSocket));
        assert_eq!(verdict(upgrade("WebSocket")), Ok(Kind::WebSocket));
        assert_eq!(verdict(upgrade("h2c")), Err(Violation::ForeignUpgrade));
        assert_eq!(
            verdict(upgrade("websockets")),
            Err(Violation::ForeignUpgrade)
        );
        assert_eq!(
            verdict(upgrade("h2c").version(Version::HTTP_10)),
            Ok(Kind::Plain)
        );
    }

    #[test]
    fn a_handshake_has_no_body() {
        let with = |name: &str, value: &str| verdict(upgrade("websocket").header(name, value));
        assert_eq!(with("content-length", "0"), Ok(Kind::WebSocket));
        assert_eq!(with("content-length", "5"), Err(Violation::BodyOnUpgrade));
        assert_eq!(
            with("transfer-encoding", "chunked"),
            Err(Violation::BodyOnUpgrade)
        );
    }
}
