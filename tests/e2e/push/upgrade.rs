//! The binary is replaced, and who was subscribed goes on to be, by the same name.

use serde_json::json;
use switchyard_testkit::Handshake;

use super::bus::{Fleet, Server};
use super::{by_path, names, post, publish, said, wait_subscribed};
use crate::support::Stage;
use crate::upgrade::upgrade;

#[test]
fn subscriptions_and_names_go_along() {
    let stage = Stage::with(by_path);
    let mut ends = stage.open_at("/a");
    let name = names(&stage.gateway).remove(0);
    publish(&stage.gateway, "a", "before");
    assert_eq!(ends.client.receive_text(), "before");
    let _successor = upgrade(stage.gateway.id());
    wait_subscribed(&stage.gateway, "a", 1);
    publish(&stage.gateway, "a", "after");
    assert_eq!(ends.client.receive_text(), "after");
    let path = format!("/sessions/{name}/messages");
    said(
        &post(&stage.gateway, &path, &json!({ "text": "to you" })),
        200,
    );
    assert_eq!(ends.client.receive_text(), "to you");
    ends.talk();
    drop(ends);
}

/// It has had everything up to what came last, and what is published while it moves.
#[test]
fn nothing_of_a_kept_channel_is_missed_or_comes_twice() {
    let kept = "push: { history: [{ prefix: \"room.\", messages: 100, age: 1h }] }";
    let fleet = Fleet::new(Server::redis(), 2, kept);
    let mut ends = fleet.open_as(0, &Handshake::to("/room.1"));
    let next = |ends: &mut crate::support::Ends| -> serde_json::Value {
        serde_json::from_str(&ends.client.receive_text()).expect("JSON")
    };
    assert_eq!(next(&mut ends)["recovered"], 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..200 {
                publish(&fleet.gateways[1], "room.1", &number.to_string());
            }
        });
        let mut expected = 0;
        let mut successor = None;
        while expected < 200 {
            let message = next(&mut ends);
            if message["recovered"].is_number() {
                assert_eq!(message["gap"], false, "{message}");
                continue;
            }
            assert_eq!(message["data"], expected.to_string(), "{message}");
            expected += 1;
            if expected == 50 {
                successor = Some(upgrade(fleet.gateways[0].id()));
            }
        }
        drop(successor);
    });
}
