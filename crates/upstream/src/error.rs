//! What can go wrong between choosing an endpoint and having the head of its answer.
//!
//! Every variant says on which side it happened. The text of an error is its own level only; what
//! lies underneath is its `source`. A response body that breaks later is an error of that body.

use std::error::Error as _;
use std::io;
use std::time::Duration;

use arcstr::ArcStr;
use http::StatusCode;
use switchyard_proto::handshake::ResponseError;

use switchyard_tls::{ConnectError, is_tls_failure};

use crate::body::BoxError;

/// Why no endpoint answered.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// The ranking was empty.
    #[error("cluster {cluster} has no endpoint")]
    NoEndpoint {
        /// Whose ranking it was.
        cluster: ArcStr,
    },
    /// Every endpoint that could be tried has as many sessions as it may.
    #[error("no endpoint of cluster {cluster} may have another session")]
    NoRoom {
        /// Whose ranking it was.
        cluster: ArcStr,
    },
    /// Every endpoint is left out, and the cluster says that nothing is tried then.
    #[error("no endpoint of cluster {cluster} is healthy")]
    NoneHealthy {
        /// Whose ranking it was.
        cluster: ArcStr,
    },
    /// Every endpoint that could be tried has a connection from each port of the source addresses.
    #[error("there is no port left to dial an endpoint of cluster {cluster} from")]
    NoPort {
        /// Whose ranking it was.
        cluster: ArcStr,
    },
    /// As many handshakes wait for the endpoint as may.
    #[error("too many handshakes wait for endpoint {endpoint}")]
    Busy {
        /// Who was to be asked.
        endpoint: ArcStr,
    },
    /// The endpoint had so many handshakes under way that this one was not begun.
    #[error("the handshake was not its turn with endpoint {endpoint} within {after:?}")]
    QueueTimeout {
        /// Who was to be asked.
        endpoint: ArcStr,
        /// How long it waited.
        after: Duration,
    },
    /// The gateway could not make a socket: descriptors, ports or memory ran out on this side.
    #[error("the gateway has no socket left to dial endpoint {endpoint}")]
    NoSocket {
        /// Who was to be dialled.
        endpoint: ArcStr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The endpoint, or the network before it, refused the connection.
    #[error("endpoint {endpoint} cannot be connected to")]
    Connect {
        /// Who was dialled.
        endpoint: ArcStr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The endpoint did not accept the connection within the cluster's `connect_timeout`.
    #[error("endpoint {endpoint} did not accept the connection within {after:?}")]
    ConnectTimeout {
        /// Who was dialled.
        endpoint: ArcStr,
        /// The cluster's `connect_timeout`.
        after: Duration,
    },
    /// The endpoint accepted the connection, and did not complete the handshake of TLS within the
    /// cluster's `connect_timeout`.
    #[error("endpoint {endpoint} did not complete the TLS handshake within {after:?}")]
    TlsTimeout {
        /// Who was dialled.
        endpoint: ArcStr,
        /// The cluster's `connect_timeout`.
        after: Duration,
    },
    /// The endpoint speaks no TLS, or none that both do; or it refused the gateway, which it may also
    /// do after the handshake, or broke the rules.
    #[error("there is no TLS with endpoint {endpoint}")]
    TlsFailed {
        /// Who was dialled.
        endpoint: ArcStr,
        /// What happened.
        #[source]
        source: BoxError,
    },
    /// The endpoint could not show that it is who it should be: it is dialled by a name that its
    /// certificate has not, or whose word it has is not trusted, or not valid now.
    #[error("endpoint {endpoint} cannot be trusted")]
    TlsUntrusted {
        /// Who was dialled.
        endpoint: ArcStr,
        /// What is wrong with its certificate.
        #[source]
        source: Box<ConnectError>,
    },
    /// The endpoint does not speak HTTP/2: it did not agree to it by ALPN, or said something else.
    #[error("endpoint {endpoint} does not speak HTTP/2")]
    NoHttp2 {
        /// Who was dialled.
        endpoint: ArcStr,
    },
    /// The endpoint speaks HTTP/2, and does not say that WebSockets may be opened over it (RFC 8441).
    #[error("endpoint {endpoint} has no extended CONNECT")]
    NoExtendedConnect {
        /// Who was to be asked.
        endpoint: ArcStr,
    },
    /// Each stream of each connection that there may be is taken.
    #[error("no connection to endpoint {endpoint} has room for another stream")]
    NoStream {
        /// Who was to be asked.
        endpoint: ArcStr,
    },
    /// The endpoint accepted the connection and ended it before the head of an answer was complete.
    #[error("endpoint {endpoint} ended the connection without an answer")]
    Closed {
        /// Who ended it.
        endpoint: ArcStr,
        /// How it was noticed.
        #[source]
        source: BoxError,
    },
    /// The endpoint took the handshake and did not complete the head of an answer in time.
    #[error("endpoint {endpoint} did not answer the handshake within {after:?}")]
    AnswerTimeout {
        /// Who stayed silent.
        endpoint: ArcStr,
        /// How long it had.
        after: Duration,
    },
    /// The endpoint answered with something that is not an HTTP/1 head, or that is past the limits.
    #[error("endpoint {endpoint} answered with a malformed or oversized head")]
    BadResponse {
        /// Who answered.
        endpoint: ArcStr,
        /// What is wrong with it.
        #[source]
        source: BoxError,
    },
    /// The endpoint answered 101 to a handshake, and the 101 is not the one RFC 6455 section 4.1
    /// asks for.
    #[error("endpoint {endpoint} answered the handshake with an invalid 101")]
    BadHandshake {
        /// Who answered.
        endpoint: ArcStr,
        /// What is wrong with it.
        #[source]
        source: ResponseError,
    },
    /// The endpoint answered 101 to a request that did not ask for an upgrade (RFC 9110 section
    /// 15.2.2).
    #[error("endpoint {endpoint} switched protocols on a request that did not ask for it")]
    UnaskedUpgrade {
        /// Who answered.
        endpoint: ArcStr,
    },
    /// The body of the request broke on the client's side while it was being sent.
    #[error("the request's body broke before endpoint {endpoint} answered")]
    RequestBody {
        /// Who was being sent to; not at fault.
        endpoint: ArcStr,
        /// The error of the body that was handed in is further down the chain.
        #[source]
        source: hyper::Error,
    },
}

impl DialError {
    /// Names a failed exchange on an established connection.
    pub(crate) fn exchange(endpoint: ArcStr, source: hyper::Error) -> Self {
        if source.is_user() {
            Self::RequestBody { endpoint, source }
        } else if source.is_parse() {
            Self::bad_response(endpoint, source)
        } else if is_of_tls(&source) {
            let source = source.into();
            Self::TlsFailed { endpoint, source }
        } else {
            Self::closed(endpoint, source)
        }
    }

    pub(crate) fn bad_response(endpoint: ArcStr, source: impl Into<BoxError>) -> Self {
        let source = source.into();
        Self::BadResponse { endpoint, source }
    }

    pub(crate) fn closed(endpoint: ArcStr, source: impl Into<BoxError>) -> Self {
        let source = source.into();
        Self::Closed { endpoint, source }
    }

    /// Names the end of a connection on which there was no whole answer.
    pub(crate) fn broken(endpoint: ArcStr, error: io::Error) -> Self {
        if is_tls_failure(&error) {
            let source = error.into();
            Self::TlsFailed { endpoint, source }
        } else {
            Self::closed(endpoint, error)
        }
    }

    /// Names a failed handshake of TLS.
    pub(crate) fn tls(endpoint: ArcStr, source: Box<ConnectError>) -> Self {
        if let ConnectError::Untrusted(_) = *source {
            Self::TlsUntrusted { endpoint, source }
        } else {
            Self::TlsFailed { endpoint, source }
        }
    }

    /// Names a failed `connect`.
    pub(crate) fn connect(endpoint: ArcStr, source: io::Error) -> Self {
        if is_local_shortage(&source) {
            Self::NoSocket { endpoint, source }
        } else {
            Self::Connect { endpoint, source }
        }
    }

    /// A stable metric label.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NoEndpoint { .. } => "no_endpoint",
            Self::NoRoom { .. } => "endpoints_full",
            Self::NoneHealthy { .. } => "none_healthy",
            Self::Busy { .. } => "endpoint_busy",
            Self::QueueTimeout { .. } => "queue_timeout",
            Self::NoPort { .. } => "no_port",
            Self::NoSocket { source, .. } if source.kind() == io::ErrorKind::AddrNotAvailable => {
                "no_port"
            }
            Self::NoSocket { .. } => "no_socket",
            Self::Connect { source, .. } if source.kind() == io::ErrorKind::ConnectionRefused => {
                "connect_refused"
            }
            Self::Connect { .. } => "connect_failed",
            Self::ConnectTimeout { .. } => "connect_timeout",
            Self::TlsTimeout { .. } => "tls_timeout",
            Self::TlsFailed { .. } => "tls_failed",
            Self::TlsUntrusted { .. } => "tls_untrusted",
            Self::NoHttp2 { .. } => "no_http2",
            Self::NoExtendedConnect { .. } => "no_extended_connect",
            Self::NoStream { .. } => "no_stream",
            Self::Closed { .. } => "closed_without_answer",
            Self::AnswerTimeout { .. } => "answer_timeout",
            Self::BadResponse { .. } => "bad_response",
            Self::BadHandshake { .. } => "bad_handshake",
            Self::UnaskedUpgrade { .. } => "unasked_upgrade",
            Self::RequestBody { .. } => "request_body",
        }
    }

    /// What the client is answered: 503 when nobody was asked, 504 when somebody did not answer in
    /// time, 502 when what came back was no answer, 400 when the client's own body broke.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NoEndpoint { .. }
            | Self::NoRoom { .. }
            | Self::NoneHealthy { .. }
            | Self::NoPort { .. }
            | Self::Busy { .. }
            | Self::NoStream { .. }
            | Self::QueueTimeout { .. }
            | Self::NoSocket { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::ConnectTimeout { .. } | Self::TlsTimeout { .. } | Self::AnswerTimeout { .. } => {
                StatusCode::GATEWAY_TIMEOUT
            }
            Self::Connect { .. }
            | Self::TlsFailed { .. }
            | Self::TlsUntrusted { .. }
            | Self::NoHttp2 { .. }
            | Self::NoExtendedConnect { .. }
            | Self::Closed { .. }
            | Self::BadResponse { .. }
            | Self::BadHandshake { .. }
            | Self::UnaskedUpgrade { .. } => StatusCode::BAD_GATEWAY,
            Self::RequestBody { .. } => StatusCode::BAD_REQUEST,
        }
    }

    /// The error that the request's body itself gave, when that is what ended the exchange.
    #[must_use]
    pub fn body_error(&self) -> Option<&(dyn std::error::Error + 'static)> {
        if let Self::RequestBody { source, .. } = self {
            source.source()
        } else {
            None
        }
    }

    /// Whether it says something about the endpoint, and not about the gateway or the client.
    pub(crate) fn blames_endpoint(&self) -> bool {
        !matches!(
            self,
            Self::NoEndpoint { .. }
                | Self::NoRoom { .. }
                | Self::NoneHealthy { .. }
                | Self::NoPort { .. }
                | Self::Busy { .. }
                | Self::NoStream { .. }
                | Self::QueueTimeout { .. }
                | Self::NoSocket { .. }
                | Self::RequestBody { .. }
        )
    }
}

/// Whether TLS, and not the connection underneath, is why an exchange failed.
fn is_of_tls(error: &hyper::Error) -> bool {
    let cause = error.source().and_then(|cause| cause.downcast_ref());
    cause.is_some_and(is_tls_failure)
}

/// Whether the system failed to make a socket, before any packet left.
fn is_local_shortage(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::AddrNotAvailable | io::ErrorKind::OutOfMemory
    ) || matches!(error.raw_os_error(), Some(EMFILE | ENFILE | ENOBUFS))
}

/// Too many open files in this process.
const EMFILE: i32 = 24;
/// Too many open files in the system.
const ENFILE: i32 = 23;
/// No memory for the socket.
const ENOBUFS: i32 = 105;

#[cfg(test)]
mod tests {
    use super::*;

    fn connect(source: io::Error) -> DialError {
        DialError::connect("10.0.0.1:80".into(), source)
    }

    #[test]
    fn a_shortage_on_this_side_is_not_the_endpoints_fault() {
        let address = io::Error::from(io::ErrorKind::AddrNotAvailable);
        let codes = [EMFILE, ENFILE, ENOBUFS].map(io::Error::from_raw_os_error);
        let shortages = codes.map(|code| (code, "no_socket"));
        for (source, reason) in shortages.into_iter().chain([(address, "no_port")]) {
            let error = connect(source);
            assert_eq!((error.reason(), error.status().as_u16()), (reason, 503));
            assert!(!error.blames_endpoint());
        }
    }

    #[test]
    fn the_numbers_are_those_of_the_system() {
        let names =
            [EMFILE, ENFILE, ENOBUFS].map(|code| io::Error::from_raw_os_error(code).to_string());
        assert!(names[0].starts_with("Too many open files"), "{names:?}");
        assert!(
            names[1].starts_with("Too many open files in system"),
            "{names:?}"
        );
        assert!(names[2].starts_with("No buffer space"), "{names:?}");
    }

    #[test]
    fn refused_and_unreachable_are_told_apart() {
        let refused = connect(io::ErrorKind::ConnectionRefused.into());
        let unreachable = connect(io::ErrorKind::NetworkUnreachable.into());
        assert_eq!(
            (refused.reason(), refused.status().as_u16()),
            ("connect_refused", 502)
        );
        assert_eq!(
            (unreachable.reason(), unreachable.status().as_u16()),
            ("connect_failed", 502)
        );
        assert!(refused.blames_endpoint() && unreachable.blames_endpoint());
    }

    #[test]
    fn an_error_names_the_endpoint_and_leaves_the_rest_to_its_source() {
        let error = connect(io::Error::other("deep"));
        assert_eq!(
            error.to_string(),
            "endpoint 10.0.0.1:80 cannot be connected to"
        );
        assert_eq!(error.source().unwrap().to_string(), "deep");
        assert!(error.body_error().is_none());
    }
}
