//! What is generated from the declarations and kept in `docs/`.

use crate::{assert_fresh, project};

#[test]
fn the_reference_is_fresh() {
    assert_fresh(&project("docs/config.md"), &switchyard_config::reference());
}

#[test]
fn the_schema_is_fresh() {
    let schema = serde_json::to_string_pretty(&switchyard_config::schema()).expect("JSON");
    assert_fresh(&project("docs/config.schema.json"), &format!("{schema}\n"));
}
