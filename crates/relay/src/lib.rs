//! Moves the bytes of sessions between two connections, and keeps a list of the sessions.
//!
//! [`Relay`] is a future for one session: it reads what a peer sent into its worker's buffer, shows
//! it to `proto`'s session machine and writes what that says, at once. A session that is idle
//! holds no buffer; one whose peer is slow holds what that peer has not taken, no more than its
//! limit, and does not read the other peer meanwhile. [`Registry`] is the list of one worker's
//! sessions, and keeps their timers; [`Walk`] goes through those of all workers. [`Asking`] asks sessions to
//! go, one after the other, and a [`Handle`] tells how its session stands ([`Figures`]).
//!
//! Not here: HTTP, routes, where connections come from and what is logged when a session ends.
//! What a session may do is `proto`'s; this crate owns bytes, readiness and time.

mod asking;
mod backlog;
mod clock;
mod drain;
mod figures;
mod freeze;
mod handle;
mod leg;
mod mailbox;
mod message;
mod meter;
mod pending;
mod registry;
mod relay;
mod request_id;
mod scratch;
mod session_info;
mod sweep;
mod terms;
#[cfg(test)]
mod testing;
mod walk;

pub use asking::{Asking, Progress};
pub use backlog::{Delivery, OnFull, Queue};
pub use clock::now;
pub use drain::{DrainOrder, DrainPlan};
pub use figures::Figures;
pub use freeze::{Freeze, Parcel, Verdict};
pub use handle::Handle;
pub use leg::Leg;
pub use message::Message;
pub use meter::Meter;
pub use registry::{Registry, Ticket};
pub use relay::{Closed, Ended, Relay, RelayLimits, Still};
pub use request_id::RequestId;
pub use session_info::{SessionId, SessionInfo, Tie};
pub use sweep::{Report, ask_each};
pub use switchyard_proto::session::Traffic;
pub use terms::Terms;
pub use walk::Walk;
