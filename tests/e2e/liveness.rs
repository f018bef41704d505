//! The gateway's own Pings: who gets them, what becomes of the Pongs, and of a side that is silent.

mod foreign;
mod silent;

use switchyard_testkit::frame::opcode;
use switchyard_testkit::{Frame, Gateway, Peer, Settings, eventually};

use crate::support::{Ends, Stage};

/// Pings often, and waits for a Pong longer than any peer takes that a busy machine holds up.
const OFTEN: [&str; 2] = ["ping_interval: 50ms", "pong_timeout: 1m"];

fn with(settings: Settings, lines: &[&str]) -> Settings {
    lines
        .iter()
        .fold(settings, |settings, line| settings.websocket(line))
}

fn stage(lines: &[&str]) -> Stage {
    Stage::with(|settings| with(settings, lines))
}

/// Waits until both sides have answered so many Pings.
#[track_caller]
fn await_answers(gateway: &Gateway, least: u64) {
    for side in ["downstream", "upstream"] {
        let labels = [("route", "main"), ("side", side), ("result", "answered")];
        eventually("answered Pings", || {
            let answered = gateway.metrics().get("switchyard_pings_total", &labels)?;
            (answered >= f64::from(u32::try_from(least).ok()?)).then_some(())
        });
    }
}

/// The gateway's next Ping to a peer, with nothing before it.
#[track_caller]
fn receive_ping(peer: &mut Peer) -> Vec<u8> {
    let frame = peer.receive();
    assert_eq!((frame.opcode, frame.payload.len()), (opcode::PING, 8));
    frame.payload
}

/// The next frame that is not a Ping of the gateway's own. Those are answered, as a peer does.
#[track_caller]
fn receive(peer: &mut Peer) -> Frame {
    loop {
        let frame = peer.receive();
        if frame.opcode != opcode::PING || frame.payload.len() != 8 {
            return frame;
        }
        peer.send(&Frame::pong(frame.payload));
    }
}

#[test]
fn both_sides_are_pinged_and_their_answers_go_no_further() {
    let stage = stage(&OFTEN);
    let Ends {
        mut client,
        mut server,
    } = stage.open();
    for round in 1..=3 {
        let (down, up) = (receive_ping(&mut client), receive_ping(&mut server));
        assert_ne!(down, up, "each side has a payload of its own");
        client.send(&Frame::pong(down));
        server.send(&Frame::pong(up));
        await_answers(&stage.gateway, round);
    }
    client.send_text("hello");
    assert_eq!(receive(&mut server), Frame::text("hello"));
    server.send_text("there");
    assert_eq!(receive(&mut client), Frame::text("there"));
    client.send(&Frame::close(1000, ""));
    assert_eq!(receive(&mut server).closing().0, 1000);
    server.send(&Frame::close(1000, ""));
    drop((client, server));
    let record = stage.gateway.closed();
    assert_eq!(record["reason"], "close_frame", "{record}");
    for side in ["downstream", "upstream"] {
        let rtt = &record[format!("last_ping_rtt_ms_{side}")];
        assert!(rtt.as_f64().is_some_and(|rtt| rtt > 0.0), "{record}");
    }
    let metrics = stage.gateway.metrics();
    let of = |direction| [("direction", direction), ("opcode", "pong")];
    for direction in ["from_downstream", "from_upstream"] {
        assert_eq!(
            metrics.count("switchyard_frames_total", &of(direction)),
            0,
            "nothing was passed on"
        );
    }
}

#[test]
fn without_an_interval_there_are_none() {
    let stage = Stage::new();
    let mut ends = stage.open();
    ends.talk();
    let Ends { client, mut server } = ends;
    server.send(&Frame::close(1000, ""));
    client.answer_close();
    drop(server);
    let record = stage.gateway.closed();
    assert!(record.get("last_ping_rtt_ms_downstream").is_none());
    assert_eq!(
        stage.gateway.metrics().get("switchyard_pings_total", &[]),
        None
    );
}

#[test]
fn the_peers_own_pings_and_pongs_pass() {
    let stage = stage(&OFTEN);
    let Ends {
        mut client,
        mut server,
    } = stage.open();
    let ours = receive_ping(&mut client);
    let others = [
        Frame::ping("mine"),
        Frame::pong(""),
        Frame::pong(&ours[..7]),
        Frame::pong([&ours[..], b"!"].concat()),
        Frame::pong("a heartbeat of its own"),
    ];
    for frame in &others {
        client.send(frame);
        assert_eq!(receive(&mut server), *frame);
        let same = Frame::new(frame.opcode, frame.payload.clone());
        server.send(&same);
        assert_eq!(receive(&mut client), *frame);
    }
    client.send(&Frame::pong(ours));
    await_answers(&stage.gateway, 1);
}

#[test]
fn an_answer_comes_in_pieces_and_inside_a_message() {
    let stage = stage(&OFTEN);
    let Ends {
        mut client,
        mut server,
    } = stage.open();
    let payload = receive_ping(&mut client);
    let answer = client.encode(&Frame::pong(payload));
    client.send(&Frame::text("once ").unfinished());
    assert_eq!(receive(&mut server), Frame::text("once ").unfinished());
    for byte in answer.chunks(1) {
        client.socket().send(byte);
    }
    let labels = [("side", "downstream"), ("result", "answered")];
    let of = "switchyard_pings_total";
    eventually("the answer", || stage.gateway.metrics().get(of, &labels));
    client.send(&Frame::continuation("upon a time"));
    assert_eq!(receive(&mut server), Frame::continuation("upon a time"));
}

#[test]
fn pings_stand_between_the_frames_of_a_message() {
    let stage = stage(&OFTEN);
    let Ends {
        mut client,
        mut server,
    } = stage.open();
    let part = Frame::text("x".repeat(1000)).unfinished();
    let bytes = server.encode(&part);
    let (start, end) = bytes.split_at(500);
    server.socket().send(start);
    // By now the client has been quiet for as long: its Ping waits for the end of the frame.
    receive_ping(&mut server);
    server.socket().send(end);
    assert_eq!(client.receive(), part);
    receive_ping(&mut client);
    server.send(&Frame::continuation("y"));
    assert_eq!(client.receive(), Frame::continuation("y"));
}

#[test]
fn pings_stand_in_compressed_messages_and_carry_no_compression() {
    let stage = stage(&OFTEN);
    let Ends {
        mut client,
        mut server,
    } = stage.open_compressed();
    // "Hello", compressed and in two fragments: RFC 7692, section 7.2.3.1. Only the first has RSV1.
    let start = Frame::new(opcode::TEXT, [0xf2, 0x48, 0xcd]);
    let start = start.with_reserved(0b100).unfinished();
    let end = Frame::continuation([0xc9, 0xc9, 0x07, 0x00]);
    let (from, to) = (&mut client, &mut server);
    from.send(&start);
    assert_eq!(receive(to), start);
    let ping = receive_ping(to);
    to.send(&Frame::pong(ping));
    from.send(&end);
    assert_eq!(receive(to), end);
    // A peer's own control frame between the fragments, too.
    to.send(&start);
    assert_eq!(receive(from), start);
    to.send(&Frame::ping("mine"));
    assert_eq!(receive(from), Frame::ping("mine"));
    to.send(&end);
    assert_eq!(receive(from), end);
    await_answers(&stage.gateway, 1);
}

#[test]
fn pings_do_not_keep_an_idle_session() {
    let stage = stage(&["idle_timeout: 1s", OFTEN[0], OFTEN[1]]);
    let Ends {
        mut client,
        mut server,
    } = stage.open();
    std::thread::scope(|scope| {
        for peer in [&mut client, &mut server] {
            scope.spawn(|| {
                let frame = receive(peer);
                assert_eq!(frame.closing(), (1001, "idle_timeout"));
                peer.send(&Frame::close(1001, ""));
            });
        }
    });
    drop((client, server));
    let record = stage.gateway.closed();
    assert_eq!(record["reason"], "idle_timeout", "{record}");
    assert!(record["last_ping_rtt_ms_upstream"].is_f64(), "{record}");
}
