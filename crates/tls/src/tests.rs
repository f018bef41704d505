//! A connection between a real client and a wire that delivers as it likes.

mod broken;
mod certificates;
mod client;
mod clients;
mod greeting;
mod handshakes;
mod properties;

use std::task::Poll;

use crate::testing::Pair;

fn pending<T>(polled: &Poll<T>) -> bool {
    polled.is_pending()
}

#[test]
fn a_message_is_one_read_and_one_write_and_leaves_nothing() {
    for mut pair in [Pair::new(), Pair::tls12()] {
        let message = vec![7; 1_000];
        let records = pair.seal(&message);
        pair.arrives(records);
        assert_eq!(pair.read_all(65_536).0, message);
        assert_eq!(pair.server.io_mut().reads, 1);
        assert!(matches!(pair.write(&message), Poll::Ready(Ok(1_000))));
        assert!(matches!(pair.flush(), Poll::Ready(Ok(()))));
        assert_eq!(pair.server.io_mut().writes, 1);
        assert_eq!(pair.heard().0, message);
        assert_eq!(pair.server.held(), 0);
    }
}

#[test]
fn full_records_are_read_to_their_end() {
    let mut pair = Pair::new();
    let message = vec![7; 10 * 16_384];
    let records = {
        pair.client.set_buffer_limit(None);
        std::io::Write::write_all(&mut pair.client.writer(), &message).unwrap();
        crate::testing::spoken(&mut pair.client)
    };
    pair.arrives(records);
    for read in 1..=3 {
        let Poll::Ready(Ok(plain)) = pair.read(65_536) else {
            panic!("{read}")
        };
        assert_eq!(plain.len(), 3 * 16_384);
        assert_eq!(pair.server.held(), 0);
    }
    assert_eq!(pair.read_all(65_536).0.len(), 16_384);
    assert_eq!(pair.server.io_mut().reads, 4);
}

#[test]
fn what_the_caller_does_not_take_is_kept_and_no_more_than_a_record_of_it() {
    let mut pair = Pair::new();
    let message: Vec<u8> = (0..100_000_u32).map(|i| i.to_le_bytes()[0]).collect();
    let records = pair.seal(&message);
    pair.arrives(records);
    let mut all = Vec::new();
    while let Poll::Ready(Ok(plain)) = pair.read(100) {
        assert!(
            pair.server.held() <= 2 * crate::scratch::RECORD,
            "{}",
            pair.server.held()
        );
        all.extend(plain);
    }
    assert_eq!(all, message);
    assert_eq!(pair.server.held(), 0);
}

#[test]
fn what_the_socket_does_not_take_is_kept_until_it_does() {
    let mut pair = Pair::new();
    let message = vec![7; 100_000];
    pair.server.io_mut().room.extend([10, 0, 0, 1_000]);
    assert!(matches!(pair.write(&message), Poll::Ready(Ok(65_536))));
    assert!(pending(&pair.flush()));
    assert!(pending(&pair.write(&message[65_536..])));
    assert!(pair.server.held() > 64_000);
    assert!(matches!(
        pair.write(&message[65_536..]),
        Poll::Ready(Ok(34_464))
    ));
    assert!(matches!(pair.flush(), Poll::Ready(Ok(()))));
    assert_eq!(pair.heard().0, message);
    assert_eq!(pair.server.held(), 0);
}

#[test]
fn shutting_down_says_goodbye_once_and_after_everything_else() {
    for mut pair in [Pair::new(), Pair::tls12()] {
        pair.server.io_mut().room.extend([10, 0]);
        assert!(matches!(pair.write(b"last words"), Poll::Ready(Ok(10))));
        assert!(pending(&pair.shut_down()));
        assert!(!pair.server.io_mut().shut_down);
        assert!(matches!(pair.shut_down(), Poll::Ready(Ok(()))));
        assert!(pair.server.io_mut().shut_down);
        assert_eq!(pair.heard(), (b"last words".to_vec(), true));
        assert!(matches!(pair.shut_down(), Poll::Ready(Ok(()))));
        assert!(pair.server.io_mut().outgoing.is_empty());
        assert!(matches!(pair.write(b"more"), Poll::Ready(Err(_))));
        let records = pair.seal(b"the client may still speak");
        pair.arrives(records);
        assert_eq!(pair.read_all(100).0, b"the client may still speak");
    }
}

#[test]
fn a_goodbye_is_the_end_and_the_server_may_still_speak() {
    let mut pair = Pair::new();
    let mut records = pair.seal(b"bye");
    pair.client.send_close_notify();
    records.extend(crate::testing::spoken(&mut pair.client));
    pair.arrives(records);
    let (plain, end) = pair.read_all(100);
    assert_eq!(plain, b"bye");
    assert!(matches!(end, Poll::Ready(Ok(()))));
    assert!(matches!(pair.write(b"bye yourself"), Poll::Ready(Ok(12))));
    assert_eq!(pair.heard().0, b"bye yourself");
}

#[test]
fn keys_are_updated_in_the_middle() {
    let mut pair = Pair::new();
    for round in 0..100_u8 {
        pair.client.refresh_traffic_keys().unwrap();
        let records = pair.seal(&[round; 100]);
        pair.arrives(records);
        assert_eq!(pair.read_all(1_000).0, [round; 100]);
        assert!(matches!(pair.write(&[round; 50]), Poll::Ready(Ok(50))));
        assert_eq!(pair.heard().0, [round; 50]);
        assert_eq!(pair.server.held(), 0);
    }
}

#[test]
fn nothing_is_asked_of_the_socket_for_nothing() {
    let mut pair = Pair::new();
    let records = pair.seal(b"x");
    pair.arrives(records);
    assert!(matches!(pair.read(0), Poll::Ready(Ok(_))));
    assert!(matches!(pair.write(b""), Poll::Ready(Ok(0))));
    assert_eq!(
        (pair.server.io_mut().reads, pair.server.io_mut().writes),
        (0, 0)
    );
}
