//! What can be said to a gateway that runs.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{Send, Subscription};

/// Where its admin API is, and how to print what it says.
#[derive(Debug, Args)]
pub(crate) struct AdminAt {
    /// Where the admin API is
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9901")]
    pub(crate) admin: String,
    /// The file with the admin token
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// Take address and token from this configuration
    #[arg(long, short = 'c', value_name = "FILE", conflicts_with_all = ["admin", "token_file"])]
    pub(crate) config: Option<PathBuf>,
    /// Print the answer as it is
    #[arg(long)]
    pub(crate) json: bool,
}

/// About sessions.
#[derive(Debug, Subcommand)]
pub(crate) enum Sessions {
    /// List those that are open, in the order in which their handshakes began
    List(List),
    /// Show how one stands
    Show(Show),
    /// Send one a message
    Send(Send),
    /// Subscribe one to a channel
    Subscribe(Subscription),
    /// End a subscription of one
    Unsubscribe(Subscription),
    /// Ask one, or those that a filter picks, to go
    Close(Close),
}

/// Which sessions are meant.
#[derive(Debug, Args)]
pub(crate) struct Filter {
    /// Those that came in by this listener
    #[arg(long, value_name = "NAME")]
    pub(crate) listener: Option<String>,
    /// Those that took this route
    #[arg(long, value_name = "NAME")]
    pub(crate) route: Option<String>,
    /// Those with this cluster
    #[arg(long, value_name = "NAME")]
    pub(crate) cluster: Option<String>,
    /// Those with this endpoint
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) endpoint: Option<String>,
    /// Those of this client, or of this network
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) client: Option<String>,
    /// Those that have been silent for longer than this
    #[arg(long, value_name = "DURATION")]
    pub(crate) idle_over: Option<String>,
    /// Those that have been open for longer than this
    #[arg(long, value_name = "DURATION")]
    pub(crate) older_than: Option<String>,
    /// Those that are subscribed to this channel
    #[arg(long, value_name = "NAME")]
    pub(crate) channel: Option<String>,
}

/// A list.
#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    pub(crate) filter: Filter,
    /// How many at most
    #[arg(long, value_name = "NUMBER")]
    pub(crate) limit: Option<String>,
    /// Only those after this one
    #[arg(long, value_name = "ID")]
    pub(crate) after: Option<String>,
    #[command(flatten)]
    pub(crate) at: AdminAt,
}

/// One session.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Its number, as in the list, or its name
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) at: AdminAt,
}

/// How sessions are asked to go; as the configuration says where it is not said.
#[derive(Debug, Args)]
pub(crate) struct Goodbye {
    /// Spread the asking over this time
    #[arg(long, value_name = "DURATION")]
    pub(crate) over: Option<String>,
    /// The code of the Close
    #[arg(long, value_name = "CODE")]
    pub(crate) code: Option<String>,
    /// The reason in the Close
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
}

/// Sessions that are to go.
#[derive(Debug, Args)]
pub(crate) struct Close {
    /// The number of one, as in the list, or its name
    pub(crate) id: Option<String>,
    #[command(flatten)]
    pub(crate) filter: Filter,
    /// Every session
    #[arg(long)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) goodbye: Goodbye,
    #[command(flatten)]
    pub(crate) at: AdminAt,
}

/// A drain: of everything, or of what is named.
#[derive(Debug, Args)]
pub(crate) struct Drain {
    /// What to do
    #[arg(value_enum, default_value_t = DrainAction::Status)]
    pub(crate) action: DrainAction,
    /// A listener
    #[arg(long, value_name = "NAME", conflicts_with_all = ["route", "cluster"])]
    pub(crate) listener: Option<String>,
    /// A route
    #[arg(long, value_name = "NAME", conflicts_with = "cluster")]
    pub(crate) route: Option<String>,
    /// A cluster
    #[arg(long, value_name = "NAME")]
    pub(crate) cluster: Option<String>,
    /// An endpoint of the cluster
    #[arg(long, value_name = "ADDRESS", requires = "cluster",
          conflicts_with_all = ["over", "deadline", "code", "reason"])]
    pub(crate) endpoint: Option<String>,
    /// Cut whoever is left after this time
    #[arg(long, value_name = "DURATION")]
    pub(crate) deadline: Option<String>,
    #[command(flatten)]
    pub(crate) goodbye: Goodbye,
    #[command(flatten)]
    pub(crate) at: AdminAt,
}

/// What to do about a drain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DrainAction {
    /// Begin it
    Start,
    /// Say how far all are
    Status,
    /// Take it back: whoever was not asked to go stays
    Cancel,
}

/// A list of clusters.
#[derive(Debug, Args)]
pub(crate) struct Clusters {
    #[command(flatten)]
    pub(crate) at: AdminAt,
}

/// Another configuration.
#[derive(Debug, Args)]
pub(crate) struct Reload {
    /// Change nothing, and say what would change and how many sessions would be closed
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) at: AdminAt,
}
