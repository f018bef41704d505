//! The shapes as a JSON Schema (2020-12), for editors.
//!
//! It knows what one value may be. What concerns several, such as a cluster that does not exist, is
//! for `switchyard check`.

use serde_json::{Map, Value as Json, json};

use crate::node;
use crate::shape::{Choice, Field, OneOf, Presence, Shape, Table};

/// The schema of a file.
pub(crate) fn document(file: &Shape) -> Json {
    let head = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Switchyard configuration",
    });
    merged(head, of(file))
}

fn of(shape: &Shape) -> Json {
    match shape {
        Shape::Scalar(scalar) => scalar.schema.clone(),
        Shape::Choice(choices) => of_choice(choices),
        Shape::Table(table) => of_table(table),
        Shape::OneOf(one_of) => of_one(one_of),
        Shape::List { item, least: 0 } => json!({ "type": "array", "items": of(item) }),
        Shape::List { item, least } => {
            json!({ "type": "array", "minItems": least, "items": of(item) })
        }
        Shape::Or { one, other } => json!({ "oneOf": [one.schema, of(other)] }),
        Shape::Map { key, value } => json!({
            "type": "object",
            "propertyNames": key.schema,
            "additionalProperties": value.schema,
        }),
        Shape::OrOff(value) => json!({ "anyOf": [{ "enum": ["off", false] }, value.schema] }),
    }
}

/// The words; where `off` is one, what tools that read YAML 1.1 make of it too.
fn of_choice(choices: &[Choice]) -> Json {
    let mut words: Vec<Json> = choices.iter().map(|choice| json!(choice.word)).collect();
    if choices.iter().any(|choice| choice.word == "off") {
        words.push(json!(false));
    }
    json!({ "enum": words })
}

fn of_table(table: &Table) -> Json {
    let required: Vec<&str> = table
        .fields
        .iter()
        .filter(|field| field.presence == Presence::Required)
        .map(|field| field.key)
        .collect();
    let schema = json!({
        "description": table.about,
        "type": "object",
        "properties": properties(&table.fields),
        "additionalProperties": false,
    });
    if required.is_empty() {
        schema
    } else {
        merged(schema, json!({ "required": required }))
    }
}

fn of_one(one_of: &OneOf) -> Json {
    let alone = one_of
        .keys
        .iter()
        .filter(|field| one_of.alone.contains(&field.key));
    let word = |field: &Field| json!({ "description": field.about, "const": field.key });
    let mapping = json!({
        "type": "object",
        "properties": properties(&one_of.keys),
        "additionalProperties": false,
        "minProperties": 1,
        "maxProperties": 1,
    });
    let any: Vec<Json> = std::iter::once(mapping).chain(alone.map(word)).collect();
    json!({ "description": one_of.about, "anyOf": any })
}

fn properties(fields: &[Field]) -> Json {
    Json::Object(
        fields
            .iter()
            .map(|field| (field.key.to_owned(), of_field(field)))
            .collect(),
    )
}

/// What the key is for comes before what its value is.
fn of_field(field: &Field) -> Json {
    let mut schema = merged(of(&field.shape), json!({ "description": field.about }));
    if let (Json::Object(schema), Presence::Default(default)) = (&mut schema, field.presence) {
        schema.insert("default".to_owned(), default_of(default, &field.shape));
    }
    schema
}

/// A default as JSON: what a person would write.
fn default_of(text: &str, shape: &Shape) -> Json {
    match (text, shape) {
        (text, Shape::List { item, .. }) => {
            let items = node::items(text).into_iter().flatten();
            items.map(|text| default_of(text, item)).collect()
        }
        ("{}", _) => json!({}),
        (text, Shape::Scalar(scalar)) if is_number(&scalar.schema) => {
            serde_json::from_str(text).unwrap_or_else(|_| json!(text))
        }
        (text, _) => json!(text),
    }
}

fn is_number(schema: &Json) -> bool {
    let name = schema.get("type").and_then(Json::as_str);
    matches!(name, Some("integer" | "number"))
}

/// The members of both; those of the second win.
fn merged(first: Json, second: Json) -> Json {
    let members = |json| {
        if let Json::Object(members) = json {
            members
        } else {
            Map::new()
        }
    };
    let mut all = members(first);
    all.extend(members(second));
    Json::Object(all)
}
