//! `switchyard probe`.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;

use super::print;
use crate::admin_client::AdminClient;
use crate::cli::Probe;
use crate::echo::Echo;

/// For a gateway's word about itself, unless the command line says otherwise.
const FOR_A_WORD: Duration = Duration::from_secs(5);

/// For a WebSocket that is opened, used and closed.
const FOR_AN_ECHO: Duration = Duration::from_secs(10);

pub(crate) fn execute(probe: &Probe) -> anyhow::Result<ExitCode> {
    if let Some(url) = &probe.echo {
        let echo = Echo::new(url, &probe.handshake)?;
        let heard = echo.run(probe.timeout.unwrap_or(FOR_AN_ECHO))?;
        return print(&format!("{heard}\n"));
    }
    if probe.ready {
        return ask(probe, "/readyz", "not ready");
    }
    ask(probe, "/healthz", "not live")
}

/// Its word for how it is; an error that begins with `otherwise` if it is not as it should be.
fn ask(probe: &Probe, resource: &str, otherwise: &str) -> anyhow::Result<ExitCode> {
    let patience = probe.timeout.unwrap_or(FOR_A_WORD);
    let client = AdminClient::without_token(&probe.admin, probe.config.as_deref(), patience)?;
    let state = client.state(resource)?;
    if !state.is_well {
        bail!("{otherwise}: {}", state.status);
    }
    print(&format!("{}\n", state.status))
}
