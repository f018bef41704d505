//! `switchyard publish`, and what a message for one session has in common with it.

use std::io::Read as _;
use std::process::ExitCode;

use anyhow::Context as _;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use http::Method;
use serde_json::{Map, Value, json};

use super::print;
use crate::admin_client::{AdminClient, part};
use crate::cli::{Message, Publish, Send};
use crate::table::{cell, list, table};

pub(crate) fn execute(wanted: &Publish) -> anyhow::Result<ExitCode> {
    let mut body = said(&wanted.message)?;
    body.insert("channel".to_owned(), json!(wanted.channel));
    for (word, value) in [("exclude", &wanted.exclude), ("id", &wanted.id)] {
        if let Some(value) = value {
            body.insert(word.to_owned(), json!(value));
        }
    }
    let client = AdminClient::new(&wanted.at)?;
    let answer = client.tell(&Method::POST, "/publish", &body.into())?;
    if wanted.at.json {
        return print(&format!("{answer}\n"));
    }
    let rows: Vec<_> = list(&answer, "channels").map(row).collect();
    print(&table(&["CHANNEL", "REPLICAS", "ID"], &rows))
}

/// Sends one session a message.
pub(crate) fn send(wanted: &Send) -> anyhow::Result<ExitCode> {
    let body = said(&wanted.message)?;
    let target = format!("/sessions/{}/messages", part(&wanted.id));
    let client = AdminClient::new(&wanted.at)?;
    let answer = client.tell(&Method::POST, &target, &body.into())?;
    if wanted.at.json {
        return print(&format!("{answer}\n"));
    }
    print(&format!("sent to: {}\n", cell(&answer, &["session"])))
}

fn row(channel: &Value) -> Vec<String> {
    let names = ["channel", "replicas", "id"];
    names.map(|name| cell(channel, &[name])).into()
}

/// What a message says, as the admin API wants it.
fn said(message: &Message) -> anyhow::Result<Map<String, Value>> {
    let (kind, data) = match message {
        Message {
            text: Some(text), ..
        } => ("text", text.clone()),
        Message {
            base64: Some(base64),
            ..
        } => ("base64", base64.clone()),
        Message { .. } => come(read()?),
    };
    Ok(Map::from_iter([(kind.to_owned(), json!(data))]))
}

fn read() -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = std::io::stdin().read_to_end(&mut bytes);
    read.context("standard input could not be read")?;
    Ok(bytes)
}

/// What came is a text, if it can be one.
fn come(bytes: Vec<u8>) -> (&'static str, String) {
    match String::from_utf8(bytes) {
        Ok(text) => ("text", text),
        Err(error) => ("base64", BASE64_STANDARD.encode(error.as_bytes())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_is_text_if_it_can_be() {
        assert_eq!(come("hé\n".into()), ("text", "hé\n".to_owned()));
        assert_eq!(come(vec![0, 0xff]), ("base64", "AP8=".to_owned()));
    }
}
