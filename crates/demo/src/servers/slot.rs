//! One server's place: its name, its port, and the life in it, if any.
//!
//! The port is reserved by a second socket that is bound but never listens: while the server is
//! dead, connections are refused and nobody else can take the port.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::{Mutex, MutexGuard, PoisonError};

use switchyard_drain::Tasks;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::{Mutex as AsyncMutex, watch};

use super::{Address, State, Status};
use crate::chat::Rooms;
use crate::error::Error;
use crate::http::{self, Server};
use crate::identity::Identity;

/// Connections the kernel holds for us before we accept them.
const BACKLOG: u32 = 1024;

/// Tells one connection of a server from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ConnectionId(pub(crate) u64);

/// Which connection of a killed server may finish the answer it is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mercy {
    None,
    For(ConnectionId),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Signal {
    Live,
    Cut(Mercy),
}

/// Held by everything that runs for a server: says when to stop, and by being dropped that it did.
#[derive(Clone, Debug)]
pub(crate) struct Lifeline(watch::Receiver<Signal>);

impl Lifeline {
    /// Returns when the server is killed.
    pub(crate) async fn cut(&mut self) -> Mercy {
        match self
            .0
            .wait_for(|signal| *signal != Signal::Live)
            .await
            .as_deref()
        {
            Ok(Signal::Cut(mercy)) => *mercy,
            Ok(Signal::Live) | Err(_) => Mercy::None,
        }
    }
}

/// A server that runs, or ran: what to cut it with.
#[derive(Debug)]
struct Life {
    rooms: Arc<Rooms>,
    signal: watch::Sender<Signal>,
}

impl Life {
    fn is_live(&self) -> bool {
        *self.signal.borrow() == Signal::Live
    }
}

#[derive(Debug)]
pub(super) struct Slot {
    identity: Identity,
    address: SocketAddr,
    /// Keeps the port; see the module.
    _reservation: TcpSocket,
    /// One kill or revival at a time.
    turn: AsyncMutex<()>,
    life: Mutex<Option<Life>>,
}

impl Slot {
    pub(super) fn reserve(identity: Identity, wanted: SocketAddr) -> Result<Self, Error> {
        let listen = |source| Error::Listen {
            name: identity.name,
            address: wanted,
            source,
        };
        let reservation = bind(wanted).map_err(listen)?;
        let address = reservation.local_addr().map_err(listen)?;
        Ok(Self {
            identity,
            address,
            _reservation: reservation,
            turn: AsyncMutex::new(()),
            life: Mutex::new(None),
        })
    }

    pub(super) fn identity(&self) -> Identity {
        self.identity
    }

    pub(super) fn address(&self) -> Address {
        Address {
            name: self.identity.name,
            address: self.address,
        }
    }

    pub(super) fn status(&self) -> Status {
        let held = self.life();
        let live = held.as_ref().filter(|life| life.is_live());
        Status {
            name: self.identity.name,
            colour: self.identity.colour,
            address: self.address,
            state: if live.is_some() {
                State::Live
            } else {
                State::Dead
            },
            people: live.map_or(0, |life| life.rooms.people()),
        }
    }

    pub(super) async fn kill(&self, mercy: Mercy) -> Result<(), Error> {
        let _turn = self.turn.lock().await;
        let signal = match self.life().as_ref().filter(|life| life.is_live()) {
            Some(life) => life.signal.clone(),
            None => return Err(Error::Dead(self.identity.name)),
        };
        signal.send_replace(Signal::Cut(mercy));
        if mercy == Mercy::None {
            signal.closed().await;
        }
        Ok(())
    }

    pub(super) async fn revive(&self, server: Server, tasks: &Tasks) -> Result<(), Error> {
        let _turn = self.turn.lock().await;
        self.wait_for_the_last_life().await?;
        let listener = self.listen()?;
        self.begin(listener, server, tasks);
        Ok(())
    }

    fn begin(&self, listener: TcpListener, server: Server, tasks: &Tasks) {
        let (signal, lifeline) = watch::channel(Signal::Live);
        let rooms = Arc::clone(server.rooms());
        tasks.spawn(http::accept(listener, Arc::new(server), Lifeline(lifeline)));
        *self.life() = Some(Life { rooms, signal });
    }

    /// The old listener must be gone before a new one takes the port.
    async fn wait_for_the_last_life(&self) -> Result<(), Error> {
        let signal = match self.life().as_ref() {
            None => return Ok(()),
            Some(life) if life.is_live() => return Err(Error::Live(self.identity.name)),
            Some(life) => life.signal.clone(),
        };
        signal.closed().await;
        Ok(())
    }

    fn listen(&self) -> Result<TcpListener, Error> {
        bind(self.address)
            .and_then(|socket| socket.listen(BACKLOG))
            .map_err(|source| Error::Listen {
                name: self.identity.name,
                address: self.address,
                source,
            })
    }

    fn life(&self) -> MutexGuard<'_, Option<Life>> {
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A socket that shares its port with others that are bound like this, which are all ours.
fn bind(address: SocketAddr) -> std::io::Result<TcpSocket> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()
    } else {
        TcpSocket::new_v6()
    }?;
    socket.set_reuseport(true)?;
    socket.bind(address)?;
    Ok(socket)
}
