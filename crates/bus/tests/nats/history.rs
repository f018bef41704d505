//! What channels keep.

use std::time::Duration;

use switchyard_bus::{Keep, MessageId, Missed, PublishError};
use switchyard_testkit::{NatsServer, PATIENCE};
use tokio::time::timeout;

use crate::support::{Heard, Native, Replica};

const KEEP: Keep = Keep {
    messages: 5,
    age: Duration::from_mins(1),
};

fn id(minor: u64) -> MessageId {
    MessageId { major: 0, minor }
}

fn texts(missed: &Missed) -> Vec<&str> {
    let texts = missed.messages.iter();
    texts
        .map(|(_, text)| str::from_utf8(text).unwrap())
        .collect()
}

async fn append(replica: &Replica, channel: &str, texts: &[&str]) -> Vec<MessageId> {
    let mut ids = Vec::new();
    for text in texts {
        let text = (*text).to_owned().into();
        ids.push(replica.bus.append(channel, text, KEEP).await.unwrap());
    }
    ids
}

async fn since(replica: &Replica, channel: &str, after: Option<MessageId>) -> Missed {
    replica.bus.since(channel, after, 100, KEEP).await.unwrap()
}

#[tokio::test]
async fn what_was_missed_is_read_and_the_rest_comes_live() {
    let server = NatsServer::with_jetstream();
    let replica = Replica::at("a1", &server).await;
    let empty = since(&replica, "a", None).await;
    assert_eq!(
        (texts(&empty), empty.has_gap, empty.last),
        (vec![], false, id(0))
    );
    let first = append(&replica, "a", &["1"]).await;
    append(&replica, "b", &["x", "y"]).await;
    let rest = append(&replica, "a", &["2", "3"]).await;
    assert_eq!([first[0], rest[0], rest[1]], [id(1), id(4), id(5)]);

    replica.bus.follow(&"a".into());
    let missed = since(&replica, "a", Some(first[0])).await;
    assert_eq!((texts(&missed), missed.has_gap), (vec!["2", "3"], false));
    assert_eq!(missed.last, rest[1]);
    // It is followed by now, since reading waited for that.
    let live = append(&replica, "a", &["4", "5"]).await;
    let came = |heard: &Heard| heard.on("a").len() == 2;
    replica.tape.until("the live ones", came).await;
    let ids: Vec<_> = replica
        .tape
        .heard()
        .received
        .iter()
        .map(|(.., id)| *id)
        .collect();
    assert_eq!(ids, [Some(live[0]), Some(live[1])]);

    let none = since(&replica, "a", Some(live[1])).await;
    assert_eq!(
        (texts(&none), none.has_gap, none.last),
        (vec![], false, live[1])
    );
    let only_last = since(&replica, "a", None).await;
    assert_eq!((texts(&only_last), only_last.last), (vec![], live[1]));
}

#[tokio::test]
async fn what_is_live_and_what_is_kept_have_one_order() {
    let server = NatsServer::with_jetstream();
    let native = Native::at(&server).await;
    let replica = Replica::at("a1", &server).await;
    let keep = Keep {
        messages: 1000,
        ..KEEP
    };
    let begin = replica.bus.since("a", None, 0, keep).await.unwrap();
    replica.bus.follow(&"a".into());
    replica.bus.since("a", None, 0, keep).await.unwrap();
    // Two gateways and one who publishes to the stream as it is.
    let other = Replica::at("b2", &server).await;
    let appending = async |replica: &Replica, name: &str| {
        for number in 0..100 {
            let text = format!("{name}{number}");
            replica.bus.append("a", text.into(), keep).await.unwrap();
        }
    };
    let natively = async {
        for number in 0..100 {
            let text = format!("n{number}").into();
            let published = native.0.publish("switchyard.history.a", text).await;
            published.unwrap();
            native.0.flush().await.unwrap();
        }
    };
    tokio::join!(appending(&replica, "a"), appending(&other, "b"), natively);
    let all = |heard: &Heard| heard.on("a").len() == 300;
    replica.tape.until("all messages", all).await;
    let kept = replica
        .bus
        .since("a", Some(begin.last), 1000, keep)
        .await
        .unwrap();
    assert!(!kept.has_gap);
    let live: Vec<_> = replica
        .tape
        .heard()
        .received
        .iter()
        .map(|(_, text, id)| (id.unwrap(), text.clone()))
        .collect();
    let numbers =
        |of: &[(MessageId, bytes::Bytes)]| of.iter().map(|(id, _)| id.minor).collect::<Vec<_>>();
    assert_eq!(numbers(&kept.messages), numbers(&live));
    assert_eq!(kept.messages, live);
    assert!(live.is_sorted_by_key(|(id, _)| *id));
}

#[tokio::test]
async fn no_more_is_kept_than_was_said_and_the_gap_is_known() {
    let server = NatsServer::with_jetstream();
    let replica = Replica::at("a1", &server).await;
    let before = since(&replica, "a", None).await.last;
    append(&replica, "other", &["x"]).await;
    let ids = append(&replica, "a", &["1", "2", "3", "4", "5"]).await;
    let all = since(&replica, "a", Some(before)).await;
    assert_eq!(
        (texts(&all), all.has_gap),
        (vec!["1", "2", "3", "4", "5"], false)
    );
    let more = append(&replica, "a", &["6", "7", "8"]).await;
    let cut = since(&replica, "a", Some(before)).await;
    assert_eq!(
        (texts(&cut), cut.has_gap),
        (vec!["4", "5", "6", "7", "8"], true)
    );
    let cut = since(&replica, "a", Some(ids[1])).await;
    assert_eq!(
        (texts(&cut), cut.has_gap),
        (vec!["4", "5", "6", "7", "8"], true)
    );
    let whole = since(&replica, "a", Some(ids[2])).await;
    assert_eq!(
        (texts(&whole), whole.has_gap),
        (vec!["4", "5", "6", "7", "8"], false)
    );
    let first = replica.bus.since("a", Some(ids[2]), 3, KEEP).await.unwrap();
    assert_eq!((texts(&first), first.last), (vec!["4", "5", "6"], more[0]));
    assert!(first.has_more && !first.has_gap);
    let rest = replica
        .bus
        .since("a", Some(more[0]), 3, KEEP)
        .await
        .unwrap();
    assert_eq!((texts(&rest), rest.last), (vec!["7", "8"], more[2]));
    assert!(!rest.has_more && !rest.has_gap);
    let cut = replica.bus.since("a", Some(ids[0]), 2, KEEP).await.unwrap();
    assert_eq!((texts(&cut), cut.last), (vec!["4", "5"], ids[4]));
    assert!(cut.has_more && cut.has_gap);
}

#[tokio::test]
async fn an_id_may_be_of_another_channel() {
    let server = NatsServer::with_jetstream();
    let replica = Replica::at("a1", &server).await;
    let a = append(&replica, "a", &["1"]).await;
    let b = append(&replica, "b", &["x"]).await;
    let later = since(&replica, "a", Some(b[0])).await;
    assert_eq!(
        (texts(&later), later.has_gap, later.last),
        (vec![], false, b[0])
    );
    append(&replica, "a", &["2"]).await;
    let missed = since(&replica, "a", Some(b[0])).await;
    assert_eq!((texts(&missed), missed.has_gap), (vec!["2"], false));
    // One that was never given is of a stream that is not there any more, or of another bus.
    for strange in [id(1000), MessageId { major: 7, minor: 0 }] {
        let missed = since(&replica, "a", Some(strange)).await;
        assert!(missed.has_gap && missed.last < strange, "{missed:?}");
    }
    let nothing = since(&replica, "c", Some(a[0])).await;
    assert_eq!(
        (texts(&nothing), nothing.has_gap, nothing.last),
        (vec![], false, id(3))
    );
}

#[tokio::test]
async fn what_is_too_old_is_not_read() {
    let server = NatsServer::with_jetstream();
    let replica = Replica::at("a1", &server).await;
    let short = Keep {
        age: Duration::from_millis(200),
        ..KEEP
    };
    // Of a stream that keeps it for longer.
    let longer = append(&replica, "a", &["1"]).await;
    let missed = until_empty(&replica, short).await;
    assert_eq!((missed.has_gap, missed.last), (true, longer[0]));
    // And of one that does not: the server does not say when it has dropped it.
    let server = NatsServer::with_jetstream();
    let replica = Replica::at("a1", &server).await;
    let only = replica.bus.append("a", "1".into(), short).await.unwrap();
    let missed = until_empty(&replica, short).await;
    assert_eq!((missed.has_gap, missed.last), (true, only));
    let after = replica.bus.since("a", Some(only), 9, short).await;
    let after = after.unwrap();
    assert_eq!((after.has_gap, after.last), (false, only));
}

/// Reads all of channel `a` until there is nothing of it.
async fn until_empty(replica: &Replica, keep: Keep) -> Missed {
    let reading = async {
        loop {
            let missed = replica.bus.since("a", Some(id(0)), 9, keep).await.unwrap();
            if missed.messages.is_empty() {
                return missed;
            }
        }
    };
    let missed = timeout(PATIENCE, reading).await;
    missed.expect("it becomes too old")
}

#[tokio::test]
async fn what_was_dropped_before_is_a_gap() {
    let server = NatsServer::with_jetstream();
    let native = Native::at(&server).await;
    let replica = Replica::at("a1", &server).await;
    let ids = append(&replica, "a", &["1", "2", "3"]).await;
    // As it is with those that are too old: the oldest go, whatever their channel.
    let context = async_nats::jetstream::new(native.0.clone());
    let stream = context.get_stream("switchyard_history").await.unwrap();
    stream.purge().sequence(ids[2].minor).await.unwrap();
    let missed = since(&replica, "a", Some(ids[0])).await;
    assert_eq!((texts(&missed), missed.has_gap), (vec!["3"], true));
    let missed = since(&replica, "a", Some(ids[1])).await;
    assert_eq!((texts(&missed), missed.has_gap), (vec!["3"], false));
}

#[tokio::test]
async fn a_stream_is_given_more_and_never_less() {
    let server = NatsServer::with_jetstream();
    let native = Native::at(&server).await;
    let replica = Replica::at("a1", &server).await;
    let more = Keep {
        messages: 50,
        age: Duration::from_secs(10),
    };
    append(&replica, "a", &["1"]).await;
    replica.bus.append("a", "2".into(), more).await.unwrap();
    append(&replica, "a", &["3"]).await;
    let context = async_nats::jetstream::new(native.0.clone());
    let stream = context.get_stream("switchyard_history").await.unwrap();
    let mut config = stream.cached_info().config.clone();
    assert_eq!(config.max_messages_per_subject, 51);
    assert_eq!(config.max_age, KEEP.age);
    // What an operator set is left as it is.
    config.max_messages_per_subject = 1000;
    config.max_bytes = 1_000_000;
    context.update_stream(config).await.unwrap();
    let other = Replica::at("b2", &server).await;
    let longer = Keep {
        messages: 60,
        age: Duration::from_mins(10),
    };
    other.bus.append("a", "4".into(), longer).await.unwrap();
    let stream = context.get_stream("switchyard_history").await.unwrap();
    let config = &stream.cached_info().config;
    assert_eq!(config.max_messages_per_subject, 1000);
    assert_eq!(config.max_bytes, 1_000_000);
    assert_eq!(config.max_age, longer.age);
}

#[tokio::test]
async fn replicas_may_make_it_at_the_same_time() {
    let server = NatsServer::with_jetstream();
    let mut replicas = Vec::new();
    for name in ["a1", "b2", "c3", "d4"] {
        replicas.push(Replica::at(name, &server).await);
    }
    let begin = replicas.iter().zip(1..).map(|(replica, messages)| {
        let keep = Keep { messages, ..KEEP };
        replica.bus.append("a", "x".into(), keep)
    });
    for appended in futures_util::future::join_all(begin).await {
        appended.unwrap();
    }
}

#[tokio::test]
async fn it_is_there_after_the_server_was_not() {
    let mut server = NatsServer::with_jetstream();
    let replica = Replica::at("a1", &server).await;
    let ids = append(&replica, "a", &["1", "2"]).await;
    server.kill();
    replica.gone().await;
    let appended = replica.bus.append("a", "3".into(), KEEP).await;
    assert_eq!(appended, Err(PublishError::Unreachable));
    server.restart();
    replica.connected().await;
    let missed = since(&replica, "a", Some(ids[0])).await;
    assert_eq!((texts(&missed), missed.has_gap), (vec!["2"], false));
    assert_eq!(append(&replica, "a", &["3"]).await, [id(3)]);
}

#[tokio::test]
async fn a_stream_that_was_removed_is_made_again() {
    let server = NatsServer::with_jetstream();
    let native = Native::at(&server).await;
    let replica = Replica::at("a1", &server).await;
    let ids = append(&replica, "a", &["1", "2"]).await;
    let context = async_nats::jetstream::new(native.0.clone());
    context.delete_stream("switchyard_history").await.unwrap();
    let refused = replica.bus.append("a", "3".into(), KEEP).await;
    assert!(
        matches!(refused, Err(PublishError::Refused(_))),
        "{refused:?}"
    );
    assert_eq!(append(&replica, "a", &["4"]).await, [id(1)]);
    let missed = since(&replica, "a", Some(ids[1])).await;
    assert!(missed.has_gap);
}

#[tokio::test]
async fn a_server_without_jetstream_is_said_to_have_none() {
    let server = NatsServer::start("");
    let replica = Replica::at("a1", &server).await;
    let appended = replica.bus.append("a", "1".into(), KEEP).await;
    let read = replica.bus.since("a", None, 1, KEEP).await.map(|_| id(0));
    for refused in [appended, read] {
        let Err(PublishError::Refused(why)) = refused else {
            panic!("{refused:?}");
        };
        assert!(why.contains("need JetStream"), "{why}");
    }
}
