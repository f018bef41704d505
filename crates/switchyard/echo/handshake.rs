//! The client's handshake (RFC 6455 section 4.1): a request, and an answer that is held against it.

use std::future::pending;

use anyhow::{Context as _, anyhow, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{
    CONNECTION, HOST, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
    USER_AGENT,
};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use switchyard_proto::handshake::Offer;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Deadline, shown};
use crate::echo::destination::Destination;

/// By which endpoints know the probe in their logs.
const AGENT: &str = concat!("switchyard-probe/", env!("CARGO_PKG_VERSION"));

/// As much of a refusal's body as is waited for.
const ENOUGH: usize = 256;

/// A handshake to send.
pub(crate) struct Opening {
    request: Request<Empty<Bytes>>,
    offer: Offer,
}

impl Opening {
    /// One for this destination, with more headers as they were typed.
    pub(crate) fn new(destination: &Destination, typed: &[String]) -> anyhow::Result<Self> {
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = destination.target.parse()?;
        let headers = request.headers_mut();
        headers.insert(HOST, HeaderValue::from_str(&destination.host)?);
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        add(headers, typed)?;
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        let mut nonce = [0; 16];
        getrandom::fill(&mut nonce).context("the system has no random numbers")?;
        let key = STANDARD.encode(nonce);
        headers.insert(SEC_WEBSOCKET_KEY, HeaderValue::from_str(&key)?);
        let offer = Offer::parse("GET", fields(request.headers()).iter().copied());
        let offer = offer.map_err(|error| anyhow!("no valid handshake comes of that: {error}"))?;
        Ok(Self { request, offer })
    }

    /// Sends it, and has the connection once the other side agreed.
    pub(crate) async fn send<S>(self, stream: S, deadline: Deadline) -> anyhow::Result<Upgraded>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let driving = async {
            // What becomes of the connection is told to those who wait for an answer.
            drop(connection.with_upgrades().await);
            pending().await
        };
        tokio::select! {
            answered = self.ask(sender, deadline) => answered,
            never = driving => never,
        }
    }

    async fn ask(
        self,
        mut sender: SendRequest<Empty<Bytes>>,
        deadline: Deadline,
    ) -> anyhow::Result<Upgraded> {
        let broke = "the connection broke before the handshake was answered";
        let answer = deadline.within("answer to the handshake", sender.send_request(self.request));
        let answer = answer.await?.context(broke)?;
        if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
            bail!("{}", refusal(answer, deadline).await);
        }
        let verified = self
            .offer
            .verify(101, fields(answer.headers()).iter().copied());
        verified.map_err(|error| anyhow!("the handshake's answer is none: {error}"))?;
        hyper::upgrade::on(answer).await.context(broke)
    }
}

/// Adds what was typed. What comes first of a name takes the place of what is there.
fn add(headers: &mut HeaderMap, typed: &[String]) -> anyhow::Result<()> {
    let mut more = HeaderMap::new();
    for header in typed {
        let parts = header.split_once(':');
        let (name, value) =
            parts.with_context(|| format!("`{header}` is no header: give it as `Name: value`"))?;
        let name: HeaderName = name.parse().with_context(|| format!("`{header}`"))?;
        if is_our_own(&name) {
            bail!("`{header}` cannot be given: the probe has one of its own, or none");
        }
        let value = HeaderValue::from_str(value.trim()).with_context(|| format!("`{header}`"))?;
        more.append(name, value);
    }
    headers.extend(more);
    Ok(())
}

/// Whether it is what makes a request this handshake. Extensions are left out: no message is compressed.
fn is_our_own(name: &HeaderName) -> bool {
    let names = [
        CONNECTION,
        UPGRADE,
        SEC_WEBSOCKET_KEY,
        SEC_WEBSOCKET_VERSION,
        SEC_WEBSOCKET_EXTENSIONS,
    ];
    names.contains(name)
}

/// In the form in which the handshake is checked.
fn fields(headers: &HeaderMap) -> Vec<(&str, &[u8])> {
    let fields = headers.iter();
    fields
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .collect()
}

/// A status that is no 101, and how the body begins that says why.
async fn refusal(answer: Response<Incoming>, deadline: Deadline) -> String {
    let status = answer.status();
    let mut body = answer.into_body();
    let mut start = Vec::new();
    let reading = async {
        while let Some(Ok(frame)) = body.frame().await {
            start.extend(frame.data_ref().into_iter().flatten());
            if start.len() >= ENOUGH {
                return;
            }
        }
    };
    // A body that does not come tells less, and the status is told all the same.
    drop(deadline.within("body", reading).await);
    if start.is_empty() {
        return format!("the handshake is answered {status}, not 101");
    }
    format!(
        "the handshake is answered {status}, not 101: {}",
        shown(&start)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opening(typed: &[&str]) -> anyhow::Result<Opening> {
        let destination = Destination::parse("ws://chat.example.com:81/x?y").unwrap();
        let typed: Vec<_> = typed.iter().map(|&header| header.to_owned()).collect();
        Opening::new(&destination, &typed)
    }

    #[test]
    fn a_handshake_has_what_was_typed() {
        let typed = [
            "Origin: https://a",
            "X-A: 1",
            "x-a:2",
            "Sec-WebSocket-Protocol: chat",
        ];
        let opening = opening(&typed).unwrap();
        let headers = opening.request.headers();
        assert_eq!(opening.request.uri(), "/x?y");
        assert_eq!(headers[HOST], "chat.example.com:81");
        assert_eq!(headers["origin"], "https://a");
        let twice: Vec<_> = headers.get_all("x-a").iter().collect();
        assert_eq!(twice, ["1", "2"]);
        let subprotocols = opening.offer.subprotocols();
        assert_eq!(
            subprotocols.iter().map(|name| &**name).collect::<Vec<_>>(),
            ["chat"]
        );
    }

    #[test]
    fn the_host_can_be_another() {
        let opening = opening(&["Host: other"]).unwrap();
        let hosts: Vec<_> = opening.request.headers().get_all(HOST).iter().collect();
        assert_eq!(hosts, ["other"]);
    }

    #[test]
    fn what_is_no_header_or_the_probes_own_is_refused() {
        for header in [
            "X",
            "a b: c",
            "X: \u{1}",
            "Upgrade: h2c",
            "sec-websocket-extensions: permessage-deflate",
        ] {
            assert!(opening(&[header]).is_err(), "{header}");
        }
    }
}
