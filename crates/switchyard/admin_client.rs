//! Asks the admin API of a gateway that runs: one request and its answer, over a connection of its own.
//!
//! Every error says what happened, where, and what to do. How gateways are, at every address of a name, is in `state`.

mod state;

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::pin::pin;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use http::{Method, Request, StatusCode, Uri, header, request};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use tokio::net::{TcpStream, ToSocketAddrs};
use tokio::time::timeout;

use crate::cli::AdminAt;

/// A gateway answers at once; this is for one that does not answer at all.
const PATIENCE: Duration = Duration::from_secs(30);

/// The longest answer that is read. A page of a thousand sessions has some 500 KiB, the clusters of a very large gateway
/// some megabytes.
const MOST: usize = 64 << 20;

/// Nobody takes the connection.
#[derive(Debug)]
struct Unreachable(io::Error);

/// One admin API.
pub(crate) struct AdminClient {
    /// Host and port.
    authority: String,
    token: Option<String>,
    patience: Duration,
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
            patience: PATIENCE,
        })
    }

    /// One that is only asked how it is, for which nobody needs a token: where `config` says, or else at this URL. It has
    /// so long for its answer.
    pub(crate) fn without_token(
        url: &str,
        config: Option<&Path>,
        patience: Duration,
    ) -> anyhow::Result<Self> {
        let authority = match config {
            None => authority(url)?,
            Some(path) => {
                let address = switchyard_config::admin_address(path);
                connectable(address.map_err(|errors| anyhow!("{errors}"))?, path)?.to_string()
            }
        };
        Ok(Self {
            authority,
            token: None,
            patience,
        })
    }

    fn of_config(path: &Path) -> anyhow::Result<Self> {
        let config = switchyard_config::load(path).map_err(|errors| anyhow!("{errors}"))?;
        let address = config.admin.as_ref().map(|admin| admin.address);
        let address = connectable(address, path)?;
        let token = config.admin.as_ref().and_then(|admin| admin.token.as_ref());
        let token = token.map(|token| text(token.expose()));
        Ok(Self {
            authority: address.to_string(),
            token: token.transpose()?,
            patience: PATIENCE,
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
        let asked = self.exchange(self.authority.as_str(), request, MOST);
        let (status, body) = run(asked)?.map_err(|error| self.with_help(error))?;
        self.judge(status, body)
    }

    /// Sends a request to whoever is at `place`, and has the status of the answer and its JSON of at most so many bytes.
    async fn exchange(
        &self,
        place: impl ToSocketAddrs,
        request: Request<Full<Bytes>>,
        most: usize,
    ) -> anyhow::Result<(StatusCode, Value)> {
        let answering = timeout(self.patience, self.answer(place, request, most));
        let (status, body) = answering.await.map_err(|_elapsed| self.is_silent())??;
        let body = serde_json::from_slice(&body);
        let body = body.map_err(|_no_json| self.is_no_gateway(status, "no JSON"))?;
        Ok((status, body))
    }

    fn is_silent(&self) -> anyhow::Error {
        let (authority, patience) = (&self.authority, self.patience);
        anyhow!("{authority} did not answer within {patience:?}; is it a gateway's admin API?")
    }

    fn is_no_gateway(&self, status: StatusCode, lack: &str) -> anyhow::Error {
        let authority = &self.authority;
        anyhow!("{authority} answers {status} and {lack}: it is not a gateway's admin API")
    }

    /// What to do where nobody is reached.
    fn with_help(&self, error: anyhow::Error) -> anyhow::Error {
        match error.downcast::<Unreachable>() {
            Ok(Unreachable(error)) => anyhow!(
                "nobody can be reached at {}: {error}; does the gateway run, and is this its `admin.address`? \
                 --admin or --config says another",
                self.authority
            ),
            Err(other) => other,
        }
    }

    async fn answer(
        &self,
        place: impl ToSocketAddrs,
        request: Request<Full<Bytes>>,
        most: usize,
    ) -> anyhow::Result<(StatusCode, Bytes)> {
        let stream = TcpStream::connect(place).await.map_err(Unreachable)?;
        let broke = || format!("{} broke the connection off", self.authority);
        let handshake = http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = handshake.with_context(broke)?;
        let answering = async move {
            let answer = sender.send_request(request).await.with_context(broke)?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), most).collect().await;
            let body = body.map_err(|error| match error.downcast::<LengthLimitError>() {
                Ok(_) => {
                    let lack = format!("more than the {} KiB that are read", most >> 10);
                    self.is_no_gateway(status, &lack)
                }
                Err(error) => anyhow!(error).context(broke()),
            })?;
            Ok((status, body.to_bytes()))
        };
        // The connection moves only while it is polled, and one that still has something to say is not waited for.
        let mut answering = pin!(answering);
        tokio::select! {
            answered = &mut answering => answered,
            _ = connection => answering.await,
        }
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

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "nobody can be reached: {}", self.0)
    }
}

impl std::error::Error for Unreachable {}

/// Waits for what is asked.
fn run<T>(asking: impl Future<Output = T>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let asked = runtime.block_on(asking);
    // A name may still be being looked up.
    runtime.shutdown_background();
    Ok(asked)
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

/// Where to connect to the admin API that the configuration at `path` puts at `address`.
fn connectable(address: Option<SocketAddr>, path: &Path) -> anyhow::Result<SocketAddr> {
    let path = path.display();
    let Some(address) = address else {
        bail!(
            "{path} has no `admin` section, so a gateway with it has no admin API; add one, such as \
             `admin: {{ address: \"127.0.0.1:9901\" }}`, and start the gateway anew"
        );
    };
    if address.port() == 0 {
        bail!(
            "{path} leaves the port of `admin.address` to the system; say which it is with --admin"
        );
    }
    Ok(reachable(address))
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
