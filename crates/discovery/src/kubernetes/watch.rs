//! The protocol of the API server: list, watch from the list's version, list again when that version
//! is gone. Not here: what is in a slice, and how a request travels.

use std::fmt::Write;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tracing::debug;

use crate::error::Error;
use crate::found::{Found, Update, Updates};
use crate::kubernetes::access::Target;
use crate::kubernetes::client;
use crate::kubernetes::exchange::Exchange;
use crate::kubernetes::home;
use crate::kubernetes::pause::{LONGEST, Pauses};
use crate::kubernetes::slice::{Event, List, Slice, Status};
use crate::kubernetes::store::Store;
use crate::kubernetes::{Access, Service};

/// The most slices of a page.
const PAGE: u32 = 100;

/// How long the body of a list, or of a refusal, may take.
const BODY: Duration = Duration::from_mins(1);

/// The API server is asked to end a watch after 4 to 5 minutes; one that is there half a minute
/// later is dead.
const WATCH_SECONDS: u32 = 240;
const WATCH_SPREAD: u32 = 60;
const WATCH_GRACE: Duration = Duration::from_secs(30);

/// Follows one service.
pub(super) struct Watch {
    service: Service,
    access: Access,
    updates: Updates,
    store: Store,
    /// What was told last.
    told: Option<Vec<Found>>,
    /// Up to where the store is known to be right; nothing if it has to be listed.
    version: Option<String>,
    pauses: Pauses,
}

/// Why what went before cannot simply go on.
enum Ended {
    /// The version is too old: 410 Gone, which is no failure.
    Gone,
    Failed(Error),
}

impl From<Error> for Ended {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl Watch {
    pub(super) fn new(service: Service, access: Access, updates: Updates) -> Self {
        Self {
            service,
            access,
            updates,
            store: Store::default(),
            told: None,
            version: None,
            pauses: Pauses::default(),
        }
    }

    /// Follows it, until it is dropped or nobody listens any more.
    pub(super) async fn run(mut self) {
        loop {
            match self.round().await {
                Ok(()) => debug!(service = self.service.service, "the watch has ended"),
                Err(Ended::Gone) => {
                    debug!(service = self.service.service, "the watch fell behind");
                    self.version = None;
                }
                Err(Ended::Failed(error)) => {
                    debug!(service = self.service.service, %error, "the watch has failed");
                    if self.updates.send(Update::Failed(error)).await.is_err() {
                        return;
                    }
                }
            }
            sleep(self.pauses.next(random())).await;
        }
    }

    /// Lists if that is needed, and watches for as long as it goes well.
    async fn round(&mut self) -> Result<(), Ended> {
        let version = match self.version.take() {
            Some(version) => version,
            None => self.list().await?,
        };
        let began = Instant::now();
        // Kept while the API server cannot be reached.
        self.version = Some(version.clone());
        let ended = self.watch(&version).await;
        if ended.is_ok() && began.elapsed() >= LONGEST {
            self.pauses.reset();
        }
        ended
    }

    /// Replaces all that is known, and gives the version at which it was true.
    async fn list(&mut self) -> Result<String, Ended> {
        let mut store = Store::default();
        let mut next = String::new();
        loop {
            let is_first = next.is_empty();
            let mut query = format!("limit={PAGE}");
            if !is_first {
                query.push_str("&continue=");
                query.push_str(&encoded(&next));
            }
            let answer = self.get(&query).await?;
            let page: List = match accepted(answer).await {
                // The pages that are left are of a version that is gone.
                Err(error) if is_gone(&error) && !is_first => return Err(Ended::Gone),
                Err(error) => return Err(error.into()),
                Ok(answer) => parsed(&body(answer).await?)?,
            };
            let version = page.metadata.resource_version.clone();
            next = page.metadata.r#continue.clone().unwrap_or_default();
            for slice in page.into_items() {
                self.put(&mut store, slice);
            }
            if next.is_empty() {
                self.store = store;
                self.tell().await;
                return Ok(version);
            }
        }
    }

    async fn watch(&mut self, version: &str) -> Result<(), Ended> {
        let seconds = WATCH_SECONDS + random() % WATCH_SPREAD;
        let query = format!(
            "watch=true&allowWatchBookmarks=true&timeoutSeconds={seconds}&resourceVersion={}",
            encoded(version)
        );
        let deadline = Instant::now() + Duration::from_secs(seconds.into()) + WATCH_GRACE;
        let answer = self.get(&query).await?;
        let mut answer = accepted(answer).await.map_err(|error| self.over(error))?;
        loop {
            match timeout_at(deadline, answer.line()).await {
                Ok(Ok(Some(line))) => self.hear(&line).await.map_err(|error| self.over(error))?,
                // A stream that ends or breaks goes on where it was.
                Ok(Ok(None)) | Err(_) => return Ok(()),
                Ok(Err(error)) => {
                    debug!(service = self.service.service, %error, "the watch is broken");
                    return Ok(());
                }
            }
        }
    }

    /// The API server refuses to go on, or said what is not understood: only a list helps.
    fn over(&mut self, error: Error) -> Ended {
        self.version = None;
        if is_gone(&error) {
            return Ended::Gone;
        }
        Ended::Failed(error)
    }

    /// Takes an event in.
    async fn hear(&mut self, line: &Bytes) -> Result<(), Error> {
        let version = match parsed(line)? {
            Event::Added(slice) | Event::Modified(slice) => {
                let version = slice.metadata.resource_version.clone();
                let mut store = std::mem::take(&mut self.store);
                self.put(&mut store, slice);
                self.store = store;
                version
            }
            Event::Deleted(slice) => {
                self.store.remove(&slice.metadata.name);
                slice.metadata.resource_version
            }
            Event::Bookmark(mark) => mark.metadata.resource_version,
            Event::Error(status) => return Err(refused(status.code, status)),
        };
        self.version = Some(version);
        self.pauses.reset();
        self.tell().await;
        Ok(())
    }

    fn put(&self, store: &mut Store, slice: Slice) {
        let found = slice.found(&self.service.port);
        store.set(slice.metadata.name, found);
    }

    /// Tells who is there, if that has changed.
    async fn tell(&mut self) {
        let members = self.store.members();
        if self.told.as_ref() != Some(&members) {
            self.told = Some(members.clone());
            // If nobody listens any more, this future is about to be dropped.
            let _ = self.updates.send(Update::Members(members)).await;
        }
    }

    async fn get(&self, query: &str) -> Result<Exchange, Error> {
        let target = Target::of(&self.access)?;
        let namespace = match &self.service.namespace {
            Some(given) => given.clone(),
            None => home::of(&self.access)?,
        };
        let path = format!(
            "/apis/discovery.k8s.io/v1/namespaces/{}/endpointslices?labelSelector={}&{query}",
            encoded(&namespace),
            encoded(&format!(
                "kubernetes.io/service-name={}",
                self.service.service
            )),
        );
        client::get(&target, &path).await
    }
}

/// The answer, if it is a yes.
async fn accepted(answer: Exchange) -> Result<Exchange, Error> {
    let status = answer.status();
    if status == StatusCode::OK {
        return Ok(answer);
    }
    // Whatever comes instead of a Status says nothing.
    let said = serde_json::from_slice(&body(answer).await?).unwrap_or_default();
    Err(refused(status.as_u16(), said))
}

async fn body(answer: Exchange) -> Result<Bytes, Error> {
    timeout(BODY, answer.whole())
        .await
        .or(Err(Error::ApiSilent))?
}

fn refused(status: u16, said: Status) -> Error {
    let message = if said.message.is_empty() {
        said.reason
    } else {
        said.message
    };
    Error::ApiRefused { status, message }
}

fn is_gone(error: &Error) -> bool {
    matches!(error, Error::ApiRefused { status: 410, .. })
}

fn parsed<'a, T: Deserialize<'a>>(json: &'a Bytes) -> Result<T, Error> {
    serde_json::from_slice(json).map_err(Error::ApiNonsense)
}

/// Everything but the unreserved characters of RFC 3986 section 2.3 as `%XX`.
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(byte.into());
            }
            // Writing to a string does not fail.
            _ => drop(write!(encoded, "%{byte:02X}")),
        }
    }
    encoded
}

/// Any number. Without the system's randomness pauses are not spread, which is all that it is for.
fn random() -> u32 {
    getrandom::u32().unwrap_or(u32::MAX)
}
