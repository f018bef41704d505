//! How streams and their connection end.

use h2::Reason;
use switchyard_testkit::{Frame, Peer};

use super::Stage;

/// Whether the session's stream has ended, without a Close before.
#[track_caller]
fn ends(mut peer: Peer) {
    peer.expect_end();
}

#[test]
fn a_stream_that_the_client_resets_ends_its_session_alone() {
    let stage = Stage::new();
    let connection = stage.connect();
    let mut stays = stage.open(&connection);
    let gone = stage.open(&connection);
    gone.client.into_socket().reset();
    ends(gone.server);
    let record = stage.gateway.closed();
    assert_eq!(record["initiator"], "downstream");
    assert_eq!(record["code"], 1006);
    stays.talk();
    stage.wait_sessions(1);
}

#[test]
fn an_endpoint_that_breaks_off_ends_its_stream_alone() {
    let stage = Stage::new();
    let connection = stage.connect();
    let mut stays = stage.open(&connection);
    let gone = stage.open(&connection);
    gone.server.into_socket().reset();
    let mut client = gone.client;
    assert_eq!(client.receive_close().0, 1012);
    ends(client);
    let record = stage.gateway.closed();
    assert_eq!(record["initiator"], "upstream");
    stays.talk();
}

#[test]
fn a_violation_costs_its_own_session() {
    let stage = Stage::new();
    let connection = stage.connect();
    let mut stays = stage.open(&connection);
    let mut rude = stage.open(&connection);
    rude.client
        .send(&Frame::text("reserved").with_reserved(0b100));
    assert_eq!(rude.client.receive_close().0, 1002);
    stays.talk();
}

#[test]
fn a_connection_that_breaks_ends_its_sessions() {
    let stage = Stage::new();
    let socket = switchyard_testkit::Socket::connect(stage.gateway.web());
    let connection = switchyard_testkit::Http2::over(&socket);
    let [one, other] = [stage.open(&connection), stage.open(&connection)];
    socket.reset();
    drop(connection);
    for gone in [one, other] {
        ends(gone.server);
    }
    let records = stage.gateway.records(2, "session closed");
    assert!(
        records
            .iter()
            .all(|record| record["initiator"] == "downstream")
    );
    stage.wait_sessions(0);
}

#[test]
fn a_drain_is_a_goaway_and_a_paced_close() {
    let mut stage = Stage::with(|settings| settings.drain("ready_delay: 0s").drain("over: 100ms"));
    let connection = stage.connect();
    let mut ends = stage.open(&connection);
    ends.talk();
    stage.gateway.terminate();
    assert_eq!(ends.client.receive_close().0, 1012);
    ends.client.send(&Frame::close(1012, ""));
    ends.client.socket().finish();
    assert_eq!(ends.server.answer_close(), 1012);
    assert_eq!(connection.ended(), None, "GOAWAY without an error");
    assert!(stage.gateway.wait_exit().success());
}

#[test]
fn a_connection_without_a_stream_is_ended() {
    let stage = Stage::with(|settings| settings.listener("handshake_timeout: 200ms"));
    let connection = stage.connect();
    let mut ends = stage.open(&connection);
    let metrics = stage.gateway.metrics();
    let idle = [("listener", "web"), ("reason", "idle")];
    let ended = "switchyard_http2_connections_ended_total";
    assert_eq!(metrics.count(ended, &idle), 0);
    ends.client.send(&Frame::close(1000, ""));
    ends.server.answer_close();
    assert_eq!(ends.client.receive_close().0, 1000);
    ends.client.socket().finish();
    stage.wait_ended("idle");
    let code = connection.ended();
    assert!(code.is_none_or(|code| code == Reason::NO_ERROR), "{code:?}");
}
