//! Whether files have changed, for whoever asks now and then.
//!
//! It compares what the system says about the files, and reads none of them. Not here: when to ask,
//! and what to do about a change.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

/// Some files, and how they were when somebody last asked.
#[derive(Debug)]
pub struct Watch {
    files: Vec<Watched>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// They were found to be others, and have not been told of.
    Changed,
    /// They are as they were told of.
    Told,
}

#[derive(Debug)]
struct Watched {
    path: PathBuf,
    stamp: Option<Stamp>,
}

/// What tells a file from another, and a content from the one before. Of a link it is the target's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Watch {
    /// Begins to watch files, which need not exist.
    #[must_use]
    pub fn new(paths: impl IntoIterator<Item = PathBuf>) -> Self {
        let files = paths.into_iter().map(|path| Watched {
            stamp: Stamp::of(&path),
            path,
        });
        Self {
            files: files.collect(),
            state: State::Changed,
        }
    }

    /// Looks at the files. Says once for each change that there was one, as soon as they are found
    /// the same in two looks: so nothing is read that is still being written. The first rest is
    /// told of too, because whoever read the files before this watch began may have read others.
    #[must_use]
    pub fn look(&mut self) -> bool {
        let mut moved = false;
        for file in &mut self.files {
            let stamp = Stamp::of(&file.path);
            moved |= stamp != file.stamp;
            file.stamp = stamp;
        }
        match (moved, self.state) {
            (true, _) => {
                self.state = State::Changed;
                false
            }
            (false, State::Changed) => {
                self.state = State::Told;
                true
            }
            (false, State::Told) => false,
        }
    }
}

impl Stamp {
    /// `None` for a file that is not there, or cannot be asked about.
    fn of(path: &PathBuf) -> Option<Self> {
        let file = fs::metadata(path).ok()?;
        Some(Self {
            device: file.dev(),
            inode: file.ino(),
            size: file.size(),
            modified: (file.mtime(), file.mtime_nsec()),
            changed: (file.ctime(), file.ctime_nsec()),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use tempfile::TempDir;

    use super::*;

    fn watch(paths: &[&Path]) -> Watch {
        let mut watch = Watch::new(paths.iter().map(|path| path.to_path_buf()));
        assert!(watch.look(), "the first rest");
        assert!(!watch.look());
        watch
    }

    #[track_caller]
    fn assert_told_after_a_rest(watch: &mut Watch) {
        let looks = [watch.look(), watch.look(), watch.look()];
        assert_eq!(looks, [false, true, false]);
    }

    #[test]
    fn a_change_is_told_of_once_it_rests() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "one").unwrap();
        let mut watch = watch(&[&path, &folder.path().join("none")]);
        for content in ["three", "four!", "five", "five"] {
            let aside = folder.path().join("aside");
            fs::write(&aside, content).unwrap();
            fs::rename(&aside, &path).unwrap();
            assert!(!watch.look(), "it may still be written");
        }
        assert!(watch.look());
        assert!(!watch.look());
    }

    #[test]
    fn a_file_that_comes_or_goes_is_a_change() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("a");
        let mut watch = watch(&[&path]);
        fs::write(&path, "").unwrap();
        assert_told_after_a_rest(&mut watch);
        fs::remove_file(&path).unwrap();
        assert_told_after_a_rest(&mut watch);
    }

    #[test]
    fn what_a_link_on_the_way_leads_to_is_what_is_watched() {
        let folder = TempDir::new().unwrap();
        let at = |name: &str| folder.path().join(name);
        for version in ["v1", "v2"] {
            fs::create_dir(at(version)).unwrap();
            fs::write(at(version).join("a"), "same").unwrap();
        }
        symlink("v1", at("data")).unwrap();
        symlink("data/a", at("a")).unwrap();
        let mut watch = watch(&[&at("a")]);
        symlink("v2", at("aside")).unwrap();
        fs::rename(at("aside"), at("data")).unwrap();
        assert_told_after_a_rest(&mut watch);
    }

    #[test]
    fn a_change_that_keeps_the_size_is_seen() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "one").unwrap();
        let mut watch = watch(&[&path]);
        let other = fs::File::options().write(true).open(&path).unwrap();
        other.set_modified(std::time::UNIX_EPOCH).unwrap();
        assert_told_after_a_rest(&mut watch);
    }
}
