//! Moves the bytes of sessions between two connections, and keeps a list of the sessions.
//!
//! [`Relay`] is a future for one session: it reads what a peer sent into its worker's buffer, shows
//! it to `proto`'s session machine and writes what that says, at once. A session that is idle
//! holds no buffer; one whose peer is slow holds what that peer has not taken, no more than its
//! limit, and does not read the other peer meanwhile. [`Registry`] is the list of one worker's
//! sessions: it asks them to go when the worker drains, and keeps their timers.
//!
//! Not here: HTTP, routes, where connections come from and what is logged when a session ends.
//! What a session may do is `proto`'s; this crate owns bytes, readiness and time.

mod clock;
mod drain;
mod handle;
mod leg;
mod meter;
mod pending;
mod registry;
mod relay;
mod scratch;
mod terms;
#[cfg(test)]
mod testing;

pub use clock::now;
pub use drain::{DrainOrder, DrainPlan};
pub use handle::{Handle, RequestId, SessionId, SessionInfo, Tie};
pub use leg::{Leg, Wire};
pub use registry::{Registry, Ticket};
pub use relay::{Closed, Relay, RelayLimits};
pub use switchyard_proto::session::Traffic;
pub use terms::Terms;
