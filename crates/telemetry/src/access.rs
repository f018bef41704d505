//! The access log: a record when a session opens, one when it closes, now and then one meanwhile, and one
//! for each plain request.
//!
//! Each is a `tracing` event with the target [`TARGET`], so that it can be told from the rest of
//! the log, go elsewhere and be switched off alone. Values of the query are not in it, but for those
//! that an operator names; see [`redacted`].

mod moved;

use std::borrow::Cow;
use std::fmt::Display;
use std::net::IpAddr;
use std::time::Duration;

use tracing::info;

use crate::Spelled;
use crate::labels::{AffinityResult, Initiator, Protocol, Side};
pub use moved::Moved;

/// The target of every record, as in `{"target":"access",...}`.
pub const TARGET: &str = "access";

/// The certificate that a client showed.
#[derive(Clone, Copy, Debug)]
pub struct Cert<'a> {
    /// Its subject, in printable ASCII.
    pub subject: Option<&'a str>,
    /// Its SHA-256, in hexadecimal.
    pub sha256: &'a str,
}

/// A session that opened.
pub struct Opened<'a> {
    /// What names the session in this process.
    pub session: &'a dyn Display,
    /// `X-Request-Id` of the handshake.
    pub request_id: &'a str,
    /// The listener's name.
    pub listener: &'a str,
    /// The route's name.
    pub route: &'a str,
    /// The cluster's name.
    pub cluster: &'a str,
    /// The endpoint's address.
    pub endpoint: &'a str,
    /// The client, through trusted proxies.
    pub client: IpAddr,
    /// What the client showed at this listener, if it was asked.
    pub cert: Option<Cert<'a>>,
    /// What the client speaks.
    pub protocol: Protocol,
    /// The host that was asked for.
    pub host: &'a str,
    /// The path and query that were asked for, [`redacted`].
    pub path: &'a str,
    /// The subprotocol agreed, if any.
    pub subprotocol: Option<&'a str>,
    /// Where the affinity led.
    pub affinity: AffinityResult,
    /// Time from the request to its answer.
    pub handshake: Duration,
}

impl Opened<'_> {
    /// Writes the record.
    pub fn emit(&self) {
        info!(
            target: TARGET,
            message = "session opened",
            session = %self.session,
            request_id = self.request_id,
            listener = self.listener,
            route = self.route,
            cluster = self.cluster,
            endpoint = self.endpoint,
            client = %Spelled::address(self.client),
            client_cert = self.cert.and_then(|cert| cert.subject),
            client_cert_sha256 = self.cert.map(|cert| cert.sha256),
            protocol = self.protocol.as_str(),
            host = self.host,
            path = self.path,
            subprotocol = self.subprotocol,
            affinity = self.affinity.as_str(),
            handshake_ms = fractional_millis(self.handshake),
        );
    }
}

/// What went one way through a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes read, frame headers included.
    pub bytes: u64,
    /// Whole messages.
    pub messages: u64,
    /// The largest message, in payload bytes on the wire.
    pub largest_message: u64,
}

/// A session that is open, and has been for a while.
pub struct Ongoing<'a> {
    /// What names the session in this process.
    pub session: &'a dyn Display,
    /// `X-Request-Id` of the handshake.
    pub request_id: &'a dyn Display,
    /// The route's name.
    pub route: &'a str,
    /// The cluster's name.
    pub cluster: &'a str,
    /// The endpoint's address.
    pub endpoint: &'a str,
    /// The client, through trusted proxies.
    pub client: IpAddr,
    /// How long it has lasted so far.
    pub duration: Duration,
    /// How long nothing of a data frame has been read from either peer.
    pub idle: Duration,
    /// What the client has sent so far.
    pub from_downstream: Traffic,
    /// What the endpoint has sent so far.
    pub from_upstream: Traffic,
    /// The client's last answer to a Ping of the gateway's own took so long.
    pub ping_rtt_downstream: Option<Duration>,
    /// The endpoint's.
    pub ping_rtt_upstream: Option<Duration>,
}

impl Ongoing<'_> {
    /// Writes the record.
    pub fn emit(&self) {
        let (down, up) = (self.from_downstream, self.from_upstream);
        info!(
            target: TARGET,
            session = %self.session,
            request_id = %self.request_id,
            route = self.route,
            cluster = self.cluster,
            endpoint = self.endpoint,
            client = %Spelled::address(self.client),
            duration_ms = millis(self.duration),
            idle_ms = millis(self.idle),
            bytes_from_downstream = down.bytes,
            bytes_from_upstream = up.bytes,
            messages_from_downstream = down.messages,
            messages_from_upstream = up.messages,
            largest_message_bytes = down.largest_message.max(up.largest_message),
            last_ping_rtt_ms_downstream = self.ping_rtt_downstream.map(fractional_millis),
            last_ping_rtt_ms_upstream = self.ping_rtt_upstream.map(fractional_millis),
            "session goes on"
        );
    }
}

/// A session that closed.
pub struct Closed<'a> {
    /// What names the session in this process.
    pub session: &'a dyn Display,
    /// `X-Request-Id` of the handshake.
    pub request_id: &'a str,
    /// The route's name.
    pub route: &'a str,
    /// The cluster's name.
    pub cluster: &'a str,
    /// The endpoint's address.
    pub endpoint: &'a str,
    /// The client, through trusted proxies.
    pub client: IpAddr,
    /// What the client speaks.
    pub protocol: Protocol,
    /// Where the affinity led when it opened.
    pub affinity: AffinityResult,
    /// Who ended it.
    pub initiator: Initiator,
    /// The Close code; 1005 or 1006 when there was none.
    pub code: u16,
    /// Why it ended, from a closed list.
    pub reason: &'static str,
    /// How long it lasted.
    pub duration: Duration,
    /// How long nothing of a data frame had been read from either peer when it ended.
    pub idle: Duration,
    /// Which side had given no sign of life, where that ended it.
    pub silent: Option<Side>,
    /// What the client sent.
    pub from_downstream: Traffic,
    /// What the endpoint sent.
    pub from_upstream: Traffic,
    /// The client's last answer to a Ping of the gateway's own took so long.
    pub ping_rtt_downstream: Option<Duration>,
    /// The endpoint's.
    pub ping_rtt_upstream: Option<Duration>,
}

impl Closed<'_> {
    /// Writes the record.
    pub fn emit(&self) {
        let (down, up) = (self.from_downstream, self.from_upstream);
        info!(
            target: TARGET,
            message = "session closed",
            session = %self.session,
            request_id = self.request_id,
            route = self.route,
            cluster = self.cluster,
            endpoint = self.endpoint,
            client = %Spelled::address(self.client),
            protocol = self.protocol.as_str(),
            affinity = self.affinity.as_str(),
            initiator = self.initiator.as_str(),
            code = self.code,
            reason = self.reason,
            silent_side = self.silent.map(Side::as_str),
            duration_ms = millis(self.duration),
            idle_ms = millis(self.idle),
            bytes_from_downstream = down.bytes,
            bytes_from_upstream = up.bytes,
            messages_from_downstream = down.messages,
            messages_from_upstream = up.messages,
            largest_message_bytes = down.largest_message.max(up.largest_message),
            last_ping_rtt_ms_downstream = self.ping_rtt_downstream.map(fractional_millis),
            last_ping_rtt_ms_upstream = self.ping_rtt_upstream.map(fractional_millis),
        );
    }
}

/// A plain HTTP request that was answered, or a handshake that was refused.
pub struct Request<'a> {
    /// `X-Request-Id`.
    pub request_id: &'a str,
    /// The listener's name.
    pub listener: &'a str,
    /// The route's name, if one matched.
    pub route: Option<&'a str>,
    /// The cluster's name, if one was chosen.
    pub cluster: Option<&'a str>,
    /// The endpoint's address, if one answered.
    pub endpoint: Option<&'a str>,
    /// The client, through trusted proxies.
    pub client: IpAddr,
    /// What the client showed at this listener, if it was asked.
    pub cert: Option<Cert<'a>>,
    /// What the client speaks.
    pub protocol: Protocol,
    /// The method as it was sent.
    pub method: &'a str,
    /// The host that was asked for.
    pub host: &'a str,
    /// The path and query that were asked for, [`redacted`].
    pub path: &'a str,
    /// The status answered.
    pub status: u16,
    /// Why the gateway answered itself, from a closed list; none when the endpoint did.
    pub reason: Option<&'static str>,
    /// Time from the request's head to the head of the answer.
    pub duration: Duration,
}

impl Request<'_> {
    /// Writes the record.
    pub fn emit(&self) {
        info!(
            target: TARGET,
            message = "request",
            request_id = self.request_id,
            listener = self.listener,
            route = self.route,
            cluster = self.cluster,
            endpoint = self.endpoint,
            client = %Spelled::address(self.client),
            client_cert = self.cert.and_then(|cert| cert.subject),
            client_cert_sha256 = self.cert.map(|cert| cert.sha256),
            protocol = self.protocol.as_str(),
            method = self.method,
            host = self.host,
            path = self.path,
            status = self.status,
            reason = self.reason,
            duration_ms = fractional_millis(self.duration),
        );
    }
}

/// The path and query of a request with the values of the query replaced by `*`: browsers can send a
/// token with a WebSocket handshake only there. The values of the names in `shown` stay, as they are
/// written; a name that is written otherwise than it is in `shown` is another.
pub fn redacted<'a>(path_and_query: &'a str, shown: &[String]) -> Cow<'a, str> {
    let Some((path, query)) = path_and_query.split_once('?') else {
        return Cow::Borrowed(path_and_query);
    };
    let mut text = String::with_capacity(path_and_query.len());
    text.push_str(path);
    for (index, pair) in query.split('&').enumerate() {
        text.push(if index == 0 { '?' } else { '&' });
        match pair.split_once('=') {
            Some((name, _)) if shown.iter().any(|it| it == name) => text.push_str(pair),
            Some((name, _)) => text.extend([name, "=*"]),
            None if pair.is_empty() => {}
            None => text.push('*'),
        }
    }
    Cow::Owned(text)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Milliseconds with three places: handshakes take less than one.
#[allow(
    clippy::cast_precision_loss,
    reason = "microseconds are exact up to 285 years"
)]
fn fractional_millis(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_of_a_query_is_logged() {
        let redacted = |text| redacted(text, &[]).into_owned();
        assert_eq!(redacted("/rooms/7"), "/rooms/7");
        assert_eq!(redacted("/a?token=s3cret&v=1"), "/a?token=*&v=*");
        assert_eq!(redacted("/a?s3cret&&b="), "/a?*&&b=*");
        assert_eq!(redacted("/a?x=1?y=2"), "/a?x=*");
        assert_eq!(redacted("/a?"), "/a?");
    }

    #[test]
    fn but_for_those_that_are_named() {
        let shown = ["room".to_owned(), "v".to_owned()];
        let redacted = |text| redacted(text, &shown).into_owned();
        assert_eq!(
            redacted("/a?token=s&room=7&v=%32"),
            "/a?token=*&room=7&v=%32"
        );
        assert_eq!(
            redacted("/a?room=7&room=8&rooms=9"),
            "/a?room=7&room=8&rooms=*"
        );
        assert_eq!(redacted("/a?Room=7&r%6Fom=8&room"), "/a?Room=*&r%6Fom=*&*");
        assert_eq!(redacted("/a?room=s=3"), "/a?room=s=3");
    }
}
