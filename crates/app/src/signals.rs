//! SIGTERM and SIGINT, as requests to stop; SIGHUP, as one to read the configuration again; SIGUSR1, as one to
//! open the access log anew.

use std::io;

use switchyard_drain::Tasks;
use switchyard_telemetry::log::{LogControl, Reopening};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

/// Requests to stop. The first begins the drain, the second ends it at once.
///
/// To the first process of a container a SIGTERM is never a second request: a container runtime that is restarted
/// meanwhile says again what it has said, and means the same.
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

const TERMINATE: Stop = Stop("SIGTERM");

const INTERRUPT: Stop = Stop("SIGINT");

/// Only two requests mean anything; further ones are dropped.
const QUEUE: usize = 2;

/// Which signals are requests.
struct Hearing {
    is_first_process: bool,
    was_asked: bool,
}

impl Hearing {
    fn new(is_first_process: bool) -> Self {
        Self {
            is_first_process,
            was_asked: false,
        }
    }

    /// Whether it asks for more than was asked for before.
    fn is_news(&mut self, stop: Stop) -> bool {
        let is_repeated = self.was_asked && self.is_first_process && stop == TERMINATE;
        self.was_asked = true;
        !is_repeated
    }
}

/// Turns SIGTERM and SIGINT into requests to stop, from now on. The sender is there for requests from elsewhere.
///
/// # Errors
/// When the system refuses a signal handler.
pub fn stops_on_signals() -> io::Result<(mpsc::Sender<Stop>, Stops)> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (sender, stops) = mpsc::channel(QUEUE);
    let signals = sender.clone();
    let mut hearing = Hearing::new(std::process::id() == 1);
    Tasks::new().spawn(async move {
        loop {
            let stop = tokio::select! {
                Some(()) = terminate.recv() => TERMINATE,
                Some(()) = interrupt.recv() => INTERRUPT,
                else => return,
            };
            if !hearing.is_news(stop) {
                tracing::info!("SIGTERM again: leaving as before; SIGINT cuts");
                continue;
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_signal_is_another_request_but_for_a_first_process_that_is_terminated() {
        let news = |is_first_process, signals: &[Stop]| {
            let mut hearing = Hearing::new(is_first_process);
            let news = signals.iter().map(|stop| hearing.is_news(*stop));
            news.collect::<Vec<_>>()
        };
        let again = [TERMINATE, TERMINATE, INTERRUPT];
        assert_eq!(news(false, &again), [true, true, true]);
        assert_eq!(news(true, &again), [true, false, true]);
        assert_eq!(news(true, &[INTERRUPT, TERMINATE]), [true, false]);
        assert_eq!(news(true, &[INTERRUPT, INTERRUPT]), [true, true]);
    }
}
