//! Asks the admin API of a gateway that runs: one request and its answer, over a connection of its own.
//!
//! Every error says what happened, where, and what to do.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use http::{Method, Request, StatusCode, Uri, header, request};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use tokio::net::TcpStream;

use crate::cli::AdminAt;

/// A gateway answers at once; this is for one that does not answer at all.
const PATIENCE: Duration = Duration::from_secs(30);

/// One admin API.
pub(crate) struct AdminClient {
    /// Host and port.
    authority: String,
    token: Option<String>,
}

impl AdminClient {
    /// The one that the command line names.
    pub(crate) fn new(at: &AdminAt) -> anyhow::Result<Self> {
        if let Some(config) = &at.config {
            return Self::of_config(config);
        }
        let token = at.token_file.as_deref().map(read_token).transpose()?;
        Ok(Self {
            authority: authority(&at.admin)?,
            token,
        })
    }

    fn of_config(path: &Path) -> anyhow::Result<Self> {
        let config = switchyard_config::load(path).map_err(|errors| anyhow!("{errors}"))?;
        let Some(admin) = config.admin else {
            bail!(
                "{} has no `admin` section, so a gateway with it has no admin API; add one, such as \
                 `admin: {{ address: \"127.0.0.1:9901\" }}`, and start the gateway anew",
                path.display()
            );
        };
        if admin.address.port() == 0 {
            bail!(
                "{} leaves the port of `admin.address` to the system; say which it is with --admin",
                path.display()
            );
        }
        let token = admin.token.as_ref().map(|token| text(token.expose()));
        Ok(Self {
            authority: reachable(admin.address).to_string(),
            token: token.transpose()?,
        })
    }

    /// Asks, and gives the JSON of the answer.
    pub(crate) fn ask(&self, method: &Method, target: &str) -> anyhow::Result<Value> {
        self.answered(self.request(method, target).body(Full::default())?)
    }

    /// The same, with JSON for the gateway.
    pub(crate) fn tell(
        &self,
        method: &Method,
        target: &str,
        body: &Value,
    ) -> anyhow::Result<Value> {
        let request = self.request(method, target);
        let request = request.header(header::CONTENT_TYPE, "application/json");
        self.answered(request.body(body.to_string().into())?)
    }

    fn answered(&self, request: Request<Full<Bytes>>) -> anyhow::Result<Value> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let asked = async { tokio::time::timeout(PATIENCE, self.exchange(request)).await };
        let (status, body) = runtime.block_on(asked).map_err(|_elapsed| {
            anyhow!(
                "{} did not answer within {PATIENCE:?}; is it a gateway's admin API?",
                self.authority
            )
        })??;
        let body: Value = serde_json::from_slice(&body).map_err(|_no_json| {
            anyhow!(
                "{} answers {status} and no JSON: it is not a gateway's admin API",
                self.authority
            )
        })?;
        self.judge(status, body)
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> anyhow::Result<(StatusCode, Bytes)> {
        let stream = TcpStream::connect(&self.authority).await.map_err(|error| {
            anyhow!(
                "nobody can be reached at {}: {error}; does the gateway run, and is this its `admin.address`? \
                 --admin or --config says another",
                self.authority
            )
        })?;
        let broke = || format!("{} broke the connection off", self.authority);
        let handshake = http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = handshake.with_context(broke)?;
        let answering = async move {
            let answer = sender.send_request(request).await?;
            let status = answer.status();
            let body = answer.into_body().collect().await?;
            Ok::<_, hyper::Error>((status, body.to_bytes()))
        };
        // The connection moves only while it is polled.
        let (answered, _) = tokio::join!(answering, connection);
        answered.with_context(broke)
    }

    fn request(&self, method: &Method, target: &str) -> request::Builder {
        let mut request = Request::builder()
            .method(method)
            .uri(target)
            .header(header::HOST, &self.authority)
            .header(header::CONNECTION, "close");
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        request
    }

    fn judge(&self, status: StatusCode, body: Value) -> anyhow::Result<Value> {
        if status.is_success() {
            return Ok(body);
        }
        if status == StatusCode::UNAUTHORIZED {
            let help = match self.token {
                None => "wants the admin token; give it with --token-file or --config",
                Some(_) => "has another admin token; look at its `admin.token_file`",
            };
            bail!("the gateway at {} {help}", self.authority);
        }
        let message = body.get("error").and_then(Value::as_str);
        bail!(
            "the gateway at {} answers {}: {}",
            self.authority,
            status.as_u16(),
            message.unwrap_or("it does not say why")
        )
    }
}

/// A path with a query of the words that have a value.
pub(crate) fn target(path: &str, words: &[(&str, Option<&str>)]) -> String {
    let words = words.iter().filter_map(|(word, value)| {
        let value = utf8_percent_encode((*value)?, NON_ALPHANUMERIC);
        Some(format!("{word}={value}"))
    });
    let query: Vec<_> = words.collect();
    if query.is_empty() {
        return path.to_owned();
    }
    format!("{path}?{}", query.join("&"))
}

/// One part of a path.
pub(crate) fn part(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn authority(url: &str) -> anyhow::Result<String> {
    let wrong = || format!("`{url}` is no URL of an admin API, such as http://127.0.0.1:9901");
    let uri: Uri = url.parse().with_context(wrong)?;
    let authority = uri.authority().with_context(wrong)?;
    if uri.scheme_str() != Some("http") || !matches!(uri.path(), "" | "/") {
        bail!(
            "{}; the admin API has no TLS and no path before its own",
            wrong()
        );
    }
    let port = authority.port_u16().unwrap_or(80);
    Ok(format!("{}:{port}", authority.host()))
}

/// Where to connect to what listens at `address`.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        let loopback: IpAddr = match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        };
        address.set_ip(loopback);
    }
    address
}

fn read_token(path: &Path) -> anyhow::Result<String> {
    let bytes = std::fs::read(path)
        .with_context(|| format!("the token file {} cannot be read", path.display()))?;
    Ok(text(&bytes)?.trim_end_matches(['\r', '\n']).to_owned())
}

fn text(bytes: &[u8]) -> anyhow::Result<String> {
    String::from_utf8(bytes.to_vec()).context("the admin token is not UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_has_the_words_that_were_given() {
        let words = [
            ("route", Some("a b")),
            ("over", None),
            ("client", Some("10.0.0.0/8")),
        ];
        assert_eq!(
            target("/sessions", &words),
            "/sessions?route=a%20b&client=10%2E0%2E0%2E0%2F8"
        );
        assert_eq!(target("/drain", &[("over", None)]), "/drain");
    }

    #[test]
    fn only_an_admin_api_is_a_url_of_one() {
        assert_eq!(authority("http://localhost:99/").unwrap(), "localhost:99");
        assert_eq!(authority("http://[::1]:99").unwrap(), "[::1]:99");
        assert_eq!(authority("http://gateway").unwrap(), "gateway:80");
        for url in ["https://a:1", "http://a:1/x", "localhost:99", "a b", ""] {
            assert!(authority(url).is_err(), "{url}");
        }
    }

    #[test]
    fn what_listens_everywhere_is_reached_here() {
        let reached = |address: &str| reachable(address.parse().unwrap()).to_string();
        assert_eq!(reached("0.0.0.0:9901"), "127.0.0.1:9901");
        assert_eq!(reached("[::]:9901"), "[::1]:9901");
        assert_eq!(reached("10.0.0.1:9901"), "10.0.0.1:9901");
    }
}
