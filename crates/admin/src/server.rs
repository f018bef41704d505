//! Accepts admin connections and hands their requests to the API.

use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::SockRef;
use switchyard_drain::Tasks;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::Admin;
use crate::answer::Answer;

/// Connections served at once; further ones wait in the listen queue. Scrapers, probes and a few people need no more.
const MAX_CONNECTIONS: usize = 128;
/// How long a request head may take, and how long an idle connection is kept.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a client may take nothing of an answer before its connection is given up, so that those who do not read
/// hold no place for good.
const SLOWEST: Duration = Duration::from_secs(30);
/// How long to wait after an accept that failed for want of descriptors, so as not to spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves the admin API on `listener`, once this process accepts, until the task is dropped or another process
/// accepts in its place.
pub async fn serve(listener: TcpListener, admin: Arc<Admin>, tasks: Tasks) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    admin.watch.posted().await;
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = admin.watch.relieved() => return,
        };
        match accepted {
            Ok((stream, _)) => {
                let admin = Arc::clone(&admin);
                tasks.spawn(async move {
                    connection(stream, admin).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "admin listener could not accept");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, admin: Arc<Admin>) {
    if let Err(error) = give_up_on_the_slow(&stream) {
        return tracing::debug!(%error, "admin connection ended early");
    }
    let api = Arc::clone(&admin);
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let api = Arc::clone(&api);
        async move {
            let (head, body) = request.into_parts();
            let body = body.map_err(io::Error::other).boxed_unsync();
            Ok::<Answer, Infallible>(api.answer(head, body).await)
        }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    let mut serving = pin!(serving);
    let served = tokio::select! {
        served = serving.as_mut() => served,
        () = admin.watch.relieved() => {
            // Whoever asks next is to ask the other process.
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, "admin connection ended early");
    }
}

fn give_up_on_the_slow(stream: &TcpStream) -> io::Result<()> {
    SockRef::from(stream).set_tcp_user_timeout(Some(SLOWEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_takes_nothing_holds_no_place_for_good() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let connecting = TcpStream::connect(listener.local_addr().unwrap());
        let (_client, accepted) = tokio::join!(connecting, listener.accept());
        let (stream, _) = accepted.unwrap();
        give_up_on_the_slow(&stream).unwrap();
        let timeout = SockRef::from(&stream).tcp_user_timeout().unwrap();
        assert_eq!(timeout, Some(SLOWEST));
    }
}
