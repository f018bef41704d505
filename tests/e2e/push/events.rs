//! Sessions that open and end are published for who wants to know.

use serde_json::{Value, json};
use switchyard_testkit::{Frame, Handshake, clients};

use super::bus::{Fleet, Server};
use super::names;

#[test]
fn opened_and_closed() {
    let server = Server::redis();
    let listener = clients::start("bus_events.py", &[&server.url()]);
    let ready = |line: &Value| line["ready"] == true;
    listener.stdout().wait_for("its subscription", ready);
    let fleet = Fleet::new(server, 1, "push: { events: on }");
    let mut ends = fleet.open(0, "/room");
    let name = names(&fleet.gateways[0]).remove(0);
    let told = |kind: &str| {
        let is_it = |line: &Value| line["event"]["event"] == kind;
        listener.stdout().wait_for(kind, is_it)["event"].clone()
    };
    let opened = told("opened");
    assert_eq!(
        (&opened["session"], &opened["route"]),
        (&json!(name), &json!("main"))
    );
    assert_eq!(
        (&opened["channels"], &opened["client"]),
        (&json!(["room"]), &json!("127.0.0.1"))
    );
    assert!(name.starts_with(opened["replica"].as_str().expect("a name")));
    ends.client.send(&Frame::close(4000, ""));
    ends.server.answer_close();
    let closed = told("closed");
    assert_eq!(
        (&closed["session"], &closed["code"]),
        (&json!(name), &json!(4000)),
        "{closed}"
    );
    assert_eq!(
        (&closed["initiator"], &closed["reason"]),
        (&json!("downstream"), &json!("close_frame"))
    );
    assert!(
        closed["duration_ms"].is_u64() && closed["at"].is_u64(),
        "{closed}"
    );
}

#[test]
fn what_is_told_is_what_a_session_has() {
    let server = Server::redis();
    let listener = clients::start("bus_events.py", &[&server.url()]);
    let ready = |line: &Value| line["ready"] == true;
    listener.stdout().wait_for("its subscription", ready);
    let fleet = Fleet::new(server, 1, "push: { events: on, channels_per_session: 1 }");
    let socket = Handshake::to("/room").send(fleet.gateways[0].web());
    let said = [("Switchyard-Channels", "one, too, many")];
    let _server = fleet.endpoint.accept_websocket_with(&said);
    let is_it = |line: &Value| line["event"]["event"] == "opened";
    let opened = listener.stdout().wait_for("opened", is_it);
    assert_eq!(opened["event"]["channels"], json!(["room"]));
    drop(socket);
}
