//! The gateway as one thing: composes the crates, runs the workers, shuts them down.
//!
//! It decides nothing about sessions; it only says which parts exist, on which thread, and in which order they stop.

mod admin;
mod bind;
mod care;
mod compose;
mod controls;
mod cores;
mod departures;
mod descriptors;
mod drains;
mod error;
mod explain;
mod first_answers;
mod live;
mod logging;
mod periodic;
mod plan;
mod push;
mod rebalance;
mod reload;
mod shutdown;
mod signals;
pub mod systemd;
mod upgrade;
mod worker;

use std::path::Path;

use switchyard_config::Config;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

pub use crate::bind::Bound;
pub use crate::compose::{Gateway, Given, control_runtime};
pub use crate::error::StartError;
pub use crate::explain::{ExplainError, explain};
pub use crate::shutdown::Ending;
pub use crate::signals::{Hangups, Stop, Stops, stops_on_signals};
use crate::systemd::{Manager, Passed};
pub use crate::upgrade::{AskError, ask as ask_for_upgrade};

/// Says whether the gateway could be put together from `config`, as far as that can be known without binding anything.
///
/// # Errors
/// What would keep it from starting, such as a key that does not belong to its certificate.
pub fn check(config: &Config) -> Result<(), StartError> {
    compose::snapshot(config)?;
    Ok(())
}

/// A process that hears signals and is no gateway yet: what asks it to stop meanwhile is not lost.
pub struct Beginning {
    given: Given,
    runtime: Runtime,
    stop: mpsc::Sender<Stop>,
    stops: Stops,
    hangups: Hangups,
}

impl Beginning {
    /// While this is the only thread: what is handed over is in the environment. SIGHUP will have `path` read again.
    ///
    /// # Errors
    /// What the process was given is of no use, or the system refuses a thread or a signal handler.
    pub fn new(path: &Path) -> Result<Self, StartError> {
        let given = Given {
            path: Some(path.to_owned()),
            passed: Passed::from_env()?,
            manager: Manager::from_env().map_err(StartError::Manager)?,
        };
        let runtime = control_runtime()?;
        let within = runtime.enter();
        let (stop, stops) = stops_on_signals().map_err(StartError::Signals)?;
        let hangups = Hangups::listen().map_err(StartError::Signals)?;
        drop(within);
        Ok(Self {
            given,
            runtime,
            stop,
            stops,
            hangups,
        })
    }

    /// Runs the gateway until SIGTERM or SIGINT stops it, or another process has taken its place. Where it was
    /// started to take another's place, it begins with what that has. `config` was read from the path.
    ///
    /// # Errors
    /// When it could not start; then nothing was served.
    pub fn run(self, config: &Config) -> Result<Ending, StartError> {
        let Self {
            given,
            runtime,
            stop,
            stops,
            hangups,
        } = self;
        let ending = runtime.block_on(async {
            let requests = upgrade::Requests::listen().map_err(StartError::Signals)?;
            let command = upgrade::Command::of_this_process().map_err(StartError::Process)?;
            let predecessor =
                upgrade::Predecessor::of_this_process().map_err(StartError::Process)?;
            let gateway = match predecessor {
                None => Gateway::start(config, given).await?,
                Some(predecessor) => upgrade::take_over(config, given, predecessor, stop).await?,
            };
            gateway.reload_on(hangups);
            Ok(upgrade::serve(gateway, stops, requests, &command).await)
        });
        // It may be looking at a file on a filesystem that does not answer.
        runtime.shutdown_background();
        ending
    }
}
