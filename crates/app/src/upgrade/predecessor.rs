//! The process whose place this one takes, and what is inherited of it.

use std::collections::HashMap;
use std::env;
use std::fs::File;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, OwnedFd};

use arcstr::ArcStr;
use switchyard_handoff::{Channel, Inheritance, Taker};
use switchyard_push::ReplicaId;

use super::BUILD;
use super::successor::VARIABLE;
use crate::bind::PassedTo;
use crate::error::StartError;

/// The other end of standard input.
pub(crate) struct Predecessor {
    end: OwnedFd,
}

/// What this process begins with.
#[derive(Debug, Default)]
pub(crate) struct Heritage {
    sockets: HashMap<String, Vec<TcpListener>>,
    /// What sessions know this process as, if they are another's.
    pub(crate) replica: Option<ReplicaId>,
}

impl Predecessor {
    /// `None` where this process was started by somebody else. Standard input is nothing from then on: it
    /// would hold the socket open.
    ///
    /// # Errors
    /// Standard input cannot be taken.
    pub(crate) fn of_this_process() -> io::Result<Option<Self>> {
        if env::var_os(VARIABLE).is_none() {
            return Ok(None);
        }
        let end = io::stdin().as_fd().try_clone_to_owned()?;
        rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
        Ok(Some(Self { end }))
    }

    /// Says that this process has all it needs by itself, and gets the sockets.
    pub(super) async fn inherit(self) -> Result<(Taker, Inheritance), StartError> {
        let taker = Taker::meet(Channel::new(self.end)?, BUILD).await?;
        let inheritance = taker.inherit().await?;
        Ok((taker, inheritance))
    }
}

impl Heritage {
    pub(super) fn of(inheritance: Inheritance) -> Self {
        let mut by_name = HashMap::<_, Vec<TcpListener>>::new();
        for (name, socket) in inheritance.sockets {
            by_name.entry(name).or_default().push(socket.into());
        }
        Self {
            sockets: by_name,
            replica: Some(ReplicaId::of(inheritance.identity.replica)),
        }
    }

    /// Whose they are of these names and addresses. A listener that listened somewhere else has none.
    pub(crate) fn among(mut self, places: &[(&str, SocketAddr)]) -> PassedTo {
        let mut claimed = PassedTo::new();
        for (name, address) in places {
            let sockets = self.sockets.remove(*name).unwrap_or_default();
            if !sockets.is_empty() && fits(*address, &sockets) {
                claimed.insert(ArcStr::from(*name), sockets);
            }
        }
        claimed
    }
}

/// Whether these sockets listen where `wanted` says; any port will do where it asks for any.
fn fits(wanted: SocketAddr, sockets: &[TcpListener]) -> bool {
    let is_for = |bound: SocketAddr| {
        wanted.ip() == bound.ip() && (wanted.port() == 0 || wanted.port() == bound.port())
    };
    let mut sockets = sockets.iter();
    sockets.all(|socket| socket.local_addr().is_ok_and(is_for))
}
