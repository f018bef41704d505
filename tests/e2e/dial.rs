//! Where the gateway's connections to the endpoints come from, and what a handshake on one is.
//!
//! All of 127.0.0.0/8 is this machine's.

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::process::Command;
use std::sync::{Arc, Mutex};

use switchyard_testkit::endpoint::echo;
use switchyard_testkit::lines::message;
use switchyard_testkit::peer::Role;
use switchyard_testkit::{
    Endpoint, Gateway, Handshake, Head, Peer, Response, Settings, Socket, handshake,
};

use crate::support::{BINARY, Stage, gateway};

/// Set aside for documentation (RFC 5737), so no machine has it.
const STRANGER: &str = "192.0.2.1";

/// In this environment, the process is in a network of its own with few ports.
const FEW_PORTS: &str = "SWITCHYARD_TEST_FEW_PORTS";

/// Makes the network: the loopback interface alone is up, and has 16 ports for connections.
const NETWORK: &str = "import fcntl, os, socket, struct, sys
fcntl.ioctl(socket.socket(), 0x8914, struct.pack('16sh', b'lo', 1))
open('/proc/sys/net/ipv4/ip_local_port_range', 'w').write('40000 40015')
os.execv(sys.argv[1], sys.argv[1:])";

fn source_of(server: &mut Peer) -> IpAddr {
    server.socket().handle().peer_addr().unwrap().ip()
}

#[test]
fn sessions_come_evenly_from_the_source_addresses() {
    let stage = Stage::with(|it| it.cluster("source_addresses: [127.0.0.2, 127.0.0.3]"));
    let mut sessions: Vec<_> = (0..6).map(|_| stage.open()).collect();
    let mut seen = BTreeMap::new();
    for ends in &mut sessions {
        ends.talk();
        *seen.entry(source_of(&mut ends.server)).or_insert(0) += 1;
    }
    let each = [2, 3].map(|last| (IpAddr::from([127, 0, 0, last]), 3));
    assert_eq!(seen, each.into());
}

#[test]
fn an_address_of_another_machine_is_told_at_the_start_and_passed_over() {
    let sources = format!("source_addresses: [{STRANGER}, 127.0.0.2]");
    let stage = Stage::with(|it| it.cluster(&sources));
    let warning = stage.gateway.log().wait_for("a warning", |line| {
        message(
            line,
            "a source address cannot be dialled from; the machine may not have it",
        )
    });
    assert_eq!(
        (&warning["level"], &warning["cluster"], &warning["source"]),
        (&"WARN".into(), &"main".into(), &STRANGER.into())
    );
    for _ in 0..3 {
        let mut ends = stage.open();
        assert_eq!(source_of(&mut ends.server), IpAddr::from([127, 0, 0, 2]));
    }
}

#[test]
fn the_endpoint_is_not_to_blame_for_a_source_address() {
    let endpoint = Endpoint::bind();
    let settings = Settings::to(&[endpoint.address()]);
    let gateway = gateway(&settings.cluster(&format!("source_addresses: [{STRANGER}]")));
    let mut client = Handshake::to("/").send(gateway.web());
    assert_eq!(Response::read(&mut client).status(), 503);
    assert_blames_itself(&gateway);
    assert!(!endpoint.has_more());
}

#[track_caller]
fn assert_blames_itself(gateway: &Gateway) {
    let metrics = gateway.metrics();
    let shortage = [("result", "no_port")];
    assert_eq!(metrics.count("switchyard_handshakes_total", &shortage), 1);
    assert_eq!(metrics.count("switchyard_endpoint_failures_total", &[]), 0);
}

/// The test runs itself once more, in a network of its own: elsewhere ports are many, and not its.
#[test]
fn the_ports_of_every_source_address_are_used() {
    if env::var_os(FEW_PORTS).is_some() {
        return use_all_ports();
    }
    let this = env::current_exe().expect("this binary");
    let mut again = Command::new("unshare");
    again.args(["--user", "--map-root-user", "--net"]);
    again.args(["python3", "-c", NETWORK]).arg(this);
    again.args([
        "dial::the_ports_of_every_source_address_are_used",
        "--exact",
    ]);
    let output = again.env(FEW_PORTS, "yes").output().expect("unshare");
    let said = [output.stdout, output.stderr].map(|it| String::from_utf8_lossy(&it).into_owned());
    assert!(
        output.status.success() && said[0].contains("1 passed"),
        "this needs network namespaces: {}",
        said.concat()
    );
}

fn use_all_ports() {
    let seen = Arc::new(Mutex::new(BTreeMap::<IpAddr, usize>::new()));
    let counts = Arc::clone(&seen);
    let endpoint = Endpoint::serve(move |socket| {
        let source = socket.handle().peer_addr().unwrap().ip();
        *counts.lock().unwrap().entry(source).or_default() += 1;
        echo(agree(socket));
    });
    let gateway = Gateway::start_with(BINARY, &many_listeners(endpoint.address()));
    let webs = (0..3).map(|n| gateway.address(&format!("web-{n}")));
    let mut sessions = Vec::new();
    for web in webs.collect::<Vec<_>>().into_iter().cycle() {
        let mut client = Handshake::to("/").send(web);
        match Head::read(&mut client).status() {
            503 => break,
            status => assert_eq!(status, 101),
        }
        sessions.push(client);
    }
    let counts: Vec<_> = seen.lock().unwrap().values().copied().collect();
    assert_eq!(counts.len(), 2, "{counts:?}");
    assert_eq!(counts[0], counts[1], "a port of one address was not used");
    assert_blames_itself(&gateway);
    let used = gateway
        .metrics()
        .get("switchyard_upstream_ports_used_ratio", &[]);
    // Sixteen on each address, of which listeners have some.
    assert_eq!(
        used,
        Some(f64::from(u32::try_from(sessions.len()).unwrap()) / 32.0)
    );
}

/// The endpoint's side of a handshake.
fn agree(mut socket: Socket) -> Peer {
    let request = Head::read(&mut socket);
    socket.send(&handshake::accept(&request, &[]));
    Peer::new(socket, Role::Endpoint, request)
}

/// Three listeners: a client has as few ports to one as the gateway has to the endpoint.
fn many_listeners(endpoint: SocketAddr) -> String {
    let mut yaml = "listeners:\n".to_owned();
    for n in 0..3 {
        writeln!(yaml, "  - {{ name: web-{n}, address: \"127.0.0.1:0\" }}").expect("a string");
    }
    let rest = format!(
        "routes: [{{ name: main, cluster: main }}]\n\
         clusters:\n  \
           - name: main\n    \
             endpoints: [{{ address: \"{endpoint}\" }}]\n    \
             source_addresses: [127.0.0.2, 127.0.0.3]\n\
         admin: {{ address: \"127.0.0.1:0\" }}\n\
         workers: 1\n"
    );
    yaml + &rest
}

/// A handshake that gets to the endpoint, as it arrives there.
fn arriving(stage: &Stage) -> (Socket, Socket, String) {
    let handshake = Handshake::to("/a?b=c").with("X-CuStOm", "1");
    let client = handshake.send(stage.gateway.web());
    let mut server = stage.endpoint.accept();
    let head = server.receive_through(b"\r\n\r\n");
    (client, server, String::from_utf8(head).expect("ASCII"))
}

#[test]
fn field_names_of_a_handshake_are_as_the_cluster_wants_them() {
    for (case, name) in [("lower", "x-custom"), ("preserve", "X-CuStOm")] {
        let stage = Stage::with(|it| it.cluster(&format!("header_case: {case}")));
        let (mut client, mut server, head) = arriving(&stage);
        assert!(head.starts_with("GET /a?b=c HTTP/1.1\r\n"), "{head}");
        assert_eq!(
            head.matches(&format!("\r\n{name}: 1\r\n")).count(),
            1,
            "{head}"
        );
        server.send(b"HTTP/1.1 403 No\r\nX-WhY: 2\r\nContent-Length: 2\r\n\r\nno");
        let response = Response::read(&mut client);
        assert_eq!((response.status(), response.text()), (403, "no"));
    }
}

#[test]
fn a_declining_answer_streams_to_the_client() {
    let stage = Stage::new();
    let (mut client, mut server, _) = arriving(&stage);
    server.send(b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n");
    server.send(b"HTTP/1.1 401 Who\r\ntransfer-encoding: chunked\r\n\r\n3\r\nwho\r\n");
    client.receive_through(b"who");
    server.send(b"1\r\n?\r\n0\r\n\r\n");
    client.receive_through(b"?");
}

#[test]
fn frames_behind_the_101_come_first() {
    let stage = Stage::new();
    let client = Handshake::to("/").send(stage.gateway.web());
    let mut server = stage.endpoint.accept();
    let request = Head::read(&mut server);
    let answer = handshake::accept(&request, &[]);
    server.send(&[&answer[..], b"\x81\x05early"].concat());
    let mut server = Peer::new(server, Role::Endpoint, request);
    server.send_text("later");
    let mut client = handshake::finish(client);
    assert_eq!(client.receive_text(), "early");
    assert_eq!(client.receive_text(), "later");
}
