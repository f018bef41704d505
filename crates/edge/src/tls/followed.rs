//! Files that are read again when they change, and what is said about it.
//!
//! Not here: what is in them.

use std::fmt::Display;
use std::path::PathBuf;

use arcstr::ArcStr;
use switchyard_config::{self as config, Unreadable, Watch};
use switchyard_telemetry::labels::Reload;
use switchyard_telemetry::metrics::tls::TlsMetrics;

/// Files that are used together.
pub(super) trait Files: Sized + PartialEq {
    /// What they are called in the log: the path that was configured.
    fn name(&self) -> &str;

    /// Every one of them, whether it exists or not.
    fn paths(&self) -> Vec<PathBuf>;

    /// The same as they are now.
    fn read_again(&self) -> Result<Self, Unreadable>;
}

/// Files that are followed.
pub(super) struct Followed<F> {
    listener: ArcStr,
    metrics: TlsMetrics,
    /// As they were read last, usable or not.
    files: F,
    watch: Watch,
    /// They could not be read, and are tried again.
    unread: bool,
    /// What is wrong with them, so that it is said once.
    complaint: Option<String>,
}

impl<F: Files> Followed<F> {
    /// Follows `files`, which are in use.
    pub(super) fn new(listener: &ArcStr, metrics: &TlsMetrics, files: F) -> Self {
        Self {
            listener: listener.clone(),
            metrics: metrics.clone(),
            watch: Watch::new(files.paths()),
            files,
            unread: false,
            complaint: None,
        }
    }

    /// Whether something else is in the files now.
    pub(super) fn look(&mut self) -> bool {
        if !self.watch.look() && !self.unread {
            return false;
        }
        let read = self.files.read_again();
        self.unread = read.is_err();
        match read {
            Ok(files) => {
                self.complaint = None;
                let changed = files != self.files;
                self.files = files;
                changed
            }
            Err(error) => {
                self.failed(&error);
                false
            }
        }
    }

    pub(super) fn files(&self) -> &F {
        &self.files
    }

    pub(super) fn listener(&self) -> &str {
        &self.listener
    }

    pub(super) fn metrics(&self) -> &TlsMetrics {
        &self.metrics
    }

    /// What is in the files is in use.
    pub(super) fn succeeded(&mut self) {
        self.complaint = None;
        self.metrics.reloaded(Reload::Ok);
        tracing::info!(listener = %self.listener, file = self.files.name(), "changed files are in use");
    }

    /// The files cannot be used. That is said when it is news.
    pub(super) fn failed(&mut self, why: &dyn Display) {
        let why = why.to_string();
        if self.complaint.as_ref() == Some(&why) {
            return;
        }
        self.metrics.reloaded(Reload::Failed);
        tracing::warn!(
            listener = %self.listener,
            file = self.files.name(),
            problem = why,
            "changed files cannot be used, what was in them before still is"
        );
        self.complaint = Some(why);
    }
}

impl Files for config::Certificate {
    fn name(&self) -> &str {
        &self.name
    }

    fn paths(&self) -> Vec<PathBuf> {
        self.paths().into()
    }

    fn read_again(&self) -> Result<Self, Unreadable> {
        self.read_again()
    }
}

impl Files for config::ClientCa {
    fn name(&self) -> &str {
        &self.name
    }

    fn paths(&self) -> Vec<PathBuf> {
        vec![self.file.path.clone()]
    }

    fn read_again(&self) -> Result<Self, Unreadable> {
        self.read_again()
    }
}

impl Files for config::TicketKey {
    fn name(&self) -> &str {
        &self.name
    }

    fn paths(&self) -> Vec<PathBuf> {
        vec![self.file.path.clone()]
    }

    fn read_again(&self) -> Result<Self, Unreadable> {
        self.read_again()
    }
}
