//! Sockets that are handed over.

use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsRawFd as _;
use std::path::Path;
use std::process::{Command, Output};

use rustix::io::{FdFlags, fcntl_setfd};
use switchyard_testkit::{Endpoint, Gateway, Handshake, Settings, handshake};
use tempfile::TempDir;

use crate::support::{BINARY, Ends, Stage};

/// A socket that listens before the gateway is there, and may be inherited.
fn listening() -> TcpListener {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    fcntl_setfd(&listener, FdFlags::empty()).unwrap();
    listener
}

fn at(listener: &TcpListener) -> SocketAddr {
    listener.local_addr().unwrap()
}

/// The gateway with these sockets and their names.
fn passed(config: &Path, sockets: &[(&TcpListener, &str)]) -> Command {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/activate.py");
    let mut command = Command::new("python3");
    command.arg(script);
    for (socket, name) in sockets {
        command.arg(format!("{}:{name}", socket.as_raw_fd()));
    }
    command.args(["--", BINARY, "run", "--config"]).arg(config);
    command
}

fn stage(sockets: &[(&TcpListener, &str)], settings: impl FnOnce(Settings) -> Settings) -> Stage {
    let endpoint = Endpoint::bind();
    let settings = settings(Settings::to(&[endpoint.address()]));
    let gateway = Gateway::start_by(&settings, |config| passed(config, sockets));
    Stage { gateway, endpoint }
}

#[test]
fn clients_that_connected_before_it_started_are_served() {
    let socket = listening();
    let waiting: Vec<_> = (0..8)
        .map(|_| Handshake::to("/").send(at(&socket)))
        .collect();
    let endpoint = Endpoint::named("a");
    let settings = Settings::to(&[endpoint.address()]).workers(4);
    let _gateway = Gateway::start_by(&settings, |config| passed(config, &[(&socket, "web")]));
    drop(socket);
    for client in waiting {
        let mut client = handshake::finish(client);
        client.send_text("at last");
        assert_eq!(client.receive_text(), "at last");
    }
}

#[test]
fn the_name_says_whose_it_is_and_otherwise_the_address() {
    let (web, admin) = (listening(), listening());
    let address = format!("address: \"{}\"", at(&admin));
    let sockets = [(&admin, "switchyard.socket"), (&web, "web")];
    let endpoint = Endpoint::bind();
    let text = Settings::to(&[endpoint.address()]).render();
    let text = text.replace(
        "admin:\n  address: \"127.0.0.1:0\"",
        &format!("admin:\n  {address}"),
    );
    let folder = TempDir::new().unwrap();
    let config = folder.path().join("switchyard.yaml");
    std::fs::write(&config, text).unwrap();
    let gateway = Gateway::start_by(&Settings::to(&[]), |_| passed(&config, &sockets));
    assert_eq!((gateway.web(), gateway.admin()), (at(&web), at(&admin)));
    assert_eq!(gateway.ask_admin("/healthz").status(), 200);
    let stage = Stage { gateway, endpoint };
    stage.open().talk();
}

#[test]
fn several_sockets_of_one_listener_are_all_served() {
    let sockets: Vec<_> = (0..3).map(|_| listening()).collect();
    let named: Vec<_> = sockets.iter().map(|socket| (socket, "web")).collect();
    let stage = stage(&named, |it| it.workers(2));
    for socket in &sockets {
        let client = Handshake::to("/").send(at(socket));
        let server = stage.endpoint.accept_websocket();
        let client = handshake::finish(client);
        Ends { client, server }.talk();
    }
}

#[test]
fn the_socket_outlives_the_gateway() {
    let socket = listening();
    let quick = |it: Settings| it.drain("ready_delay: 0s");
    let mut first = stage(&[(&socket, "web")], quick);
    first.open().talk();
    first.gateway.terminate();
    assert!(first.gateway.wait_exit().success());
    // Nobody is there, and nobody is refused.
    let client = Handshake::to("/").send(at(&socket));
    let second = stage(&[(&socket, "web")], quick);
    let server = second.endpoint.accept_websocket();
    let client = handshake::finish(client);
    Ends { client, server }.talk();
}

fn refused(sockets: &[(&TcpListener, &str)]) -> Output {
    let folder = TempDir::new().unwrap();
    let config = folder.path().join("switchyard.yaml");
    let endpoint = Endpoint::bind();
    std::fs::write(&config, Settings::to(&[endpoint.address()]).render()).unwrap();
    passed(&config, sockets).output().unwrap()
}

#[test]
fn one_that_fits_no_listener_keeps_it_from_starting() {
    let (web, spare) = (listening(), listening());
    let output = refused(&[(&web, "web"), (&spare, "metrics")]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    let expected = format!("socket `metrics` on {}, which", at(&spare));
    assert!(said.contains(&expected), "{said}");
}

#[test]
fn what_does_not_listen_keeps_it_from_starting() {
    let listener = listening();
    let connected = std::net::TcpStream::connect(at(&listener)).unwrap();
    fcntl_setfd(&connected, FdFlags::empty()).unwrap();
    let connected = TcpListener::from(std::os::fd::OwnedFd::from(connected));
    let output = refused(&[(&connected, "web")]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("descriptor 3 (`web`)") && said.contains("Accept=yes"),
        "{said}"
    );
}
