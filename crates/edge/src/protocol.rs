//! A version of HTTP between a client and us, as far as it is seen behind hyper.
//!
//! All steps of a request know one shape of it: that of HTTP/1.1, where a WebSocket is asked for by an
//! upgrade and answered with a 101. What comes in another shape is translated at the door.

use std::sync::Arc;

use http::{Request, Response, StatusCode};
use hyper::upgrade::Upgraded;
use switchyard_relay::Leg;
use switchyard_telemetry::labels;
use switchyard_upstream::Body;
use switchyard_wire::Wire;

use crate::connection::Connection;
use crate::random::Random;

/// A version of HTTP.
pub(crate) trait Protocol: Send + 'static {
    /// How metrics call it.
    const LABEL: labels::Protocol;

    /// A session's connection to its client.
    type Io: Wire + Send + 'static;

    /// Held by each request, by the body of its answer, and by each session.
    type Stay: Send + 'static;

    /// Something of a connection begins.
    fn stay(connection: &Arc<Connection>) -> Self::Stay;

    /// A request, as HTTP/1.1 has it.
    fn request<B>(request: Request<B>, random: &Random) -> Request<B>;

    /// Whether a handshake may be declined with this status: one that a client would not take for a session.
    fn may_decline(status: StatusCode) -> bool;

    /// An answer that HTTP/1.1 would have, as this version has it.
    fn response(response: Response<Body>, stay: Self::Stay) -> Response<Body>;

    /// Does what comes behind the answer that makes a session, which is the last of its request.
    fn go_on_with(connection: &Connection, sequel: impl Future<Output = ()> + Send + 'static);

    /// The connection of a session, out of hyper; `None` where it is not of this version.
    fn take(upgraded: Upgraded, stay: Self::Stay) -> Option<Leg<Self::Io>>;
}
