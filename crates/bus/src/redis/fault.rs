//! Why Redis is not there, in words for whoever runs it.

use std::error::Error;
use std::io;

use redis::RedisError;
use switchyard_config::RedisServer;

/// Why Redis is not there.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// There is no connection.
    #[error("{server} cannot be reached: {source}")]
    Unreachable { server: String, source: io::Error },
    /// There is one, and TLS came to nothing.
    #[error("{server} cannot be spoken to over TLS: {reason}")]
    Tls { server: String, reason: String },
    /// Something is not answered.
    #[error("{server} does not answer in time")]
    Silent { server: String },
    /// The connection is over.
    #[error("the connection to {server} has ended")]
    Ended { server: String },
    /// It answered with an error.
    #[error("{server} refuses: {reason}")]
    Refused { server: String, reason: String },
    /// Its answer is none.
    #[error("{server} answers {command} with something that is not understood")]
    Strange {
        server: String,
        command: &'static str,
    },
    /// It follows another server.
    #[error("{server} is not the master any more")]
    NoMaster { server: String },
    /// The sentinels know no such server.
    #[error("the sentinel {server} knows no master `{master}`")]
    UnknownMaster { server: String, master: String },
    /// Part of the cluster is missing.
    #[error("the cluster is not whole: no server has the slot of `{channel}`")]
    NotWhole { channel: String },
    /// Slots have another server now.
    #[error("slots of the cluster have moved")]
    Moved,
}

impl Fault {
    /// What the library says about `server`.
    pub(super) fn of(server: &RedisServer, error: &RedisError) -> Self {
        let server = shown(server);
        if error.is_timeout() {
            Self::Silent { server }
        } else if error.is_io_error() {
            Self::Ended { server }
        } else if error.redirect_node().is_some() {
            Self::Moved
        } else {
            let reason = said(error);
            Self::Refused { server, reason }
        }
    }
}

/// What a server says of what it does not know repeats what it was given, and that may have been a password.
const REPEATED: &str = ", with args beginning with";

/// What a server says, without what it repeats of the command.
pub(super) fn said(error: &RedisError) -> String {
    let mut text = error.to_string();
    if let Some(end) = text.find(REPEATED) {
        text.truncate(end);
    }
    text
}

/// How a server is written.
pub(super) fn shown(server: &RedisServer) -> String {
    let RedisServer { host, port, .. } = server;
    if host.contains(':') {
        format!("redis server [{host}]:{port}")
    } else {
        format!("redis server {host}:{port}")
    }
}

/// An error with what is behind it.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut behind = error.source();
    while let Some(source) = behind {
        text = format!("{text}: {source}");
        behind = source.source();
    }
    text
}
