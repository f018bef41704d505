//! What can be said of published messages to a gateway that runs.

use clap::Args;

use super::AdminAt;

/// A message, and the channel that it is for.
#[derive(Debug, Args)]
pub(crate) struct Publish {
    /// The channel
    pub(crate) channel: String,
    #[command(flatten)]
    pub(crate) message: Message,
    /// A session that does not get it, by its name
    #[arg(long, value_name = "NAME")]
    pub(crate) exclude: Option<String>,
    /// A second message of this id in the same channel is not delivered for a while
    #[arg(long, value_name = "ID")]
    pub(crate) id: Option<String>,
    #[command(flatten)]
    pub(crate) at: AdminAt,
}

/// What a message says.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Message {
    /// A text message
    #[arg(long, value_name = "TEXT")]
    pub(crate) text: Option<String>,
    /// A binary message
    #[arg(long, value_name = "BASE64")]
    pub(crate) base64: Option<String>,
    /// `-`: what comes on standard input, as text if it can be
    #[arg(value_name = "-", value_parser = ["-"])]
    pub(crate) input: Option<String>,
}

/// Channels that have subscribers.
#[derive(Debug, Args)]
pub(crate) struct Channels {
    /// One, counted in all replicas; without it those of the gateway are listed
    pub(crate) name: Option<String>,
    /// Those that begin with this
    #[arg(long, value_name = "TEXT", conflicts_with = "name")]
    pub(crate) prefix: Option<String>,
    /// How many at most
    #[arg(long, value_name = "NUMBER", conflicts_with = "name")]
    pub(crate) limit: Option<String>,
    /// Only those after this one
    #[arg(long, value_name = "NAME", conflicts_with = "name")]
    pub(crate) after: Option<String>,
    /// How long the other replicas are given to answer
    #[arg(long, value_name = "DURATION", requires = "name")]
    pub(crate) within: Option<String>,
    #[command(flatten)]
    pub(crate) at: AdminAt,
}

/// A message for one session.
#[derive(Debug, Args)]
pub(crate) struct Send {
    /// The session's number, as in the list, or its name
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) message: Message,
    #[command(flatten)]
    pub(crate) at: AdminAt,
}

/// A session, and a channel.
#[derive(Debug, Args)]
pub(crate) struct Subscription {
    /// The session's number, as in the list, or its name
    pub(crate) id: String,
    /// The channel
    pub(crate) channel: String,
    #[command(flatten)]
    pub(crate) at: AdminAt,
}
