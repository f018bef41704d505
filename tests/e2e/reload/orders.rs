//! A reload by order: the admin API, and the command over it.

use std::process::Command;

use serde_json::{Value, json};
use switchyard_testkit::{Endpoint, Gateway, Handshake, Response, Settings, eventually};

use super::{NEWS, asked};
use crate::support::{BINARY, Stage, order, told};

fn reload(gateway: &Gateway, query: &str) -> (u16, Value) {
    let answer = order(gateway, "POST", &format!("/reload{query}"), "");
    let body = serde_json::from_str(answer.text()).expect("JSON");
    (answer.status(), body)
}

fn command(gateway: &Gateway, arguments: &[&str]) -> (bool, String) {
    let admin = format!("http://{}", gateway.admin());
    let output = Command::new(BINARY)
        .args(["reload", "--admin", &admin])
        .args(arguments)
        .output()
        .expect("it runs");
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8(text).expect("a text"),
    )
}

fn stage() -> (Stage, Settings) {
    let endpoint = Endpoint::bind();
    let plain = asked(Settings::to(&[endpoint.address()])).drain("ready_delay: 0s");
    (Stage::of(endpoint, &plain.clone().first_route(NEWS)), plain)
}

#[test]
fn what_would_come_of_it_is_said_and_not_done() {
    let (stage, plain) = stage();
    let (mut news, mut other) = (stage.open_at("/news"), stage.open_at("/"));
    stage.gateway.rewrite(&plain.websocket("max_message: 1KiB"));
    let (status, said) = reload(&stage.gateway, "?dry_run=true");
    assert_eq!((status, &said["outcome"]), (200, &json!("dry_run")));
    assert_eq!(said["changes"]["routes"]["removed"], json!(["news"]));
    assert_eq!(said["changes"]["routes"]["changed"], json!(["main"]));
    assert_eq!(
        said["sessions"],
        json!({ "unchanged": 0, "adopting": 1, "closing": { "news": 1 } })
    );
    let (is_done, text) = command(&stage.gateway, &["--dry-run"]);
    assert!(is_done && text.contains("asked to go: news 1"), "{text}");
    news.talk();
    other.talk();
    stage.open_at("/news").talk();
    let reloads = "switchyard_config_reloads_total";
    assert_eq!(stage.gateway.metrics().count(reloads, &[]), 0);
    let (status, said) = reload(&stage.gateway, "");
    assert_eq!((status, &said["outcome"]), (200, &json!("applied")));
    assert_eq!(news.client.receive_close().0, 1012);
    let (_, said) = reload(&stage.gateway, "");
    assert_eq!(said["outcome"], "unchanged");
    let (is_done, text) = command(&stage.gateway, &[]);
    assert!(is_done && text.contains("is the same"), "{text}");
}

#[test]
fn a_fault_is_answered_with_its_place() {
    let (stage, plain) = stage();
    stage
        .gateway
        .rewrite_with(&plain.render().replace("clusters:", "clutsers:"));
    for query in ["", "?dry_run=true"] {
        let (status, said) = reload(&stage.gateway, query);
        assert_eq!(status, 422, "{said}");
        let problem = &said["problems"][0];
        assert!(problem["line"].is_u64() && problem["column"] == 1, "{said}");
        assert!(
            problem["message"]
                .as_str()
                .expect("a text")
                .contains("clutsers"),
            "{said}"
        );
        assert_eq!(problem["help"], "did you mean `clusters`?");
    }
    let (is_done, text) = command(&stage.gateway, &[]);
    assert!(
        !is_done && text.contains("did you mean `clusters`"),
        "{text}"
    );
    stage.open().talk();
}

#[test]
fn what_is_asked_wrongly_is_refused() {
    let (stage, _) = stage();
    assert_eq!(reload(&stage.gateway, "?dryrun=true").0, 400);
    assert_eq!(reload(&stage.gateway, "?dry_run=perhaps").0, 400);
    let page = order(
        &stage.gateway,
        "POST",
        "/reload",
        "Origin: http://evil.example\r\n",
    );
    assert_eq!(page.status(), 403);
    assert_eq!(order(&stage.gateway, "GET", "/reload", "").status(), 405);
}

#[test]
fn a_drain_by_order_outlives_a_reload() {
    let (stage, plain) = stage();
    let drained = order(&stage.gateway, "POST", "/drain?route=news", "");
    assert_eq!(drained.status(), 202, "{}", drained.text());
    let refused = |stage: &Stage| {
        let mut socket = Handshake::to("/news").send(stage.gateway.web());
        Response::read(&mut socket).status()
    };
    eventually("nobody to be left of it", || {
        let drains = told(&stage.gateway, "GET", "/drain", 200);
        (drains["drains"][0]["state"] == "done").then_some(())
    });
    assert_eq!(refused(&stage), 503);
    let limited = plain.first_route(NEWS).websocket("max_message: 1KiB");
    stage.gateway.reload(&limited, 1);
    assert_eq!(refused(&stage), 503);
    stage.open().talk();
    let taken_back = order(&stage.gateway, "DELETE", "/drain?route=news", "");
    assert_eq!(taken_back.status(), 200, "{}", taken_back.text());
    stage.open_at("/news").talk();
}

#[test]
fn the_configuration_that_is_shown_is_the_one_in_use() {
    let (stage, plain) = stage();
    let shown = || told(&stage.gateway, "GET", "/config", 200);
    assert_eq!(shown()["routes"][0]["name"], "news");
    stage.gateway.reload(&plain, 1);
    assert_eq!(shown()["routes"][0]["name"], "main");
    stage.gateway.rewrite_with("nonsense");
    stage.gateway.hang_up();
    stage.gateway.records(
        1,
        "not reloaded: the configuration before it is still in use",
    );
    assert_eq!(shown()["reload"]["watch"], "off");
}
