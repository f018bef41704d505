//! Bad files and what is said about them, in `tests/errors`: a YAML file and the text for each.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::assert_fresh;

fn cases() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/errors");
    let files = fs::read_dir(directory).expect("tests/errors");
    let mut cases: Vec<PathBuf> = files
        .map(|file| file.expect("a file").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "yaml")
        })
        .collect();
    cases.sort();
    cases
}

/// The files that the cases mention.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    match path.to_str() {
        Some("secret") => Ok(b"0123456789abcdef\n".to_vec()),
        Some("short") => Ok(b"  0123456789abcde\n".to_vec()),
        Some("long") => Ok(vec![b'x'; 5000]),
        _ => Err(io::Error::from_raw_os_error(2)),
    }
}

#[test]
fn every_bad_file_is_told_what_is_wrong() {
    let cases = cases();
    assert!(cases.len() > 40, "only {} cases were found", cases.len());
    for case in cases {
        let text = fs::read_to_string(&case).expect("UTF-8");
        let name = Path::new(case.file_name().expect("a name"));
        let errors = switchyard_config::parse_with(&text, name, &read);
        let errors = errors.expect_err(&format!("{} is not refused", name.display()));
        assert_fresh(&case.with_extension("txt"), &format!("{errors}\n"));
        let positions: Vec<_> = errors.iter().map(|error| error.position).collect();
        assert!(positions.is_sorted(), "{}: {positions:?}", name.display());
        assert!(positions.iter().all(Option::is_some));
    }
}

#[test]
fn a_file_that_cannot_be_read_is_an_error() {
    let errors = switchyard_config::load(Path::new("nowhere.yaml")).unwrap_err();
    let text = errors.to_string();
    assert!(
        text.starts_with("error: cannot read the file: No such file"),
        "{text}"
    );
    assert!(
        text.contains(" --> nowhere.yaml\n") && text.ends_with("nowhere.yaml: 1 error"),
        "{text}"
    );
    assert!(errors.iter().all(|error| error.position.is_none()));
}

#[test]
fn a_file_that_is_no_text_is_an_error() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    fs::write(file.path(), b"listeners: \xff").expect("written");
    let errors = switchyard_config::load(file.path()).unwrap_err();
    assert!(
        errors
            .to_string()
            .starts_with("error: the file is not UTF-8"),
        "{errors}"
    );
}
