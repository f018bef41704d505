//! An explanation as lines of text: a label, and what it is.

use std::fmt;

use super::{Affinity, Destination, Explanation, Order, Routed, Verdict};
use crate::routes::Mismatch;

/// Writes one line, with its label in a column of its own.
fn line(f: &mut fmt::Formatter<'_>, label: &str, text: impl fmt::Display) -> fmt::Result {
    writeln!(f, "{label:<10} {text}")
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let listener = self.listener.as_deref().unwrap_or("none has this port");
        line(f, "listener", listener)?;
        line(f, "client", self.client)?;
        match &self.verdict {
            Verdict::Refused(violation) => line(f, "refused", violation),
            Verdict::Tried { trials, routed } => {
                for (route, trial) in trials {
                    line(f, "route", format_args!("{route}: {}", reason(*trial)))?;
                }
                match routed {
                    Some(routed) => routed.fmt(f),
                    None => line(f, "refused", "no route matches (404)"),
                }
            }
        }
    }
}

fn reason(trial: Result<(), Mismatch>) -> &'static str {
    match trial {
        Ok(()) => "matches",
        Err(Mismatch::Host) => "is for another host",
        Err(Mismatch::Path) => "is for another path",
        Err(Mismatch::Header) => "asks for a header that is missing or has another value",
    }
}

impl fmt::Display for Routed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.captures {
            line(f, "capture", format_args!("{name} = {value}"))?;
        }
        match &self.channels {
            Ok(channels) => channels.iter().try_for_each(|it| line(f, "channel", it))?,
            Err(reason) => return line(f, "refused", reason),
        }
        if self.destinations.is_empty() {
            return line(f, "cluster", "none, the gateway opens the session itself");
        }
        match &self.affinity {
            Affinity::Value { source, value } => {
                line(f, "affinity", format_args!("{source} = {value}"))?;
            }
            Affinity::Cookie { name } => {
                line(
                    f,
                    "affinity",
                    format_args!("cookie {name} names the endpoint"),
                )?;
            }
            Affinity::Nothing => line(f, "affinity", "none")?,
        }
        let weights = self
            .destinations
            .iter()
            .map(|destination| u64::from(destination.weight));
        let total: u64 = weights.sum();
        self.destinations
            .iter()
            .try_for_each(|destination| destination.describe(f, total))
    }
}

impl Destination {
    fn describe(&self, f: &mut fmt::Formatter<'_>, total: u64) -> fmt::Result {
        let cluster = &self.cluster;
        if u64::from(self.weight) == total {
            line(f, "cluster", cluster)?;
        } else {
            line(
                f,
                "cluster",
                format_args!("{cluster} (weight {} of {total})", self.weight),
            )?;
        }
        if self.endpoints.is_empty() {
            return line(f, "order", "looked up by the gateway when it runs");
        }
        line(f, "order", self.order)?;
        for (position, endpoint) in (1..).zip(&self.endpoints) {
            line(f, "", format_args!("{position}. {endpoint}"))?;
        }
        Ok(())
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fixed => "by the affinity, the same on every replica",
            Self::FirstFixed => "the first by the cookie, then as the balancer decides",
            Self::Open => "as the balancer decides",
        })
    }
}
