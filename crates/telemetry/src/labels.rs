//! Label values as types: every set is closed, so no peer can grow the number of series.
//!
//! Reasons that another crate owns (`&'static str`) are not repeated here.

/// Which way bytes go through the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Read from the client, written to the endpoint.
    FromDownstream,
    /// Read from the endpoint, written to the client.
    FromUpstream,
}

impl Direction {
    /// Both directions.
    pub const ALL: [Self; 2] = [Self::FromDownstream, Self::FromUpstream];

    /// The label value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FromDownstream => "from_downstream",
            Self::FromUpstream => "from_upstream",
        }
    }
}

/// One of the two peers of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The client.
    Downstream,
    /// The endpoint.
    Upstream,
}

impl Side {
    /// Both sides.
    pub const ALL: [Self; 2] = [Self::Downstream, Self::Upstream];

    /// The label value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Downstream => "downstream",
            Self::Upstream => "upstream",
        }
    }
}

/// The opcode of a frame (RFC 6455 section 5.2), without the reserved ones: those are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameKind {
    /// 0x0
    Continuation,
    /// 0x1
    Text,
    /// 0x2
    Binary,
    /// 0x8
    Close,
    /// 0x9
    Ping,
    /// 0xA
    Pong,
}

impl FrameKind {
    /// Every kind.
    pub const ALL: [Self; 6] = [
        Self::Continuation,
        Self::Text,
        Self::Binary,
        Self::Close,
        Self::Ping,
        Self::Pong,
    ];

    /// The label value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Continuation => "continuation",
            Self::Text => "text",
            Self::Binary => "binary",
            Self::Close => "close",
            Self::Ping => "ping",
            Self::Pong => "pong",
        }
    }
}

/// What a message carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageKind {
    /// UTF-8 text, possibly compressed.
    Text,
    /// Anything else.
    Binary,
}

impl MessageKind {
    /// Both kinds.
    pub const ALL: [Self; 2] = [Self::Text, Self::Binary];

    /// The label value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Binary => "binary",
        }
    }
}

/// What carries published messages between replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BusKind {
    /// Nothing: there is one process.
    Memory,
    /// Redis.
    Redis,
    /// NATS.
    Nats,
}

impl BusKind {
    /// The label value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Redis => "redis",
            Self::Nats => "nats",
        }
    }
}

/// Why a published message was not delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotDelivered {
    /// The session's queue had no room.
    QueueFull,
    /// The session's end had begun.
    Closing,
    /// It came faster than a worker, or the connection to the bus, could take it.
    Overrun,
    /// It is larger than messages may be.
    TooLarge,
    /// What the bus brought is none.
    Malformed,
    /// One with its id was delivered before.
    Duplicate,
}

impl NotDelivered {
    /// Every reason.
    pub const ALL: [Self; 6] = [
        Self::QueueFull,
        Self::Closing,
        Self::Overrun,
        Self::TooLarge,
        Self::Malformed,
        Self::Duplicate,
    ];

    /// The label value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::Closing => "closing",
            Self::Overrun => "overrun",
            Self::TooLarge => "too_large",
            Self::Malformed => "malformed",
            Self::Duplicate => "duplicate",
        }
    }
}

/// Who ended a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Initiator {
    /// The client.
    Downstream,
    /// The endpoint.
    Upstream,
    /// The gateway itself: a limit, a timer, a drain.
    Gateway,
}

impl Initiator {
    /// The label value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Downstream => "downstream",
            Self::Upstream => "upstream",
            Self::Gateway => "gateway",
        }
    }
}

/// Where a handshake with an affinity key ended up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AffinityResult {
    /// At the first endpoint of its order.
    Owner,
    /// Further down the order, because the owner was full.
    Overflow,
    /// Further down the order, because the owner could not be reached.
    Failover,
    /// It had no key: none of the route's sources was present.
    None,
}

impl AffinityResult {
    /// Every result.
    pub const ALL: [Self; 4] = [Self::Owner, Self::Overflow, Self::Failover, Self::None];

    /// The label value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Overflow => "overflow",
            Self::Failover => "failover",
            Self::None => "none",
        }
    }
}

/// Why an endpoint was ejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ejection {
    /// It did not answer, or not in a way that makes sense.
    Unanswered,
    /// It answered handshakes with 5xx.
    Refused,
    /// It ended sessions badly.
    BadEnd,
}

impl Ejection {
    /// The label value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unanswered => "unanswered",
            Self::Refused => "refused",
            Self::BadEnd => "bad_end",
        }
    }
}

/// What came of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProbeResult {
    /// The endpoint works.
    Ok,
    /// It cannot be connected to.
    Connect,
    /// It did not accept, or did not answer, in time.
    Timeout,
    /// There was no TLS with it, or none that can be trusted.
    Tls,
    /// It ended the connection, or what came was no answer.
    Closed,
    /// It answered with another status than the expected one.
    Status,
    /// It answered the handshake with an invalid 101.
    Handshake,
    /// No Pong came in time.
    Pong,
}

impl ProbeResult {
    /// The label value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Connect => "connect",
            Self::Timeout => "timeout",
            Self::Tls => "tls",
            Self::Closed => "closed",
            Self::Status => "status",
            Self::Handshake => "handshake",
            Self::Pong => "pong",
        }
    }
}

/// HTTP methods by what they may do (RFC 9110 section 9.2), because clients may invent methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MethodClass {
    /// GET and HEAD.
    Read,
    /// POST, PUT, PATCH and DELETE.
    Write,
    /// Every other method, known or not.
    Other,
}

impl MethodClass {
    /// The class of a method; methods are case-sensitive (RFC 9110 section 9.1).
    pub fn of(method: &str) -> Self {
        match method {
            "GET" | "HEAD" => Self::Read,
            "POST" | "PUT" | "PATCH" | "DELETE" => Self::Write,
            _ => Self::Other,
        }
    }

    /// The label value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Other => "other",
        }
    }
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsVersion {
    /// RFC 5246
    Tls12,
    /// RFC 8446
    Tls13,
}

impl TlsVersion {
    /// The label value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tls12 => "1.2",
            Self::Tls13 => "1.3",
        }
    }
}

/// The version of HTTP that a session's client opened it by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// An upgrade of HTTP/1.1 (RFC 6455).
    Http1,
    /// An extended CONNECT of HTTP/2 (RFC 8441).
    Http2,
}

impl Protocol {
    /// The label value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http1 => "h1",
            Self::Http2 => "h2",
        }
    }
}

/// Whether a TLS handshake went on from an earlier one of the same client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resumed {
    /// By a ticket.
    Yes,
    /// A whole handshake, or none.
    No,
}

impl Resumed {
    /// The label value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
        }
    }
}

/// What a connection began with where a PROXY header is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyHeader {
    /// One of version 1 that tells an address.
    V1,
    /// One of version 2 that does.
    V2,
    /// One that tells none: the connection's own counts.
    Local,
    /// Something else.
    Missing,
    /// One that is broken.
    Malformed,
    /// One that is longer than any is.
    TooLong,
    /// Not a whole one in time.
    Timeout,
    /// It was not looked at: the peer is not trusted to send one.
    Untrusted,
    /// One of the version that is not allowed.
    Version,
    /// The peer went before it was whole.
    Gone,
    /// The gateway ended before it was whole.
    Cut,
}

impl ProxyHeader {
    /// The label value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
            Self::Local => "local",
            Self::Missing => "missing",
            Self::Malformed => "malformed",
            Self::TooLong => "too_long",
            Self::Timeout => "timeout",
            Self::Untrusted => "untrusted",
            Self::Version => "version",
            Self::Gone => "gone",
            Self::Cut => "cut",
        }
    }
}

/// What became of a file that changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reload {
    /// It is in use.
    Ok,
    /// It cannot be used, and what was there before still is.
    Failed,
}

impl Reload {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Ok, Self::Failed];

    /// The label value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
        }
    }
}

/// How far this process has gone in leaving. The gauge shows the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DrainState {
    /// 0: serving.
    Serving,
    /// 1: not ready, still accepting.
    Leaving,
    /// 2: not accepting, sessions are asked to go.
    Draining,
    /// 3: whatever is left is cut.
    Cut,
}

impl DrainState {
    pub(crate) fn number(self) -> i64 {
        match self {
            Self::Serving => 0,
            Self::Leaving => 1,
            Self::Draining => 2,
            Self::Cut => 3,
        }
    }
}

/// How a session that was there when the drain began has gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DrainResult {
    /// Both peers answered the gateway's Close.
    Clean,
    /// A peer left the gateway's Close unanswered until `close_timeout`.
    Unanswered,
    /// It was still there at the deadline, or at the second signal.
    Cut,
    /// It ended for a reason of its own.
    Left,
}

impl DrainResult {
    /// Every result.
    pub const ALL: [Self; 4] = [Self::Clean, Self::Unanswered, Self::Cut, Self::Left];

    /// The label value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Unanswered => "unanswered",
            Self::Cut => "cut",
            Self::Left => "left",
        }
    }
}

/// The label of a Close code. Codes from 3000 on are chosen by peers and share two values.
pub(crate) fn close_code(code: u16) -> &'static str {
    match code {
        1000 => "1000",
        1001 => "1001",
        1002 => "1002",
        1003 => "1003",
        1005 => "1005",
        1006 => "1006",
        1007 => "1007",
        1008 => "1008",
        1009 => "1009",
        1010 => "1010",
        1011 => "1011",
        1012 => "1012",
        1013 => "1013",
        1014 => "1014",
        3000..=3999 => "3xxx",
        4000..=4999 => "4xxx",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_cannot_grow_the_set_of_close_codes() {
        let labels: std::collections::BTreeSet<_> = (0..=u16::MAX).map(close_code).collect();
        assert_eq!(labels.len(), 17);
        assert_eq!(close_code(1012), "1012");
        assert_eq!(close_code(4999), "4xxx");
        assert_eq!(close_code(5000), "other");
    }

    #[test]
    fn methods_fall_into_classes() {
        assert_eq!(MethodClass::of("HEAD"), MethodClass::Read);
        assert_eq!(MethodClass::of("PATCH"), MethodClass::Write);
        assert_eq!(MethodClass::of("get"), MethodClass::Other);
        assert_eq!(MethodClass::of("X-INVENTED"), MethodClass::Other);
    }
}
