//! The shapes as a reference in Markdown, for people.

use std::fmt::Write as _;

use crate::shape::{Choice, Field, OneOf, Presence, Scalar, Shape, Table};

/// What people need to know before the tables.
const INTRODUCTION: &str = include_str!("reference/introduction.md");

/// The reference of a file.
pub(crate) fn document(file: &Shape) -> String {
    let mut out = INTRODUCTION.to_owned();
    if let Shape::Table(table) = file {
        out.push_str("\n## The whole file\n\n");
        of_table(&mut out, "", table);
    }
    out
}

/// A table of keys, then the tables within.
fn of_table(out: &mut String, path: &str, table: &Table) {
    if !path.is_empty() {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "\n## `{path}`\n\n{}\n", table.about);
    }
    keys(out, &table.fields);
    within(out, path, &table.fields);
}

fn keys(out: &mut String, fields: &[Field]) {
    out.push_str("| key | value | default | example | meaning |\n|---|---|---|---|---|\n");
    for field in fields {
        let (key, kind) = (field.key, kind(&field.shape));
        let (default, example) = (default(field), example(field));
        let about = &field.about;
        let row = format!(
            "| `{key}` | {kind} | {default} | {example} | {about}{} |",
            words(&field.shape)
        );
        let _ = writeln!(out, "{row}");
    }
}

fn within(out: &mut String, path: &str, fields: &[Field]) {
    for field in fields {
        let path = match path {
            "" => field.key.to_owned(),
            path => format!("{path}.{}", field.key),
        };
        nested(out, &path, &field.shape);
    }
}

fn nested(out: &mut String, path: &str, shape: &Shape) {
    match shape {
        Shape::Table(table) => of_table(out, path, table),
        Shape::OneOf(one_of) => of_one(out, path, one_of),
        Shape::List { item, .. } => nested(out, &format!("{path}[]"), item),
        Shape::Or { other, .. } => nested(out, path, other),
        Shape::Scalar(_) | Shape::Choice(_) | Shape::Map { .. } | Shape::OrOff(_) => {}
    }
}

fn of_one(out: &mut String, path: &str, one_of: &OneOf) {
    let _ = writeln!(out, "\n## `{path}`\n\n{}\n", one_of.about);
    out.push_str("| key | value | example | meaning |\n|---|---|---|---|\n");
    for field in &one_of.keys {
        let (key, kind, example) = (field.key, kind(&field.shape), example(field));
        let (kind, example) = if one_of.alone.contains(&key) {
            let kind = format!("the word alone, or {kind}");
            (kind, format!("`{key}` or {example}"))
        } else {
            (kind, example)
        };
        let _ = writeln!(out, "| `{key}` | {kind} | {example} | {} |", field.about);
    }
    within(out, path, &one_of.keys);
}

fn kind(shape: &Shape) -> String {
    match shape {
        Shape::Scalar(scalar) => scalar_kind(scalar),
        Shape::Choice(choices) => {
            let words: Vec<String> = choices.iter().map(|it| format!("`{}`", it.word)).collect();
            words.join(", ")
        }
        Shape::Table(_) => "a mapping".to_owned(),
        Shape::OneOf(_) => "one source".to_owned(),
        Shape::List { item, .. } => {
            let scalar = if let Shape::Scalar(scalar) = item.as_ref() {
                Some(scalar)
            } else {
                None
            };
            scalar.map_or("a list".to_owned(), |it| {
                format!("a list, each {}", scalar_kind(it))
            })
        }
        Shape::Or { one, other } => format!("{}, or {}", scalar_kind(one), kind(other)),
        Shape::Map { key, value } => format!("a mapping of {} to {}", key.kind, value.kind),
        Shape::OrOff(value) => format!("{}, or `off`", scalar_kind(value)),
    }
}

fn scalar_kind(scalar: &Scalar) -> String {
    match &scalar.range {
        Some(range) => format!("{}, {range}", scalar.kind),
        None => scalar.kind.to_owned(),
    }
}

/// The words of a choice, each with its meaning.
fn words(shape: &Shape) -> String {
    let Shape::Choice(choices) = shape else {
        return String::new();
    };
    choices
        .iter()
        .fold(String::new(), |mut out, Choice { word, about }| {
            let _ = write!(out, "<br>`{word}`: {about}");
            out
        })
}

fn default(field: &Field) -> String {
    match field.presence {
        Presence::Required => "**required**".to_owned(),
        Presence::Optional => "absent".to_owned(),
        Presence::Default("{}") if matches!(field.shape, Shape::Table(_)) => {
            "its defaults, below".to_owned()
        }
        Presence::Default(text) => format!("`{text}`"),
    }
}

fn example(field: &Field) -> String {
    let default = match field.presence {
        Presence::Default(default) if !matches!(default, "{}" | "[]") => Some(default),
        Presence::Default(_) | Presence::Required | Presence::Optional => None,
    };
    field
        .example
        .or(default)
        .map_or_else(String::new, |text| format!("`{}: {text}`", field.key))
}
