//! It ends when nobody listens any more, whatever it is doing.

use std::time::Duration;

use switchyard_discovery::dns::Refresh;
use switchyard_testkit::{Dnsmasq, PATIENCE};
use tokio::time::timeout;

use crate::followed::{A, Followed, QUICK};

async fn ends(followed: Followed) {
    drop(followed.told);
    timeout(PATIENCE, followed.following)
        .await
        .expect("it ends");
}

#[tokio::test]
async fn while_it_sleeps() {
    let dns = Dnsmasq::start(&["host-record=a.test,127.0.0.1"]);
    let refresh = Refresh {
        min: Duration::from_hours(1),
        max: Duration::from_hours(1),
        ..QUICK
    };
    let mut followed = Followed::with(dns.address(), "a.test", A, refresh, PATIENCE);
    followed.members().await;
    ends(followed).await;
    assert_eq!(dns.asked("query[A]", "a.test"), 1);
}

#[tokio::test]
async fn while_it_waits_for_an_answer() {
    let dns = Dnsmasq::start(&["host-record=a.test,127.0.0.1"]);
    dns.freeze();
    let hour = Duration::from_hours(1);
    let mut followed = Followed::with(dns.address(), "a.test", A, QUICK, hour);
    let mut turns = 0;
    followed
        .go_on(|| {
            turns += 1;
            turns > 3
        })
        .await;
    ends(followed).await;
}

#[tokio::test]
async fn while_what_it_told_has_not_been_taken() {
    let dns = Dnsmasq::start(&["local=/test/"]);
    let mut followed = Followed::new(dns.address(), "a.test", A);
    // One failure waits in the queue, and the next for room in it.
    followed.go_on(|| dns.asked("query[A]", "a.test") > 1).await;
    ends(followed).await;
}
