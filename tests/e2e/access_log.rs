//! The records: one when a session opens, one when it closes, one for each plain request.

mod file;
mod periodic;

use serde_json::Value;
use switchyard_testkit::{Frame, Handshake, Response, Socket};

use crate::support::{Ends, Stage};

#[track_caller]
fn has(record: &Value, fields: &[(&str, Value)]) {
    for (name, value) in fields {
        assert_eq!(&record[name], value, "{name} in {record}");
    }
}

#[test]
fn a_session_has_two_records() {
    let stage = Stage::new();
    let handshake =
        Handshake::to("/rooms/7?token=s3cret").with("Sec-WebSocket-Protocol", "chat.v1");
    let Ends {
        mut client,
        mut server,
    } = stage.open_as(&handshake);
    client.send(&Frame::text("12345"));
    server.receive();
    server.send(&Frame::binary(vec![0; 200]));
    client.receive();
    client.send(&Frame::close(1000, "bye"));
    server.answer_close();

    let endpoint = stage.endpoint.address().to_string();
    let opened = stage.gateway.records(1, "session opened").remove(0);
    let known = [
        ("route", "main"),
        ("cluster", "main"),
        ("endpoint", &*endpoint),
        ("client", "127.0.0.1"),
        ("path", "/rooms/7?token=*"),
    ]
    .map(|(name, value)| (name, Value::from(value)));
    has(&opened, &known);
    let closed = stage.gateway.closed();
    has(&closed, &known[..4]);
    has(
        &closed,
        &[
            ("initiator", "downstream".into()),
            ("code", 1000.into()),
            ("reason", "close_frame".into()),
            ("messages_from_downstream", 1.into()),
            ("messages_from_upstream", 1.into()),
            // A header of 6 (masked) and 5 bytes, then a Close of 6 and 2 and 3 bytes.
            ("bytes_from_downstream", 22.into()),
            // A header of 4 and 200 bytes, then the Close: 2 and 2.
            ("bytes_from_upstream", 208.into()),
            ("largest_message_bytes", 200.into()),
        ],
    );
    for id in ["session", "request_id"] {
        assert_eq!(opened[id], closed[id]);
        assert!(
            opened[id].as_str().is_some_and(|id| !id.is_empty()),
            "{opened}"
        );
    }
    for number in ["duration_ms", "idle_ms"] {
        assert!(closed[number].is_u64(), "{closed}");
    }
}

#[test]
fn no_query_value_is_ever_logged() {
    let stage = Stage::new();
    let Ends { client, server } = stage.open_as(&Handshake::to("/?access_token=s3cret&x=y"));
    drop(client);
    drop(server);
    stage.gateway.closed();
    let refused = Handshake::to("/?access_token=s3cret").without("Sec-WebSocket-Key");
    Response::read(&mut refused.send(stage.gateway.web()));
    stage.gateway.records(1, "request");
    for line in stage.gateway.log().so_far() {
        assert!(!line.to_string().contains("s3cret"), "{line}");
    }
}

#[test]
fn but_for_those_that_an_operator_names() {
    let stage = Stage::with(|it| it.top("log: { access: { query_values: [room] } }"));
    let _ends = stage.open_as(&Handshake::to("/?room=7&token=s3cret&x=room"));
    let opened = stage.gateway.records(1, "session opened").remove(0);
    has(&opened, &[("path", "/?room=7&token=*&x=*".into())]);
    let hostile = Handshake::to("/?room=%0d%0a&rooms=s3cret").without("Sec-WebSocket-Key");
    Response::read(&mut hostile.send(stage.gateway.web()));
    let refused = stage.gateway.records(1, "request").remove(0);
    has(&refused, &[("path", "/?room=%0d%0a&rooms=*".into())]);
}

#[test]
fn the_request_id_is_the_one_that_the_endpoint_sees() {
    let stage = Stage::new();
    let ends = stage.open();
    let opened = stage.gateway.records(1, "session opened").remove(0);
    assert_eq!(
        opened["request_id"].as_str(),
        ends.server.head().get("x-request-id")
    );
}

#[test]
fn a_plain_request_has_one_record() {
    let stage = Stage::new();
    let mut client = Socket::connect(stage.gateway.web());
    client.send(b"GET /page HTTP/1.1\r\nHost: chat.example.com\r\n\r\n");
    let mut server = stage.endpoint.accept();
    switchyard_testkit::Head::read(&mut server);
    server.send(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    Response::read(&mut client);
    let record = stage.gateway.records(1, "request").remove(0);
    let endpoint = stage.endpoint.address().to_string();
    has(
        &record,
        &[
            ("method", "GET".into()),
            ("path", "/page".into()),
            ("status", 404.into()),
            ("route", "main".into()),
            ("endpoint", endpoint.into()),
            ("client", "127.0.0.1".into()),
        ],
    );
}

#[test]
fn a_refused_handshake_says_why() {
    let stage = Stage::new();
    let refused = Handshake::to("/").but("Sec-WebSocket-Version", "12");
    Response::read(&mut refused.send(stage.gateway.web()));
    let record = stage.gateway.records(1, "request").remove(0);
    has(
        &record,
        &[("status", 426.into()), ("reason", "version".into())],
    );
}

#[test]
fn the_client_is_the_one_that_a_trusted_proxy_tells() {
    let stage = Stage::with(|settings| settings.top("trusted_proxies: [127.0.0.0/8]"));
    let _ends = stage.open_as(&Handshake::to("/").with("X-Forwarded-For", "203.0.113.7"));
    let opened = stage.gateway.records(1, "session opened").remove(0);
    has(&opened, &[("client", "203.0.113.7".into())]);
}

#[test]
fn it_can_be_switched_off() {
    let mut stage = Stage::with(|settings| {
        settings
            .top("log: { access: off }")
            .drain("ready_delay: 0s")
    });
    let Ends { client, server } = stage.open();
    drop((client, server));
    stage.gateway.terminate();
    stage.gateway.wait_exit();
    let records = stage.gateway.log().to_end();
    assert!(
        records.iter().all(|line| line["target"] != "access"),
        "{records:#?}"
    );
}
