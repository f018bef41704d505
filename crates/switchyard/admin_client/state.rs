//! How gateways are: those at every address of a name, of which one that is as it should be is enough.
//!
//! A service without an address of its own (`clusterIP: None`) has one address for each pod, and some may be on their way out.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use http::Method;
use http_body_util::Full;
use serde_json::Value;
use tokio::net::lookup_host;
use tokio::time::timeout;

use super::{AdminClient, Unreachable, run};

/// The longest answer that is read: it is a word.
const MOST: usize = 64 << 10;

/// What of so many addresses is told; how many more there are is said.
const TOLD: usize = 5;

/// What a gateway says of itself.
#[derive(Debug)]
pub(crate) struct State {
    /// Whether it is as it should be.
    pub(crate) is_well: bool,
    /// Its word for it; those of all, where there are several.
    pub(crate) status: String,
}

impl AdminClient {
    /// Asks one of the resources that say how the gateway is, at every address at once. The first that is well decides.
    pub(crate) fn state(&self, target: &str) -> anyhow::Result<State> {
        let stated = run(async {
            let addresses = self.addresses().await?;
            self.state_among(&addresses, target).await
        });
        stated?.map_err(|error| self.with_help(error))
    }

    async fn addresses(&self) -> anyhow::Result<BTreeSet<SocketAddr>> {
        let looking = timeout(self.patience, lookup_host(&self.authority));
        let found = looking.await.map_err(|_elapsed| self.is_silent())?;
        Ok(found.map_err(Unreachable)?.collect())
    }

    async fn state_among(
        &self,
        addresses: &BTreeSet<SocketAddr>,
        target: &str,
    ) -> anyhow::Result<State> {
        let asking = addresses.iter();
        let mut asking: FuturesUnordered<_> = asking
            .map(|address| async { (*address, self.state_at(*address, target).await) })
            .collect();
        let mut said = Vec::new();
        while let Some((address, state)) = asking.next().await {
            match state {
                Ok(state) if state.is_well => return Ok(state),
                _ if addresses.len() == 1 => return state,
                Ok(state) => said.push((address, state.status)),
                Err(error) => said.push((address, format!("{error:#}"))),
            }
        }
        Ok(State {
            is_well: false,
            status: told(said),
        })
    }

    async fn state_at(&self, address: SocketAddr, target: &str) -> anyhow::Result<State> {
        let request = self.request(&Method::GET, target).body(Full::default())?;
        let (status, body) = self.exchange(address, request, MOST).await?;
        let word = body.get("status").and_then(Value::as_str);
        let word = word.ok_or_else(|| self.is_no_gateway(status, "no `status`"))?;
        Ok(State {
            is_well: status.is_success(),
            status: word.to_owned(),
        })
    }
}

/// What was said at which address, in order.
fn told(mut said: Vec<(SocketAddr, String)>) -> String {
    said.sort();
    let mut parts: Vec<_> = said
        .iter()
        .take(TOLD)
        .map(|(address, word)| format!("{word} ({address})"))
        .collect();
    match said.len().saturating_sub(TOLD) {
        0 => {}
        more => parts.push(format!("and {more} more")),
    }
    parts.join("; ")
}

#[cfg(test)]
mod tests;
