//! Which connections are kept, and for how long. Time is paused where it matters.

use switchyard_config::HeaderCase;

use super::*;
use crate::cluster::Cluster;
use crate::testing::{CLIENT, Peer, Rig, Script, get, ranked, settings, text, within};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// One whole exchange that leaves its connection idle; the endpoint's side of it.
async fn idle(rig: &Rig, cluster: &Cluster, script: &Script) -> Peer {
    let exchange = async {
        let sent = rig.dialer.send(cluster, ranked(cluster), &CLIENT, get("/"));
        let (answered, peer) = tokio::join!(sent, script.answer(OK));
        text(answered.unwrap().response.into_body()).await;
        peer
    };
    within(Box::pin(exchange)).await
}

/// `count` connections to one endpoint: its side of them, and ours, out of the pool.
async fn taken(
    rig: &Rig,
    cluster: &Cluster,
    script: &Script,
    count: usize,
) -> (Vec<Peer>, Vec<SendRequest<Body>>) {
    let (mut peers, mut senders) = (Vec::new(), Vec::new());
    for _ in 0..count {
        peers.push(idle(rig, cluster, script).await);
        senders.push(take(rig, script).await.expect("an idle connection"));
    }
    (peers, senders)
}

/// `count` connections to one endpoint that became idle one after the other.
async fn many_idle(rig: &Rig, cluster: &Cluster, script: &Script, count: usize) -> Vec<Peer> {
    let (peers, senders) = taken(rig, cluster, script, count).await;
    for sender in senders {
        rig.dialer.pool.put_back(key(script), sender);
    }
    peers
}

fn key(script: &Script) -> Key {
    Key {
        address: script.address(),
        case: HeaderCase::Lower,
        security: None,
    }
}

async fn take(rig: &Rig, script: &Script) -> Option<SendRequest<Body>> {
    within(rig.dialer.pool.take(key(script))).await
}

fn idle_count(rig: &Rig) -> usize {
    rig.dialer
        .pool
        .shared
        .lock()
        .connections
        .values()
        .map(Vec::len)
        .sum()
}

/// Lets the tasks run until `done`.
async fn until(done: impl Fn() -> bool) {
    within(async {
        while !done() {
            task::yield_now().await;
        }
    })
    .await;
}

/// Fails when `future` waits for the idle timeout; time is paused, and passes only when all wait.
async fn at_once<F: Future>(future: F) -> F::Output {
    time::pause();
    let output = time::timeout(IDLE_TIMEOUT / 4, future).await;
    time::resume();
    output.expect("at once")
}

#[tokio::test]
async fn an_idle_connection_is_closed_in_time_without_traffic() {
    let (rig, script) = (Rig::new(), Script::bind().await);
    let cluster = rig.cluster(settings(&[script.address()]));
    let mut peer = idle(&rig, &cluster, &script).await;
    until(|| idle_count(&rig) == 1).await;
    time::pause();
    let idle_since = Instant::now();
    within(peer.closed()).await;
    // The timer's own step is a millisecond.
    let kept = idle_since.elapsed();
    assert!(
        kept > IDLE_TIMEOUT / 2 && kept < IDLE_TIMEOUT * 5 / 4,
        "{kept:?}"
    );
    until(|| rig.tasks.is_empty()).await;
    assert!(rig.dialer.pool.shared.lock().connections.is_empty());
}

#[tokio::test]
async fn each_connection_has_its_own_time() {
    let (rig, script) = (Rig::new(), Script::bind().await);
    let cluster = rig.cluster(settings(&[script.address()]));
    let (peers, senders) = taken(&rig, &cluster, &script, 3).await;
    time::pause();
    let step = IDLE_TIMEOUT / 8;
    let started = Instant::now();
    for sender in senders {
        rig.dialer.pool.put_back(key(&script), sender);
        time::advance(step).await;
    }
    for (mut peer, position) in peers.into_iter().zip(0..) {
        within(peer.closed()).await;
        let expected = IDLE_TIMEOUT + step * position;
        let closed = started.elapsed();
        assert!(
            closed >= expected && closed < expected + step,
            "{position}: {closed:?}"
        );
    }
}

#[tokio::test]
async fn the_sweeper_starts_again_after_it_ended() {
    let (rig, script) = (Rig::new(), Script::bind().await);
    let cluster = rig.cluster(settings(&[script.address()]));
    for _ in 0..2 {
        let mut peer = idle(&rig, &cluster, &script).await;
        time::pause();
        within(peer.closed()).await;
        until(|| rig.tasks.is_empty()).await;
        time::resume();
    }
}

#[tokio::test]
async fn an_endpoint_has_a_bounded_number_of_idle_connections() {
    let (rig, script) = (Rig::new(), Script::bind().await);
    let cluster = rig.cluster(settings(&[script.address()]));
    let mut peers = many_idle(&rig, &cluster, &script, MAX_IDLE + 1).await;
    assert_eq!(idle_count(&rig), MAX_IDLE);
    within(peers.last_mut().unwrap().closed()).await;
}

#[tokio::test]
async fn closed_connections_make_room() {
    let (rig, script) = (Rig::new(), Script::bind().await);
    let cluster = rig.cluster(settings(&[script.address()]));
    let (_peer, held) = taken(&rig, &cluster, &script, 1).await;
    drop(many_idle(&rig, &cluster, &script, MAX_IDLE).await);
    // What is left is the sweeper, and the one connection that is held.
    until(|| rig.tasks.len() == 2).await;
    for sender in held {
        rig.dialer.pool.put_back(key(&script), sender);
    }
    assert_eq!(idle_count(&rig), 1);
}

#[tokio::test]
async fn a_connection_that_is_known_to_be_closed_is_not_given_out() {
    let (rig, script) = (Rig::new(), Script::bind().await);
    let cluster = rig.cluster(settings(&[script.address()]));
    let mut peers = many_idle(&rig, &cluster, &script, 2).await;
    drop(peers.pop());
    until(|| rig.tasks.len() == 2).await;
    let open = take(&rig, &script).await.expect("the one that is open");
    assert!(open.is_ready());
    assert!(take(&rig, &script).await.is_none());
}

#[tokio::test]
async fn the_connection_used_last_is_used_first() {
    let (rig, script) = (Rig::new(), Script::bind().await);
    let cluster = rig.cluster(settings(&[script.address()]));
    let mut peers = many_idle(&rig, &cluster, &script, 2).await;
    drop(take(&rig, &script).await);
    within(peers.pop().unwrap().closed()).await;
    assert_eq!(idle_count(&rig), 1);
}

#[tokio::test]
async fn connections_are_kept_apart_by_field_case() {
    let (rig, script) = (Rig::new(), Script::bind().await);
    let cluster = rig.cluster(settings(&[script.address()]));
    let _peer = idle(&rig, &cluster, &script).await;
    let other = Key {
        case: HeaderCase::Preserve,
        ..key(&script)
    };
    assert!(rig.dialer.pool.take(other).await.is_none());
    assert!(take(&rig, &script).await.is_some());
}

#[tokio::test]
async fn a_connection_whose_answer_is_still_read_is_not_idle() {
    let (rig, script) = (Rig::new(), Script::bind().await);
    let cluster = rig.cluster(settings(&[script.address()]));
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nha";
    let sent = rig
        .dialer
        .send(&cluster, ranked(&cluster), &CLIENT, get("/"));
    let (answered, mut peer) = within(async { tokio::join!(sent, script.answer(head)) }).await;
    let body = answered.unwrap().response.into_body();
    assert_eq!(idle_count(&rig), 0);
    peer.say("lf").await;
    assert_eq!(within(text(body)).await, "half");
    until(|| idle_count(&rig) == 1).await;
}

#[tokio::test]
async fn an_answer_nobody_reads_ends_its_connection() {
    let (rig, script) = (Rig::new(), Script::bind().await);
    let cluster = rig.cluster(settings(&[script.address()]));
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n";
    let sent = rig
        .dialer
        .send(&cluster, ranked(&cluster), &CLIENT, get("/"));
    let (answered, mut peer) = within(async { tokio::join!(sent, script.answer(head)) }).await;
    drop(answered);
    within(peer.closed()).await;
    until(|| rig.tasks.is_empty()).await;
    assert_eq!(idle_count(&rig), 0);
}

#[tokio::test]
async fn closing_ends_what_is_idle_and_keeps_nothing_more() {
    let (rig, script) = (Rig::new(), Script::bind().await);
    let cluster = rig.cluster(settings(&[script.address()]));
    let mut peer = idle(&rig, &cluster, &script).await;
    until(|| idle_count(&rig) == 1).await;
    // The sweeper gets its turn, and goes to sleep.
    task::yield_now().await;
    rig.dialer.close_idle();
    at_once(peer.closed()).await;
    at_once(rig.tasks.finished()).await;
    let mut peer = idle(&rig, &cluster, &script).await;
    at_once(peer.closed()).await;
    assert_eq!(idle_count(&rig), 0);
    at_once(rig.tasks.finished()).await;
}

#[tokio::test]
async fn a_dropped_dialer_closes_its_connections() {
    let (rig, script) = (Rig::new(), Script::bind().await);
    let cluster = rig.cluster(settings(&[script.address()]));
    let mut peer = idle(&rig, &cluster, &script).await;
    let Rig { dialer, tasks, .. } = rig;
    drop(dialer);
    at_once(peer.closed()).await;
    at_once(tasks.finished()).await;
}
