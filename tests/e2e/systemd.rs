//! Under a service manager: what it is told, the sockets that it hands over, and the units that come along.

mod activation;
mod notify;
mod units;
