//! What cannot be seen from outside in the time that a test has: the clock is the test's.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Mutex;

use hyper::body::Incoming;
use hyper::service::service_fn;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

use super::*;

/// A preface, no settings of its own, and a request: `GET https://a/`, indexed but for its host.
const REQUEST: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\
    \x00\x00\x00\x04\x00\x00\x00\x00\x00\
    \x00\x00\x06\x01\x05\x00\x00\x00\x01\x82\x87\x84\x41\x01a";

/// When a client that gives no sign of life has been waited for long enough.
const DEAD_AFTER: Duration = PING_INTERVAL.saturating_add(PING_TIMEOUT);

/// Far beyond what any client here needs.
const FOREVER: Duration = Duration::from_hours(24);

/// Where a frame has its type, before its flags.
const TYPE: usize = 3;
const PING: u8 = 6;
const ACK: u8 = 1;

/// Serves a request without an answer to a client that has `room` bytes for what it does not read: for how long,
/// and how the connection ended if it has. Without a stream it is given up as any other.
async fn lasts(
    room: usize,
    client: impl AsyncFnOnce(DuplexStream),
) -> (Duration, Option<hyper::Result<()>>) {
    let settings = Http2Settings {
        extended_connect: true,
        max_concurrent_streams: 100,
    };
    let (mut near, far) = duplex(room);
    let (asked, gone) = oneshot::channel::<()>();
    let asked = Arc::new(Mutex::new(Some(asked)));
    let service = service_fn(move |_: Request<Incoming>| {
        let asked = asked.lock().unwrap().take();
        async move {
            let _held = asked;
            pending::<Result<Response<Body>, Infallible>>().await
        }
    });
    let tasks = Tasks::new();
    let mut serving = pin!(http(settings, &tasks).serve_connection(TokioIo::new(far), service));
    let began = Instant::now();
    let client = async {
        near.write_all(REQUEST).await.unwrap();
        client(near).await;
        pending::<()>().await;
    };
    tokio::select! {
        biased;
        result = &mut serving => (began.elapsed(), Some(result)),
        _ = gone => (began.elapsed(), None),
        () = client => unreachable!("it waits"),
        () = sleep(FOREVER) => panic!("it lasts"),
    }
}

/// Reads the next frame, if there is one.
async fn frame(client: &mut DuplexStream) -> Option<Vec<u8>> {
    let mut frame = vec![0; 9];
    client.read_exact(&mut frame).await.ok()?;
    let length = u32::from_be_bytes([0, frame[0], frame[1], frame[2]]);
    frame.resize(9 + usize::try_from(length).unwrap(), 0);
    client.read_exact(&mut frame[9..]).await.ok()?;
    Some(frame)
}

async fn next_ping(client: &mut DuplexStream) -> Vec<u8> {
    loop {
        let frame = frame(client).await.expect("a connection that goes on");
        if frame[TYPE] == PING {
            return frame;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_gives_no_sign_of_life_is_ended() {
    let silent = async |mut client: DuplexStream| while frame(&mut client).await.is_some() {};
    let (lasted, result) = lasts(1 << 16, silent).await;
    assert_eq!(lasted.as_secs(), DEAD_AFTER.as_secs());
    assert!(result.unwrap().unwrap_err().is_timeout());
}

#[tokio::test(start_paused = true)]
async fn so_are_the_streams_of_one_that_takes_nothing() {
    let kept = Mutex::new(None);
    let deaf = async |client| *kept.lock().unwrap() = Some(client);
    let (lasted, result) = lasts(48, deaf).await;
    assert_eq!(lasted.as_secs(), DEAD_AFTER.as_secs());
    assert!(result.is_none(), "not even its end can be said to it");
}

#[tokio::test(start_paused = true)]
async fn one_that_answers_stays() {
    let lively = async |mut client: DuplexStream| {
        for _ in 0..100 {
            let mut ping = next_ping(&mut client).await;
            ping[TYPE + 1] = ACK;
            client.write_all(&ping).await.unwrap();
        }
    };
    let (lasted, result) = lasts(1 << 16, lively).await;
    assert_eq!(lasted.as_secs(), (PING_INTERVAL * 100).as_secs());
    assert!(result.unwrap().is_ok(), "then it went");
}
