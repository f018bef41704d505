use serde_json::{Value, json};

use crate::testing::{World, ask};

async fn get(world: &World, target: &str) -> (u16, Value) {
    ask(world, "GET", target, None).await
}

fn ids(answer: &Value) -> Vec<u64> {
    let sessions = answer["sessions"].as_array().expect("a list");
    let ids = sessions.iter().map(|session| session["id"].as_u64());
    ids.map(|id| id.expect("a number")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_has_a_name_and_channels() {
    let world = World::new();
    let id = world.subscribe("a");
    let name = format!("3f9c01aa22bb-{id}");
    for target in [format!("/sessions/{id}"), format!("/sessions/{name}")] {
        let (code, session) = get(&world, &target).await;
        assert_eq!((code, &session["name"]), (200, &json!(name)), "{target}");
        assert_eq!(session["channels"], json!(["a"]));
    }
    assert_eq!(get(&world, "/sessions/999999999").await.0, 404);
    assert_eq!(get(&world, "/sessions/000000000001-1").await.0, 404);
    assert_eq!(get(&world, "/sessions/somebody").await.0, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn those_of_a_channel_are_listed() {
    let world = World::new();
    let all: Vec<_> = ["a", "b", "a", "a"]
        .map(|name| world.subscribe(name))
        .into();
    world.open();
    let (_, page) = get(&world, "/sessions?channel=a&limit=2").await;
    assert_eq!(ids(&page), [all[0].get(), all[2].get()]);
    let next = page["next"].as_u64().expect("there is more");
    let (_, page) = get(&world, &format!("/sessions?channel=a&after={next}")).await;
    assert_eq!(ids(&page), [all[3].get()]);
    assert_eq!(page["next"], Value::Null);
    let (_, page) = get(&world, "/sessions?channel=a&route=other").await;
    assert!(ids(&page).is_empty());
    let (code, closed) = ask(&world, "DELETE", "/sessions?channel=a", None).await;
    assert_eq!((code, &closed["sessions"]), (202, &json!(3)));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_is_sent_a_message() {
    let world = World::new();
    let id = world.open();
    let send = async |id: &str, body: Value| {
        ask(
            &world,
            "POST",
            &format!("/sessions/{id}/messages"),
            Some(body),
        )
        .await
    };
    let name = format!("3f9c01aa22bb-{id}");
    let queued = json!({ "session": name, "queued": true });
    let hello = || json!({ "text": "hello" });
    assert_eq!(send(&name, hello()).await, (200, queued.clone()));
    let binary = json!({ "base64": "AAE=" });
    assert_eq!(send(&id.to_string(), binary).await, (200, queued));
    // Nothing takes them from the queue, which has room for two.
    assert_eq!(send(&name, hello()).await.0, 409);
    assert_eq!(send("999999999", hello()).await.0, 410);
    // There is nobody else on this bus, so that is known at once.
    assert_eq!(send("000000000001-1", hello()).await.0, 410);
    assert_eq!(send("?", hello()).await.0, 404);
    assert_eq!(send("x", hello()).await.0, 400);
    let long = json!({ "text": "x".repeat(World::MAX_MESSAGE + 1) });
    assert_eq!(send(&name, long).await.0, 413);
    let excluded = json!({ "text": "x", "exclude": name });
    assert_eq!(send(&name, excluded).await.0, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_is_subscribed_and_taken_out() {
    let world = World::new();
    let id = world.open();
    let put = async |method: &str, channel: &str| {
        let target = format!("/sessions/{id}/channels/{channel}");
        ask(&world, method, &target, None).await
    };
    let answer = json!({ "session": format!("3f9c01aa22bb-{id}"), "channel": "room/1" });
    assert_eq!(put("PUT", "room%2F1").await, (200, answer.clone()));
    assert_eq!(put("PUT", "room%2F1").await, (200, answer.clone()));
    assert_eq!(world.push.hub().subscribers("room/1"), 1);
    assert_eq!(put("PUT", "b").await.0, 200);
    let (code, refused) = put("PUT", "c").await;
    assert_eq!(code, 409, "{refused}");
    assert_eq!(put("PUT", "a%20b").await.0, 400);
    assert_eq!(put("DELETE", "room%2F1").await, (200, answer));
    assert_eq!(put("DELETE", "b").await.0, 200);
    assert!(world.push.channels_of(id).is_empty());
    let gone = ask(&world, "PUT", "/sessions/999999999/channels/a", None).await;
    assert_eq!(gone.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_is_asked_to_go_by_name() {
    let world = World::new();
    let id = world.open();
    let close = async |id: &str| {
        let (code, body) = ask(&world, "DELETE", &format!("/sessions/{id}"), None).await;
        (code, body["sessions"].clone())
    };
    let name = format!("3f9c01aa22bb-{id}");
    assert_eq!(close(&name).await, (202, json!(1)));
    assert_eq!(close(&id.to_string()).await, (202, json!(0)));
    assert_eq!(close("000000000001-1").await, (404, Value::Null));
}
