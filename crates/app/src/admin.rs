//! The door of the admin API: where it is listened on, which a reload may move or shut.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use switchyard_admin::Admin;
use switchyard_config as config;
use switchyard_drain::{Retirement, Tasks};
use tokio::net::TcpListener;

use crate::bind::{self, Bound, PassedTo};
use crate::error::StartError;

/// See the module.
pub(crate) struct AdminDoor {
    api: Arc<Admin>,
    tasks: Tasks,
    open: Option<Open>,
}

struct Open {
    asked: config::Admin,
    bound: Bound,
    /// The socket once more, for the process that takes over.
    socket: OwnedFd,
    retirement: Retirement,
}

/// What becomes of the door, worked out and not done.
pub(crate) enum Move {
    /// It is where it was.
    Stays,
    /// It is shut.
    Shuts,
    /// It is bound elsewhere, and nobody serves it yet.
    Opens(TcpListener, OwnedFd, Bound),
}

impl AdminDoor {
    /// One that is shut.
    pub(crate) fn new(api: Arc<Admin>) -> Self {
        Self {
            api,
            tasks: Tasks::new(),
            open: None,
        }
    }

    /// Binds the address that is asked for, unless it is open there or its socket was `passed`.
    pub(crate) fn prepare(
        &self,
        asked: Option<&config::Admin>,
        passed: &mut PassedTo,
    ) -> Result<Move, StartError> {
        let address = self.open.as_ref().map(|open| open.asked.address);
        match asked {
            None => Ok(Move::Shuts),
            Some(asked) if Some(asked.address) == address => Ok(Move::Stays),
            Some(asked) => {
                let (listener, bound) = bind::admin(asked, passed)?;
                let socket = listener.as_fd().try_clone_to_owned();
                Ok(Move::Opens(
                    listener,
                    socket.map_err(StartError::Process)?,
                    bound,
                ))
            }
        }
    }

    /// Does what was worked out for `asked`, and says where it is open now, if that is new. Requests that are
    /// being answered are answered.
    pub(crate) fn adopt(&mut self, planned: Move, asked: Option<&config::Admin>) -> Option<Bound> {
        let Some(asked) = asked else {
            self.shut();
            return None;
        };
        let is_new = matches!(planned, Move::Opens(..));
        self.api.ask_for(asked.token.as_ref());
        match planned {
            Move::Shuts => self.shut(),
            Move::Stays => {
                if let Some(open) = &mut self.open {
                    open.asked = asked.clone();
                }
            }
            Move::Opens(listener, socket, bound) => {
                self.shut();
                let retirement = Retirement::default();
                let serving =
                    switchyard_admin::serve(listener, Arc::clone(&self.api), self.tasks.clone());
                retirement.spawn_until(&self.tasks, serving);
                self.open = Some(Open {
                    asked: asked.clone(),
                    bound,
                    socket,
                    retirement,
                });
            }
        }
        self.open
            .as_ref()
            .filter(|_| is_new)
            .map(|open| open.bound.clone())
    }

    /// Its socket by another descriptor, if it is open.
    pub(crate) fn duplicate(&self) -> io::Result<Option<OwnedFd>> {
        let open = self.open.as_ref();
        open.map(|open| open.socket.try_clone()).transpose()
    }

    fn shut(&mut self) {
        if let Some(open) = self.open.take() {
            open.retirement.begin();
        }
    }
}
