//! How a process leaves: phases that everyone can watch, tasks that are waited for, and goodbyes
//! that do not all come at once.
//!
//! - [`channel`]: one [`Control`] says which [`Phase`] it is, many [`Watch`]es react;
//!   [`part_of`] a whole, such as a listener, may leave before it.
//! - [`Tasks`]: the only way to start a task, so that none is forgotten.
//! - [`Scope`]: what is drained, by name.
//! - [`Pace`]: when the next session may be asked to go; [`Stagger`] has the moments of [`Spread`].
//! - [`Budget`]: one pace for all replicas that drain at once.
//! - [`Presence`]: how long something has been of no use.
//! - [`Retirement`]: what is done for something ends when it goes out of use.
//!
//! Not here: what each phase means to a listener or a session. They know that themselves.

mod budget;
mod pace;
mod phase;
mod post;
mod presence;
mod retirement;
mod scope;
mod stage;
mod stagger;
mod tasks;

pub use budget::{Budget, Load, Share};
pub use pace::{Pace, Spread};
pub use phase::{Control, Phase, Watch, channel, channel_in_waiting, part_of};
pub use presence::Presence;
pub use retirement::Retirement;
pub use scope::{Place, Scope};
pub use stagger::Stagger;
pub use tasks::Tasks;
