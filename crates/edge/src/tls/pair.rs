//! A certificate and its key that are shown, and what has become of their files since.
//!
//! Whether a new pair gets along with the others of its listener is not here.

use arcstr::ArcStr;
use switchyard_config as config;
use switchyard_telemetry::labels::Reload;
use switchyard_telemetry::metrics::tls::TlsMetrics;
use switchyard_tls::{self as tls, Identity, UnixTime};

use super::followed::Followed;
use super::load;

const DAY: i64 = 24 * 60 * 60;

/// A certificate that expires within this time is warned of, once a day.
const SOON: i64 = 14 * DAY;

/// One pair of a listener's.
pub(super) struct Pair {
    files: Followed<config::Certificate>,
    shown: Identity,
    /// What is to be shown.
    next: Option<Identity>,
    /// When it was last said that the certificate expires.
    warned: Option<i64>,
}

impl Pair {
    /// `shown` is what was made of `files`.
    pub(super) fn new(
        listener: &ArcStr,
        metrics: &TlsMetrics,
        files: &config::Certificate,
        shown: &Identity,
    ) -> Self {
        Self {
            files: Followed::new(listener, metrics, files.clone()),
            shown: shown.clone(),
            next: None,
            warned: None,
        }
    }

    /// Looks at the files; whether there is something else to be shown.
    pub(super) fn look(&mut self, now: UnixTime) -> bool {
        if self.files.look() {
            self.next = self.load(now);
            self.next.is_some()
        } else {
            self.drop_old_staple(now)
        }
    }

    fn load(&mut self, now: UnixTime) -> Option<Identity> {
        match load::identity(self.files.files(), now) {
            Ok((identity, fault)) => {
                if let Some(fault) = fault {
                    self.tell_of_staple(&fault);
                }
                Some(identity)
            }
            Err(error) => {
                self.files.failed(&error);
                None
            }
        }
    }

    fn drop_old_staple(&mut self, now: UnixTime) -> bool {
        let Some(without) = self.identity(true).without_old_staple(now) else {
            return false;
        };
        if let Some(staple) = &self.files.files().staple {
            let file = staple.path.clone();
            let fault = tls::StapleFault::Expired;
            self.tell_of_staple(&tls::Error::Staple { file, fault });
        }
        self.next = Some(without);
        true
    }

    fn tell_of_staple(&self, fault: &tls::Error) {
        self.files.metrics().reloaded(Reload::Failed);
        load::tell_of_staple(self.files.listener(), self.files.files(), fault);
    }

    /// What is shown, or `with_next` what is to be.
    pub(super) fn identity(&self, with_next: bool) -> &Identity {
        let next = self.next.as_ref().filter(|_| with_next);
        next.unwrap_or(&self.shown)
    }

    /// What was to be shown is.
    pub(super) fn adopt(&mut self) -> Option<()> {
        self.shown = self.next.take()?;
        self.warned = None;
        self.files.succeeded();
        Some(())
    }

    /// What is to be shown cannot be beside the others.
    pub(super) fn refused(&mut self, why: &tls::Error) {
        self.files.failed(why);
    }

    /// Once a day, when that is soon or was.
    pub(super) fn tell_when_it_expires(&mut self, now: UnixTime) {
        let (listener, certificate) = (self.files.listener(), &*self.files.files().name);
        let expires = self.shown.expires();
        self.files.metrics().expires(certificate, expires);
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        let left = expires.saturating_sub(now);
        let told_today = self
            .warned
            .is_some_and(|then| now.saturating_sub(then) < DAY);
        if left > SOON || told_today {
            return;
        }
        if left > 0 {
            let days = left / DAY;
            tracing::warn!(
                listener,
                certificate,
                days,
                "the certificate expires soon, renew it"
            );
        } else {
            tracing::warn!(
                listener,
                certificate,
                "the certificate has expired, renew it"
            );
        }
        self.warned = Some(now);
    }
}
