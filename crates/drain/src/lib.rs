//! How a process leaves: phases that everyone can watch, tasks that are waited for, and goodbyes
//! that do not all come at once.
//!
//! - [`channel`]: one [`Control`] says which [`Phase`] it is, many [`Watch`]es react.
//! - [`Tasks`]: the only way to start a task, so that none is forgotten.
//! - [`Stagger`]: when to ask which session to go.
//! - [`Presence`]: how long something has been of no use.
//! - [`Retirement`]: what is done for something ends when it goes out of use.
//!
//! Not here: what each phase means to a listener or a session. They know that themselves.

mod phase;
mod presence;
mod retirement;
mod stagger;
mod tasks;

pub use phase::{Control, Phase, Watch, channel};
pub use presence::Presence;
pub use retirement::Retirement;
pub use stagger::Stagger;
pub use tasks::Tasks;
