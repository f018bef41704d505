//! What a service manager is told, and what it hands over: systemd's protocols, spoken without its library.
//!
//! Under no manager there is nobody to tell and nothing is handed over, and nothing else is different. Not
//! here: what the manager may do to the process, which is in its unit (`config/systemd/`).

mod activation;
mod notify;
mod progress;
mod watchdog;

pub(crate) use activation::spread;
pub use activation::{ActivationError, Passed};
pub use notify::Manager;
pub(crate) use progress::{report, report_drain};
pub(crate) use watchdog::show_life;
