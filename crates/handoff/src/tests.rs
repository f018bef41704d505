//! Both ends of a conversation, over a real socket pair.

use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::message::{Hello, Identity, Message};
use crate::{Channel, Error, Giver, MOST_DESCRIPTORS, Step, Taker};

const PATIENCE: Duration = Duration::from_secs(20);

const IDENTITY: Identity = Identity {
    replica: 0x3f9c,
    beyond: 77,
};

/// Long enough for nothing to come.
const SHORT: Duration = Duration::from_millis(50);

fn ends() -> (Channel, Channel) {
    let (own, other) = Channel::pair().expect("a socket pair");
    (own, Channel::new(other).expect("the other end"))
}

async fn met() -> (Giver, Taker) {
    let (own, other) = ends();
    let meeting = Giver::meet(own, "old", PATIENCE, PATIENCE);
    let (giver, taker) = tokio::join!(meeting, Taker::meet(other, "new"));
    (giver.expect("they meet"), taker.expect("they meet"))
}

fn pairs(count: usize) -> (Vec<UnixStream>, Vec<UnixStream>) {
    (0..count)
        .map(|_| UnixStream::pair().expect("a pair"))
        .unzip()
}

fn borrowed(streams: &[UnixStream]) -> Vec<BorrowedFd<'_>> {
    streams.iter().map(AsFd::as_fd).collect()
}

/// Whether what is written to one end arrives at the other.
fn are_joined(mut one: &UnixStream, other: OwnedFd) -> bool {
    let mut byte = [0];
    one.write_all(b"x").is_ok()
        && UnixStream::from(other).read_exact(&mut byte).is_ok()
        && byte == *b"x"
}

#[tokio::test]
async fn a_whole_conversation() {
    let (giver, mut taker) = met().await;
    let (near, far) = pairs(3);
    let giving = async {
        let names = vec!["web".to_owned()];
        giver
            .sockets(names, &[far[0].as_fd()], IDENTITY, PATIENCE)
            .await
            .expect("it gets ready");
        // Longer than any packet.
        let records = vec![vec![7; 300_000]];
        let parked = giver.batch(records, &borrowed(&far[1..])).await;
        assert_eq!(parked.expect("an answer"), [true]);
        giver.go().await.expect("it is there");
        giver.finish().await.expect("it serves");
        giver.done().await;
    };
    let taking = async {
        let inheritance = taker.inherit().await.expect("sockets");
        assert_eq!(inheritance.identity, IDENTITY);
        for (name, socket) in inheritance.sockets {
            assert_eq!(name, "web");
            assert!(are_joined(&near[0], socket));
        }
        taker.ready().await.expect("it is there");
        let Step::Park(batch) = taker.next().await.expect("a batch") else {
            panic!("a batch");
        };
        for (record, [first, second]) in batch {
            assert_eq!(record, vec![7; 300_000]);
            assert!(are_joined(&near[1], first) && are_joined(&near[2], second));
        }
        taker.parked(vec![true]).await.expect("it is there");
        assert!(matches!(taker.next().await, Ok(Step::Go)));
        assert!(matches!(taker.next().await, Ok(Step::Finish)));
        taker.serving().await.expect("it is there");
        assert!(matches!(taker.next().await, Ok(Step::Done)));
        assert!(matches!(taker.next().await, Err(Error::Ended)));
    };
    tokio::join!(giving, taking);
}

#[tokio::test]
async fn as_many_descriptors_go_at_once_as_the_system_lets_and_no_more() {
    let (giver, taker) = met().await;
    let count = MOST_DESCRIPTORS / 2;
    let (_near, far) = pairs(2 * count + 2);
    let records = |count| vec![Vec::new(); count];
    let giving = async {
        let parked = giver
            .batch(records(count), &borrowed(&far[..2 * count]))
            .await;
        assert_eq!(parked.expect("an answer").len(), count);
        let too_many = giver.batch(records(count + 1), &borrowed(&far)).await;
        assert!(matches!(too_many, Err(Error::TooLong)), "{too_many:?}");
    };
    let taking = async {
        let Ok(Step::Park(batch)) = taker.next().await else {
            panic!("a batch");
        };
        taker
            .parked(vec![true; batch.len()])
            .await
            .expect("it is there");
    };
    tokio::join!(giving, taking);
}

#[tokio::test]
async fn who_has_no_room_for_descriptors_says_so_and_goes_on() {
    let (giver, taker) = met().await;
    let (_near, far) = pairs(40);
    let giving = async {
        let parked = giver.batch(vec![Vec::new(); 20], &borrowed(&far)).await;
        assert!(matches!(parked, Err(Error::NoRoom)), "{parked:?}");
        let parked = giver.batch(vec![Vec::new()], &borrowed(&far[..2])).await;
        assert_eq!(parked.expect("an answer"), [true]);
    };
    let taking = async {
        let before = getrlimit(Resource::Nofile);
        let used = std::fs::read_dir("/proc/self/fd").expect("a list").count();
        let room = Rlimit {
            current: Some(used as u64 + 10),
            maximum: before.maximum,
        };
        setrlimit(Resource::Nofile, room).expect("less is allowed");
        let step = taker.next().await;
        setrlimit(Resource::Nofile, before).expect("it was so before");
        assert!(matches!(step, Ok(Step::NoRoom)), "{step:?}");
        assert!(matches!(taker.next().await, Ok(Step::Park(batch)) if batch.len() == 1));
        taker.parked(vec![true]).await.expect("it is there");
    };
    tokio::join!(giving, taking);
}

#[tokio::test]
async fn who_understands_another_version_is_told_what_is_understood_here() {
    let (own, other) = ends();
    let stranger = async {
        let hello = Hello {
            oldest: 7,
            newest: 9,
            build: "from the future".to_owned(),
        };
        let message = Message::Hello(hello);
        other.send(&message, &[]).await.expect("it is there");
        let answer = other.receive().await.expect("a hello").message;
        assert!(matches!(answer, Message::Hello(_)));
        let over = other.receive().await.err();
        assert!(matches!(over, Some(Error::GaveUp(_))), "{over:?}");
    };
    let meeting = Giver::meet(own, "old", PATIENCE, PATIENCE);
    let (met, ()) = tokio::join!(meeting, stranger);
    let error = met.expect_err("no version in common");
    assert_eq!(error.reason(), "version");
    assert!(error.to_string().contains("7 to 9"), "{error}");
    let taker = Hello {
        oldest: 1,
        newest: 4,
        build: String::new(),
    };
    let giver = Hello {
        oldest: 3,
        ..taker.clone()
    };
    assert_eq!(taker.agree(&Hello { newest: 3, ..giver }).expect("3"), 3);
}

#[tokio::test]
async fn a_taker_that_hangs_is_given_up_and_told_so() {
    let (own, other) = ends();
    let meeting = Giver::meet(own, "old", PATIENCE, SHORT);
    let (giver, taker) = tokio::join!(meeting, Taker::meet(other, "new"));
    let (giver, taker) = (giver.expect("they meet"), taker.expect("they meet"));
    let (_near, far) = pairs(2);
    let late = giver.batch(vec![Vec::new()], &borrowed(&far)).await;
    assert!(matches!(late, Err(Error::Late)), "{late:?}");
    drop(giver);
    assert!(matches!(taker.next().await, Ok(Step::Park(_))));
    // That nobody hears it says nothing of why.
    taker
        .parked(vec![true])
        .await
        .expect("it is found out next");
    let over = taker.next().await;
    assert!(matches!(over, Err(Error::GaveUp(_))), "{over:?}");
}

/// The answer lies there unread when the giver goes, which the system calls a reset.
#[tokio::test]
async fn a_taker_that_is_a_moment_too_late_is_told_so_too() {
    let (own, other) = ends();
    let meeting = Giver::meet(own, "old", PATIENCE, SHORT);
    let (giver, taker) = tokio::join!(meeting, Taker::meet(other, "new"));
    let (giver, taker) = (giver.expect("they meet"), taker.expect("they meet"));
    let (_near, far) = pairs(2);
    let late = giver.batch(vec![Vec::new()], &borrowed(&far)).await;
    assert!(matches!(late, Err(Error::Late)), "{late:?}");
    assert!(matches!(taker.next().await, Ok(Step::Park(_))));
    taker.parked(vec![true]).await.expect("it is there");
    drop(giver);
    let over = taker.next().await;
    assert!(matches!(over, Err(Error::GaveUp(_))), "{over:?}");
}

#[tokio::test]
async fn a_giver_that_dies_says_nothing() {
    let (own, other) = ends();
    let dying = async {
        let hello = own.receive().await.expect("a hello").message;
        own.send(&hello, &[]).await.expect("it is there");
        drop(own);
    };
    let (taker, ()) = tokio::join!(Taker::meet(other, "new"), dying);
    let over = taker.expect("they meet").next().await;
    assert!(matches!(over, Err(Error::Ended)), "{over:?}");
}

#[tokio::test]
async fn a_taker_that_gives_up_is_heard() {
    let (giver, taker) = met().await;
    drop(taker);
    let over = giver.sockets(Vec::new(), &[], IDENTITY, PATIENCE).await;
    let error = over.expect_err("it has gone");
    assert!(matches!(error, Error::GaveUp(_) | Error::Ended), "{error}");
}

#[test]
fn no_bytes_are_nonsense_that_panics() {
    for first in 0..=u8::MAX {
        for length in 0..40 {
            let bytes: Vec<u8> = (0..length).map(|at| at ^ first).collect();
            if let Ok(message) = Message::decode(&[&[first], &bytes[..]].concat()) {
                assert_eq!(Message::decode(&message.encode()), Ok(message));
            }
        }
    }
}

#[tokio::test]
async fn more_listening_sockets_than_go_with_one_message_go_with_several() {
    let (giver, taker) = met().await;
    let (near, _far) = pairs(MOST_DESCRIPTORS + 40);
    let names: Vec<_> = (0..near.len()).map(|number| number.to_string()).collect();
    let sockets = borrowed(&near);
    let giving = giver.sockets(names.clone(), &sockets, IDENTITY, PATIENCE);
    let taking = async {
        let inheritance = taker.inherit().await.expect("sockets");
        taker.ready().await.expect("it is there");
        inheritance
    };
    let (sent, inheritance) = tokio::join!(giving, taking);
    sent.expect("it is ready");
    let received: Vec<_> = inheritance.sockets.into_iter().map(|it| it.0).collect();
    assert_eq!(received, names);
}

/// It hangs with so much before it that nothing more goes to it, and is told when it goes on.
#[tokio::test]
async fn a_taker_that_takes_nothing_is_told_when_it_does() {
    let (own, other) = ends();
    let meeting = Giver::meet(own, "old", PATIENCE, SHORT);
    let (giver, taker) = tokio::join!(meeting, Taker::meet(other, "new"));
    let (giver, taker) = (giver.expect("they meet"), taker.expect("they meet"));
    let (_near, far) = pairs(2);
    let late = giver.batch(vec![vec![0; 8_000_000]], &borrowed(&far)).await;
    assert!(matches!(late, Err(Error::Late)), "{late:?}");
    let (over, ()) = tokio::join!(taker.next(), giver.give_up());
    assert!(matches!(over, Err(Error::GaveUp(_))), "{over:?}");
}
