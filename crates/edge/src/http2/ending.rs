//! Why a connection ended, for the metrics.

use std::error::Error;

use h2::Reason;

use crate::connection::Connection;

/// There was no stream for long.
pub(super) const IDLE: &str = "idle";

/// The gateway ended.
pub(super) const CUT: &str = "cut";

/// Either side was done.
const CLOSED: &str = "closed";

/// The connection broke, or the client gave no sign of life.
const BROKEN: &str = "broken";

/// The error codes of RFC 9113 section 7, by which one side may end a connection.
const CODES: [(Reason, &str); 14] = [
    (Reason::NO_ERROR, "no_error"),
    (Reason::PROTOCOL_ERROR, "protocol_error"),
    (Reason::INTERNAL_ERROR, "internal_error"),
    (Reason::FLOW_CONTROL_ERROR, "flow_control_error"),
    (Reason::SETTINGS_TIMEOUT, "settings_timeout"),
    (Reason::STREAM_CLOSED, "stream_closed"),
    (Reason::FRAME_SIZE_ERROR, "frame_size_error"),
    (Reason::REFUSED_STREAM, "refused_stream"),
    (Reason::CANCEL, "cancel"),
    (Reason::COMPRESSION_ERROR, "compression_error"),
    (Reason::CONNECT_ERROR, "connect_error"),
    (Reason::ENHANCE_YOUR_CALM, "enhance_your_calm"),
    (Reason::INADEQUATE_SECURITY, "inadequate_security"),
    (Reason::HTTP_1_1_REQUIRED, "http_1_1_required"),
];

/// A word for how the library says that it went.
pub(super) fn reason(connection: &Connection, result: hyper::Result<()>) -> &'static str {
    let Err(error) = result else {
        return CLOSED;
    };
    tracing::debug!(client = %connection.peer, %error, source = error.source(), "connection failed");
    let source = error.source().and_then(<dyn Error>::downcast_ref);
    let code = source.and_then(h2::Error::reason);
    let name = |code: Reason| CODES.into_iter().find(|(known, _)| *known == code);
    code.and_then(name).map_or(BROKEN, |(_, name)| name)
}
