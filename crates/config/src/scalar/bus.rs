//! Where the servers of a bus are, and what the names on them begin with.

use serde_json::{Value as Json, json};

use super::{Complaint, Scalar, host, text_schema};

/// The word for no servers at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Memory;

/// A server of Redis: `redis://[user@]host[:port][/database]`, `rediss://` for TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RedisUrl {
    pub(crate) tls: bool,
    pub(crate) user: Option<String>,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) database: Option<u32>,
}

/// A server of NATS: `nats://host[:port]`, `tls://` for TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NatsUrl {
    pub(crate) tls: bool,
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// What the names of channels and keys in Redis begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RedisPrefix(pub(crate) String);

/// What the subjects in NATS begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NatsPrefix(pub(crate) String);

const REDIS_PORT: u16 = 6379;
const NATS_PORT: u16 = 4222;
/// Bytes that a prefix may have.
const MAX_PREFIX: usize = 64;

impl Scalar for Memory {
    const KIND: &'static str = "`memory`";

    fn parse(text: &str) -> Result<Self, Complaint> {
        match text {
            "memory" => Ok(Self),
            _ => Err(Complaint::new(format!("expected `memory`, found `{text}`"))),
        }
    }

    fn schema() -> Json {
        json!({ "const": "memory" })
    }
}

impl Scalar for RedisUrl {
    const KIND: &'static str = "the URL of a Redis server";

    fn parse(text: &str) -> Result<Self, Complaint> {
        let example = "such as `redis://10.0.0.5:6379`, or `rediss://` for TLS";
        let (tls, rest) = scheme(text, ["redis", "rediss"], Self::KIND, example)?;
        let (user, rest) = rest
            .rsplit_once('@')
            .map_or((None, rest), |(user, rest)| (Some(user), rest));
        let user = user.map(user_alone).transpose()?;
        let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
        let (host, port) = host_and_port(authority, REDIS_PORT)
            .ok_or_else(|| no_url(text, Self::KIND).help(example))?;
        Ok(Self {
            tls,
            user,
            host,
            port,
            database: number(database)?,
        })
    }

    fn schema() -> Json {
        text_schema("^rediss?://")
    }
}

impl Scalar for NatsUrl {
    const KIND: &'static str = "the URL of a NATS server";

    fn parse(text: &str) -> Result<Self, Complaint> {
        let example = "such as `nats://10.0.0.6:4222`, or `tls://` for TLS";
        let (tls, rest) = scheme(text, ["nats", "tls"], Self::KIND, example)?;
        if rest.contains('@') {
            let complaint = Complaint::new("a URL does not say who connects");
            let help = "use `username` with `password_file`, `token_file` or `credentials_file`";
            return Err(complaint.help(help));
        }
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = host_and_port(authority, NATS_PORT)
            .ok_or_else(|| no_url(text, Self::KIND).help(example))?;
        Ok(Self { tls, host, port })
    }

    fn schema() -> Json {
        text_schema("^(nats|tls)://")
    }
}

/// Whether the second of two schemes is there, and what follows it. What there is besides is not repeated: it may
/// be a secret.
fn scheme<'t>(
    text: &'t str,
    [plain, tls]: [&str; 2],
    kind: &str,
    example: &str,
) -> Result<(bool, &'t str), Complaint> {
    match text.split_once("://") {
        Some((scheme, rest)) if scheme == plain => Ok((false, rest)),
        Some((scheme, rest)) if scheme == tls => Ok((true, rest)),
        Some((scheme, _)) => {
            let message = format!("`{scheme}://` does not begin {kind}");
            Err(Complaint::new(message).help(example))
        }
        None => Err(no_url(text, kind).help(example)),
    }
}

fn no_url(text: &str, kind: &str) -> Complaint {
    let shown = text.rsplit_once('@').map_or(text, |(_, behind)| behind);
    Complaint::new(format!("`{shown}` is not {kind}"))
}

fn user_alone(user: &str) -> Result<String, Complaint> {
    if user.contains(':') {
        let complaint = Complaint::new("a password does not belong in a URL");
        return Err(complaint.help("put it into a file, and name that in `password_file`"));
    }
    if user.is_empty() || user.contains(['/', '%']) {
        let complaint = Complaint::new("this user's name is none that a URL can have");
        return Err(complaint.help("write it as `username`"));
    }
    Ok(user.to_owned())
}

fn number(database: &str) -> Result<Option<u32>, Complaint> {
    let digits = database.bytes().all(|byte| byte.is_ascii_digit());
    match database {
        "" => Ok(None),
        text => text
            .parse()
            .ok()
            .filter(|_| digits)
            .map(Some)
            .ok_or_else(|| {
                let complaint = Complaint::new(format!("`{text}` is not the number of a database"));
                complaint.help("behind the slash is a number, such as `redis://10.0.0.5/2`")
            }),
    }
}

/// The host without brackets, and the port.
fn host_and_port(authority: &str, default: u16) -> Option<(String, u16)> {
    let ends = authority.rfind(']').map_or(0, |at| at.saturating_add(1));
    let (host, port) = match authority.get(ends..)?.rfind(':') {
        Some(at) => {
            let (host, port) = authority.split_at_checked(ends.saturating_add(at))?;
            let port = port.strip_prefix(':')?;
            let digits = port.bytes().all(|byte| byte.is_ascii_digit());
            (host, port.parse().ok().filter(|port| digits && *port > 0)?)
        }
        None => (authority, default),
    };
    let bare = host.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    host::is_host(host).then(|| (bare.unwrap_or(host).to_owned(), port))
}

impl Scalar for RedisPrefix {
    const KIND: &'static str = "a prefix";

    fn parse(text: &str) -> Result<Self, Complaint> {
        let complaint = |what: &str| Complaint::new(format!("the prefix `{text}` {what}"));
        if text.contains(['{', '}']) {
            let help = "a cluster would keep all that begins with it on one server";
            return Err(complaint("has braces").help(help));
        }
        let allowed = text.bytes().all(|byte| byte.is_ascii_graphic());
        if text.is_empty() || text.len() > MAX_PREFIX || !allowed {
            let help = "up to 64 letters, digits and marks of ASCII, such as `switchyard:`";
            return Err(complaint("cannot be used").help(help));
        }
        Ok(Self(text.to_owned()))
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^[!-z|~]+$", "maxLength": MAX_PREFIX })
    }
}

impl Scalar for NatsPrefix {
    const KIND: &'static str = "a prefix";

    fn parse(text: &str) -> Result<Self, Complaint> {
        let complaint = |what: &str| Complaint::new(format!("the prefix `{text}` {what}"));
        let Some(bare) = text.strip_suffix('.') else {
            let help = format!("did you mean `{text}.`?");
            return Err(complaint("does not end with a dot").help(help));
        };
        let is_token = |token: &str| {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
            !token.is_empty() && token.bytes().all(allowed)
        };
        if text.len() > MAX_PREFIX || !bare.split('.').all(is_token) {
            let help = "up to 64 letters, digits, `_` and `-`, with a dot behind each word";
            return Err(complaint("cannot be used").help(help));
        }
        Ok(Self(text.to_owned()))
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": r"^([A-Za-z0-9_-]+\.)+$", "maxLength": MAX_PREFIX })
    }
}

#[cfg(test)]
mod tests;
