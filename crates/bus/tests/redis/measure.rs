//! How many messages a second go through, of one publisher, to one who follows.

use std::time::Instant;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use switchyard_testkit::Redis;

use crate::support::{KEEP, channel, follow, one};

#[tokio::test]
#[ignore = "a measurement: cargo nextest run --release -p switchyard-bus --run-ignored only --no-capture"]
async fn messages_a_second() {
    const SENT: u32 = 100_000;
    const AT_ONCE: usize = 64;
    let redis = Redis::start(&[]);
    let (bus, tape) = one(redis.address(), "a1").await;
    follow(&bus, "room").await;
    let (subject, payload) = (channel("room"), Bytes::from(vec![b'x'; 128]));
    for kind in ["publish", "append"] {
        let begun = Instant::now();
        let sent = stream::iter(0..SENT).map(|_| async {
            match kind {
                "publish" => drop(bus.publish(&subject, payload.clone()).await.expect("sent")),
                _ => drop(
                    bus.append("room", payload.clone(), KEEP)
                        .await
                        .expect("kept"),
                ),
            }
        });
        sent.buffered(AT_ONCE).for_each(|()| async {}).await;
        tape.take(SENT as usize).await;
        let rate = f64::from(SENT) / begun.elapsed().as_secs_f64();
        eprintln!("{kind}: {rate:.0} messages a second published and received");
    }
}
