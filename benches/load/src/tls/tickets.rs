//! Tickets of TLS 1.3 of many clients: first they are collected, then each client is given one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::NamedGroup;
use rustls::client::{ClientSessionStore, Tls12ClientSessionValue, Tls13ClientSessionValue};
use rustls::pki_types::ServerName;

/// All of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tickets(Arc<Store>);

#[derive(Debug, Default)]
struct Store(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    tickets: Vec<Tls13ClientSessionValue>,
    /// They are given out, and those that come are not kept.
    gives: bool,
}

impl Tickets {
    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.0.kept().tickets.len()
    }

    /// From now on each client gets one.
    pub(crate) fn give_out(&self) {
        self.0.kept().gives = true;
    }

    pub(super) fn store(&self) -> Arc<dyn ClientSessionStore> {
        Arc::<Store>::clone(&self.0)
    }
}

impl Store {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientSessionStore for Store {
    fn set_kx_hint(&self, _server: ServerName<'static>, _group: NamedGroup) {}

    fn kx_hint(&self, _server: &ServerName<'_>) -> Option<NamedGroup> {
        None
    }

    fn set_tls12_session(&self, _server: ServerName<'static>, _session: Tls12ClientSessionValue) {}

    fn tls12_session(&self, _server: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        None
    }

    fn remove_tls12_session(&self, _server: &ServerName<'static>) {}

    fn insert_tls13_ticket(&self, _server: ServerName<'static>, ticket: Tls13ClientSessionValue) {
        let mut kept = self.kept();
        if !kept.gives {
            kept.tickets.push(ticket);
        }
    }

    fn take_tls13_ticket(&self, _server: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        let mut kept = self.kept();
        if kept.gives { kept.tickets.pop() } else { None }
    }
}
