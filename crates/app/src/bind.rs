//! Binds every address before anything is served.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use switchyard_config::{Admin, Config};
use switchyard_edge::Listener;
use switchyard_telemetry::Metrics;
use tokio::net::TcpListener;

use crate::error::StartError;

/// A listener with the address it really has, which differs from the configured one when that has port 0.
#[derive(Clone, Debug)]
pub struct Bound {
    /// The listener's name; `admin` for the admin listener.
    pub listener: Arc<str>,
    /// The address it accepts on.
    pub address: SocketAddr,
}

/// Every socket of the gateway.
pub(crate) struct Sockets {
    /// For each worker, one socket a listener.
    pub(crate) workers: Vec<Vec<Listener>>,
    pub(crate) admin: Option<TcpListener>,
    /// Every listener's address, the admin listener last.
    pub(crate) bound: Vec<Bound>,
}

/// Binds the public listeners, once a worker each, and the admin listener.
pub(crate) fn all(
    config: &Config,
    workers: usize,
    metrics: &Metrics,
) -> Result<Sockets, StartError> {
    let mut sockets = Sockets {
        workers: std::iter::repeat_with(Vec::new).take(workers).collect(),
        admin: None,
        bound: Vec::new(),
    };
    for listener in &config.listeners {
        let bound = switchyard_edge::bind(listener, workers, metrics)
            .map_err(|source| refused(&listener.name, listener.address, source))?;
        sockets.bound.extend(bound.first().map(|first| Bound {
            listener: Arc::clone(first.name()),
            address: first.address(),
        }));
        for (worker, socket) in sockets.workers.iter_mut().zip(bound) {
            worker.push(socket);
        }
    }
    if let Some(admin) = &config.admin {
        let (listener, bound) =
            bind_admin(admin).map_err(|source| refused("admin", admin.address, source))?;
        sockets.admin = Some(listener);
        sockets.bound.push(bound);
    }
    Ok(sockets)
}

fn bind_admin(admin: &Admin) -> io::Result<(TcpListener, Bound)> {
    let socket = std::net::TcpListener::bind(admin.address)?;
    socket.set_nonblocking(true)?;
    let bound = Bound {
        listener: Arc::from("admin"),
        address: socket.local_addr()?,
    };
    Ok((TcpListener::from_std(socket)?, bound))
}

fn refused(listener: &str, address: SocketAddr, source: io::Error) -> StartError {
    StartError::Bind {
        listener: Arc::from(listener),
        address,
        source,
    }
}
