//! Sessions that are in the middle of something.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use switchyard_testkit::{Frame, Handshake, Peer, Socket, eventually, handshake};

use super::{quick, upgrade, wait_sessions};
use crate::support::{Ends, Stage};

const SESSIONS: usize = 200;

/// Threads that keep them busy.
const TALKERS: usize = 8;

/// A message that is larger than any buffer on its way, and that every byte of can be told from others.
fn large(seed: u8) -> Vec<u8> {
    let byte = |at: usize| u8::try_from((at * 7 + usize::from(seed)) % 251).expect("a byte");
    (0..300_000).map(byte).collect()
}

/// Numbers go both ways, each message with the one that follows the last.
fn talk_until(mut sessions: Vec<Ends>, stop: &AtomicBool) -> (Vec<Ends>, usize) {
    let mut number = 0;
    while !stop.load(Ordering::Acquire) {
        for ends in &mut sessions {
            ends.client.send_text(&format!("up {number}"));
            ends.server.send_text(&format!("down {number}"));
        }
        for ends in &mut sessions {
            assert_eq!(ends.server.receive_text(), format!("up {number}"));
            assert_eq!(ends.client.receive_text(), format!("down {number}"));
        }
        number += 1;
    }
    (sessions, number)
}

/// Sends the first part of a frame that is not the last of its message.
fn begin(peer: &mut Peer, message: &[u8], part: usize) -> Vec<u8> {
    let frame = Frame::binary(message[..message.len() / 2].to_vec()).unfinished();
    let mut bytes = peer.encode(&frame);
    let rest = bytes.split_off(part);
    peer.socket().send(&bytes);
    rest
}

/// Sends what is left of it, and the last frame.
fn finish(peer: &mut Peer, rest: &[u8], message: &[u8]) {
    peer.socket().send(rest);
    peer.send(&Frame::ping("in between"));
    peer.send(&Frame::continuation(message[message.len() / 2..].to_vec()));
}

#[track_caller]
fn receive(peer: &mut Peer, message: &[u8]) {
    let first = peer.receive();
    assert!(!first.fin && first.payload == message[..message.len() / 2]);
    assert_eq!(peer.receive().payload, b"in between");
    let last = peer.receive();
    assert!(last.fin && last.payload == message[message.len() / 2..]);
}

#[test]
fn two_hundred_sessions_go_on_with_no_gap_and_no_repeat() {
    let mut stage = Stage::with(quick);
    let stop = Arc::new(AtomicBool::new(false));
    let mut sessions: Vec<_> = (0..SESSIONS).map(|_| stage.open()).collect();
    // In the middle of a header, of a mask, of payload, and right behind a frame.
    let parts = [1, 5, 9, 13, 14, 15, 70_000, 149_999];
    let cut = sessions.split_off(SESSIONS - parts.len());
    let cut = cut.into_iter().zip(parts).map(|(mut ends, part)| {
        let (up, down) = (large(1), large(2));
        let rest = [
            begin(&mut ends.client, &up, part),
            begin(&mut ends.server, &down, part.min(149_000)),
        ];
        (ends, up, down, rest)
    });
    let cut: Vec<_> = cut.collect();
    let talkers: Vec<_> = (0..TALKERS)
        .map(|_| {
            let share = sessions.split_off(sessions.len().saturating_sub(SESSIONS / TALKERS));
            let stop = Arc::clone(&stop);
            thread::spawn(move || talk_until(share, &stop))
        })
        .collect();
    let _successor = upgrade(stage.gateway.id());
    assert_eq!(stage.gateway.wait_exit().code(), Some(0));
    stop.store(true, Ordering::Release);
    let mut all = Vec::new();
    for talker in talkers {
        let (sessions, rounds) = talker.join().expect("no message is missing");
        assert!(rounds > 1, "nobody talked");
        all.extend(sessions);
    }
    for (mut ends, up, down, rest) in cut {
        finish(&mut ends.client, &rest[0], &up);
        finish(&mut ends.server, &rest[1], &down);
        receive(&mut ends.server, &up);
        receive(&mut ends.client, &down);
        all.push(ends);
    }
    wait_sessions(&stage.gateway, SESSIONS as u64);
    let metrics = stage.gateway.metrics();
    let taken = metrics.count("switchyard_sessions_taken_over_total", &[]);
    assert_eq!(taken, SESSIONS as u64);
    all.iter_mut().for_each(Ends::talk);
}

#[test]
fn what_a_slow_reader_has_not_taken_is_not_lost() {
    let mut stage = Stage::with(|settings| {
        quick(settings)
            .websocket("max_message: off")
            .websocket("max_frame: off")
    });
    let mut socket = Socket::connect_narrow(stage.gateway.web(), 4096);
    socket.send(&Handshake::to("/").encode());
    let mut server = stage.endpoint.accept_websocket();
    let mut client = handshake::finish(socket);
    let message: Vec<u8> = (0..24_000_000_u32)
        .map(|at| (at % 251).to_le_bytes()[0])
        .collect();
    let sent = message.clone();
    let sending = thread::spawn(move || {
        server.send(&Frame::binary(sent));
        server
    });
    eventually("bytes to be kept", || {
        let labels = [("route", "main"), ("direction", "from_upstream")];
        let kept = stage
            .gateway
            .metrics()
            .count("switchyard_buffered_bytes", &labels);
        (kept > 0).then_some(())
    });
    let _successor = upgrade(stage.gateway.id());
    stage.gateway.wait_exit();
    assert!(client.receive().payload == message, "another message came");
    let server = sending.join().expect("it was all taken");
    Ends { client, server }.talk();
    let labels = [("route", "main"), ("direction", "from_upstream")];
    stage
        .gateway
        .wait_metric("switchyard_buffered_bytes", &labels, 0);
}

#[test]
fn new_connections_are_taken_all_the_while() {
    let mut stage = Stage::with(quick);
    let (address, stop) = (stage.gateway.web(), Arc::new(AtomicBool::new(false)));
    let opener = |stop: Arc<AtomicBool>| {
        move || {
            let mut opened = Vec::new();
            while !stop.load(Ordering::Acquire) {
                opened.push(Peer::connect(address, "/"));
                thread::park_timeout(Duration::from_millis(2));
            }
            opened
        }
    };
    let openers: Vec<_> = (0..2)
        .map(|_| thread::spawn(opener(Arc::clone(&stop))))
        .collect();
    let endpoint = Arc::new(stage.endpoint);
    let accepting = Arc::clone(&endpoint);
    let server = thread::spawn(move || {
        let mut servers = Vec::new();
        loop {
            let server = accepting.accept_websocket();
            if server.head().start.contains("/last") {
                return servers;
            }
            servers.push(server);
        }
    });
    let _successor = upgrade(stage.gateway.id());
    assert_eq!(stage.gateway.wait_exit().code(), Some(0));
    stop.store(true, Ordering::Release);
    let mut clients = Vec::new();
    for opener in openers {
        clients.extend(opener.join().expect("nobody was refused"));
    }
    Peer::connect(address, "/last");
    let servers = server.join().expect("no panic");
    assert_eq!(clients.len(), servers.len());
    wait_sessions(&stage.gateway, clients.len() as u64);
    for mut client in clients {
        client.send(&Frame::ping("still there?"));
    }
    for mut server in servers {
        assert_eq!(server.receive().payload, b"still there?");
    }
}
