//! What is published to channels, and to single sessions: who gets it, between which frames, and what becomes of it where a
//! receiver is slow, the bus is gone or the gateway is replaced.

mod bus;
mod clients;
mod commands;
mod delivery;
mod drains;
mod events;
mod example;
mod history;
mod requests;
mod upgrade;

use serde_json::{Value, json};
use switchyard_testkit::{Gateway, Response, Settings, Socket, eventually};

/// One request with a body on the admin listener.
#[track_caller]
fn post(gateway: &Gateway, path: &str, body: &Value) -> Response {
    let mut socket = Socket::connect(gateway.admin());
    let body = body.to_string();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: admin\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    socket.send(request.as_bytes());
    Response::read(&mut socket)
}

/// The JSON of an answer that has to be this status.
#[track_caller]
fn said(response: &Response, status: u16) -> Value {
    assert_eq!(response.status(), status, "{}", response.text());
    serde_json::from_str(response.text()).expect("JSON")
}

/// Publishes a text, and returns what is said of it.
#[track_caller]
fn publish(gateway: &Gateway, channel: &str, text: &str) -> Value {
    let body = json!({ "channel": channel, "text": text });
    said(&post(gateway, "/publish", &body), 200)
}

/// Settings under which each session is subscribed to its path: `/room:1` to `room:1`.
fn by_path(settings: Settings) -> Settings {
    settings
        .matching("path: \"/{channel}\"")
        .route("channels: [\"{path.channel}\"]")
}

/// Waits until that many sessions are subscribed to a channel.
#[track_caller]
fn wait_subscribed(gateway: &Gateway, channel: &str, sessions: u64) {
    eventually(&format!("{sessions} on {channel}"), || {
        let answer = gateway.ask_admin("/channels");
        let list: Value = serde_json::from_str(answer.text()).expect("JSON");
        let channels = list["channels"].as_array().expect("a list");
        let found = channels.iter().find(|it| it["channel"] == channel);
        let count = found.map_or(0, |it| it["sessions"].as_u64().expect("a number"));
        (count == sessions).then_some(())
    });
}

/// The names of all sessions, oldest first.
#[track_caller]
fn names(gateway: &Gateway) -> Vec<String> {
    let answer = gateway.ask_admin("/sessions");
    let list: Value = serde_json::from_str(answer.text()).expect("JSON");
    let sessions = list["sessions"].as_array().expect("a list").iter();
    let name = |session: &Value| session["name"].as_str().expect("a name").to_owned();
    sessions.map(name).collect()
}
