//! A session over sockets is polled again whenever there is something to read, however it was polled before.

use std::future::poll_fn;
use std::task::Waker;
use std::time::Duration;

use proptest::prelude::*;
use switchyard_proto::Side::{Downstream, Upstream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::coop::consume_budget;
use tokio::time::timeout;

use super::*;
use crate::testing::*;

/// A peer's end, and what it is sent.
async fn gets(peer: &mut TcpStream, expected: &[u8]) {
    let mut bytes = vec![0; expected.len()];
    let reading = timeout(Duration::from_secs(10), peer.read_exact(&mut bytes));
    reading.await.expect("it is woken").expect("a stream");
    assert_eq!(bytes, expected);
}

/// Both peers say something, and the other hears it.
async fn talk(client: &mut TcpStream, server: &mut TcpStream) {
    let (question, answer) = (text(Downstream, "question"), text(Upstream, "answer"));
    for _ in 0..3 {
        client.write_all(&question).await.expect("writes");
        gets(server, &question).await;
        server.write_all(&answer).await.expect("writes");
        gets(client, &answer).await;
    }
}

fn poll_once(relay: &mut Relay<TcpStream, TcpStream>, waker: &Waker) {
    let poll = Pin::new(relay).poll(&mut Context::from_waker(waker));
    assert!(poll.is_pending());
}

#[tokio::test]
async fn a_task_that_takes_over_is_woken() {
    let world = World::new();
    let ((mut client, down), (mut server, up)) = (tcp().await, tcp().await);
    let mut relay = world.relay(leg(down), leg(up));
    // Twice, so that the second finds that it was asked for.
    poll_once(&mut relay, Waker::noop());
    poll_once(&mut relay, Waker::noop());
    let _session = world.spawn_relay(relay);
    talk(&mut client, &mut server).await;
}

#[tokio::test]
async fn a_task_that_has_used_up_its_turn_is_woken() {
    let world = World::new();
    let ((mut client, down), (mut server, up)) = (tcp().await, tcp().await);
    let mut relay = world.relay(leg(down), leg(up));
    let mut is_first = true;
    world.start(poll_fn(move |cx| {
        while is_first && Box::pin(consume_budget()).as_mut().poll(cx).is_ready() {}
        is_first = false;
        Pin::new(&mut relay).poll(cx)
    }));
    talk(&mut client, &mut server).await;
}

/// Who sends next, how many messages, and how long each is.
fn steps() -> impl Strategy<Value = Vec<(Side, usize, usize)>> {
    let side = prop_oneof![Just(Downstream), Just(Upstream)];
    let length = prop_oneof![4 => 0..200_usize, 1 => 60_000..300_000_usize];
    prop::collection::vec((side, 1..4_usize, length), 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn whoever_sends_is_heard_however_long_the_other_was_silent(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let world = World::new();
            let ((mut client, down), (mut server, up)) = (tcp().await, tcp().await);
            for socket in [&client, &down, &server, &up] {
                socket.set_nodelay(true).expect("a socket");
            }
            let _session = world.spawn(leg(down), leg(up));
            for (from, count, size) in steps {
                let message = text(from, &"x".repeat(size));
                let (sender, receiver) = match from {
                    Downstream => (&mut client, &mut server),
                    Upstream => (&mut server, &mut client),
                };
                for _ in 0..count {
                    let sending = async { sender.write_all(&message).await.expect("writes") };
                    tokio::join!(sending, gets(receiver, &message));
                }
            }
        });
    }
}
