//! What can be said on the command line.

mod admin;
mod probe;
mod push;

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub(crate) use admin::{
    AdminAt, Close, Clusters, Drain, DrainAction, Filter, List, Reload, Sessions, Show,
};
pub(crate) use probe::{Handshake, Probe};
pub(crate) use push::{Channels, Message, Publish, Send, Subscription};

/// An edge gateway for WebSockets.
#[derive(Debug, Parser)]
#[command(name = "switchyard", version, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// One command line, parsed.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve until SIGTERM or SIGINT, then drain; a second signal cuts what is left; SIGUSR2 upgrades
    Run(ConfigFile),
    /// Replace a running gateway by the binary at its path, with its sockets and its live sessions
    Upgrade(Upgrade),
    /// Read the configuration and say everything that is wrong with it
    Check(ConfigFile),
    /// Say which route, affinity key and endpoint order a handshake gets, and why
    Explain(Explain),
    /// Print the JSON Schema of the configuration, for editors
    Schema,
    /// List the sessions of a running gateway, show one, send it a message, or ask some to go
    #[command(subcommand)]
    Sessions(Sessions),
    /// Publish a message to whoever is subscribed to a channel, through a running gateway
    Publish(Publish),
    /// List the channels of a running gateway, or count the subscribers of one in all replicas
    Channels(Channels),
    /// Begin a drain of a running gateway or of a part of it, show all, or take one back
    Drain(Drain),
    /// Show the clusters of a running gateway and how their endpoints are
    Clusters(Clusters),
    /// Have a running gateway read its configuration again, or say what would come of it
    Reload(Reload),
    /// Say with the exit code whether a gateway is ready or alive, or whether a WebSocket through one works
    Probe(Probe),
    /// Start the gateway with three embedded chat servers, to try it
    Demo(Demo),
}

/// Where the configuration is.
#[derive(Debug, Args)]
pub(crate) struct ConfigFile {
    /// The configuration file (YAML)
    #[arg(long = "config", short = 'c', value_name = "FILE")]
    pub(crate) path: PathBuf,
}

/// Which gateway is to be replaced.
#[derive(Debug, Args)]
pub(crate) struct Upgrade {
    /// The process id of the running gateway
    #[arg(long, value_name = "PID")]
    pub(crate) pid: u32,
}

/// A handshake to explain.
#[derive(Debug, Args)]
pub(crate) struct Explain {
    #[command(flatten)]
    pub(crate) config: ConfigFile,
    /// What the client would open, such as `ws://chat.example.com/rooms/42`
    #[arg(value_name = "URL")]
    pub(crate) url: String,
    /// A header the client would send, as `Name: value`; may be given again
    #[arg(long = "header", short = 'H', value_name = "HEADER")]
    pub(crate) headers: Vec<String>,
    /// The address the client would come from
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub(crate) from: IpAddr,
}

/// Where the demo listens.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// The gateway's port on 127.0.0.1; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    pub(crate) port: u16,
    /// The admin port on 127.0.0.1; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = 9901)]
    pub(crate) admin_port: u16,
}
