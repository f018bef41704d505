use std::future::poll_fn;
use std::net::Shutdown;
use std::pin::pin;
use std::task::Poll;

use arcstr::ArcStr;
use switchyard_telemetry::{Build, Metrics};
use tokio::net::TcpListener;

use super::*;

fn metrics() -> Metrics {
    let build = Build {
        version: "",
        revision: "",
        rustc: "",
    };
    Metrics::new(build).unwrap()
}

fn waiting(metrics: &Metrics) -> String {
    let text = metrics.render().unwrap();
    let line = text
        .lines()
        .find(|line| line.starts_with("switchyard_tls_handshakes_waiting{"));
    line.unwrap().rsplit(' ').next().unwrap().to_owned()
}

#[tokio::test]
async fn turns_are_given_in_order() {
    let metrics = metrics();
    let tls = metrics.tls("web");
    let (turns, web) = (Turns::default(), ArcStr::from("web"));
    let first = turns.take(&web, 1, &tls).await;
    let mut second = pin!(turns.take(&web, 1, &tls));
    let mut third = Box::pin(turns.take(&web, 1, &tls));
    let mut fourth = pin!(turns.take(&web, 1, &tls));
    poll_fn(|cx| {
        assert!(second.as_mut().poll(cx).is_pending());
        assert!(third.as_mut().poll(cx).is_pending());
        assert!(fourth.as_mut().poll(cx).is_pending());
        Poll::Ready(())
    })
    .await;
    assert_eq!(waiting(&metrics), "3");
    drop(first);
    poll_fn(|cx| {
        assert!(third.as_mut().poll(cx).is_pending());
        Poll::Ready(())
    })
    .await;
    let second = second.await;
    drop(third);
    assert_eq!(waiting(&metrics), "1");
    drop(second);
    let fourth = fourth.await;
    assert_eq!(waiting(&metrics), "0");
    let other = turns.take(&ArcStr::from("other"), 1, &tls).await;
    drop((fourth, other));
}

#[tokio::test]
async fn another_number_of_turns_holds_for_who_comes_from_then_on() {
    let metrics = metrics();
    let tls = metrics.tls("web");
    let (turns, web) = (Turns::default(), ArcStr::from("web"));
    let first = turns.take(&web, 1, &tls).await;
    let mut waits = pin!(turns.take(&web, 1, &tls));
    poll_fn(|cx| {
        assert!(waits.as_mut().poll(cx).is_pending());
        Poll::Ready(())
    })
    .await;
    let more = (
        turns.take(&web, 2, &tls).await,
        turns.take(&web, 2, &tls).await,
    );
    assert_eq!(waiting(&metrics), "1");
    drop(first);
    waits.await;
    drop(more);
}

#[tokio::test]
async fn a_client_that_went_is_seen_and_one_that_waits_is_not() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let pair = async || {
        let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (client, listener.accept().await.unwrap().0)
    };
    let (silent, server) = pair().await;
    assert!(!is_gone(&server));
    silent.shutdown(Shutdown::Write).unwrap();
    server.readable().await.unwrap();
    assert!(is_gone(&server));
    let (reset, server) = pair().await;
    SockRef::from(&reset)
        .set_linger(Some(Duration::ZERO))
        .unwrap();
    drop(reset);
    server.readable().await.unwrap();
    assert!(is_gone(&server));
}
