//! SIGTERM and SIGINT, as requests to stop; SIGHUP, as one to read the configuration again; SIGUSR1, as one to
//! open the access log anew.

use std::io;

use switchyard_drain::Tasks;
use switchyard_telemetry::log::{LogControl, Reopening};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

/// Requests to stop. The first begins the drain, the second ends it at once.
pub type Stops = mpsc::Receiver<Stop>;

/// One request to stop, with where it came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop(pub &'static str);

/// Each SIGHUP, from when this was made on: before that it would end the process.
#[derive(Debug)]
pub struct Hangups(pub(crate) Signal);

impl Hangups {
    /// Begins to listen.
    ///
    /// # Errors
    /// When the system refuses a signal handler.
    pub fn listen() -> io::Result<Self> {
        signal(SignalKind::hangup()).map(Self)
    }
}

/// Only two requests mean anything; further ones are dropped.
const QUEUE: usize = 2;

/// Turns SIGTERM and SIGINT into requests to stop, from now on. The sender is there for requests from elsewhere.
///
/// # Errors
/// When the system refuses a signal handler.
pub fn stops_on_signals() -> io::Result<(mpsc::Sender<Stop>, Stops)> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (sender, stops) = mpsc::channel(QUEUE);
    let signals = sender.clone();
    Tasks::new().spawn(async move {
        loop {
            let stop = tokio::select! {
                Some(()) = terminate.recv() => Stop("SIGTERM"),
                Some(()) = interrupt.recv() => Stop("SIGINT"),
                else => return,
            };
            // Full: two requests are waiting already.
            signals.try_send(stop).ok();
        }
    });
    Ok((sender, stops))
}

/// Has the file of the access log opened anew on SIGUSR1, from now on.
pub(crate) fn reopen_on_signal(log: LogControl) -> io::Result<()> {
    let mut moved = signal(SignalKind::user_defined1())?;
    Tasks::new().spawn(async move {
        while moved.recv().await.is_some() {
            if log.reopen() == Reopening::NoFile {
                tracing::info!("SIGUSR1: the access log has no file to reopen");
            }
        }
    });
    Ok(())
}
