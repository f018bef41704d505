//! From what is written to what is meant: the one function between the file and the model.
//!
//! Checks that concern more than one value are here and below, with the places to point at. Parts
//! that could not be read were reported already; the others are checked all the same.

mod clusters;
mod names;
mod process;
mod reach;
mod routes;
mod secrets;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::io;
use std::path::Path;

use crate::decode::{At, List, Section};
use crate::model::{Cluster, Config, Listener};
use crate::raw;
use crate::report::{Problem, Report};
use crate::source::Span;
use names::Names;
use secrets::Secrets;

/// How secret files are read.
pub(crate) type ReadFile<'a> = &'a dyn Fn(&Path) -> io::Result<Vec<u8>>;

/// Checks what was read and gives it its meaning. `None` after the reasons have been reported.
pub(crate) fn config(
    file: raw::Document,
    directory: &Path,
    read: ReadFile<'_>,
    report: &mut Report,
) -> Option<Config> {
    let secrets = Secrets { directory, read };
    report_shared_addresses(&file, report);
    let clusters = file.clusters.0.map(|list| clusters::lower(list, report));
    let names = clusters.as_ref().map(|(_, names)| names);
    let routes = file.routes.0.map(|list| routes::lower(list, names, report));
    let affinity_key = file.affinity_key_file.0.map(|file| match file {
        Some(file) => secrets.read(&file, report).map(Some),
        None => Some(None),
    });
    let admin = file.admin.0.map(|admin| match admin {
        Some(admin) => process::admin(admin, &secrets, report).map(Some),
        None => Some(None),
    });
    let drain = file.drain.0.map(|drain| process::drain(drain, report));
    let listeners = file.listeners.0.map(|list| listeners(list, report));
    Some(Config {
        listeners: listeners?,
        affinity_key: affinity_key??,
        trusted_proxies: file.trusted_proxies.0?.items,
        routes: routes?,
        clusters: clusters?.0,
        drain: drain?,
        admin: admin??,
        log: process::log(&file.log.0?),
        workers: file.workers.0?,
    })
}

fn listeners(list: List<raw::Listener, 1>, report: &mut Report) -> Vec<Listener> {
    let mut names = Names::new("listener", list.complete);
    for listener in &list.items {
        names.define(&listener.name, report);
    }
    list.items.into_iter().map(listener).collect()
}

fn listener(raw: raw::Listener) -> Listener {
    Listener {
        name: raw.name.value.0,
        address: raw.address.value.0,
        max_connections: raw.max_connections.at_least_one(),
        handshake_timeout: raw.handshake_timeout.0,
    }
}

/// Two listeners on one address would share its connections at random.
fn report_shared_addresses(file: &raw::Document, report: &mut Report) {
    let listeners = file.listeners.0.iter().flat_map(|list| &list.items);
    let admin = file.admin.0.iter().flatten();
    let addresses = listeners
        .map(|it| &it.address)
        .chain(admin.map(|it| &it.address));
    let mut seen = HashMap::new();
    for At { value, span, .. } in addresses.filter(|address| address.value.0.port() != 0) {
        if let Some(first) = repeated(&mut seen, value.0, *span) {
            let message = format!("`{}` is listened on already", value.0);
            report.add(Problem::new(*span, message).related(first, "here"));
        }
    }
}

/// Where `key` stood first, if it was there before.
fn repeated<K: Hash + Eq>(seen: &mut HashMap<K, Span>, key: K, span: Span) -> Option<Span> {
    match seen.entry(key) {
        Entry::Occupied(first) => Some(*first.get()),
        Entry::Vacant(vacant) => {
            vacant.insert(span);
            None
        }
    }
}

/// The items of a list, unless the list itself could not be read.
fn whole<T, const LEAST: usize>(section: Section<List<T, LEAST>>) -> Option<Vec<T>> {
    section.0.map(|list| list.items)
}

/// A cluster and where it is defined.
type Clusters = (Vec<Cluster>, Names);
