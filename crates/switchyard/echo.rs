//! One WebSocket, there and back: opened, sent a message, heard the same message, closed.
//!
//! It is what a client of the gateway does, so whoever passes knows that clients can. All of it has one deadline, and what
//! was waited for is said when that comes.
//!
//! Not here: reconnecting, and measuring more than one message.

mod conversation;
mod destination;
mod handshake;
mod line;
mod messages;

use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use tokio::time::Instant;

use crate::cli::Handshake;
use destination::Destination;
use handshake::Opening;

/// One to do.
pub(crate) struct Echo {
    destination: Destination,
    /// Where the connection goes, if not where the URL says.
    connect: Option<String>,
    opening: Opening,
    authorities: Option<PathBuf>,
}

/// One that was done.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Heard {
    /// From the message to its echo.
    pub(crate) after: Duration,
    /// Whether the other side was done in time: it answered the Close, or ended the connection.
    pub(crate) is_closed: bool,
}

/// When all has to be over.
#[derive(Clone, Copy)]
struct Deadline {
    at: Instant,
    /// How long that was from the beginning.
    patience: Duration,
}

impl Echo {
    /// Looks at what was said before anything is done.
    pub(crate) fn new(url: &str, handshake: &Handshake) -> anyhow::Result<Self> {
        let destination = Destination::parse(url)?;
        let opening = Opening::new(&destination, &handshake.headers)?;
        if let Some(place) = &handshake.connect {
            line::judge(place)?;
        }
        Ok(Self {
            destination,
            connect: handshake.connect.clone(),
            opening,
            authorities: handshake.ca.clone(),
        })
    }

    /// Does it.
    pub(crate) fn run(self, patience: Duration) -> anyhow::Result<Heard> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(self.converse(patience))
    }

    async fn converse(self, patience: Duration) -> anyhow::Result<Heard> {
        let deadline = Deadline {
            at: Instant::now() + patience,
            patience,
        };
        let tls = self.destination.tls(self.authorities.as_deref())?;
        let place = self.connect.as_deref();
        let place = place.unwrap_or_else(|| self.destination.place());
        let tcp = deadline
            .within("connection", line::connect(place))
            .await??;
        let socket = match tls {
            None => self.opening.send(tcp, deadline).await?,
            Some(tls) => {
                let stream = deadline.within("end of the TLS handshake", tls.connect(tcp));
                let (stream, _) = stream
                    .await?
                    .with_context(|| format!("no TLS with {place}"))?;
                self.opening.send(stream, deadline).await?
            }
        };
        conversation::hold(socket, deadline).await
    }
}

impl Deadline {
    /// What comes of `doing`, unless it comes too late.
    async fn within<T>(self, what: &str, doing: impl Future<Output = T>) -> anyhow::Result<T> {
        let done = tokio::time::timeout_at(self.at, doing).await;
        done.map_err(|_elapsed| anyhow!("no {what} within {:?}", self.patience))
    }
}

impl fmt::Display for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "echo after {:.1?}", self.after)?;
        if self.is_closed {
            return Ok(());
        }
        f.write_str("; the Close was not answered in time")
    }
}

/// What a peer has said, as it can be shown: some of it, and nothing that a terminal would take for an order.
fn shown(bytes: &[u8]) -> String {
    const MOST: usize = 80;
    let text = String::from_utf8_lossy(bytes);
    let start: String = text.trim().chars().take(MOST).collect();
    let more = if text.trim().len() > start.len() {
        "…"
    } else {
        ""
    };
    format!("`{}{more}`", start.escape_debug())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_is_told_in_a_line() {
        let mut heard = Heard {
            after: Duration::from_micros(1_234),
            is_closed: true,
        };
        assert_eq!(heard.to_string(), "echo after 1.2ms");
        heard.is_closed = false;
        assert_eq!(
            heard.to_string(),
            "echo after 1.2ms; the Close was not answered in time"
        );
    }

    #[test]
    fn what_a_peer_says_is_cut_and_harmless() {
        assert_eq!(shown(b" not found\n"), "`not found`");
        assert_eq!(shown(b"\x1b[2J\xff"), "`\\u{1b}[2J\u{fffd}`");
        let long = shown(&[b'x'; 81]);
        assert_eq!(long, format!("`{}…`", "x".repeat(80)));
    }
}
