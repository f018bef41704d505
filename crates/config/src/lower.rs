//! From what is written to what is meant: the one function between the file and the model.
//!
//! Checks that concern more than one value are here and below, with the places to point at. A check
//! needs no more than the values it is about: what else could not be read was reported already.

mod bus;
mod clusters;
mod files;
mod listeners;
mod names;
mod process;
mod push;
mod reach;
mod routes;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::io;
use std::path::Path;

use crate::decode::{At, Known};
use crate::model::{Config, Written};
use crate::raw;
use crate::report::{Problem, Report};
use crate::source::Span;
use files::Files;
use names::Names;

/// How the files are read that the configuration names.
pub(crate) type ReadFile<'a> = &'a dyn Fn(&Path) -> io::Result<Vec<u8>>;

/// Checks what was read and gives it its meaning. `None` after the reasons have been reported.
pub(crate) fn config(
    file: raw::Document,
    directory: &Path,
    read: ReadFile<'_>,
    report: &mut Report,
) -> Option<Config> {
    let files = Files { directory, read };
    report_shared_addresses(&file, report);
    let zone = process::zone(file.zone, file.zone_file, &files, report);
    let (clusters, names) = file
        .clusters
        .map(Option::unwrap_or_default)
        .map(|list| clusters::lower(list, &files, zone.as_ref(), report))
        .unzip();
    let bus = file.bus.and_then(|raw| bus::lower(raw, &files, report));
    let push = file.push.and_then(|raw| push::lower(raw, report));
    let routes = file
        .routes
        .and_then(|list| routes::lower(list, names.as_ref(), report));
    let affinity_key = file
        .affinity_key_file
        .and_then(|file| optional(file, |file| files.secret(&file, report)));
    let admin = file
        .admin
        .and_then(|raw| optional(raw, |raw| process::admin(raw, &files, report)));
    let drain = file.drain.and_then(|raw| process::drain(raw, report));
    let listeners = file
        .listeners
        .and_then(|list| listeners::lower(list, file.trusted_proxies.as_ref(), &files, report));
    Some(Config {
        listeners: listeners?,
        affinity_key: affinity_key?,
        trusted_proxies: file.trusted_proxies?.whole()?,
        routes: routes?,
        clusters: clusters??,
        bus: bus?,
        push: push?,
        drain: drain?,
        reload: process::reload(&file.reload?)?,
        admin: admin?,
        log: process::log(file.log?, &files)?,
        workers: file.workers?,
        written: Written::default(),
    })
}

/// Two listeners on one address would share its connections at random.
fn report_shared_addresses(file: &raw::Document, report: &mut Report) {
    let listeners = file.listeners.iter().flat_map(|list| &list.items);
    let admin = file.admin.iter().flatten();
    let addresses = listeners
        .flat_map(|it| &it.address)
        .chain(admin.flat_map(|it| &it.address));
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

/// The meaning of what may be left out.
fn optional<T, U>(raw: Option<T>, lower: impl FnOnce(T) -> Option<U>) -> Known<Option<U>> {
    raw.map_or(Some(None), |raw| lower(raw).map(Some))
}
