//! Turns: how many TLS handshakes a worker does at once, and who is next.
//!
//! After an outage everyone comes at the same time. Who began every handshake at once would end
//! none of them in time; so those whose hello is there wait in order, and those whose client has
//! given up meanwhile cost no cryptography. A turn ends with its handshake, or after
//! [`LONGEST_TURN`] whatever the client does, so that nobody can hold on to one.

use std::collections::HashMap;
use std::mem::MaybeUninit;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arcstr::ArcStr;
use socket2::SockRef;
use switchyard_telemetry::metrics::tls::TlsMetrics;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A client that is slower does the rest of its handshake without a turn.
pub(crate) const LONGEST_TURN: Duration = Duration::from_secs(1);

/// The turns of one worker, by listener.
#[derive(Default)]
pub(crate) struct Turns {
    by_listener: Mutex<HashMap<ArcStr, Counter>>,
}

/// Where turns are given out, so many at once.
struct Counter {
    at_once: usize,
    turns: Arc<Semaphore>,
}

/// Held while a handshake is done.
pub(crate) struct Turn {
    _permit: Option<OwnedSemaphorePermit>,
}

impl Turns {
    /// Waits for a turn at `listener`, of which there are so many `at_once`. Cancel-safe: who gives up
    /// loses its place. Where there were another number before, those who wait go on waiting for theirs.
    pub(crate) async fn take(
        &self,
        listener: &ArcStr,
        at_once: usize,
        metrics: &TlsMetrics,
    ) -> Turn {
        let turns = self.at(listener, at_once);
        // Who finds one free overtakes nobody: turns that are given back go to those who wait.
        let permit = match Arc::clone(&turns).try_acquire_owned() {
            Ok(permit) => Ok(permit),
            Err(_taken) => {
                let _waiting = metrics.waits();
                turns.acquire_owned().await
            }
        };
        // It is never closed.
        Turn {
            _permit: permit.ok(),
        }
    }

    fn at(&self, listener: &ArcStr, at_once: usize) -> Arc<Semaphore> {
        let mut counters = self
            .by_listener
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let counter = counters
            .entry(listener.clone())
            .and_modify(|counter| {
                if counter.at_once != at_once {
                    *counter = Counter::new(at_once);
                }
            })
            .or_insert_with(|| Counter::new(at_once));
        Arc::clone(&counter.turns)
    }
}

impl Counter {
    fn new(at_once: usize) -> Self {
        Self {
            at_once,
            turns: Arc::new(Semaphore::new(at_once)),
        }
    }
}

/// Whether the other end has closed the connection or broken it, as far as that has got here.
pub(crate) fn is_gone(tcp: &TcpStream) -> bool {
    let mut byte = [MaybeUninit::uninit()];
    match SockRef::from(tcp).peek(&mut byte) {
        Ok(len) => len == 0,
        Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
    }
}

#[cfg(test)]
mod tests;
