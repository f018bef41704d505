//! NATS: its servers, and who connects.

use arcstr::ArcStr;

use super::super::files::Files;
use super::{Scheme, link, not_one, secret, tls, without_password};
use crate::decode::{At, Known, List};
use crate::model::{Nats, NatsIdentity};
use crate::raw;
use crate::report::{Problem, Report};
use crate::scalar::{File, NatsUrl, Text};
use crate::source::Span;

/// Checks how NATS is reached.
pub(super) fn lower(raw: At<raw::Nats>, files: &Files<'_>, report: &mut Report) -> Option<Nats> {
    let At { value, span, .. } = raw;
    let urls = urls(value.url, value.servers, span, report);
    let of = |url: &At<NatsUrl>| (url.value.tls, url.span);
    let schemes: Vec<Scheme> = urls.iter().flatten().map(of).collect();
    let tls = tls(&schemes, value.tls, "tls://", files, report);
    let named = Named {
        username: value.username,
        password: value.password_file,
        token: value.token_file,
        credentials: value.credentials_file,
    };
    let identity = named.identity(span, files, report);
    Some(Nats {
        servers: urls?.iter().map(|url| address(&url.value)).collect(),
        identity: identity?,
        tls: tls?,
        prefix: ArcStr::from(value.prefix?.0),
        link: link(value.timeout, value.unready_after)?,
    })
}

fn urls(
    url: Known<Option<At<NatsUrl>>>,
    servers: Known<Option<At<List<At<NatsUrl>, 1>>>>,
    whole: Span,
    report: &mut Report,
) -> Option<Vec<At<NatsUrl>>> {
    match (url?, servers?) {
        (Some(url), None) => Some(vec![url]),
        (None, Some(servers)) => servers.value.whole(),
        (url, servers) => {
            let given = [url.map(|it| it.span), servers.map(|it| it.span)];
            let problem = not_one(given, whole, "where NATS is");
            report.add(problem.help("use one of `url` and `servers`"));
            None
        }
    }
}

/// An address of IPv6 is in brackets again.
fn address(url: &NatsUrl) -> ArcStr {
    let NatsUrl { host, port, .. } = url;
    if host.contains(':') {
        ArcStr::from(format!("[{host}]:{port}"))
    } else {
        ArcStr::from(format!("{host}:{port}"))
    }
}

/// The ways to say who connects.
struct Named {
    username: Known<Option<At<Text>>>,
    password: Known<Option<At<File>>>,
    token: Known<Option<At<File>>>,
    credentials: Known<Option<At<File>>>,
}

impl Named {
    /// The one way, or none; `whole` is where all of them stand.
    fn identity(self, whole: Span, files: &Files<'_>, report: &mut Report) -> Option<NatsIdentity> {
        let user = match (self.username?, self.password?) {
            (None, None) => None,
            (Some(name), Some(password)) => Some((name, password)),
            (Some(name), None) => {
                report.add(without_password(&name));
                return None;
            }
            (None, Some(password)) => {
                let problem = Problem::new(password.span, "nothing says whose password this is");
                report.add(problem.help("add `username: NAME`, or use `token_file`"));
                return None;
            }
        };
        match (user, self.token?, self.credentials?) {
            (None, None, None) => Some(NatsIdentity::Nobody),
            (Some((name, password)), None, None) => Some(NatsIdentity::User {
                name: ArcStr::from(name.value.0),
                password: secret(&password, files, report)?,
            }),
            (None, Some(token), None) => secret(&token, files, report).map(NatsIdentity::Token),
            (None, None, Some(file)) => {
                let file = files.whole(&file, report)?;
                Some(NatsIdentity::Credentials(file.content))
            }
            (user, token, credentials) => {
                let spans = [
                    user.map(|(name, _)| name.span),
                    token.map(|it| it.span),
                    credentials.map(|it| it.span),
                ];
                let problem = not_one(spans, whole, "who connects");
                let keys = "`username`, `token_file` and `credentials_file`";
                report.add(problem.help(format!("use one of {keys}, or none")));
                None
            }
        }
    }
}
