//! The binary is replaced and no socket is closed: this process starts the one that takes its place, gives it
//! the listening sockets and the live sessions, and leaves with what cannot move.
//!
//! - `successor`: the new process, as the old one starts it; `predecessor`: the other way round.
//! - `give`, `sessions`: what the old one does; `take`: what the new one does.
//! - `requests`: who asks for it, SIGUSR2 or `switchyard upgrade`; `ask`: the latter.
//! - `serve`: serving until there is an end to it, by a request to stop or by an upgrade.
//!
//! Not here: what the two say to one another (`switchyard_handoff`), and what a session is
//! (`switchyard_edge::Moving`).

mod ask;
mod failure;
mod give;
mod predecessor;
mod requests;
mod serve;
mod sessions;
mod successor;
mod take;

pub use ask::{AskError, ask};
pub(crate) use predecessor::{Heritage, Predecessor};
pub(crate) use requests::Requests;
pub(crate) use serve::serve;
pub(crate) use successor::Command;
pub(crate) use take::take_over;

/// What this binary is, for the other process to say.
const BUILD: &str = concat!(
    "switchyard ",
    env!("CARGO_PKG_VERSION"),
    " (",
    env!("SWITCHYARD_REVISION"),
    ")"
);
