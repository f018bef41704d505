//! The clients: scenarios of load, each with one line of results.
//!
//! Every reply is compared with what it has to be, byte by byte; the first that differs, and a
//! standstill of ten seconds, end the run with an error. Not here: what one session does
//! (`session`).

mod arrival;
mod churn;
mod drain;
mod endings;
mod fanout;
mod farewell;
mod idle;
mod link;
mod links;
mod load;
mod paced;
mod session;
mod stalled;
mod steady;
mod storm;
mod tally;
mod target;
mod visit;

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, ensure};
use clap::{Args, Subcommand};

use crate::http2;
use crate::report::Gate;
use crate::tls::{Client, Tickets};
use fanout::Fanout;
use target::Target;

/// Without any progress for so long a run has failed.
const PATIENCE: Duration = Duration::from_secs(10);

/// Bytes read at a time.
const READ: usize = 256 * 1024;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The gateway, or an endpoint
    #[arg(long, value_name = "ADDRESS")]
    target: SocketAddr,
    /// Connect from this many loopback addresses in turn (0: the system chooses)
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    sources: u8,
    /// Speak TLS 1.3, and trust the certificate in this file
    #[arg(long, value_name = "FILE")]
    tls: Option<PathBuf>,
    /// Open WebSockets over HTTP/2, so many on each connection
    #[arg(long, value_name = "SESSIONS")]
    http2: Option<NonZeroUsize>,
    /// Before the timed part, print a line and wait for one on standard input; the same before the end
    #[arg(long)]
    gated: bool,
    #[command(subcommand)]
    scenario: Scenario,
}

#[derive(Debug, Subcommand)]
enum Scenario {
    /// Each connection keeps `depth` messages under way; they come back as they went
    Echo(Steady),
    /// The same, long messages up and one byte back
    Up(Steady),
    /// The same, one byte up and long messages back
    Down(Steady),
    /// Messages at a fixed rate, spread over all connections; latency counts from when each was due
    Paced(Paced),
    /// Handshake, one echo, Close, again and again
    Churn(Churn),
    /// Opens sessions in steps, each echoes once, and holds them
    Idle(Idle),
    /// All connect at once; who has a session how soon?
    Storm(Storm),
    /// Opens sessions and watches how each ends, and when; somebody asks the gateway to go
    Drain(Drain),
    /// Opens sessions in steps, each asks for much and reads nothing, and holds them
    Stalled(Stalled),
    /// Opens sessions that are subscribed to channels, publishes messages over HTTP, and counts who gets them
    Fanout(Fanout),
}

/// A closed loop.
#[derive(Clone, Copy, Debug, Args)]
struct Steady {
    #[arg(long, default_value_t = 1)]
    connections: usize,
    /// Messages under way on each connection
    #[arg(long, default_value_t = 1)]
    depth: usize,
    /// Payload of the long direction in bytes
    #[arg(long, default_value_t = 128)]
    size: usize,
    #[command(flatten)]
    window: Window,
}

#[derive(Clone, Copy, Debug, Args)]
struct Paced {
    #[arg(long, default_value_t = 1000)]
    connections: usize,
    /// Messages a second over all connections
    #[arg(long, default_value_t = 4000)]
    rate: u32,
    /// Payload in bytes
    #[arg(long, default_value_t = 128)]
    size: usize,
    #[command(flatten)]
    window: Window,
}

#[derive(Clone, Copy, Debug, Args)]
struct Churn {
    /// Connections at a time
    #[arg(long, default_value_t = 50)]
    connections: usize,
    /// Payload in bytes
    #[arg(long, default_value_t = 128)]
    size: usize,
    #[command(flatten)]
    window: Window,
}

#[derive(Clone, Debug, Args)]
struct Idle {
    /// How many sessions to hold, step by step
    #[arg(long, value_delimiter = ',', default_value = "100")]
    steps: Vec<usize>,
    /// Payload of the one echo in bytes
    #[arg(long, default_value_t = 1024)]
    size: usize,
}

#[derive(Clone, Debug, Args)]
struct Stalled {
    /// How many sessions to hold, step by step
    #[arg(long, value_delimiter = ',', default_value = "100")]
    steps: Vec<usize>,
    /// Payload of the messages that are not read, in bytes
    #[arg(long, default_value_t = 1_048_576)]
    size: usize,
}

#[derive(Clone, Copy, Debug, Args)]
struct Storm {
    #[arg(long, default_value_t = 8000)]
    clients: usize,
    /// How long a client waits for its session, from its SYN on, before it hangs up, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 10_000)]
    deadline: u64,
    /// How often a client tries
    #[arg(long, default_value_t = 1)]
    attempts: usize,
    /// How long it waits before it tries again, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 500)]
    pause: u64,
    /// Resume TLS sessions: before the timed part, collect a ticket for each attempt
    #[arg(long)]
    resume: bool,
}

#[derive(Clone, Copy, Debug, Args)]
struct Drain {
    #[arg(long, default_value_t = 100)]
    sessions: usize,
    /// How long to wait for the last to end, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 100_000)]
    limit: u64,
}

impl Drain {
    fn limit(self) -> Duration {
        Duration::from_millis(self.limit)
    }
}

#[derive(Clone, Copy, Debug, Args)]
struct Window {
    /// How long to send before the timed part, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 300)]
    warmup: u64,
    /// How long the timed part sends, in milliseconds; what is under way then is awaited
    #[arg(long, value_name = "MS", default_value_t = 2000)]
    duration: u64,
}

impl Window {
    fn warmup(self) -> Duration {
        Duration::from_millis(self.warmup)
    }

    fn duration(self) -> Duration {
        Duration::from_millis(self.duration)
    }
}

impl Arguments {
    /// A place for tickets, where they are to be used.
    fn tickets(&self) -> Result<Option<Tickets>> {
        let resumes = matches!(self.scenario, Scenario::Storm(Storm { resume: true, .. }));
        ensure!(!resumes || self.tls.is_some(), "only TLS can be resumed");
        Ok(resumes.then(Tickets::default))
    }

    fn client(&self, tickets: Option<&Tickets>) -> Result<Option<Client>> {
        let Some(trusted) = &self.tls else {
            return Ok(None);
        };
        let client = match &self.scenario {
            Scenario::Storm(_) => Client::light(trusted, tickets)?,
            _ => Client::new(trusted)?,
        };
        let protocol = self.http2.map(|_| http2::ALPN);
        Ok(Some(client.speaking(protocol)))
    }
}

/// Runs one scenario.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let gate = if arguments.gated {
        Gate::StandardInput
    } else {
        Gate::Open
    };
    let tickets = arguments.tickets()?;
    let tls = arguments.client(tickets.as_ref())?;
    let target = |path: &str| {
        Target::new(arguments.target, tls.clone(), path, arguments.sources).shared(arguments.http2)
    };
    let alone = matches!(
        arguments.scenario,
        Scenario::Churn(_)
            | Scenario::Storm(_)
            | Scenario::Stalled(_)
            | Scenario::Drain(_)
            | Scenario::Fanout(_)
    );
    ensure!(
        !alone || arguments.http2.is_none(),
        "that is done over HTTP/1.1 only"
    );
    match &arguments.scenario {
        Scenario::Echo(steady) => {
            let (request, reply) = (pattern(steady.size), pattern(steady.size));
            steady::run(target("/echo"), *steady, &request, reply, gate)
        }
        Scenario::Up(steady) => {
            let (request, reply) = (pattern(steady.size), pattern(1));
            steady::run(target("/sink"), *steady, &request, reply, gate)
        }
        Scenario::Down(steady) => {
            let (request, reply) = (pattern(1), pattern(steady.size));
            let path = format!("/source/{}", steady.size);
            steady::run(target(&path), *steady, &request, reply, gate)
        }
        Scenario::Paced(paced) => paced::run(target("/echo"), *paced, gate),
        Scenario::Churn(churn) => churn::run(target("/echo"), *churn, gate),
        Scenario::Storm(storm) => storm::run(target("/echo"), *storm, tickets.as_ref(), gate),
        Scenario::Drain(drain) => drain::run(target("/echo"), *drain, gate),
        Scenario::Idle(idle) => {
            ensure!(idle.steps.is_sorted(), "the steps go down");
            idle::run(target("/echo"), idle, gate)
        }
        Scenario::Stalled(stalled) => {
            ensure!(stalled.steps.is_sorted(), "the steps go down");
            let path = format!("/source/{}", stalled.size);
            stalled::run(target(&path).narrow(), stalled, gate)
        }
        // Each session has a path of its own.
        Scenario::Fanout(fanout) => fanout::run(target("/"), fanout, gate),
    }
}

/// The payload of this length that everything in the benchmark sends, so that any part of it can
/// be checked wherever it arrives. It does not compress.
pub(crate) fn pattern(len: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    };
    (0..len).map(|_| next()).collect()
}
