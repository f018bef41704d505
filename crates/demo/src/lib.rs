//! Three small chat servers and a page, to try the gateway without installing anything.
//!
//! What it is for: a person opens one page through the gateway, chats across tabs, sees which
//! server answers, kills one and watches what becomes of its sessions. Tests use the same servers
//! as well-behaved endpoints that can crash on request.
//!
//! What it is not: the gateway. Nothing here is on a data path, and the servers know nothing of
//! what stands in front of them: [`config_yaml`] is all that joins the two.

mod chat;
mod error;
mod gateway;
mod http;
mod identity;
mod run;
mod servers;
mod terminal;

pub use error::Error;
pub use gateway::config_yaml;
pub use run::{RunError, run};
pub use servers::{Address, Servers, State, Status};
pub use terminal::{Leave, terminal};
