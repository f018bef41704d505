//! Laws: however the bytes come and go, the same ones arrive.

use std::task::Poll;

use proptest::collection::vec;
use proptest::prelude::*;

use crate::testing::Pair;

/// Messages, how the records are cut up on the way, and how much is read at a time.
fn input() -> impl Strategy<Value = (Vec<Vec<u8>>, Vec<usize>, usize)> {
    let message = (any::<u8>(), prop_oneof![0..200_usize, 10_000..40_000_usize]);
    let messages = vec(message.prop_map(|(byte, len)| vec![byte; len]), 1..6);
    let cuts = vec(prop_oneof![1..40_usize, 1_000..50_000_usize], 1..20);
    (
        messages,
        cuts,
        prop_oneof![1..300_usize, 4_000..65_536_usize],
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_split_of_the_records_gives_the_same_bytes((messages, cuts, room) in input()) {
        let mut pair = Pair::new();
        let mut records = Vec::new();
        for message in &messages {
            records.extend(pair.seal(message));
        }
        let mut rest = &records[..];
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, later) = rest.split_at((*cut).min(rest.len()));
            pair.arrives(piece.to_vec());
            rest = later;
        }
        let (plain, end) = pair.read_all(room);
        prop_assert!(end.is_pending());
        prop_assert!(plain == messages.concat());
        prop_assert_eq!(pair.server.held(), 0);
    }

    #[test]
    fn any_pace_of_the_socket_gives_the_same_bytes(
        (messages, _, _) in input(),
        room in vec(prop_oneof![Just(0), 1..200_usize, 1_000..70_000_usize], 0..60),
    ) {
        let mut pair = Pair::new();
        pair.server.io_mut().room.extend(room);
        for message in &messages {
            let mut rest = &message[..];
            while !rest.is_empty() {
                if let Poll::Ready(taken) = pair.write(rest) {
                    rest = &rest[taken.unwrap()..];
                }
                prop_assert!(pair.server.held() < 67_000);
            }
        }
        while pair.flush().is_pending() {}
        prop_assert!(pair.heard().0 == messages.concat());
        prop_assert_eq!(pair.server.held(), 0);
    }

    #[test]
    fn anything_at_all_does_not_panic(bytes in vec(any::<u8>(), 0..600), cut in 0..600_usize) {
        let mut pair = Pair::new();
        let mut records = pair.seal(b"a first message");
        records.truncate(cut);
        records.extend(bytes);
        pair.arrives(records);
        pair.server.io_mut().ended = true;
        let _ = pair.read_all(100);
        let _ = pair.write(b"x");
        let _ = pair.shut_down();
        prop_assert!(pair.server.held() < 1_000);
    }
}
