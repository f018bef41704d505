//! What the service manager is told, in which order.

use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;
use std::process::Command;

use switchyard_testkit::{Endpoint, Gateway, PATIENCE, Settings};
use tempfile::TempDir;

use crate::support::{BINARY, Stage};

/// The manager's end.
struct Manager(UnixDatagram);

impl Manager {
    fn at(path: &Path) -> Self {
        Self::with(UnixDatagram::bind(path).unwrap())
    }

    fn with(socket: UnixDatagram) -> Self {
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(socket)
    }

    #[track_caller]
    fn hear(&self) -> String {
        let mut message = [0; 500];
        let len = self.0.recv(&mut message).expect("a message");
        String::from_utf8(message[..len].to_vec()).unwrap()
    }

    /// The next message that is about something.
    #[track_caller]
    fn hear_of(&self, what: &str) -> String {
        loop {
            let message = self.hear();
            if message.starts_with(what) {
                return message;
            }
        }
    }
}

fn run(config: &Path, address: &str) -> Command {
    let mut command = Command::new(BINARY);
    command.args(["run", "--config"]).arg(config);
    command.env("NOTIFY_SOCKET", address);
    command
}

fn managed(address: &str, settings: impl FnOnce(Settings) -> Settings) -> Stage {
    let endpoint = Endpoint::bind();
    let settings = settings(Settings::to(&[endpoint.address()]));
    let gateway = Gateway::start_by(&settings, |config| run(config, address));
    Stage { gateway, endpoint }
}

#[test]
fn it_is_told_of_every_step_in_order() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("notify");
    let manager = Manager::at(&path);
    let mut stage = managed(path.to_str().unwrap(), |it| {
        it.drain("ready_delay: 0s")
            .drain("over: 0s")
            .drain("deadline: 20s")
    });
    let first = [manager.hear(), manager.hear()];
    assert!(first.contains(&"READY=1".to_owned()), "{first:?}");
    assert!(
        first.contains(&"STATUS=serving, sessions: 0".to_owned()),
        "{first:?}"
    );
    let (one, two) = (stage.open(), stage.open());
    manager.hear_of("STATUS=serving, sessions: 2");
    stage.gateway.terminate();
    let within = "EXTEND_TIMEOUT_USEC=30000000";
    assert_eq!(manager.hear(), format!("STOPPING=1\n{within}"));
    assert_eq!(manager.hear(), "STATUS=leaving: not ready, still accepting");
    assert_eq!(manager.hear(), "STATUS=draining: 2 of 2 sessions left");
    drop(one);
    assert_eq!(manager.hear(), "STATUS=draining: 1 of 2 sessions left");
    drop(two);
    assert_eq!(
        manager.hear_of("STATUS=stopped"),
        "STATUS=stopped, sessions cut: 0"
    );
    assert!(stage.gateway.wait_exit().success());
}

#[test]
fn an_abstract_socket_is_as_good() {
    let name = format!("switchyard-e2e-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let manager = Manager::with(UnixDatagram::bind_addr(&address).unwrap());
    let _stage = managed(&format!("@{name}"), |it| it);
    manager.hear_of("READY=1");
}

#[test]
fn signs_of_life_come_when_they_are_wanted() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("notify");
    let manager = Manager::at(&path);
    let endpoint = Endpoint::bind();
    let settings = Settings::to(&[endpoint.address()]);
    let _gateway = Gateway::start_by(&settings, |config| {
        let mut command = run(config, path.to_str().unwrap());
        command.env("WATCHDOG_USEC", "100000");
        command
    });
    for _ in 0..5 {
        manager.hear_of("WATCHDOG=1");
    }
}

#[test]
fn a_manager_that_is_gone_is_no_reason_to_stop() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("nobody");
    let stage = managed(path.to_str().unwrap(), |it| it);
    stage.open().talk();
    let said = "the service manager could not be told";
    let line = stage.gateway.records(1, said).remove(0);
    assert_eq!(line["level"], "WARN", "{line}");
}
