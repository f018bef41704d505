//! The files that the project ships in `config/`.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use crate::project;
use crate::schema::{accepts, yaml};

fn shipped() -> Vec<PathBuf> {
    let inside = |directory: &str| {
        let files = fs::read_dir(project(directory)).expect("a directory");
        files
            .map(|file| file.expect("a file").path())
            .collect::<Vec<_>>()
    };
    let mut files = [inside("config"), inside("config/examples")].concat();
    files.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "yaml")
    });
    files
}

#[test]
fn every_file_loads() {
    let files = shipped();
    assert!(files.len() >= 7, "{files:?}");
    for file in files {
        let text = fs::read_to_string(&file).expect("UTF-8");
        // The files that it names are their users'.
        let read = |_: &Path| Ok(vec![b'x'; 32]);
        if let Err(errors) = switchyard_config::parse_with(&text, &file, &read) {
            panic!("{errors}");
        }
    }
}

#[test]
fn every_file_is_what_the_schema_says() {
    let schema = switchyard_config::schema();
    for file in shipped() {
        let text = fs::read_to_string(&file).expect("UTF-8");
        accepts(&schema, &yaml(&text), &file.display().to_string()).unwrap();
    }
}

/// Keys with their defaults, through the whole schema.
fn keys(schema: &Json, found: &mut Vec<(String, Option<Json>)>) {
    if let Some(properties) = schema.get("properties").and_then(Json::as_object) {
        for (key, schema) in properties {
            found.push((key.clone(), schema.get("default").cloned()));
            keys(schema, found);
        }
    }
    if let Some(items) = schema.get("items") {
        keys(items, found);
    }
    for form in ["anyOf", "oneOf"]
        .iter()
        .filter_map(|keyword| schema.get(keyword)?.as_array())
        .flatten()
    {
        keys(form, found);
    }
}

#[test]
fn the_full_file_mentions_every_key_with_its_default() {
    let text = fs::read_to_string(project("config/full.yaml")).expect("UTF-8");
    let mut found = Vec::new();
    keys(&switchyard_config::schema(), &mut found);
    assert!(found.len() > 60, "only {} keys were found", found.len());
    for (key, default) in found {
        let written = |value: &str| text.contains(&format!("{key}: {value}"));
        assert!(text.contains(&format!("{key}:")), "`{key}` is not there");
        let shown = match default {
            Some(Json::String(default)) => {
                written(&default) || text.contains(&format!("default: {default}"))
            }
            Some(Json::Number(default)) => written(&default.to_string()),
            _ => true,
        };
        assert!(shown, "`{key}` is not there with its default");
    }
}
