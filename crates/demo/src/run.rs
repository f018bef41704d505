//! The demo as a whole: servers, gateway, terminal.

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use switchyard_app::{
    Bound, Ending, Gateway, Given, StartError, Stop, control_runtime, stops_on_signals,
};
use switchyard_config::{Config, Errors};
use switchyard_drain::Tasks;
use tokio::sync::mpsc::Sender;

use crate::error::Error as ServerError;
use crate::gateway::config_yaml;
use crate::servers::{Address, Servers};
use crate::terminal::{Leave, terminal};

/// How many application servers there are.
const SERVERS: usize = 3;

/// Why the demo could not start.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// An application server could not be started.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The gateway refused the demo's configuration, which is a bug.
    #[error("{0}")]
    Config(Errors),
    /// The gateway could not start; another port may help: see `switchyard demo --help`.
    #[error("{0}; --port and --admin-port choose others")]
    Gateway(#[from] StartError),
    /// Signals could not be listened to.
    #[error("signals could not be set up: {0}")]
    Signals(#[source] io::Error),
}

/// Runs the servers and a gateway in front of them on 127.0.0.1 until a signal or `quit`. A port of 0 takes a free one.
///
/// # Errors
/// When a port is taken, or the system has no more of something.
pub fn run(port: u16, admin_port: u16) -> Result<Ending, RunError> {
    control_runtime()?.block_on(async {
        let (stop, stops) = stops_on_signals().map_err(RunError::Signals)?;
        let tasks = Tasks::new();
        let servers = Servers::start(SERVERS, &tasks).await?;
        let addresses = servers.addresses();
        let config = config(&addresses, port, admin_port)?;
        let gateway = Gateway::start(&config, Given::default()).await?;
        print(&invitation(gateway.bound(), &addresses));
        tasks.spawn(obey(servers, stop));
        Ok(gateway.run(stops).await)
    })
}

/// Obeys the terminal; `quit` stops the gateway as a signal would.
async fn obey(servers: Servers, stop: Sender<Stop>) {
    if terminal(&servers).await == Leave::Quit {
        stop.try_send(Stop("quit")).ok();
    }
}

fn config(servers: &[Address], port: u16, admin_port: u16) -> Result<Config, RunError> {
    let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let yaml = config_yaml(servers, local(port), local(admin_port));
    switchyard_config::parse(&yaml, Path::new("demo.yaml")).map_err(RunError::Config)
}

fn invitation(bound: &[Bound], servers: &[Address]) -> String {
    let at = |name: &str| {
        let listener = bound.iter().find(|bound| &*bound.listener == name);
        listener.map_or_else(String::new, |bound| bound.address.to_string())
    };
    let servers: Vec<_> = servers
        .iter()
        .map(|server| format!("{} {}", server.name, server.address))
        .collect();
    format!(
        "
  open      http://{web}/      in two tabs; a room stays on one server
  publish   switchyard publish room:lobby --admin http://{admin} --text '{news}'
  metrics   http://{admin}/metrics
  servers   {servers}
  commands  list, kill NAME, revive NAME, quit

",
        news = r#"{"type":"message","nickname":"news","text":"hello"}"#,
        web = at("web"),
        admin = at("admin"),
        servers = servers.join(", "),
    )
}

/// Whoever closed standard output does not want to read this; the demo goes on.
fn print(text: &str) {
    io::stdout().write_all(text.as_bytes()).ok();
}
