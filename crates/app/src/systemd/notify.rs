//! Tells the service manager what the process is doing: `sd_notify(3)`.
//!
//! One datagram a message. What the manager acts upon waits for room in its queue, but not for long; what
//! is only good to know does not wait.

use std::ffi::OsStr;
use std::fmt::Display;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::UnixDatagram;
use std::sync::Arc;
use std::time::Duration;

use rustix::net::{SendFlags, SocketAddrUnix, sendto};
use rustix::time::{ClockId, clock_gettime};

/// Where the manager listens.
const VARIABLE: &str = "NOTIFY_SOCKET";

/// How long a message that matters waits for a manager that is busy.
const PATIENCE: Duration = Duration::from_secs(1);

/// The service manager, if there is one. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Manager {
    line: Option<Arc<Line>>,
}

#[derive(Debug)]
struct Line {
    socket: UnixDatagram,
    manager: SocketAddrUnix,
}

/// Whether a message may wait for room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weight {
    /// The manager waits for it.
    Needed,
    /// The next one says as much.
    Passing,
}

impl Manager {
    /// The one that `NOTIFY_SOCKET` names: a path, or `@` and the name of an abstract socket.
    ///
    /// # Errors
    /// It names none, or the system gives no socket.
    pub fn from_env() -> io::Result<Self> {
        std::env::var_os(VARIABLE).map_or(Ok(Self::default()), |address| Self::at(&address))
    }

    fn at(address: &OsStr) -> io::Result<Self> {
        let bytes = address.as_bytes();
        let manager = match bytes.strip_prefix(b"@") {
            Some(name) => SocketAddrUnix::new_abstract_name(name)?,
            None if bytes.starts_with(b"/") => SocketAddrUnix::new(bytes)?,
            None => return Err(io::ErrorKind::InvalidInput.into()),
        };
        let socket = UnixDatagram::unbound()?;
        socket.set_write_timeout(Some(PATIENCE))?;
        Ok(Self {
            line: Some(Arc::new(Line { socket, manager })),
        })
    }

    /// Whether anybody listens.
    pub fn is_there(&self) -> bool {
        self.line.is_some()
    }

    /// Everything listens; also after a reload.
    pub fn ready(&self) {
        self.tell("READY=1", Weight::Needed);
    }

    /// The configuration is being read anew; [`ready`](Self::ready) says when it has been.
    pub fn reloading(&self) {
        let now = clock_gettime(ClockId::Monotonic);
        let micros = i128::from(now.tv_sec) * 1_000_000 + i128::from(now.tv_nsec) / 1_000;
        let message = format!("RELOADING=1\nMONOTONIC_USEC={micros}");
        self.tell(&message, Weight::Needed);
    }

    /// The process leaves, and may need so long for it.
    pub fn stopping(&self, within: Duration) {
        let micros = within.as_micros();
        let message = format!("STOPPING=1\nEXTEND_TIMEOUT_USEC={micros}");
        self.tell(&message, Weight::Needed);
    }

    /// Another process is the service's from now on.
    pub fn main_process(&self, id: u32) {
        self.tell(&format!("MAINPID={id}"), Weight::Needed);
    }

    /// What people see in `systemctl status`; one line.
    pub fn status(&self, text: &dyn Display) {
        self.tell(&format!("STATUS={text}"), Weight::Passing);
    }

    /// The process is not stuck.
    pub(super) fn alive(&self) {
        self.tell("WATCHDOG=1", Weight::Passing);
    }

    fn tell(&self, message: &str, weight: Weight) {
        let Some(line) = &self.line else { return };
        match line.send(message, weight) {
            Ok(()) => {}
            Err(error) if weight == Weight::Needed => {
                tracing::warn!(told = message, %error, "the service manager could not be told");
            }
            Err(error) => {
                tracing::debug!(told = message, %error, "the service manager could not be told");
            }
        }
    }
}

impl Line {
    fn send(&self, message: &str, weight: Weight) -> io::Result<()> {
        let flags = match weight {
            Weight::Needed => SendFlags::empty(),
            Weight::Passing => SendFlags::DONTWAIT,
        };
        // To an address each time: the manager may have bound its socket anew meanwhile.
        sendto(&self.socket, message.as_bytes(), flags, &self.manager)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::os::linux::net::SocketAddrExt as _;
    use std::os::unix::net::SocketAddr;
    use std::time::Instant;

    use super::*;

    /// A manager that listens at an abstract address of this process's own.
    fn listening(name: &str) -> (UnixDatagram, Manager) {
        let name = format!("switchyard-test-{}-{name}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let socket = UnixDatagram::bind_addr(&address).unwrap();
        let manager = Manager::at(OsStr::new(&format!("@{name}"))).unwrap();
        (socket, manager)
    }

    fn heard(socket: &UnixDatagram) -> String {
        let mut message = [0; 200];
        let len = socket.recv(&mut message).unwrap();
        String::from_utf8(message[..len].to_vec()).unwrap()
    }

    #[test]
    fn each_state_is_a_datagram() {
        let (socket, manager) = listening("states");
        manager.ready();
        manager.status(&"3 sessions");
        manager.stopping(Duration::from_secs(95));
        manager.main_process(42);
        manager.alive();
        assert_eq!(heard(&socket), "READY=1");
        assert_eq!(heard(&socket), "STATUS=3 sessions");
        assert_eq!(heard(&socket), "STOPPING=1\nEXTEND_TIMEOUT_USEC=95000000");
        assert_eq!(heard(&socket), "MAINPID=42");
        assert_eq!(heard(&socket), "WATCHDOG=1");
    }

    #[test]
    fn a_reload_says_when_it_began_by_the_managers_clock() {
        let (socket, manager) = listening("reload");
        let now = || clock_gettime(ClockId::Monotonic).tv_sec;
        let before = now();
        manager.reloading();
        let message = heard(&socket);
        let micros = message
            .strip_prefix("RELOADING=1\nMONOTONIC_USEC=")
            .unwrap();
        let seconds = micros.parse::<i64>().unwrap() / 1_000_000;
        assert!((before..=now()).contains(&seconds), "{message}");
    }

    #[test]
    fn a_manager_that_does_not_read_is_not_waited_for() {
        let (_socket, manager) = listening("deaf");
        let start = Instant::now();
        for _ in 0..10_000 {
            manager.alive();
        }
        manager.ready();
        assert!(start.elapsed() < PATIENCE * 10);
    }

    #[test]
    fn what_names_no_socket_is_an_error_and_nobody_is_not() {
        for address in ["", "relative", "vsock:2:1"] {
            Manager::at(OsStr::new(address)).unwrap_err();
        }
        let nobody = Manager::default();
        nobody.ready();
        assert!(!nobody.is_there());
    }
}
