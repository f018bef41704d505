//! The bus: which one, the servers that it has, and what all of its kinds have in common.

mod nats;
mod redis;

use super::clusters::client_certificate;
use super::files::Files;
use super::optional;
use crate::decode::{At, Known, OrOff};
use crate::model::{Bus, BusLink, BusTls, Secret};
use crate::raw::{self, Timeout};
use crate::report::{Problem, Report};
use crate::scalar::{File, Text};
use crate::source::Span;

/// Whether a URL asks for TLS, and where it stands.
type Scheme = (bool, Span);

/// Checks which bus it is.
pub(super) fn lower(raw: raw::Bus, files: &Files<'_>, report: &mut Report) -> Option<Bus> {
    let servers = match raw {
        raw::Bus::Memory => return Some(Bus::Memory),
        raw::Bus::Servers(servers) => servers,
    };
    let At { value, span, .. } = *servers;
    match (value.redis?, value.nats?) {
        (Some(redis), None) => redis::lower(redis, files, report).map(Bus::Redis),
        (None, Some(nats)) => nats::lower(nats, files, report).map(Bus::Nats),
        (redis, nats) => {
            let given = [redis.map(|it| it.span), nats.map(|it| it.span)];
            let problem = not_one(given, span, "which bus it is");
            report.add(problem.help("use one of `redis` and `nats`, or `bus: memory`"));
            None
        }
    }
}

/// None or several of what there has to be one of.
fn not_one<const N: usize>(given: [Option<Span>; N], whole: Span, what: &str) -> Problem {
    let mut given: Vec<Span> = given.into_iter().flatten().collect();
    given.sort();
    match given.as_slice() {
        [first, second, ..] => {
            let problem = Problem::new(*second, format!("it is said twice {what}"));
            problem.related(*first, "first here")
        }
        _ => Problem::new(whole, format!("nothing says {what}")),
    }
}

/// TLS, if the URLs ask for it, which they do all or none; `secure` is what such a URL begins with.
fn tls(
    urls: &[Scheme],
    raw: Known<Option<At<raw::BusTls>>>,
    secure: &str,
    files: &Files<'_>,
    report: &mut Report,
) -> Known<Option<BusTls>> {
    let raw = raw?;
    let (is_secure, first) = *urls.first()?;
    if let Some((_, other)) = urls.iter().find(|(tls, _)| *tls != is_secure) {
        let problem = Problem::new(
            *other,
            "some of the servers are reached over TLS, others not",
        );
        let problem = problem.related(first, "the first");
        report.add(problem.help(format!("let all of them begin with `{secure}`, or none")));
        return None;
    }
    match raw {
        None if is_secure => Some(Some(BusTls {
            authorities: None,
            certificate: None,
        })),
        None => Some(None),
        Some(raw) if is_secure => files_of(raw.value, files, report).map(Some),
        Some(raw) => {
            let problem = Problem::new(raw.span, "nothing here is reached over TLS");
            let problem = problem.related(first, "without TLS");
            report.add(problem.help(format!("let the URL begin with `{secure}`")));
            None
        }
    }
}

fn files_of(raw: raw::BusTls, files: &Files<'_>, report: &mut Report) -> Option<BusTls> {
    let authorities = raw
        .ca
        .and_then(|file| optional(file, |file| files.whole(&file, report)));
    let certificate = raw
        .certificate
        .and_then(|raw| optional(raw, |raw| client_certificate(&raw, files, report)));
    Some(BusTls {
        authorities: authorities?,
        certificate: certificate?,
    })
}

fn link(timeout: Known<Timeout>, unready_after: Known<OrOff<Timeout>>) -> Option<BusLink> {
    Some(BusLink {
        timeout: timeout?.0,
        unready_after: unready_after?.0.map(|time| time.0),
    })
}

/// What is in a file of a password or a token, which may be of any length but none.
fn secret(file: &At<File>, files: &Files<'_>, report: &mut Report) -> Option<Secret> {
    Some(files.secret_of(file, 1, report)?.content)
}

/// A user is nobody without a password.
fn without_password(name: &At<Text>) -> Problem {
    let problem = Problem::new(name.span, "this user has no password");
    problem.help("add `password_file: FILE`")
}
