//! The namespace of whoever asks, which is that of a service of which none is said.
//!
//! Files are read each time anew, as those of an access are.

use std::fs;
use std::path::Path;

use crate::error::Error;
use crate::kubernetes::access::{SERVICE_ACCOUNT, unclear};
use crate::kubernetes::{Access, config};

/// The namespace that belongs to this access.
pub(super) fn of(access: &Access) -> Result<String, Error> {
    match access {
        Access::InCluster => of_pod(SERVICE_ACCOUNT.as_ref()),
        Access::Kubeconfig { path, context } => config::namespace(path, context.as_deref()),
    }
}

/// The one that a pod is in, as the files of its service account in `folder` say.
fn of_pod(folder: &Path) -> Result<String, Error> {
    let path = folder.join("namespace");
    let missing = |why: &str| {
        let path = path.display();
        unclear(&format!("no `namespace` is given, and {path} {why}"))
    };
    let text = fs::read_to_string(&path)
        .map_err(|error| missing(&format!("cannot be read ({error}): is this a pod?")))?;
    match text.trim() {
        "" => Err(missing("is empty")),
        name => Ok(name.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_is_told_by_the_file_of_its_service_account() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("namespace");
        let error = of_pod(folder.path()).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("no `namespace` is given, and "), "{text}");
        assert!(
            text.contains("namespace cannot be read (No such file"),
            "{text}"
        );
        assert_eq!(error.reason(), "api_access");
        for (content, expected) in [
            ("chat", Some("chat")),
            ("edge\n", Some("edge")),
            (" \n", None),
        ] {
            fs::write(&path, content).unwrap();
            assert_eq!(of_pod(folder.path()).ok().as_deref(), expected);
        }
    }
}
