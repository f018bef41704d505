//! Accept, route, admission and handshake towards the client.
//!
//! A connection comes in at a [`Listener`], over TLS or without, is served HTTP/1.1 or HTTP/2 and either answered request by
//! request or turned into a session. Both kinds of request are vetted by the same rules, take the
//! same [routes](RouteTable) and find their endpoint by the same affinity. This crate joins the two
//! that do not see each other: `upstream` dials, `relay` moves the bytes.
//!
//! - [`Snapshot`]: the configuration in the shape of use.
//! - [`bind`], [`serve`], [`Worker`]: accepting and serving.
//! - [`Drains`]: what takes no new sessions, by order.
//! - [`adopt`], [`Berth`]: going on with what another process has accepted.
//! - [`explain()`]: what would become of a request, and why.
//!
//! Not here: frames, health, discovery, shutdown order.

mod accept;
mod admission;
mod affinity;
mod answer;
mod berth;
mod channels;
mod client_address;
mod client_cert;
mod connection;
mod cookies;
mod drains;
mod exchange;
pub mod explain;
mod fields;
mod forward;
mod framing;
mod handover;
mod http1;
mod http2;
mod io;
mod issued_cookie;
mod join;
mod listener;
mod moving;
mod opening;
mod origin;
mod plain;
mod prefixed;
mod protocol;
mod proxy_protocol;
mod push_only;
mod query;
mod random;
mod refusal;
mod reply;
mod route;
pub mod routes;
mod running;
mod seat;
mod selection;
mod service;
mod snapshot;
mod subscription;
mod succession;
mod tls;
mod turns;
mod upload;
mod vet;
mod websocket;
mod worker;

pub use accept::{serve, take_over};
pub use berth::{Berth, Moored, Unmoored};
pub use drains::{Drained, Drains};
pub use explain::{Explanation, explain};
pub use handover::{Handover, Inbox};
pub use listener::{Listener, ListenerSettings, OpenListener, Reception, Site, adopt, bind};
pub use moving::Moving;
pub use refusal::Refusal;
pub use route::Route;
pub use routes::RouteTable;
pub use snapshot::{Snapshot, SnapshotCell, SnapshotError};
pub use succession::Fate;
pub use vet::Violation;
pub use worker::{Equipment, Worker};
