//! The sockets that are listened on: all are bound before any is served, unless the service manager has done
//! it, and a reload binds what it adds before it closes what it takes away.

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::os::fd::OwnedFd;
use std::sync::Arc;

use arcstr::ArcStr;
use switchyard_config::{Admin, Config};
use switchyard_edge::{Listener, ListenerSettings, OpenListener, Reception, Site, Snapshot};
use tokio::net::TcpListener;

use crate::error::StartError;
use crate::systemd::{Passed, spread};
use crate::upgrade::Heritage;
use crate::worker::Doors;

/// The name of the admin listener, here and for the service manager.
pub(crate) const ADMIN: &str = "admin";

/// A listener with the address it really has, which differs from the configured one when that has port 0.
#[derive(Clone, Debug)]
pub struct Bound {
    /// The listener's name; `admin` for the admin listener.
    pub listener: ArcStr,
    /// The address it accepts on.
    pub address: SocketAddr,
}

impl Bound {
    /// Says where it listens. Scripts and tests that bind to port 0 read this line.
    pub(crate) fn announce(&self) {
        let Self { listener, address } = self;
        tracing::info!(%listener, %address, "listening");
    }
}

/// The public listeners that are open.
#[derive(Default)]
pub(crate) struct OpenListeners {
    open: Vec<(OpenListener, Arc<ListenerSettings>)>,
}

/// What becomes of the listeners that are open, worked out and not done.
pub(crate) struct Opening {
    next: Vec<(Fresh, Arc<ListenerSettings>)>,
}

/// A listener of the next configuration.
enum Fresh {
    /// One that is open, under these settings from now on.
    Kept(ArcStr),
    /// It is bound, and nobody serves it yet.
    Bound(OpenListener, Vec<Listener>),
}

impl OpenListeners {
    /// Binds what is not open yet, once for each worker; what was `passed` is bound.
    ///
    /// A listener whose address another one has that goes, or that itself has and was encrypted otherwise,
    /// takes over the sockets of that one: nobody who connects meanwhile is turned away.
    pub(crate) fn prepare(
        &self,
        snapshot: &Snapshot,
        passed: &PassedTo,
        site: Site<'_>,
    ) -> Result<Opening, StartError> {
        let mut next = Vec::new();
        for settings in snapshot.listeners() {
            let fresh = match passed.get(settings.name()) {
                Some(passed) => taken(settings, passed, site),
                None => self.fresh(settings, site),
            };
            let fresh =
                fresh.map_err(|source| refused(settings.name(), settings.address(), source))?;
            next.push((fresh, Arc::clone(settings)));
        }
        Ok(Opening { next })
    }

    fn fresh(&self, settings: &Arc<ListenerSettings>, site: Site<'_>) -> io::Result<Fresh> {
        let mut open = self.open.iter();
        if let Some((same, _)) = open.find(|(_, was)| was.goes_on_as(settings)) {
            return Ok(Fresh::Kept(same.name().clone()));
        }
        let has_socket = |(_, was): &&(_, Arc<ListenerSettings>)| was.is_at(settings.address());
        let bound = match self.open.iter().find(has_socket) {
            Some((there, _)) => there.succeeded_by(settings, site),
            None => switchyard_edge::bind(settings, site),
        };
        bound.map(|(open, listeners)| Fresh::Bound(open, listeners))
    }

    /// Does what was worked out: those that stay go by their settings, those that are new are served
    /// through `doors`, and the rest is closed. Returns those that are new.
    pub(crate) async fn adopt(&mut self, opening: Opening, doors: &Doors) -> Vec<Bound> {
        let mut were = std::mem::take(&mut self.open);
        let mut new = Vec::new();
        for (fresh, settings) in opening.next {
            match fresh {
                Fresh::Kept(name) => {
                    let at = were.iter().position(|(open, _)| *open.name() == name);
                    if let Some(at) = at {
                        let (open, _) = were.swap_remove(at);
                        open.adopt(Arc::clone(&settings));
                        self.open.push((open, settings));
                    }
                }
                Fresh::Bound(open, listeners) => {
                    new.extend(bound(&open));
                    self.open.push((open, settings));
                    for (door, listener) in doors.iter().cycle().zip(listeners) {
                        // It is not served any more where the gateway is on its way out.
                        drop(door.send(listener).await);
                    }
                }
            }
        }
        for (gone, _) in were {
            for Bound { listener, address } in bound(&gone) {
                tracing::info!(%listener, %address, "closed");
            }
            gone.close();
        }
        new
    }

    /// Where connections are received that another process has accepted.
    pub(crate) fn receptions(&self) -> Vec<Reception> {
        self.open.iter().map(|(open, _)| open.reception()).collect()
    }

    /// Every socket by another descriptor, with its listener's name.
    pub(crate) fn duplicates(&self) -> io::Result<Vec<(ArcStr, OwnedFd)>> {
        let mut all = Vec::new();
        for (open, _) in &self.open {
            let sockets = open.duplicates()?.into_iter();
            all.extend(sockets.map(|socket| (open.name().clone(), socket)));
        }
        Ok(all)
    }

    /// Closes them all.
    pub(crate) fn close(&mut self) {
        self.open.drain(..).for_each(|(open, _)| open.close());
    }
}

/// A listener on sockets that were passed, which may be at several addresses.
fn taken(
    settings: &Arc<ListenerSettings>,
    passed: &[StdListener],
    site: Site<'_>,
) -> io::Result<Fresh> {
    let sockets = spread(passed, site.workers)?;
    let taken = switchyard_edge::adopt(settings, sockets, site);
    taken.map(|(open, listeners)| Fresh::Bound(open, listeners))
}

/// What was passed to which listener, by its name.
pub(crate) type PassedTo = HashMap<ArcStr, Vec<StdListener>>;

/// Finds out whose the sockets are that were passed by a service manager, or inherited of another process.
pub(crate) fn claim(
    passed: Passed,
    heritage: Heritage,
    config: &Config,
) -> Result<PassedTo, StartError> {
    let listeners = config.listeners.iter();
    let listeners = listeners.map(|listener| (&*listener.name, listener.address));
    let admin = config.admin.iter().map(|admin| (ADMIN, admin.address));
    let places: Vec<_> = listeners.chain(admin).collect();
    let mut claimed = heritage.among(&places);
    for ((name, _), sockets) in places.iter().zip(passed.among(&places)?) {
        if !sockets.is_empty() {
            claimed.insert(ArcStr::from(*name), sockets);
        }
    }
    Ok(claimed)
}

fn bound(open: &OpenListener) -> impl Iterator<Item = Bound> {
    open.addresses().iter().map(|address| Bound {
        listener: open.name().clone(),
        address: *address,
    })
}

/// Binds the admin listener, unless its socket was `passed`.
pub(crate) fn admin(
    admin: &Admin,
    passed: &mut PassedTo,
) -> Result<(TcpListener, Bound), StartError> {
    let passed = passed.remove(ADMIN).unwrap_or_default();
    bind_admin(admin, passed).map_err(|source| refused(ADMIN, admin.address, source))
}

fn bind_admin(admin: &Admin, mut passed: Vec<StdListener>) -> io::Result<(TcpListener, Bound)> {
    if passed.len() > 1 {
        return Err(io::Error::other(
            "it takes one socket, and several were passed",
        ));
    }
    let socket = passed
        .pop()
        .map_or_else(|| StdListener::bind(admin.address), Ok)?;
    socket.set_nonblocking(true)?;
    let bound = Bound {
        listener: ArcStr::from(ADMIN),
        address: socket.local_addr()?,
    };
    Ok((TcpListener::from_std(socket)?, bound))
}

fn refused(listener: &str, address: SocketAddr, source: io::Error) -> StartError {
    StartError::Bind {
        listener: ArcStr::from(listener),
        address,
        source,
    }
}
