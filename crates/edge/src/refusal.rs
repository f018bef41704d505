//! Why the gateway answers a request itself.

use http::StatusCode;
use switchyard_proto::handshake::RequestError;
use switchyard_upstream::DialError;

use crate::vet::Violation;

/// Why a request is not answered by an endpoint.
///
/// The text of a variant is what the client is told, so it names nothing that is behind the
/// gateway.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The request breaks a rule that protects the gateway or its endpoints.
    #[error("{0}")]
    Violation(#[from] Violation),
    /// No route has this host, path and headers.
    #[error("no route leads from this host and path")]
    NoRoute,
    /// The request asks for WebSocket and is no valid handshake.
    #[error("{0}")]
    Handshake(#[from] RequestError),
    /// The page that asks is not one of the route's `allowed_origins`.
    #[error("this origin may not connect")]
    Origin,
    /// The client offers subprotocols and the route has none of them.
    #[error("none of the subprotocols offered is spoken here")]
    Subprotocol,
    /// The gateway is leaving and takes no new session.
    #[error("this gateway is going away, connect again")]
    Draining,
    /// What the handshake leads to is drained by order, and takes no new session.
    #[error("no new sessions are taken here for now, connect again later")]
    Drained,
    /// What the handshake names are more channels than a session may have.
    #[error("a session may not have so many channels")]
    ManyChannels,
    /// A value in the handshake is too long for the name of a channel.
    #[error("a channel may not have so long a name")]
    LongChannel,
    /// What the handshake says that its client had last is not the id of a message.
    #[error("the last message that the request names has no such id")]
    LastMessageId,
    /// The route is for channels alone, and the handshake names none.
    #[error("the request does not say what to listen to")]
    NoChannel,
    /// The route is for sessions alone.
    #[error("there is nothing here but WebSocket")]
    WebSocketOnly,
    /// The request's body is larger than the route's `max_body`.
    #[error("the body of the request is too large")]
    BodyTooLarge,
    /// The request's body had not arrived when `request_timeout` was over.
    #[error("the body of the request did not arrive in time")]
    BodyTimeout,
    /// The endpoint had not answered a plain request when `request_timeout` was over.
    #[error("the application did not answer in time")]
    AnswerTimeout,
    /// The endpoint agreed, and not to a WebSocket: what the client would take for one.
    #[error("{}", blame(StatusCode::BAD_GATEWAY))]
    NotSwitched,
    /// No endpoint gave an answer that can be passed on.
    #[error("{}", blame(.0.status()))]
    Upstream(#[from] DialError),
}

impl Refusal {
    /// The status that the client is told.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Violation(violation) => violation.status(),
            Self::NoRoute => StatusCode::NOT_FOUND,
            Self::Handshake(error) => {
                StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST)
            }
            Self::Origin => StatusCode::FORBIDDEN,
            Self::Subprotocol
            | Self::ManyChannels
            | Self::LongChannel
            | Self::LastMessageId
            | Self::NoChannel => StatusCode::BAD_REQUEST,
            Self::WebSocketOnly => StatusCode::UPGRADE_REQUIRED,
            Self::Draining | Self::Drained => StatusCode::SERVICE_UNAVAILABLE,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::AnswerTimeout => StatusCode::GATEWAY_TIMEOUT,
            Self::NotSwitched => StatusCode::BAD_GATEWAY,
            Self::Upstream(error) => error.status(),
        }
    }

    /// A stable metric label.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Violation(violation) => violation.reason(),
            Self::NoRoute => "no_route",
            Self::Handshake(error) => error.reason(),
            Self::Origin => "origin",
            Self::Subprotocol => "subprotocol",
            Self::ManyChannels => "too_many_channels",
            Self::LongChannel => "channel_too_long",
            Self::LastMessageId => "last_message_id",
            Self::NoChannel => "no_channel",
            Self::WebSocketOnly => "websocket_only",
            Self::Draining => "draining",
            Self::Drained => "drained",
            Self::BodyTooLarge => "body_too_large",
            Self::BodyTimeout => "body_timeout",
            Self::AnswerTimeout => "answer_timeout",
            Self::NotSwitched => "not_switched",
            Self::Upstream(error) => error.reason(),
        }
    }

    /// What becomes of the connection that the request came on.
    pub(crate) fn fate(&self) -> Fate {
        match self {
            Self::Violation(_)
            | Self::BodyTooLarge
            | Self::BodyTimeout
            | Self::Draining
            | Self::Drained => Fate::Close,
            Self::NoRoute
            | Self::Handshake(_)
            | Self::Origin
            | Self::Subprotocol
            | Self::ManyChannels
            | Self::LongChannel
            | Self::LastMessageId
            | Self::NoChannel
            | Self::WebSocketOnly
            | Self::AnswerTimeout
            | Self::NotSwitched
            | Self::Upstream(_) => Fate::Keep,
        }
    }
}

/// Whether more requests may come on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// They may.
    Keep,
    /// What comes next on it cannot be trusted to be a request, or is not wanted.
    Close,
}

/// What a client is told of a failure behind the gateway.
fn blame(status: StatusCode) -> &'static str {
    match status {
        StatusCode::SERVICE_UNAVAILABLE => "no application server is available",
        StatusCode::GATEWAY_TIMEOUT => "the application did not answer in time",
        StatusCode::BAD_REQUEST => "the body of the request broke off",
        _ => "the application did not give a valid answer",
    }
}
