//! What can be asked of a gateway by those who only want to know whether it works.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args};

/// How a gateway is.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").required(true).args(["ready", "live", "echo"])))]
pub(crate) struct Probe {
    /// Whether it takes new sessions: `/readyz` of its admin API
    #[arg(long)]
    pub(crate) ready: bool,
    /// Whether it runs: `/healthz` of its admin API
    #[arg(long)]
    pub(crate) live: bool,
    /// Whether a WebSocket opened at this URL (`ws:` or `wss:`) sends back what it is sent
    #[arg(long, value_name = "URL")]
    pub(crate) echo: Option<String>,
    /// Where the admin API is
    #[arg(
        long,
        value_name = "URL",
        default_value = "http://127.0.0.1:9901",
        conflicts_with = "echo"
    )]
    pub(crate) admin: String,
    /// Take its address from this configuration; no token is read, and none is needed
    #[arg(long, short = 'c', value_name = "FILE", conflicts_with_all = ["admin", "echo"])]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) handshake: Handshake,
    /// How long all of it may take: 5s, or 10s with --echo, unless it is said
    #[arg(long, value_name = "DURATION", value_parser = switchyard_config::duration)]
    pub(crate) timeout: Option<Duration>,
}

/// How the WebSocket is opened.
#[derive(Debug, Args)]
pub(crate) struct Handshake {
    /// Connect there, whatever the URL says; the URL still says what is asked for, and whose certificate has to come
    #[arg(long, value_name = "HOST:PORT", conflicts_with_all = ["ready", "live"])]
    pub(crate) connect: Option<String>,
    /// A header of the handshake, as `Name: value`; may be given again
    #[arg(long = "header", short = 'H', value_name = "HEADER", conflicts_with_all = ["ready", "live"])]
    pub(crate) headers: Vec<String>,
    /// Trust the certificate authorities of this file (PEM) alone, and not those of the system
    #[arg(long, value_name = "FILE", conflicts_with_all = ["ready", "live"])]
    pub(crate) ca: Option<PathBuf>,
}
