//! What the API server has, and what has happened to it.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex};

use serde_json::{Value, json};

use crate::kubernetes::TOKEN;
use crate::kubernetes::request::Request;
use crate::kubernetes::slice::EndpointSlice;
use crate::wait::PATIENCE;

/// How the API server says that a version is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gone {
    /// As the status of its answer.
    Answer,
    /// As an event of a watch that begins well.
    Event,
}

/// Whether the API server is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    Here,
    /// Its port is about to close.
    Leaving,
    Away,
}

/// What a watch lives through, in order.
#[derive(Debug, Clone)]
pub(super) enum Happening {
    Change(Change),
    Bookmark(u64),
    Line(String),
    Gone,
    End,
    Break,
}

/// A slice came, changed or went.
#[derive(Debug, Clone)]
pub(super) struct Change {
    pub(super) version: u64,
    pub(super) kind: &'static str,
    pub(super) slice: EndpointSlice,
}

/// Everything.
#[derive(Debug)]
pub(super) struct State {
    pub(super) token: String,
    pub(super) version: u64,
    /// The slices and their versions, by namespace and name.
    pub(super) slices: BTreeMap<(String, String), (u64, EndpointSlice)>,
    pub(super) happenings: Vec<Happening>,
    /// The oldest version that a watch may go on from, and what is said to an older one.
    pub(super) oldest: (u64, Gone),
    pub(super) refusal: Option<u16>,
    pub(super) next_list: Option<String>,
    pub(super) compact_after_page: bool,
    pub(super) presence: Presence,
    /// Whether requests wait.
    pub(super) is_held: bool,
    pub(super) requests: Vec<Request>,
    pub(super) watches: usize,
}

/// The state, and who waits for it to change.
#[derive(Debug, Default)]
pub(super) struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Default for State {
    fn default() -> Self {
        Self {
            token: TOKEN.to_owned(),
            version: 1000,
            slices: BTreeMap::new(),
            happenings: Vec::new(),
            oldest: (0, Gone::Answer),
            refusal: None,
            next_list: None,
            compact_after_page: false,
            presence: Presence::Here,
            is_held: false,
            requests: Vec::new(),
            watches: 0,
        }
    }
}

impl State {
    pub(super) fn set(&mut self, slice: &EndpointSlice) {
        self.version += 1;
        let key = (slice.namespace.clone(), slice.name.clone());
        let before = self.slices.insert(key, (self.version, slice.clone()));
        let kind = before.map_or("ADDED", |_| "MODIFIED");
        self.changed(kind, slice.clone());
    }

    #[track_caller]
    pub(super) fn delete(&mut self, namespace: &str, name: &str) {
        let key = (namespace.to_owned(), name.to_owned());
        let (_, slice) = self.slices.remove(&key).expect("the slice is there");
        self.version += 1;
        self.changed("DELETED", slice);
    }

    fn changed(&mut self, kind: &'static str, slice: EndpointSlice) {
        self.happenings.push(Happening::Change(Change {
            version: self.version,
            kind,
            slice,
        }));
    }

    pub(super) fn compact(&mut self, gone: Gone) {
        self.version += 1;
        self.oldest = (self.version, gone);
    }
}

impl Change {
    /// The line of the event.
    pub(super) fn line(&self) -> String {
        event(self.kind, &of_kind(&self.slice.json(self.version)))
    }
}

/// The line of an event.
pub(super) fn event(kind: &str, object: &Value) -> String {
    format!("{}\n", json!({"type": kind, "object": object}))
}

/// The line of a bookmark.
pub(super) fn bookmark(version: u64) -> String {
    let object = json!({
        "metadata": {"resourceVersion": version.to_string(), "creationTimestamp": null},
        "addressType": "", "endpoints": null, "ports": null,
    });
    event("BOOKMARK", &of_kind(&object))
}

fn of_kind(object: &Value) -> Value {
    let mut whole = json!({"kind": "EndpointSlice", "apiVersion": "discovery.k8s.io/v1"});
    let fields = whole.as_object_mut().expect("an object");
    fields.extend(object.as_object().expect("an object").clone());
    whole
}

impl Shared {
    pub(super) fn read<T>(&self, read: impl FnOnce(&State) -> T) -> T {
        read(&self.state.lock().expect("no thread panicked"))
    }

    pub(super) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.state.lock().expect("no thread panicked"));
        self.changed.notify_all();
        result
    }

    /// Waits for an answer, which is asked for again whenever something changes.
    #[track_caller]
    pub(super) fn wait_for<T>(&self, what: &str, answer: impl Fn(&State) -> Option<T>) -> T {
        self.wait(&answer)
            .unwrap_or_else(|| panic!("gave up waiting for {what}: {:#?}", self.state))
    }

    /// The same, without an answer after [`PATIENCE`].
    pub(super) fn wait<T>(&self, answer: impl Fn(&State) -> Option<T>) -> Option<T> {
        let mut found = None;
        let state = self.state.lock().expect("no thread panicked");
        let waited = self.changed.wait_timeout_while(state, PATIENCE, |state| {
            found = answer(state);
            found.is_none()
        });
        drop(waited.expect("no thread panicked"));
        found
    }
}
