//! A request to the API server, as it was asked.

use std::collections::BTreeMap;

use crate::head::Head;

/// A request.
#[derive(Debug, Clone)]
pub struct Request {
    /// The path.
    pub path: String,
    /// The parameters behind it, decoded.
    pub query: BTreeMap<String, String>,
    /// The value of `Authorization`.
    pub authorization: Option<String>,
}

impl Request {
    pub(super) fn of(head: &Head) -> Self {
        let (path, query) = head.target().split_once('?').unwrap_or((head.target(), ""));
        let pair = |pair: &str| {
            let (name, value) = pair.split_once('=').expect("name=value");
            (decoded(name), decoded(value))
        };
        Self {
            path: path.to_owned(),
            query: query
                .split('&')
                .filter(|s| !s.is_empty())
                .map(pair)
                .collect(),
            authorization: head.get("authorization").map(str::to_owned),
        }
    }

    /// Whether it is a watch; otherwise it is a list.
    pub fn is_watch(&self) -> bool {
        self.get("watch") == "true"
    }

    /// A parameter; empty if there is none.
    pub fn get(&self, name: &str) -> &str {
        self.query.get(name).map_or("", String::as_str)
    }

    /// The namespace in the path, if it is the path of slices.
    pub(super) fn namespace(&self) -> Option<&str> {
        self.path
            .strip_prefix("/apis/discovery.k8s.io/v1/namespaces/")?
            .strip_suffix("/endpointslices")
    }
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let hex: Vec<u8> = rest.by_ref().take(2).collect();
            let hex = std::str::from_utf8(&hex).expect("two digits");
            bytes.push(u8::from_str_radix(hex, 16).expect("two digits"));
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).expect("UTF-8")
}
