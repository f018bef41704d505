//! Many streams of one connection: what one does or fails to do is no matter of the others.

use switchyard_testkit::endpoint::echo;
use switchyard_testkit::peer::Role;
use switchyard_testkit::{Endpoint, Frame, Head, Http2, Peer, Settings, Socket, handshake};

use super::Stage;
use crate::support::{Ends, gateway};

const TALKING: usize = 10;
const STALLED: usize = 90;

/// Twice what a stream's window takes.
const BLOCK: usize = 64 * 1024;
/// And what a frame of that size has before it.
const HEADER: usize = 10;

#[test]
fn a_hundred_sessions_have_one_connection() {
    let stage = Stage::new();
    let connection = stage.connect();
    let mut all: Vec<Ends> = (0..100).map(|_| stage.open(&connection)).collect();
    stage.wait_sessions(100);
    let labels = [("listener", "web")];
    let metrics = stage.gateway.metrics();
    assert_eq!(metrics.count("switchyard_listener_connections", &labels), 1);
    all.iter_mut().for_each(Ends::talk);
    let big = vec![0x5A; 200_000];
    for ends in &mut all {
        ends.client.send(&Frame::binary(big.clone()));
    }
    for ends in &mut all {
        assert!(ends.server.receive().payload == big);
    }
    for mut ends in all {
        ends.client.send(&Frame::close(1000, ""));
        ends.server.answer_close();
        assert_eq!(ends.client.receive_close().0, 1000);
        ends.client.socket().finish();
    }
    stage.wait_sessions(0);
}

/// An endpoint that echoes, and one that floods whoever comes with small messages as `/flood`, and takes
/// nothing from who comes as `/deaf`.
fn endpoint() -> Endpoint {
    Endpoint::serve(|mut socket: Socket| {
        let Some(request) = Head::next(&mut socket) else {
            return;
        };
        socket.send(&handshake::accept(&request, &[]));
        let target = request.target().to_owned();
        let mut peer = Peer::new(socket, Role::Endpoint, request);
        match &*target {
            "/flood" => flood(&mut peer),
            "/deaf" => std::mem::forget(peer),
            _ => echo(peer),
        }
    })
}

fn flood(peer: &mut Peer) {
    let block = peer.encode(&Frame::text("x".repeat(50))).repeat(100);
    while peer.socket().try_send(&block).is_ok() {}
}

#[track_caller]
fn all_echo(clients: &mut [Peer]) {
    let text = "y".repeat(BLOCK);
    for client in clients.iter_mut() {
        client.send_text(&text);
    }
    for client in clients {
        assert!(client.receive_text() == text);
    }
}

fn over_http2(endpoint: &Endpoint) -> Settings {
    Settings::to(&[endpoint.address()])
        .listener("http2: on")
        .listener("extended_connect: on")
}

#[test]
fn clients_that_take_nothing_do_not_hold_up_the_others() {
    let endpoint = endpoint();
    let gateway = gateway(&over_http2(&endpoint));
    let connection = Http2::over(&Socket::connect(gateway.web()));
    let open = |_| connection.websocket("/echo", &[]).expect("a session");
    let mut talking: Vec<_> = (0..TALKING).map(open).collect();
    let _stalled: Vec<_> = (0..STALLED).map(|_| connection.stalled("/flood")).collect();
    let from_upstream = [("route", "main"), ("direction", "from_upstream")];
    switchyard_testkit::eventually("floods that stand still", || {
        let before = gateway
            .metrics()
            .count("switchyard_bytes_total", &from_upstream);
        all_echo(&mut talking);
        let echoed = (TALKING * (BLOCK + HEADER)) as u64;
        let after = gateway
            .metrics()
            .count("switchyard_bytes_total", &from_upstream);
        (after > 0 && after - before == echoed).then_some(())
    });
    all_echo(&mut talking);
}

#[test]
fn endpoints_that_take_nothing_do_not_hold_up_the_others() {
    let endpoint = endpoint();
    let gateway = gateway(&over_http2(&endpoint));
    let connection = Http2::over(&Socket::connect(gateway.web()));
    let open = |_| connection.websocket("/echo", &[]).expect("a session");
    let mut talking: Vec<_> = (0..TALKING).map(open).collect();
    let mut stalled: Vec<_> = (0..STALLED).map(|_| connection.stalled("/deaf")).collect();
    // Each of them has more under way than the kernel, the gateway and its window take.
    let frame = Frame::text("x".repeat(50)).encode(Some([1, 2, 3, 4]));
    for stream in &mut stalled {
        for _ in 0..6_000 {
            stream.send(frame.repeat(20));
        }
    }
    for _ in 0..10 {
        all_echo(&mut talking);
    }
}
