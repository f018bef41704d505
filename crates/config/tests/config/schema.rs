//! As much of JSON Schema as the generated schema uses, to hold files against it.

use std::fmt;

use serde::Deserialize;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value as Json, json};

/// A YAML text as an editor sees it: merge keys expanded, `on` and `off` as text.
pub(crate) fn yaml(text: &str) -> Json {
    let options = serde_yaml::options! { strict_booleans: true };
    let value: AsJson = serde_yaml::from_str_with_options(text, options).expect("YAML");
    value.0
}

struct AsJson(Json);

impl<'de> Deserialize<'de> for AsJson {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AsJsonVisitor).map(Self)
    }
}

struct AsJsonVisitor;

impl<'de> Visitor<'de> for AsJsonVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(json!(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(json!(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(json!(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(json!(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(AsJson(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Json::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Json, A::Error> {
        let mut map = Map::new();
        while let Some((key, AsJson(value))) = entries.next_entry()? {
            map.insert(key, value);
        }
        Ok(Json::Object(map))
    }
}

/// Whether `schema` accepts `value`; the error says where it does not. Patterns are left out.
pub(crate) fn accepts(schema: &Json, value: &Json, at: &str) -> Result<(), String> {
    for (keyword, rule) in schema.as_object().expect("a schema is an object") {
        if !holds(keyword, rule, value, at)? {
            return Err(format!("{at}: {value} is not {keyword} {rule}"));
        }
    }
    let items = value.as_array().into_iter().flatten();
    if let Some(schema) = schema.get("items") {
        items
            .clone()
            .try_for_each(|item| accepts(schema, item, at))?;
    }
    let mut members = value.as_object().into_iter().flatten();
    members.try_for_each(|(key, value)| member(schema, key, value, &format!("{at}/{key}")))
}

fn holds(keyword: &str, rule: &Json, value: &Json, at: &str) -> Result<bool, String> {
    let list = || rule.as_array().expect("a list");
    Ok(match keyword {
        "type" => is_of_type(rule.as_str().expect("a name"), value),
        "enum" => list().contains(value),
        "const" => rule == value,
        "anyOf" => list().iter().any(|any| accepts(any, value, at).is_ok()),
        "oneOf" => {
            list()
                .iter()
                .filter(|one| accepts(one, value, at).is_ok())
                .count()
                == 1
        }
        "required" => list()
            .iter()
            .all(|key| value.get(key.as_str().expect("a key")).is_some()),
        "minimum" => value.as_f64() >= rule.as_f64(),
        "maximum" => value.as_f64() <= rule.as_f64(),
        "minLength" | "minItems" | "minProperties" => size(value) >= rule.as_u64(),
        "maxLength" | "maxProperties" => size(value) <= rule.as_u64(),
        // Looked into by the caller, or no matter of structure.
        "items"
        | "properties"
        | "additionalProperties"
        | "propertyNames"
        | "pattern"
        | "description"
        | "default"
        | "title"
        | "$schema" => true,
        other => return Err(format!("{at}: the keyword {other} is not known here")),
    })
}

fn member(schema: &Json, key: &str, value: &Json, at: &str) -> Result<(), String> {
    let own = schema
        .get("properties")
        .and_then(|properties| properties.get(key));
    match own.or(schema.get("additionalProperties")) {
        Some(Json::Bool(false)) => Err(format!("{at}: unknown key")),
        Some(schema) => accepts(schema, value, at),
        None => Ok(()),
    }
}

fn is_of_type(name: &str, value: &Json) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_u64(),
        "number" => value.is_number(),
        other => panic!("the type {other} is not known here"),
    }
}

/// In characters, items or members.
fn size(value: &Json) -> Option<u64> {
    let size = match value {
        Json::String(text) => text.chars().count(),
        Json::Array(items) => items.len(),
        Json::Object(members) => members.len(),
        Json::Null | Json::Bool(_) | Json::Number(_) => return None,
    };
    u64::try_from(size).ok()
}

#[test]
fn the_schema_refuses_what_the_decoder_refuses() {
    let good = json!({
        "listeners": [{ "name": "web", "address": "0.0.0.0:8080" }],
        "routes": [{ "name": "all", "cluster": "app" }],
        "clusters": [{ "name": "app", "endpoints": [{ "address": "10.0.0.1:9000" }] }],
    });
    let schema = switchyard_config::schema();
    accepts(&schema, &good, "").unwrap();
    for (pointer, bad) in [
        ("/listeners", json!([])),
        ("/listeners/0/name", json!(null)),
        ("/routes/0", json!({ "name": "all", "tls": 1 })),
        ("/routes/0", json!({ "cluster": "app" })),
        ("/routes/0/cluster", json!([])),
        ("/routes/0/cluster", json!(["app"])),
        ("/routes/0/cluster", json!([{ "cluster": "app" }])),
        (
            "/routes/0/cluster",
            json!({ "cluster": "app", "weight": 1 }),
        ),
        (
            "/routes/0",
            json!({ "name": "all", "affinity": ["cookie"] }),
        ),
        ("/routes/0", json!({ "name": "all", "affinity": [{}] })),
        (
            "/routes/0",
            json!({ "name": "all", "cluster": "app", "affinity": [{ "client_address": "" }] }),
        ),
        (
            "/routes/0",
            json!({ "name": "all", "cluster": "app", "affinity": [{ "client_address": { "ipv6_prefix": 0 } }] }),
        ),
        (
            "/routes/0",
            json!({ "name": "all", "match": { "headers": { "x": [] } } }),
        ),
        (
            "/clusters/0/endpoints/0",
            json!({ "address": "10.0.0.1:9000", "weight": 0 }),
        ),
        (
            "/clusters/0",
            json!({ "name": "app", "endpoints": [], "balancer": "ring_hash" }),
        ),
    ] {
        let mut file = good.clone();
        *file.pointer_mut(pointer).unwrap() = bad.clone();
        assert!(accepts(&schema, &file, "").is_err(), "{pointer}: {bad}");
        assert!(
            switchyard_config::parse(&file.to_string(), "f.yaml".as_ref()).is_err(),
            "{pointer}"
        );
    }
}

#[test]
fn defaults_are_what_the_schema_accepts() {
    fn walk(schema: &Json, at: &str) {
        if let Some(default) = schema.get("default") {
            accepts(schema, default, at).unwrap();
        }
        for (key, schema) in schema
            .get("properties")
            .and_then(Json::as_object)
            .into_iter()
            .flatten()
        {
            assert!(
                schema["description"]
                    .as_str()
                    .is_some_and(|it| it.ends_with('.')),
                "{at}/{key}"
            );
            walk(schema, &format!("{at}/{key}"));
        }
        schema
            .get("items")
            .into_iter()
            .for_each(|items| walk(items, at));
    }
    walk(&switchyard_config::schema(), "");
}
