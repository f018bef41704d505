//! What each command does.

mod channels;
mod clusters;
mod drain;
mod probe;
mod publish;
mod reload;
mod sessions;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use switchyard_app::Ending;
use switchyard_config::Config;

use crate::cli::{Command, Demo, Explain, Upgrade};

/// The exit code when a drain did not end in order: its deadline came, or a second signal.
const SESSIONS_CUT: u8 = 3;

pub(crate) fn execute(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Run(config) => run(&config.path),
        Command::Upgrade(upgrade) => upgraded(&upgrade),
        Command::Check(config) => check(&config.path),
        Command::Explain(explain) => explained(&explain),
        Command::Schema => schema(),
        Command::Sessions(sessions) => sessions::execute(&sessions),
        Command::Publish(publish) => publish::execute(&publish),
        Command::Channels(channels) => channels::execute(&channels),
        Command::Drain(drain) => drain::execute(&drain),
        Command::Clusters(clusters) => clusters::execute(&clusters),
        Command::Reload(reload) => reload::execute(&reload),
        Command::Probe(probe) => probe::execute(&probe),
        Command::Demo(demo) => demonstrate(&demo),
    }
}

fn run(path: &Path) -> anyhow::Result<ExitCode> {
    let beginning = switchyard_app::Beginning::new(path)?;
    let ending = beginning.run(&load(path)?)?;
    Ok(exit_code(ending))
}

fn upgraded(upgrade: &Upgrade) -> anyhow::Result<ExitCode> {
    let outcome = switchyard_app::ask_for_upgrade(upgrade.pid)?;
    print(&format!("{outcome}\n"))
}

fn check(path: &Path) -> anyhow::Result<ExitCode> {
    switchyard_app::check(&load(path)?)?;
    print(&format!("{}: ok\n", path.display()))
}

fn explained(explain: &Explain) -> anyhow::Result<ExitCode> {
    let config = load(&explain.config.path)?;
    let explanation =
        switchyard_app::explain(&config, &explain.url, &explain.headers, explain.from)?;
    print(&explanation)
}

fn schema() -> anyhow::Result<ExitCode> {
    let schema = serde_json::to_string_pretty(&switchyard_config::schema())?;
    print(&format!("{schema}\n"))
}

fn demonstrate(demo: &Demo) -> anyhow::Result<ExitCode> {
    let ending = switchyard_demo::run(demo.port, demo.admin_port)?;
    Ok(exit_code(ending))
}

fn load(path: &Path) -> anyhow::Result<Config> {
    switchyard_config::load(path).map_err(|errors| anyhow::anyhow!("{errors}"))
}

fn exit_code(ending: Ending) -> ExitCode {
    match ending {
        Ending::InOrder => ExitCode::SUCCESS,
        Ending::Cut { .. } => ExitCode::from(SESSIONS_CUT),
    }
}

/// Writes a result. A reader that went away (`| head`) is an error like any other, not a panic.
fn print(text: &str) -> anyhow::Result<ExitCode> {
    use std::io::Write as _;
    std::io::stdout()
        .write_all(text.as_bytes())
        .context("standard output could not be written")?;
    Ok(ExitCode::SUCCESS)
}
