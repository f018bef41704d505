//! A server that dies, or says nothing any more, and comes back.

use switchyard_bus::{PublishError, Reached};
use switchyard_testkit::Redis;
use tokio::task::JoinSet;

use crate::support::{connected, follow, gone, one, publish};

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_followed_again_when_the_server_is_back() {
    let mut redis = Redis::start(&[]);
    let (bus, tape) = one(redis.address(), "a1").await;
    let names: Vec<String> = (0..2500).map(|i| format!("room:{i}")).collect();
    for name in &names {
        bus.follow(&name.as_str().into());
    }
    follow(&bus, "gone").await;
    bus.unfollow("gone");
    // In the midst of traffic.
    let (first, other) = (names[0].clone(), bus.clone());
    let mut traffic = JoinSet::new();
    traffic.spawn(async move {
        loop {
            if let Err(error) = publish(&other, &first, "x").await {
                return error;
            }
        }
    });
    tape.take(100).await;
    redis.kill();
    let ended = traffic.join_next().await.expect("one").expect("it ends");
    // The server goes under a publish, or between two of them.
    assert!(
        matches!(ended, PublishError::Lost | PublishError::Unreachable),
        "{ended}"
    );
    gone(&bus).await;
    assert_eq!(
        publish(&bus, "room:0", "x").await,
        Err(PublishError::Unreachable)
    );
    bus.follow(&"late".into());
    redis.restart();
    connected(&bus).await;
    tape.wait("the end of the gap", |state| state.resumed == 1)
        .await;
    tape.state().received.clear();
    for name in names.iter().map(String::as_str).chain(["late"]) {
        assert_eq!(publish(&bus, name, name).await, Ok(Reached::Replicas(1)));
    }
    assert_eq!(publish(&bus, "gone", "x").await, Ok(Reached::Replicas(0)));
    let texts = tape.texts(2501).await;
    assert_eq!((&texts[..2500], &*texts[2500]), (&*names, "late"));
    assert_eq!(tape.state().resumed, 1);
    assert_eq!(bus.fault(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_on_its_way_is_lost() {
    let mut redis = Redis::start(&[]);
    let (bus, _tape) = one(redis.address(), "a1").await;
    redis.freeze();
    // The first is begun before the second is: it waits for its answer when the server goes.
    let (result, ()) = tokio::join!(biased; publish(&bus, "room", "x"), async { redis.kill() });
    assert_eq!(result, Err(PublishError::Lost));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_says_nothing_any_more_is_gone() {
    let redis = Redis::start(&[]);
    let (bus, tape) = one(redis.address(), "a1").await;
    follow(&bus, "room").await;
    redis.freeze();
    // Nothing is sent: it is found out all the same.
    gone(&bus).await;
    let fault = bus.fault().expect("a reason");
    assert!(fault.contains("does not answer in time"), "{fault}");
    redis.thaw();
    connected(&bus).await;
    assert_eq!(publish(&bus, "room", "x").await, Ok(Reached::Replicas(1)));
    tape.take(1).await;
    assert_eq!(tape.state().resumed, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_has_its_time() {
    let redis = Redis::start(&[]);
    let (bus, _tape) = one(redis.address(), "a1").await;
    redis.freeze();
    let result = publish(&bus, "room", "x").await;
    assert_eq!(result, Err(PublishError::TimedOut));
    redis.thaw();
}
