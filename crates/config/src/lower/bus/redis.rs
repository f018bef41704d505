//! Redis: the form in which it is run, and who connects.

use arcstr::ArcStr;

use super::super::files::Files;
use super::super::optional;
use super::{Scheme, link, not_one, secret, tls, without_password};
use crate::decode::{At, Known, List};
use crate::model::{Redis, RedisServer, RedisServers, Secret};
use crate::raw;
use crate::report::{Problem, Report};
use crate::scalar::{File, RedisUrl, Text};
use crate::source::Span;

/// Servers, and what their URLs say besides.
struct Found {
    servers: RedisServers,
    schemes: Vec<Scheme>,
    /// Who connects.
    user: Option<At<Text>>,
}

/// Checks how Redis is reached.
pub(super) fn lower(raw: At<raw::Redis>, files: &Files<'_>, report: &mut Report) -> Option<Redis> {
    let At { value, span, .. } = raw;
    let found = found(value.url, value.cluster, value.sentinel, span, report);
    let (mut servers, mut schemes, mut user) = (None, Vec::new(), None);
    if let Some(found) = found {
        (servers, schemes, user) = (Some(found.servers), found.schemes, found.user);
    }
    let tls = tls(&schemes, value.tls, "rediss://", files, report);
    let user = value.username.and_then(|name| one_user(user, name, report));
    let login = login(user, value.password_file, files, report);
    let (username, password) = login?;
    Some(Redis {
        servers: servers?,
        username,
        password,
        tls: tls?,
        prefix: ArcStr::from(value.prefix?.0),
        link: link(value.timeout, value.unready_after)?,
    })
}

fn found(
    url: Known<Option<At<RedisUrl>>>,
    cluster: Known<Option<At<List<At<RedisUrl>, 1>>>>,
    sentinel: Known<Option<At<raw::Sentinel>>>,
    whole: Span,
    report: &mut Report,
) -> Option<Found> {
    match (url?, cluster?, sentinel?) {
        (Some(url), None, None) => Some(one(url)),
        (None, Some(cluster), None) => {
            let (servers, schemes) = several(cluster.value, report)?;
            let servers = RedisServers::Cluster(servers);
            Some(Found::of(servers, schemes))
        }
        (None, None, Some(sentinel)) => {
            let At { value, .. } = sentinel;
            let urls = value.urls.and_then(|urls| several(urls.value, report));
            let (master, (sentinels, schemes)) = (ArcStr::from(value.master?.0), urls?);
            let servers = RedisServers::Sentinel { master, sentinels };
            Some(Found::of(servers, schemes))
        }
        (url, cluster, sentinel) => {
            let given = [
                url.map(|it| it.span),
                cluster.map(|it| it.span),
                sentinel.map(|it| it.span),
            ];
            let problem = not_one(given, whole, "where Redis is");
            report.add(problem.help("use one of `url`, `cluster` and `sentinel`"));
            None
        }
    }
}

impl Found {
    fn of(servers: RedisServers, schemes: Vec<Scheme>) -> Self {
        Self {
            servers,
            schemes,
            user: None,
        }
    }
}

fn one(url: At<RedisUrl>) -> Found {
    let At { value, span, given } = url;
    let user = value.user.map(|name| At {
        value: Text(name),
        span,
        given,
    });
    Found {
        servers: RedisServers::One(RedisServer {
            host: ArcStr::from(value.host),
            port: value.port,
            database: value.database.unwrap_or(0),
        }),
        schemes: vec![(value.tls, span)],
        user,
    }
}

/// Servers that are asked about others, with one user for all of them and no databases.
fn several(
    urls: List<At<RedisUrl>, 1>,
    report: &mut Report,
) -> Option<(Vec<RedisServer>, Vec<Scheme>)> {
    let urls = urls.whole()?;
    for url in &urls {
        report_more_than_a_place(url, report);
    }
    let schemes = urls.iter().map(|url| (url.value.tls, url.span)).collect();
    let server = |url: At<RedisUrl>| RedisServer {
        host: ArcStr::from(url.value.host),
        port: url.value.port,
        database: 0,
    };
    Some((urls.into_iter().map(server).collect(), schemes))
}

fn report_more_than_a_place(url: &At<RedisUrl>, report: &mut Report) {
    if url.value.user.is_some() {
        let problem = Problem::new(url.span, "there is one user for all of the servers");
        report.add(problem.help("write it as `username`"));
    }
    if url.value.database.is_some_and(|number| number > 0) {
        let problem = Problem::new(url.span, "only a single server has databases");
        report.add(problem.help("leave out what is behind the slash"));
    }
}

fn one_user(
    of_url: Option<At<Text>>,
    written: Option<At<Text>>,
    report: &mut Report,
) -> Known<Option<At<Text>>> {
    if let (Some(of_url), Some(written)) = (&of_url, &written) {
        let (first, second) = (of_url.span.min(written.span), of_url.span.max(written.span));
        let problem = Problem::new(second, "the user is said twice");
        report.add(problem.related(first, "first here"));
        return None;
    }
    Some(of_url.or(written))
}

/// The user and the password, of which the password may be alone.
fn login(
    user: Known<Option<At<Text>>>,
    password: Known<Option<At<File>>>,
    files: &Files<'_>,
    report: &mut Report,
) -> Option<(Option<ArcStr>, Option<Secret>)> {
    if let (Some(Some(user)), Some(None)) = (&user, &password) {
        report.add(without_password(user));
    }
    let password = optional(password?, |file| secret(&file, files, report));
    Some((user?.map(|user| ArcStr::from(user.value.0)), password?))
}
