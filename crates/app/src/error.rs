//! Why the gateway could not start.

use std::io;
use std::net::SocketAddr;

use arcstr::ArcStr;

use crate::systemd::ActivationError;

/// Nothing is served when any of these happened.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A listener's address could not be bound.
    #[error("listener `{listener}` could not be bound to {address}: {source}")]
    Bind {
        /// The listener's name; `admin` for the admin listener.
        listener: ArcStr,
        /// The address that the configuration asks for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// What the service manager handed over cannot be used.
    #[error(transparent)]
    Activation(#[from] ActivationError),
    /// `NOTIFY_SOCKET` names no socket.
    #[error("the service manager cannot be told anything, NOTIFY_SOCKET is of no use: {0}")]
    Manager(#[source] io::Error),
    /// A thread or its runtime could not be started.
    #[error("a thread could not be started: {0}")]
    Thread(#[source] io::Error),
    /// Signals could not be listened to.
    #[error("signals could not be set up: {0}")]
    Signals(#[source] io::Error),
    /// How this process was started could not be found out.
    #[error("how this process was started could not be found out: {0}")]
    Process(#[source] io::Error),
    /// The configuration could not be put to work.
    #[error("the configuration could not be put to work: {0}")]
    Snapshot(#[from] switchyard_edge::SnapshotError),
    /// The system has no randomness to give.
    #[error("no randomness could be had: {0}")]
    Random(#[from] getrandom::Error),
    /// The bus cannot be used as it is configured.
    #[error(transparent)]
    Push(#[from] switchyard_push::StartError),
    /// The process whose place this one is to take cannot be spoken to, or not in a way that both understand.
    #[error("no sockets could be taken from the running gateway: {0}")]
    Handoff(#[from] switchyard_handoff::Error),
    /// It took everything back.
    #[error("the running gateway took everything back, and goes on")]
    TakenBack,
    /// It would not know where sessions go.
    #[error(
        "the running gateway goes on: discovery of {clusters} was not answered in time; the lines before this one say why"
    )]
    Undiscovered {
        /// The clusters.
        clusters: String,
    },
    /// Metrics or the log could not be set up.
    #[error("telemetry could not be set up: {0}")]
    Telemetry(#[from] switchyard_telemetry::Error),
}
