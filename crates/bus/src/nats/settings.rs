//! What is known before there is a connection.

use std::time::Duration;

use arcstr::ArcStr;
use async_nats::ConnectOptions;
use switchyard_config as config;

use super::subjects::Subjects;
use super::tls;
use crate::error::BusError;

/// Of the time that one operation may take. A server that says nothing is asked this often; at the third time it is gone.
const PINGS_IN_TIMEOUT: u32 = 2;

/// Nor are servers asked more often, however short an operation may be.
const PING_AT_MOST: Duration = Duration::from_millis(250);

/// Messages of one subscription that may wait for the follower. The client bounds no bytes, so these are few; with a quarter
/// of them, ten thousand small ones at once are too many for it.
const MAX_WAITING: usize = 16_384;

/// Bytes that are read at once; what is read holds a message's bytes until it has been taken.
const READ: u16 = 16 * 1024;

/// Where the servers are, and how they are spoken to.
pub(super) struct Settings {
    /// `host:port` each.
    pub(super) servers: Vec<ArcStr>,
    pub(super) has_tls: bool,
    /// How long one operation may take; connecting is one.
    pub(super) timeout: Duration,
    options: ConnectOptions,
}

impl Settings {
    /// # Errors
    /// A certificate, a key or a secret cannot be what it should be.
    pub(super) fn new(config: &config::Nats, subjects: &Subjects) -> Result<Self, BusError> {
        let timeout = config.link.timeout;
        let has_tls = config.tls.is_some();
        let options = identified(&config.identity)?
            .name(subjects.client())
            .custom_inbox_prefix(subjects.inbox())
            .require_tls(has_tls)
            .tls_client_config(tls::client(config.tls.as_ref())?)
            .connection_timeout(timeout)
            .request_timeout(None)
            .ping_interval((timeout / PINGS_IN_TIMEOUT).max(PING_AT_MOST))
            .subscription_capacity(MAX_WAITING)
            .read_buffer_capacity(READ)
            // What a server says of others is not what the configuration says.
            .ignore_discovered_servers()
            // Connections are the follower's to make. One try is the least that can be had.
            .max_reconnects(1);
        Ok(Self {
            servers: config.servers.clone(),
            has_tls,
            timeout,
            options,
        })
    }

    /// How a connection is asked for.
    pub(super) fn options(&self) -> ConnectOptions {
        self.options.clone()
    }
}

fn identified(identity: &config::NatsIdentity) -> Result<ConnectOptions, BusError> {
    let options = ConnectOptions::new();
    Ok(match identity {
        config::NatsIdentity::Nobody => options,
        config::NatsIdentity::User { name, password } => {
            options.user_and_password(name.to_string(), text(password, "the password")?)
        }
        config::NatsIdentity::Token(token) => options.token(text(token, "the token")?),
        config::NatsIdentity::Credentials(content) => {
            let content = text(content, "the credentials file")?;
            let read = options.credentials(&content);
            read.map_err(|error| BusError::Identity {
                fault: format!(
                    "the credentials file has to have a JWT and the seed of its key, as `nsc generate creds` writes them: {error}"
                ),
            })?
        }
    })
}

fn text(secret: &config::Secret, what: &str) -> Result<String, BusError> {
    let text = str::from_utf8(secret.expose());
    text.map(str::to_owned)
        .map_err(|_where| BusError::Identity {
            fault: format!("{what} is not text in UTF-8"),
        })
}
