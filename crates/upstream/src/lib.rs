//! Clusters, endpoints, dialling and the handshake towards them.
//!
//! A handshake or a request arrives here with its head finished: hop-by-hop fields dealt with,
//! `Host` set, the target in origin form. This crate orders the cluster's endpoints for it, dials
//! them in that order, writes it out as HTTP/1.1 and hands back what the endpoint answered.
//!
//! Not here: which cluster a request belongs to, what its affinity value is, how long a request may
//! take as a whole, and everything towards the client. Once the 101 is verified, nothing of HTTP is
//! left: a [`Switched`] is a socket and the bytes that came with the 101.

mod allowance;
mod attempts;
mod body;
mod cluster;
mod clusters;
mod dial;
mod dialer;
mod endpoint;
mod error;
mod first_answer;
mod health;
mod http1;
mod http2;
mod introduction;
mod lease;
mod line;
mod membership;
mod nursery;
mod outlier;
mod pending;
mod pool;
mod ports;
mod ranking;
mod rebalance;
mod replay;
mod retry_budget;
mod roster;
mod send;
mod shake;
mod socket;
mod sources;
mod standing;
mod status;
mod stream;
mod streams;
mod substream;
mod takeover;
mod tcp;
mod tls;
mod upgrade;
mod warmup;
mod within;
mod zones;

#[cfg(test)]
mod testing;

pub use body::{Body, BoxError};
pub use cluster::Cluster;
pub use clusters::{ClusterError, Clusters};
pub use dialer::Dialer;
pub use endpoint::Endpoint;
pub use error::DialError;
pub use first_answer::FirstAnswer;
pub use health::Health;
pub use introduction::Introduction;
pub use lease::Lease;
pub use line::Line;
pub use membership::{Departure, Departures};
pub use outlier::End;
pub use ranking::{Candidate, Place, Ranking};
pub use rebalance::{Level, Reason, Seat, Survey};
pub use send::Answered;
pub use socket::Socket;
pub use status::{ClusterStatus, EndpointStatus, Lookup, State};
pub use substream::Substream;
pub use upgrade::{Switched, Upgrade};
pub use within::Within;
