//! Where the admin API is, told by a file that may be wrong in every other respect.

#[test]
fn the_admin_api_is_found_in_a_file_that_is_wrong_otherwise() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("switchyard.yaml");
    let found = |text: &str| {
        std::fs::write(&path, text).expect("a file");
        switchyard_config::admin_address(&path)
    };
    let address = Some("10.0.0.1:9901".parse().expect("an address"));
    for text in [
        "admin: { address: \"10.0.0.1:9901\" }\nroutes: 7\n",
        "admin: { address: \"10.0.0.1:9901\", token_file: nowhere }\nnonsense: [1]\n",
        "admin: { address: \"10.0.0.1:9901\", tokenfile: nowhere }\n",
    ] {
        assert_eq!(found(text).expect("an address"), address, "{text}");
    }
    assert_eq!(found("routes: []\n").expect("no address"), None);
    for text in [
        "admin: {}\n",
        "admin: { address: here }\n",
        "admin: 7\n",
        "- admin\n",
        "a: [\n",
    ] {
        let error = found(text).expect_err(text).to_string();
        assert!(error.contains("switchyard.yaml:1:"), "{text}: {error}");
    }
}
