//! Requests for an upgrade: SIGUSR2, and a socket for `switchyard upgrade`, which waits for the outcome.
//!
//! The socket has an abstract name with the process id in it: no file is left behind, and none has to be
//! found. Whoever asks must be the user that the gateway runs as, or root.

use std::convert::Infallible;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener as StdListener};
use std::time::Duration;

use rustix::process::geteuid;
use switchyard_drain::Tasks;
use tokio::io::AsyncWriteExt;
use tokio::net::{UnixListener, UnixStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

/// What is said before the outcome.
pub(super) const DONE: &str = "done: ";

/// The same where there was no upgrade.
pub(super) const FAILED: &str = "failed: ";

/// How long who asked may take to hear the outcome: the process may end then.
const HEARING: Duration = Duration::from_secs(1);

/// One request at a time: who asks meanwhile is told so.
const QUEUE: usize = 1;

/// Requests for an upgrade.
pub(crate) struct Requests(mpsc::Receiver<Request>);

/// One request, with where its outcome is waited for.
pub(super) struct Request(Option<Waiting>);

/// Who waits for an outcome.
struct Waiting {
    outcome: oneshot::Sender<String>,
    /// Ends when who waits has heard it.
    heard: oneshot::Receiver<Infallible>,
}

/// Where process `id` is asked.
pub(super) fn address(id: u32) -> io::Result<SocketAddr> {
    SocketAddr::from_abstract_name(format!("switchyard/upgrade/{id}"))
}

impl Requests {
    /// Listens from now on. A socket that cannot be had is no reason not to serve: the signal is there.
    ///
    /// # Errors
    /// The system refuses a signal handler.
    pub(crate) fn listen() -> io::Result<Self> {
        let (sender, requests) = mpsc::channel(QUEUE);
        let mut signals = signal(SignalKind::user_defined2())?;
        let (tasks, on_signal) = (Tasks::new(), sender.clone());
        tasks.spawn(async move {
            while signals.recv().await.is_some() {
                // One that waits already is as good.
                on_signal.try_send(Request(None)).ok();
            }
        });
        match listener() {
            Ok(listener) => {
                tasks.spawn(answer_all(listener, sender, tasks.clone()));
            }
            Err(error) => tracing::debug!(%error, "`switchyard upgrade` cannot ask this process"),
        }
        Ok(Self(requests))
    }

    /// The next one. Cancel-safe.
    pub(super) async fn next(&mut self) -> Request {
        match self.0.recv().await {
            Some(request) => request,
            None => std::future::pending().await,
        }
    }
}

impl Request {
    pub(super) async fn done(self, outcome: &str) {
        self.answer(format!("{DONE}{outcome}")).await;
    }

    pub(super) async fn failed(self, why: &str) {
        self.answer(format!("{FAILED}{why}")).await;
    }

    async fn answer(self, line: String) {
        if let Some(Waiting { outcome, heard }) = self.0
            && outcome.send(line).is_ok()
        {
            // Who asked may have gone meanwhile.
            timeout(HEARING, heard).await.ok();
        }
    }
}

fn listener() -> io::Result<UnixListener> {
    let listener = StdListener::bind_addr(&address(std::process::id())?)?;
    listener.set_nonblocking(true)?;
    UnixListener::from_std(listener)
}

async fn answer_all(listener: UnixListener, requests: mpsc::Sender<Request>, tasks: Tasks) {
    while let Ok((stream, _)) = listener.accept().await {
        tasks.spawn(answer(stream, requests.clone()));
    }
}

async fn answer(mut stream: UnixStream, requests: mpsc::Sender<Request>) {
    let own = geteuid();
    let may = |user: u32| user == 0 || user == own.as_raw();
    if !stream.peer_cred().is_ok_and(|peer| may(peer.uid())) {
        let why = format!("{FAILED}only the user that the gateway runs as may ask, and root");
        return say(&mut stream, &why).await;
    }
    let (sender, outcome) = oneshot::channel();
    let (hearing, heard) = oneshot::channel();
    let waiting = Waiting {
        outcome: sender,
        heard,
    };
    if requests.try_send(Request(Some(waiting))).is_err() {
        let why = format!("{FAILED}an upgrade is under way, or the gateway is leaving");
        return say(&mut stream, &why).await;
    }
    let outcome = outcome.await;
    let outcome = outcome.unwrap_or_else(|_gone| format!("{FAILED}the gateway is leaving"));
    say(&mut stream, &outcome).await;
    drop(hearing);
}

async fn say(stream: &mut UnixStream, line: &str) {
    // Who asked may have gone.
    stream.write_all(line.as_bytes()).await.ok();
}
