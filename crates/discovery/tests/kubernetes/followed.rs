//! A service that is followed, and what is told of it.

use std::future::Future;

use switchyard_discovery::kubernetes::{Access, Port, Service, follow};
use switchyard_discovery::{Error, Found, Stance, Update};
use switchyard_testkit::PATIENCE;
use switchyard_testkit::kubernetes::ApiServer;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::{Receiver, channel};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// `chat` in `default`, followed.
pub(crate) struct Followed {
    runtime: Runtime,
    updates: Receiver<Update>,
    task: JoinHandle<()>,
}

impl Followed {
    /// By the name of its port, `ws`.
    pub(crate) fn of(server: &ApiServer) -> Self {
        Self::with(server, Port::Name("ws".into()))
    }

    pub(crate) fn with(server: &ApiServer, port: Port) -> Self {
        let access = Access::Kubeconfig {
            path: server.kubeconfig(),
            context: None,
        };
        Self::over(access, port)
    }

    pub(crate) fn over(access: Access, port: Port) -> Self {
        Self::in_namespace(Some("default"), access, port)
    }

    pub(crate) fn in_namespace(namespace: Option<&str>, access: Access, port: Port) -> Self {
        let service = Service {
            namespace: namespace.map(str::to_owned),
            service: "chat".into(),
            port,
        };
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        // Room for one: whoever follows waits for whoever listens.
        let (sender, updates) = channel(1);
        let task = runtime.spawn(follow(service, access, sender));
        Self {
            runtime,
            updates,
            task,
        }
    }

    /// What is told next.
    #[track_caller]
    pub(crate) fn next(&mut self) -> Update {
        let next = within(&self.runtime, "an update", self.updates.recv());
        next.expect("it goes on for as long as someone listens")
    }

    /// Who is told next: address, and `-` if it is leaving.
    #[track_caller]
    pub(crate) fn members(&mut self) -> Vec<String> {
        match self.next() {
            Update::Members(members) => members.iter().map(short).collect(),
            Update::Failed(error) => panic!("instead of members: {error:?}"),
        }
    }

    /// The failure that is told next.
    #[track_caller]
    pub(crate) fn failure(&mut self) -> Error {
        match self.next() {
            Update::Failed(error) => error,
            Update::Members(members) => panic!("instead of a failure: {members:?}"),
        }
    }

    /// Who is told after any number of failures; `reason` is that of every one.
    #[track_caller]
    pub(crate) fn members_after(&mut self, reason: &str) -> Vec<String> {
        loop {
            match self.next() {
                Update::Members(members) => return members.iter().map(short).collect(),
                Update::Failed(error) => assert_eq!(error.reason(), reason, "{error:?}"),
            }
        }
    }

    /// Stops listening, and waits for the end.
    #[track_caller]
    pub(crate) fn leave(self) {
        drop(self.updates);
        within(&self.runtime, "the end", self.task).unwrap();
    }
}

#[track_caller]
fn within<T>(runtime: &Runtime, what: &str, future: impl Future<Output = T>) -> T {
    let result = runtime.block_on(async { timeout(PATIENCE, future).await });
    result.unwrap_or_else(|_| panic!("gave up waiting for {what}"))
}

fn short(found: &Found) -> String {
    match found.stance {
        Stance::Ready => found.address.to_string(),
        Stance::Leaving => format!("{}-", found.address),
    }
}
