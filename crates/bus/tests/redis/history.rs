//! What channels keep.

use std::time::Duration;

use switchyard_bus::{Bus, Keep, MessageId};
use switchyard_testkit::{Redis, eventually};

use crate::support::{KEEP, channel, follow, one};

/// The script, as a publisher of any language would have it.
const SCRIPT: &str = include_str!("../../src/redis/publish.lua");

async fn append(bus: &Bus, texts: std::ops::Range<u32>, keep: Keep) -> Vec<MessageId> {
    let mut ids = Vec::new();
    for text in texts {
        let id = bus.append("room", text.to_string().into(), keep).await;
        ids.push(id.expect("kept"));
    }
    ids
}

/// The ids of what was missed, and whether that is all.
async fn since(bus: &Bus, after: MessageId, most: usize, keep: Keep) -> (Vec<MessageId>, bool) {
    let missed = bus.since("room", Some(after), most, keep).await;
    let missed = missed.expect("read");
    let ids = missed.messages.into_iter().map(|(id, _)| id);
    (ids.collect(), missed.has_gap)
}

/// Ids of one millisecond are told apart by their number, which begins anew with each stream.
fn wait_for_a_later_one(redis: &Redis, id: MessageId) {
    wait_for(redis, id.major + 1);
}

/// Waits until it is this time, in milliseconds since 1970.
fn wait_for(redis: &Redis, time: u64) {
    eventually("the time", || (now(redis) >= time).then_some(()));
}

fn now(redis: &Redis) -> u64 {
    let time = redis.ask(&["TIME"]);
    let part = |index: usize| time[index].as_str().expect("text").parse::<u64>();
    part(0).expect("a number") * 1000 + part(1).expect("a number") / 1000
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_missed_joins_what_comes_live() {
    let redis = Redis::start(&[]);
    let (bus, tape) = one(redis.address(), "a1").await;
    let before = bus.since("room", None, 10, KEEP).await.expect("read");
    assert!(before.messages.is_empty() && !before.has_gap);
    let kept = append(&bus, 0..5, KEEP).await;
    bus.follow(&"room".into());
    // Following is in effect when this is read.
    let missed = bus.since("room", Some(before.last), 10, KEEP).await;
    let missed = missed.expect("read");
    let texts: Vec<_> = missed.messages.iter().map(|(_, text)| &**text).collect();
    assert_eq!(texts, [b"0", b"1", b"2", b"3", b"4"]);
    assert_eq!((missed.has_gap, missed.last), (false, kept[4]));
    let live = append(&bus, 5..7, KEEP).await;
    let received = tape.take(2).await;
    assert_eq!(received[0].0, channel("room"));
    let ids: Vec<_> = received.iter().map(|(.., id)| *id).collect();
    assert_eq!(ids, [Some(live[0]), Some(live[1])]);
    assert!(kept[4] < live[0]);
    assert_eq!(
        since(&bus, kept[3], 10, KEEP).await,
        ([&kept[4..], &live].concat(), false)
    );
    let nothing = bus.since("room", None, 10, KEEP).await.expect("read");
    assert_eq!((nothing.messages.len(), nothing.last), (0, live[1]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_head_of_what_is_published_has_the_id() {
    let redis = Redis::start(&[]);
    let (bus, tape) = one(redis.address(), "a1").await;
    follow(&bus, "room").await;
    for (payload, rest) in [
        ("plain", "}\nplain"),
        ("SWITCHYARD/1 {}\ntext", "}\ntext"),
        ("SWITCHYARD/1 { }\ntext", " }\ntext"),
        (
            "SWITCHYARD/1 {\"id\":\"a\",\"binary\":true}\n\0",
            ",\"id\":\"a\",\"binary\":true}\n\0",
        ),
    ] {
        let id = bus
            .append("room", payload.into(), KEEP)
            .await
            .expect("kept");
        let (_, live, came) = tape.take(1).await.remove(0);
        assert_eq!(live, format!("SWITCHYARD/1 {{\"seq\":\"{id}\"{rest}"));
        assert_eq!(came, Some(id));
        let before = MessageId { minor: 0, major: 1 };
        let missed = bus
            .since("room", Some(before), 9, KEEP)
            .await
            .expect("read");
        assert_eq!(
            missed.messages.last(),
            Some(&(id, payload.into())),
            "it is kept as it was"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn so_many_are_kept() {
    // What the server drops is a whole block of its own at a time.
    let redis = Redis::start(&["stream-node-max-entries 10"]);
    let (bus, _tape) = one(redis.address(), "a1").await;
    let keep = Keep {
        messages: 20,
        ..KEEP
    };
    let ids = append(&bus, 0..100, keep).await;
    assert_eq!(
        since(&bus, ids[79], 99, keep).await,
        (ids[80..].into(), false)
    );
    assert_eq!(
        since(&bus, ids[78], 99, keep).await,
        (ids[80..].into(), true)
    );
    let first = bus.since("room", Some(ids[78]), 5, keep).await;
    let first = first.expect("read");
    assert_eq!((first.messages.len(), first.last), (5, ids[84]));
    assert!(first.has_gap && first.has_more);
    let rest = bus.since("room", Some(first.last), 15, keep).await;
    let rest = rest.expect("read");
    assert_eq!((rest.messages.len(), rest.last), (15, ids[99]));
    assert!(!rest.has_gap && !rest.has_more);
    assert_eq!(
        since(&bus, ids[0], 99, keep).await,
        (ids[80..].into(), true)
    );
    assert_eq!(
        since(&bus, ids[90], 5, keep).await,
        (ids[91..96].into(), false)
    );
    assert_eq!(since(&bus, ids[99], 5, keep).await, (vec![], false));
    let kept = redis.ask(&["XLEN", "switchyard:history:room"]);
    assert!(kept.as_u64() <= Some(30), "{kept}");
}

#[tokio::test(flavor = "multi_thread")]
async fn none_is_older_and_an_idle_channel_is_forgotten() {
    let redis = Redis::start(&[]);
    let (bus, _tape) = one(redis.address(), "a1").await;
    let keep = Keep {
        age: Duration::from_millis(300),
        ..KEEP
    };
    let ids = append(&bus, 0..2, keep).await;
    assert_eq!(since(&bus, ids[0], 9, keep).await, (ids[1..].into(), false));
    eventually("the stream to be gone", || {
        (redis.ask(&["EXISTS", "switchyard:history:room"]) == 0).then_some(())
    });
    assert_eq!(since(&bus, ids[0], 9, keep).await, (vec![], true));
    let now = bus.since("room", None, 9, keep).await.expect("read").last;
    assert_eq!(since(&bus, now, 9, keep).await, (vec![], false));
    let more = append(&bus, 2..3, keep).await;
    assert!(more[0] > now);
    assert_eq!(since(&bus, now, 9, keep).await, (more.clone(), false));
    assert_eq!(since(&bus, ids[1], 9, keep).await, (more, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn none_is_older_in_a_channel_that_is_not_idle() {
    let redis = Redis::start(&[]);
    let (bus, _tape) = one(redis.address(), "a1").await;
    let old = append(&bus, 0..2, KEEP).await;
    wait_for(&redis, old[1].major + 1000);
    let new = append(&bus, 2..3, KEEP).await;
    // Half way between them.
    let age = Duration::from_millis(now(&redis) - old[1].major - 500);
    let keep = Keep { age, ..KEEP };
    assert_eq!(since(&bus, old[0], 9, keep).await, (new.clone(), true));
    assert_eq!(since(&bus, old[1], 9, keep).await, (new, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_lost_is_a_gap() {
    let redis = Redis::start(&[]);
    let (bus, _tape) = one(redis.address(), "a1").await;
    let ids = append(&bus, 0..3, KEEP).await;
    redis.ask(&["FLUSHALL"]);
    assert_eq!(since(&bus, ids[2], 9, KEEP).await, (vec![], true));
    wait_for_a_later_one(&redis, ids[2]);
    let more = append(&bus, 3..4, KEEP).await;
    assert_eq!(since(&bus, ids[2], 9, KEEP).await, (more, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn others_publish_with_the_script() {
    let redis = Redis::start(&[]);
    let (bus, tape) = one(redis.address(), "a1").await;
    follow(&bus, "room").await;
    redis.ask(&["SCRIPT", "FLUSH"]);
    let first = append(&bus, 0..1, KEEP).await[0];
    let id = redis.ask(&[
        "EVAL",
        SCRIPT,
        "1",
        "switchyard:history:room",
        "PUBLISH",
        "switchyard:channel:room",
        "native",
        "100",
        "600000",
    ]);
    let id: MessageId = id.as_str().expect("an id").parse().expect("an id");
    assert_eq!(tape.take(2).await[1].2, Some(id));
    assert_eq!(since(&bus, first, 9, KEEP).await, (vec![id], false));
    // Without it a message is kept, and nobody can say what was before it.
    wait_for_a_later_one(&redis, first);
    redis.ask(&["XADD", "switchyard:history:other", "*", "m", "x"]);
    let missed = bus
        .since("other", Some(first), 9, KEEP)
        .await
        .expect("read");
    assert_eq!((missed.messages.len(), missed.has_gap), (1, true));
}
