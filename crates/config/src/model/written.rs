//! A configuration as it stands in its file, for people to look at.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::node::{self, Node};

/// What takes the place of a value that may be a secret.
const HIDDEN: &str = "***";

/// What is written in a file: its keys and values, each value as the text that stands there. What a file
/// leaves out is not in it, and neither is what is in the files that it names.
///
/// Nothing depends on it: two configurations are equal that are written differently and mean the same.
#[derive(Debug, Clone, Default)]
pub struct Written(Arc<Value>);

impl Written {
    pub(crate) fn of(root: &Node) -> Self {
        Self(Arc::new(value(root, Place::Elsewhere)))
    }

    /// As JSON: tables, lists and texts. Values of headers that a route asks for are hidden: clients may be
    /// known by them.
    #[must_use]
    pub fn as_json(&self) -> &Value {
        &self.0
    }
}

impl PartialEq for Written {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

impl Eq for Written {}

/// Whether values are hidden.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In the `match` of a route.
    Match,
    /// In its `headers`.
    Headers,
    Elsewhere,
}

impl Place {
    fn under(self, key: &str) -> Self {
        match (self, key) {
            (Self::Elsewhere, "match") => Self::Match,
            (Self::Match, "headers") | (Self::Headers, _) => Self::Headers,
            (Self::Match | Self::Elsewhere, _) => Self::Elsewhere,
        }
    }
}

fn value(of: &Node, place: Place) -> Value {
    match &of.value {
        node::Value::Null => Value::Null,
        node::Value::Scalar(_) if place == Place::Headers => HIDDEN.into(),
        node::Value::Scalar(text) => text.as_str().into(),
        node::Value::List(items) => items.iter().map(|item| value(item, place)).collect(),
        node::Value::Map(entries) => {
            let entries = entries.iter();
            let entries =
                entries.map(|(key, it)| (key.text.clone(), value(it, place.under(&key.text))));
            entries.collect::<Map<_, _>>().into()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    const TEXT: &str = r#"
listeners: [{ name: web, address: "127.0.0.1:0" }]
routes:
  - { name: all, match: { path_prefix: /, headers: { x-key: hush } }, cluster: app }
clusters: [{ name: app, endpoints: [{ address: "127.0.0.1:9" }], retries: 007 }]
"#;

    #[test]
    fn it_is_what_stands_there_without_what_may_be_secret() {
        let config = crate::parse(&TEXT.replace("007", "1"), Path::new("test.yaml")).unwrap();
        let written = config.written.as_json();
        assert_eq!(written["clusters"][0]["retries"], "1");
        assert_eq!(
            written["routes"][0]["match"],
            json!({ "path_prefix": "/", "headers": { "x-key": "***" } })
        );
        assert!(written.get("drain").is_none());
    }

    #[test]
    fn a_remark_makes_no_other_configuration() {
        let text = TEXT.replace("007", "1");
        let parse = |text: &str| crate::parse(text, Path::new("test.yaml")).unwrap();
        assert_eq!(parse(&text), parse(&format!("# a remark\n{text}")));
    }
}
