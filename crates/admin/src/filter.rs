//! Which sessions are meant.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use ipnet::IpNet;
use switchyard_push::ChannelName;
use switchyard_relay::Handle;

use crate::answer::{Problem, bad};
use crate::query::Query;

/// The words of a query that pick sessions.
pub(crate) const WORDS: &[&str] = &[
    "listener",
    "route",
    "cluster",
    "endpoint",
    "client",
    "idle_over",
    "older_than",
    "channel",
];

/// Picks the sessions for which everything holds that was said.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    listener: Option<String>,
    route: Option<String>,
    cluster: Option<String>,
    endpoint: Option<String>,
    client: Option<IpNet>,
    idle_over: Option<Duration>,
    older_than: Option<Duration>,
    channel: Option<ChannelName>,
}

impl Filter {
    /// # Errors
    /// A value that cannot be one.
    pub(crate) fn of(query: &Query) -> Result<Self, Problem> {
        let text = |word| query.text(word).map(str::to_owned);
        Ok(Self {
            listener: text("listener"),
            route: text("route"),
            cluster: text("cluster"),
            endpoint: text("endpoint"),
            client: query.text("client").map(network).transpose()?,
            idle_over: query.duration("idle_over")?,
            older_than: query.duration("older_than")?,
            channel: query.text("channel").map(channel).transpose()?,
        })
    }

    /// Whether it picks everything.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The channel that they are subscribed to, where that is said. Whoever picks looks among its subscribers only.
    pub(crate) fn channel(&self) -> Option<&ChannelName> {
        self.channel.as_ref()
    }

    /// Whether it picks a session, whatever its channels.
    pub(crate) fn picks(&self, handle: &Handle, now: Instant) -> bool {
        let info = handle.info();
        let age = || now.saturating_duration_since(info.opened);
        is(self.listener.as_deref(), &info.listener)
            && is(self.route.as_deref(), &info.route)
            && is(self.cluster.as_deref(), &info.cluster)
            && is(self.endpoint.as_deref(), &info.endpoint)
            && self.client.is_none_or(|net| net.contains(&info.client))
            && self.idle_over.is_none_or(|idle| handle.idle(now) > idle)
            && self.older_than.is_none_or(|old| age() > old)
    }
}

fn is(wanted: Option<&str>, name: &str) -> bool {
    wanted.is_none_or(|wanted| wanted == name)
}

/// The name of a channel.
pub(crate) fn channel(text: &str) -> Result<ChannelName, Problem> {
    ChannelName::new(text).map_err(|why| bad(&format!("`{text}`: {why}")))
}

/// An address is a network of one.
fn network(text: &str) -> Result<IpNet, Problem> {
    let address = text.parse::<IpAddr>();
    let network = address.map(|address| IpNet::from(address.to_canonical()));
    network
        .or_else(|_no_address| text.parse())
        .map_err(|_no_network| {
            bad(&format!(
                "`client` is an address or a network such as 10.0.0.0/8, and not `{text}`"
            ))
        })
}

#[cfg(test)]
mod tests {
    use switchyard_relay::{Registry, SessionId, SessionInfo, Tie};

    use super::*;

    fn session() -> SessionInfo {
        SessionInfo {
            id: SessionId::next(),
            listener: "web".into(),
            route: "chat".into(),
            cluster: "app".into(),
            endpoint: "10.0.0.1:9".into(),
            client: [192, 0, 2, 7].into(),
            request_id: "r".into(),
            opened: switchyard_relay::now(),
            tie: Tie::Nothing,
        }
    }

    fn filter(query: &str) -> Filter {
        let query = Query::parse(Some(query), &[WORDS]).expect(query);
        Filter::of(&query).expect("a filter")
    }

    #[test]
    fn everything_that_is_said_has_to_hold() {
        let ticket = Registry::new().open(session());
        // It has been there, and silent, for a minute.
        let now = ticket.info().opened + Duration::from_mins(1);
        for (query, picks) in [
            ("", true),
            (
                "listener=web&route=chat&cluster=app&endpoint=10.0.0.1:9",
                true,
            ),
            ("listener=tls", false),
            ("route=app", false),
            ("cluster=chat", false),
            ("endpoint=10.0.0.2:9", false),
            ("client=192.0.2.7", true),
            ("client=::ffff:192.0.2.7", true),
            ("client=192.0.2.0/24", true),
            ("client=192.0.2.99/24", true),
            ("client=192.0.3.0%2F24", false),
            ("client=2001:db8::/32", false),
            ("idle_over=59s", true),
            ("idle_over=60s", false),
            ("older_than=59s&route=chat", true),
            ("older_than=2m", false),
        ] {
            assert_eq!(filter(query).picks(&ticket, now), picks, "{query}");
        }
        assert!(filter("").is_empty() && !filter("route=chat").is_empty());
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in [
            "client=10.0.0.0/33",
            "client=somebody",
            "older_than=1",
            "channel=a+b",
        ] {
            let query = Query::parse(Some(text), &[WORDS]).expect(text);
            assert!(Filter::of(&query).is_err(), "{text}");
        }
    }
}
