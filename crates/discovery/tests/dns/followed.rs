//! A name that a test follows, and what it is told.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use switchyard_discovery::dns::{Kind, Name, Refresh, Resolver, follow};
use switchyard_discovery::{Error, Found, Stance, Update};
use switchyard_testkit::PATIENCE;
use tokio::sync::mpsc::{Receiver, channel};
use tokio::time::timeout;

/// Asks again quickly, so that a test waits for nothing but the answer.
pub(crate) const QUICK: Refresh = Refresh {
    min: Duration::from_millis(20),
    max: Duration::from_millis(100),
    retry: Duration::from_millis(20),
};

pub(crate) const A: Kind = Kind::A { port: 8080 };
pub(crate) const AAAA: Kind = Kind::Aaaa { port: 8080 };

pub(crate) type Following = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Follows a name while a test waits for what it tells.
pub(crate) struct Followed {
    pub(crate) following: Following,
    pub(crate) told: Receiver<Update>,
}

impl Followed {
    pub(crate) fn new(server: SocketAddr, name: &str, kind: Kind) -> Self {
        Self::with(server, name, kind, QUICK, PATIENCE)
    }

    pub(crate) fn with(
        server: SocketAddr,
        name: &str,
        kind: Kind,
        refresh: Refresh,
        timeout: Duration,
    ) -> Self {
        let name = Name {
            name: name.to_owned(),
            kind,
        };
        let resolver = Resolver {
            servers: vec![server],
            timeout,
        };
        let (updates, told) = channel(1);
        Self {
            following: Box::pin(follow(name, resolver, refresh, updates)),
            told,
        }
    }

    pub(crate) async fn next(&mut self) -> Update {
        let next = async {
            tokio::select! {
                biased;
                update = self.told.recv() => update.expect("it goes on"),
                () = &mut self.following => panic!("it ended"),
            }
        };
        timeout(PATIENCE, next).await.expect("something is told")
    }

    /// The next update, which has to be members; in short, as `ADDRESS WEIGHT`.
    pub(crate) async fn members(&mut self) -> Vec<String> {
        match self.next().await {
            Update::Members(members) => short(&members),
            Update::Failed(error) => panic!("a failure: {}", chain(&error)),
        }
    }

    /// The next members, after whatever failures.
    pub(crate) async fn members_at_last(&mut self) -> Vec<String> {
        loop {
            if let Update::Members(members) = self.next().await {
                return short(&members);
            }
        }
    }

    /// The next update, which has to be a failure.
    pub(crate) async fn failure(&mut self) -> Error {
        match self.next().await {
            Update::Members(members) => panic!("members: {:?}", short(&members)),
            Update::Failed(error) => error,
        }
    }

    /// Goes on without listening until it would wait; for as long as `until` says.
    pub(crate) async fn go_on(&mut self, mut until: impl FnMut() -> bool) {
        let turn = Duration::from_millis(5);
        let going = async {
            while !until() {
                let ended = timeout(turn, &mut self.following).await;
                assert!(ended.is_err(), "it ended");
            }
        };
        timeout(PATIENCE, going).await.expect("it comes to that");
    }
}

fn short(members: &[Found]) -> Vec<String> {
    let short = |found: &Found| {
        assert_eq!((found.stance, found.zone.as_deref()), (Stance::Ready, None));
        format!("{} {}", found.address, found.weight)
    };
    members.iter().map(short).collect()
}

/// An error with all that lies underneath.
pub(crate) fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(error) = next {
        text = format!("{text}: {error}");
        next = error.source();
    }
    text
}
