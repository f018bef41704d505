//! The records of a session that goes from one process to the next: one in each, and none of them is a
//! close.

use std::fmt::Display;
use std::net::IpAddr;
use std::time::Duration;

use tracing::info;

use super::{TARGET, millis};
use crate::Spelled;

/// A session that another process goes on with, or this one in the place of another.
pub struct Moved<'a> {
    /// What names the session in both processes.
    pub session: &'a dyn Display,
    /// `X-Request-Id` of the handshake.
    pub request_id: &'a dyn Display,
    /// The listener's name.
    pub listener: &'a str,
    /// The route's name.
    pub route: &'a str,
    /// The cluster's name.
    pub cluster: &'a str,
    /// The endpoint's address.
    pub endpoint: &'a str,
    /// The client, through trusted proxies.
    pub client: IpAddr,
    /// How long it has lasted.
    pub duration: Duration,
}

impl Moved<'_> {
    /// Writes the record of the process that it leaves.
    pub fn handed_over(&self) {
        self.emit("session handed over");
    }

    /// Writes the record of the process that it comes to.
    pub fn taken_over(&self) {
        self.emit("session taken over");
    }

    fn emit(&self, message: &'static str) {
        info!(
            target: TARGET,
            session = %self.session,
            request_id = %self.request_id,
            listener = self.listener,
            route = self.route,
            cluster = self.cluster,
            endpoint = self.endpoint,
            client = %Spelled::address(self.client),
            duration_ms = millis(self.duration),
            "{message}"
        );
    }
}
