//! What one end sends, the other receives: whole, unchanged and in order, however it is cut up.

use switchyard_testkit::frame::opcode;
use switchyard_testkit::{Frame, Handshake, Head, Peer, handshake};

use crate::support::{Ends, Stage};

/// A bit of everything that RFC 6455 allows, control frames between fragments included.
fn conversation() -> Vec<Frame> {
    vec![
        Frame::text("hello"),
        Frame::binary([]),
        Frame::text("a message ").unfinished(),
        Frame::ping("in between"),
        Frame::continuation("in three ").unfinished(),
        Frame::pong("and again"),
        Frame::continuation("pieces"),
        Frame::binary(vec![7; 126]),
        Frame::binary(vec![8; 65_536]),
        Frame::ping(vec![9; 125]),
        Frame::text(""),
    ]
}

/// Sends the conversation in pieces of the sizes that `next` gives; checks that the bytes arrive
/// as they were sent.
#[track_caller]
fn sends_unchanged(from: &mut Peer, to: &mut Peer, mut next: impl FnMut() -> usize) {
    let bytes: Vec<u8> = conversation()
        .iter()
        .flat_map(|frame| from.encode(frame))
        .collect();
    let mut rest = bytes.as_slice();
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(next().min(rest.len()));
        from.socket().send(piece);
        rest = after;
    }
    assert_eq!(to.socket().receive_vec(bytes.len()), bytes);
}

#[test]
fn frames_arrive_unchanged_with_the_clients_own_mask() {
    let stage = Stage::new();
    let Ends {
        mut client,
        mut server,
    } = stage.open();
    sends_unchanged(&mut client, &mut server, || usize::MAX);
    sends_unchanged(&mut server, &mut client, || usize::MAX);
}

#[test]
fn one_byte_at_a_time_makes_no_difference() {
    let stage = Stage::new();
    let Ends {
        mut client,
        mut server,
    } = stage.open();
    sends_unchanged(&mut client, &mut server, || 1);
    sends_unchanged(&mut server, &mut client, || 1);
}

#[test]
fn pieces_of_any_size_make_no_difference() {
    let stage = Stage::new();
    let Ends {
        mut client,
        mut server,
    } = stage.open();
    for seed in 1..=16_u64 {
        let mut random = seed;
        let mut size = || {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            usize::try_from(random >> 52).unwrap() + 1
        };
        sends_unchanged(&mut client, &mut server, &mut size);
        sends_unchanged(&mut server, &mut client, &mut size);
    }
}

#[test]
fn sixteen_mebibytes_go_either_way() {
    let stage = Stage::new();
    let Ends {
        mut client,
        mut server,
    } = stage.open();
    let message: Vec<u8> = (0..16 << 20_u32)
        .map(|n: u32| n.to_be_bytes()[2] ^ n.to_be_bytes()[3])
        .collect();
    let frame = Frame::binary(message);
    std::thread::scope(|scope| {
        scope.spawn(|| client.send(&frame));
        assert!(server.receive() == frame, "the message differs");
    });
    std::thread::scope(|scope| {
        scope.spawn(|| server.send(&frame));
        assert!(client.receive() == frame, "the message differs");
    });
}

#[test]
fn both_ways_at_once() {
    const MESSAGES: usize = 2_000;
    let stage = Stage::new();
    let Ends {
        mut client,
        mut server,
    } = stage.open();
    let text = |from: &str, n: usize| format!("{from} {n} {}", "x".repeat(n % 700));
    let send = |peer: &Peer, from: &'static str| {
        let bytes: Vec<u8> = (0..MESSAGES)
            .flat_map(|n| peer.encode(&Frame::text(text(from, n))))
            .collect();
        bytes
    };
    let (from_client, from_server) = (send(&client, "client"), send(&server, "server"));
    let mut writers = [client.socket().writer(), server.socket().writer()];
    std::thread::scope(|scope| {
        let [to_server, to_client] = &mut writers;
        scope.spawn(|| to_server.send(&from_client));
        scope.spawn(|| to_client.send(&from_server));
        scope.spawn(|| {
            (0..MESSAGES).for_each(|n| assert_eq!(client.receive_text(), text("server", n)));
        });
        (0..MESSAGES).for_each(|n| assert_eq!(server.receive_text(), text("client", n)));
    });
}

#[test]
fn pings_and_pongs_are_the_peers_own() {
    let stage = Stage::new();
    let Ends {
        mut client,
        mut server,
    } = stage.open();
    client.send(&Frame::ping("from the client"));
    let ping = server.receive();
    assert_eq!(ping, Frame::ping("from the client"));
    server.send(&Frame::pong("from the client"));
    assert_eq!(client.receive(), Frame::pong("from the client"));
}

#[test]
fn bytes_that_come_with_the_handshake_are_not_lost() {
    let stage = Stage::new();
    let hello = Frame::text("with the request").encode(Some([1, 2, 3, 4]));
    let mut early = Handshake::to("/").encode();
    early.extend(hello);
    let mut socket = switchyard_testkit::Socket::connect(stage.gateway.web());
    socket.send(&early);

    let mut server = stage.endpoint.accept();
    let request = Head::read(&mut server);
    let mut answer = handshake::accept(&request, &[]);
    answer.extend(Frame::text("with the answer").encode(None));
    server.send(&answer);

    let mut server = Peer::new(server, switchyard_testkit::peer::Role::Endpoint, request);
    let mut client = handshake::finish(socket);
    assert_eq!(client.receive_text(), "with the answer");
    assert_eq!(server.receive_text(), "with the request");
    Ends { client, server }.talk();
}

#[test]
fn compressed_frames_pass_untouched_once_agreed() {
    let stage = Stage::new();
    let mut ends = stage.open_compressed();
    // "Hello" as in RFC 7692, section 7.2.3.1.
    let compressed =
        Frame::new(opcode::TEXT, *b"\xf2\x48\xcd\xc9\xc9\x07\x00").with_reserved(0b100);
    ends.client.send(&compressed);
    assert_eq!(ends.server.receive(), compressed);
    ends.server.send(&compressed);
    assert_eq!(ends.client.receive(), compressed);
    ends.talk();
}

#[test]
fn bytes_frames_and_messages_are_counted() {
    let stage = Stage::new();
    let mut ends = stage.open();
    let mut bytes = 0;
    for frame in conversation() {
        bytes += ends.client.encode(&frame).len();
        ends.client.send(&frame);
        ends.server.receive();
    }
    let gateway = &stage.gateway;
    let route = ("route", "main");
    let from = |kind| [route, ("direction", "from_downstream"), kind];
    let bytes = u64::try_from(bytes).unwrap();
    gateway.wait_metric("switchyard_bytes_total", &from(route), bytes);
    gateway.wait_metric("switchyard_messages_total", &from(("kind", "text")), 3);
    gateway.wait_metric("switchyard_messages_total", &from(("kind", "binary")), 3);
    gateway.wait_metric("switchyard_message_bytes_count", &from(route), 6);
    gateway.wait_metric("switchyard_frames_total", &from(("opcode", "ping")), 2);
    gateway.wait_metric("switchyard_frames_total", &from(("opcode", "pong")), 1);
    gateway.wait_metric("switchyard_sessions", &[route], 1);
    ends.server.send_text("and back");
    let back = [route, ("direction", "from_upstream")];
    gateway.wait_metric("switchyard_bytes_total", &back, 10);
    gateway.wait_metric("switchyard_messages_total", &back, 1);
}
