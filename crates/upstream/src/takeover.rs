//! A session's connection that another process has opened, and this one goes on with.
//!
//! Not here: how it came here. What was said on it before is not said again.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpStream;

use crate::cluster::Cluster;
use crate::dialer::Dialer;
use crate::endpoint::Endpoint;
use crate::lease::Lease;
use crate::line::Line;
use crate::socket::Socket;
use crate::stream::Stream;

impl Cluster {
    /// The endpoint of that name, for a session that it has already; `None` where the cluster has none.
    ///
    /// A cluster that looks its endpoints up may not know them yet: then it is made here, and becomes one
    /// of the cluster's when it is found.
    #[must_use]
    pub fn endpoint_in_use(&self, name: &str) -> Option<Arc<Endpoint>> {
        self.by_name(name).or_else(|| {
            self.discovery()?;
            let address: SocketAddr = name.parse().ok()?;
            Some(self.maker.expected(address))
        })
    }
}

impl Dialer {
    /// Goes on with a connection to `endpoint` that another process has opened, and with the session's
    /// share of the endpoint's load.
    #[must_use = "it ends when it is dropped"]
    pub fn take_over(&self, endpoint: &Arc<Endpoint>, tcp: TcpStream) -> (Line, Lease) {
        let connection = endpoint.metrics().taken_over();
        let socket = Socket::new(Stream::Plain(tcp), self.nursery.enter(), connection);
        (Line::Own(socket), endpoint.lease().taken_over())
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{Rig, Script, settings};
    use tokio::net::TcpStream;

    #[tokio::test]
    async fn a_session_that_came_counts_like_one_that_was_opened() {
        let (rig, script) = (Rig::new(), Script::bind().await);
        let cluster = rig.cluster(settings(&[script.address()]));
        let name = script.address().to_string();
        let endpoint = cluster.endpoint_in_use(&name).expect("it is there");
        let tcp = TcpStream::connect(script.address())
            .await
            .expect("connects");
        let (line, lease) = rig.dialer.take_over(&endpoint, tcp);
        assert_eq!(endpoint.load(), 1);
        assert!(line.socket().is_some());
        drop((line, lease));
        assert_eq!(endpoint.load(), 0);
        assert!(cluster.endpoint_in_use("127.0.0.1:1").is_none());
    }
}
