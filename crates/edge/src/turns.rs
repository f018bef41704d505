//! Turns: how many TLS handshakes a worker does at once, and who is next.
//!
//! After an outage everyone comes at the same time. Who began every handshake at once would end
//! none of them in time; so those whose hello is there wait in order, and those whose client has
//! given up meanwhile cost no cryptography. A turn ends with its handshake, or after
//! [`LONGEST_TURN`] whatever the client does, so that nobody can hold on to one.

use std::collections::HashMap;
use std::mem::MaybeUninit;
use std::sync::Arc;
use std::time::Duration;

use socket2::SockRef;
use switchyard_telemetry::metrics::tls::TlsMetrics;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A client that is slower does the rest of its handshake without a turn.
pub(crate) const LONGEST_TURN: Duration = Duration::from_secs(1);

/// The turns of one worker, by listener.
#[derive(Default)]
pub(crate) struct Turns {
    by_listener: HashMap<Arc<str>, Arc<Semaphore>>,
}

/// Held while a handshake is done.
pub(crate) struct Turn {
    _permit: OwnedSemaphorePermit,
}

impl Turns {
    /// So many handshakes at once at each of these listeners.
    pub(crate) fn new(listeners: impl Iterator<Item = (Arc<str>, usize)>) -> Self {
        let turns = listeners.map(|(listener, count)| (listener, Arc::new(Semaphore::new(count))));
        Self {
            by_listener: turns.collect(),
        }
    }

    /// Waits for a turn at `listener`; `None` where there are none. Cancel-safe: who gives up loses
    /// its place.
    pub(crate) async fn take(&self, listener: &str, metrics: &TlsMetrics) -> Option<Turn> {
        let turns = self.by_listener.get(listener)?;
        let turns = || Arc::clone(turns);
        // Who finds one free overtakes nobody: turns that are given back go to those who wait.
        let permit = match turns().try_acquire_owned() {
            Ok(permit) => permit,
            Err(_taken) => {
                let _waiting = metrics.waits();
                turns().acquire_owned().await.ok()?
            }
        };
        Some(Turn { _permit: permit })
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
