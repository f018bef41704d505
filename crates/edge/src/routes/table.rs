//! The routes in the order of the file, and the search for the first that matches.

use http::HeaderMap;
use http::header::InvalidHeaderName;
use switchyard_config::{HostPattern, Match, PathPattern};

use super::headers::Wanted;
use super::path::Captures;
use super::{Host, Path, host, path};

/// Routes in order, each with what it leads to.
#[derive(Debug)]
pub struct RouteTable<T> {
    entries: Vec<Entry<T>>,
}

#[derive(Debug)]
struct Entry<T> {
    hosts: Vec<HostPattern>,
    path: PathPattern,
    headers: Vec<Wanted>,
    target: T,
}

/// The route that a request takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<'a, T> {
    /// What the route leads to.
    pub route: &'a T,
    /// What the route's path template captured.
    pub captures: Captures<'a>,
}

/// Why a route does not match: the first of the three that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mismatch {
    /// The host is none of the route's.
    Host,
    /// The path is another.
    Path,
    /// A header is missing or has another value.
    Header,
}

impl<T> RouteTable<T> {
    /// Takes routes in the order in which they are tried.
    ///
    /// # Errors
    /// A wanted header's name is not a header name.
    pub fn new(routes: impl IntoIterator<Item = (Match, T)>) -> Result<Self, InvalidHeaderName> {
        let entries = routes
            .into_iter()
            .map(|(matches, target)| Entry::new(matches, target));
        Ok(Self {
            entries: entries.collect::<Result<_, _>>()?,
        })
    }

    /// The first route that has this host, path and headers.
    pub fn find<'a>(
        &'a self,
        host: &Host<'_>,
        path: &'a Path<'_>,
        headers: &HeaderMap,
    ) -> Option<Found<'a, T>> {
        self.trials(host, path, headers)
            .find_map(|(_, trial)| trial.ok())
    }

    /// Every route in order, with what comes of trying it.
    pub fn trials<'a>(
        &'a self,
        host: &Host<'_>,
        path: &'a Path<'_>,
        headers: &HeaderMap,
    ) -> impl Iterator<Item = (&'a T, Result<Found<'a, T>, Mismatch>)> {
        let trial = move |entry: &'a Entry<T>| (&entry.target, entry.try_on(host, path, headers));
        self.entries.iter().map(trial)
    }

    /// What the routes lead to, in order.
    pub fn targets(&self) -> impl Iterator<Item = &T> {
        self.entries.iter().map(|entry| &entry.target)
    }
}

impl<T> Entry<T> {
    fn new(matches: Match, target: T) -> Result<Self, InvalidHeaderName> {
        Ok(Self {
            hosts: matches.hosts,
            path: path::normalise(matches.path),
            headers: matches
                .headers
                .iter()
                .map(Wanted::new)
                .collect::<Result<_, _>>()?,
            target,
        })
    }

    fn try_on<'a>(
        &'a self,
        host: &Host<'_>,
        path: &'a Path<'_>,
        headers: &HeaderMap,
    ) -> Result<Found<'a, T>, Mismatch> {
        if !host::matches(&self.hosts, host) {
            return Err(Mismatch::Host);
        }
        let captures = path::matches(&self.path, path).ok_or(Mismatch::Path)?;
        if !self.headers.iter().all(|wanted| wanted.is_in(headers)) {
            return Err(Mismatch::Header);
        }
        Ok(Found {
            route: &self.target,
            captures,
        })
    }
}

#[cfg(test)]
mod tests;
