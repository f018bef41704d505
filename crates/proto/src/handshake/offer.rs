//! The client's side of the handshake: a request that is valid, and what it offers (RFC 6455
//! section 4.2.1).
//!
//! Not here: the answer, which `agreement` holds against the offer.

use std::collections::BTreeSet;
use std::fmt;

use super::deflate::{self, Parameters};
use super::extension;
use super::key::Key;
use super::tokens::{self, Malformed};

/// What a valid request offers. It owns the little that the answer has to be held against, so
/// that nothing of the request need be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    key: Key,
    subprotocols: Box<[Box<str>]>,
    deflate: Box<[Parameters]>,
    other_extensions: Box<[Box<str>]>,
}

impl Offer {
    /// Checks a request and takes what it offers. The names of `headers` are in any case, their
    /// order does not matter, and one name may come more than once.
    pub fn parse<'a>(
        method: &str,
        headers: impl Iterator<Item = (&'a str, &'a [u8])> + Clone,
    ) -> Result<Self, RequestError> {
        if method != "GET" {
            return Err(RequestError::Method);
        }
        if !tokens::lists(headers.clone(), "upgrade", "websocket") {
            return Err(RequestError::NoUpgradeWebSocket);
        }
        if !tokens::lists(headers.clone(), "connection", "upgrade") {
            return Err(RequestError::NoConnectionUpgrade);
        }
        check_version(headers.clone())?;
        let key = parse_key(headers.clone())?;
        let subprotocols = parse_subprotocols(headers.clone())?;
        let (deflate, other_extensions) = parse_extensions(headers)?;
        Ok(Self {
            key,
            subprotocols,
            deflate,
            other_extensions,
        })
    }

    /// The client's key.
    pub fn key(&self) -> Key {
        self.key
    }

    /// The subprotocols offered, the client's favourite first; no two are the same.
    pub fn subprotocols(&self) -> &[Box<str>] {
        &self.subprotocols
    }

    /// Whether a permessage-deflate with these parameters accepts one that was offered.
    pub(super) fn offers_deflate(&self, answer: Parameters) -> bool {
        self.deflate
            .iter()
            .any(|offer| offer.is_accepted_by(answer))
    }

    /// Whether an extension that is not permessage-deflate was offered by this name.
    pub(super) fn offers_extension(&self, name: &str) -> bool {
        self.other_extensions
            .iter()
            .any(|offered| **offered == *name)
    }
}

fn check_version<'a>(
    headers: impl Iterator<Item = (&'a str, &'a [u8])> + Clone,
) -> Result<(), RequestError> {
    match tokens::single(tokens::fields(headers, "sec-websocket-version")) {
        Ok(Some(b"13")) => Ok(()),
        Ok(_) => Err(RequestError::Version),
        Err(tokens::Repeated) => Err(RequestError::RepeatedVersion),
    }
}

fn parse_key<'a>(
    headers: impl Iterator<Item = (&'a str, &'a [u8])> + Clone,
) -> Result<Key, RequestError> {
    match tokens::single(tokens::fields(headers, "sec-websocket-key")) {
        Ok(Some(value)) => Key::parse(value).ok_or(RequestError::BadKey),
        Ok(None) => Err(RequestError::MissingKey),
        Err(tokens::Repeated) => Err(RequestError::RepeatedKey),
    }
}

fn parse_subprotocols<'a>(
    headers: impl Iterator<Item = (&'a str, &'a [u8])> + Clone,
) -> Result<Box<[Box<str>]>, RequestError> {
    let values = tokens::fields(headers, "sec-websocket-protocol");
    let mut seen = BTreeSet::new();
    let mut subprotocols = Vec::new();
    for element in tokens::elements(values.clone()) {
        match tokens::token(element) {
            Ok(name) if seen.insert(name) => subprotocols.push(name.into()),
            Ok(_) | Err(Malformed) => return Err(RequestError::BadSubprotocol),
        }
    }
    if subprotocols.is_empty() && values.count() > 0 {
        return Err(RequestError::BadSubprotocol);
    }
    Ok(subprotocols.into())
}

/// The offers of permessage-deflate that a server may accept, and the names of all the others.
type Extensions = (Box<[Parameters]>, Box<[Box<str>]>);

fn parse_extensions<'a>(
    headers: impl Iterator<Item = (&'a str, &'a [u8])> + Clone,
) -> Result<Extensions, RequestError> {
    let values = tokens::fields(headers, "sec-websocket-extensions");
    let Ok(extensions) = extension::parse(values) else {
        return Err(RequestError::BadExtensions);
    };
    let (deflate, others): (Vec<_>, Vec<_>) = extensions
        .iter()
        .partition(|extension| extension.name == deflate::NAME);
    let deflate = deflate
        .into_iter()
        .filter_map(Parameters::offered)
        .collect();
    let others = others
        .into_iter()
        .map(|extension| extension.name.into())
        .collect();
    Ok((deflate, others))
}

/// Why a request is no valid handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestError {
    /// The method is not GET; the answer carries `Allow: GET`.
    Method,
    /// No `Upgrade` field lists `websocket`.
    NoUpgradeWebSocket,
    /// No `Connection` field lists `upgrade`.
    NoConnectionUpgrade,
    /// The version is missing or not 13; the answer carries `Sec-WebSocket-Version: 13`
    /// (section 4.4).
    Version,
    /// There is more than one version field.
    RepeatedVersion,
    /// There is no key.
    MissingKey,
    /// The key is not the base64 of 16 bytes.
    BadKey,
    /// There is more than one key.
    RepeatedKey,
    /// The subprotocols are not a list of different tokens.
    BadSubprotocol,
    /// The extensions do not follow the grammar of section 9.1.
    BadExtensions,
}

impl RequestError {
    /// The status of the answer.
    pub fn status(self) -> u16 {
        match self {
            Self::Method => 405,
            Self::Version => 426,
            Self::NoUpgradeWebSocket
            | Self::NoConnectionUpgrade
            | Self::RepeatedVersion
            | Self::MissingKey
            | Self::BadKey
            | Self::RepeatedKey
            | Self::BadSubprotocol
            | Self::BadExtensions => 400,
        }
    }

    /// The error as a metric label.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Method => "method",
            Self::NoUpgradeWebSocket => "no_upgrade_websocket",
            Self::NoConnectionUpgrade => "no_connection_upgrade",
            Self::Version => "version",
            Self::RepeatedVersion => "repeated_version",
            Self::MissingKey => "missing_key",
            Self::BadKey => "bad_key",
            Self::RepeatedKey => "repeated_key",
            Self::BadSubprotocol => "bad_subprotocol",
            Self::BadExtensions => "bad_extensions",
        }
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Method => "a WebSocket handshake is a GET",
            Self::NoUpgradeWebSocket => "no Upgrade field lists websocket",
            Self::NoConnectionUpgrade => "no Connection field lists upgrade",
            Self::Version => "the WebSocket version is not 13",
            Self::RepeatedVersion => "there is more than one Sec-WebSocket-Version",
            Self::MissingKey => "there is no Sec-WebSocket-Key",
            Self::BadKey => "the Sec-WebSocket-Key is not the base64 of 16 bytes",
            Self::RepeatedKey => "there is more than one Sec-WebSocket-Key",
            Self::BadSubprotocol => "Sec-WebSocket-Protocol is not a list of different tokens",
            Self::BadExtensions => "Sec-WebSocket-Extensions is not a list of extensions",
        })
    }
}

impl std::error::Error for RequestError {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The request of RFC 6455 section 1.2, with fields called like one of `replaced` replaced.
    fn request<'a>(replaced: &[(&'a str, &'a [u8])]) -> Vec<(&'a str, &'a [u8])> {
        let mut headers: Vec<(&str, &[u8])> = vec![
            ("Host", b"server.example.com"),
            ("Upgrade", b"websocket"),
            ("Connection", b"Upgrade"),
            ("Sec-WebSocket-Key", b"dGhlIHNhbXBsZSBub25jZQ=="),
            ("Sec-WebSocket-Protocol", b"chat, superchat"),
            ("Sec-WebSocket-Version", b"13"),
        ];
        headers.retain(|(name, _)| replaced.iter().all(|(other, _)| name != other));
        headers.extend(replaced);
        headers
    }

    fn parse(replaced: &[(&str, &[u8])]) -> Result<Offer, RequestError> {
        Offer::parse("GET", request(replaced).into_iter())
    }

    #[test]
    fn the_example_of_the_rfc_is_valid() {
        let offer = parse(&[]).expect("section 1.2");
        assert_eq!(
            offer.key().accept().as_str(),
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
        assert_eq!(offer.subprotocols(), ["chat".into(), "superchat".into()]);
    }

    #[test]
    fn fields_may_come_in_any_case_order_and_number() {
        let mut headers = request(&[
            ("Connection", b"keep-alive"),
            ("CONNECTION", b", UPGRADE"),
            ("sec-websocket-protocol", b""),
            ("Sec-WebSocket-Version", b" 13\t"),
        ]);
        headers.reverse();
        let offer = Offer::parse("GET", headers.into_iter()).expect("still valid");
        assert_eq!(offer.subprotocols().len(), 2);
    }

    #[test]
    fn each_thing_wrong_has_its_name() {
        type Fields = &'static [(&'static str, &'static [u8])];
        const UPGRADE: &str = "Upgrade";
        const CONNECTION: &str = "Connection";
        const VERSION: &str = "Sec-WebSocket-Version";
        const KEY: &str = "Sec-WebSocket-Key";
        const PROTOCOL: &str = "Sec-WebSocket-Protocol";
        const EXTENSIONS: &str = "Sec-WebSocket-Extensions";
        const GOOD_KEY: &[u8] = b"dGhlIHNhbXBsZSBub25jZQ==";
        let table: [(Fields, RequestError); 16] = [
            (&[(UPGRADE, b"h2c")], RequestError::NoUpgradeWebSocket),
            (
                &[(CONNECTION, b"keep-alive")],
                RequestError::NoConnectionUpgrade,
            ),
            (
                &[(CONNECTION, b"\"upgrade\"")],
                RequestError::NoConnectionUpgrade,
            ),
            (&[(VERSION, b"8")], RequestError::Version),
            (&[(VERSION, b"013")], RequestError::Version),
            (&[(VERSION, b"13, 8")], RequestError::Version),
            (
                &[(VERSION, b"13"), (VERSION, b"13")],
                RequestError::RepeatedVersion,
            ),
            (&[(KEY, b"")], RequestError::BadKey),
            (&[(KEY, b"dGhlIHNhbXBsZSBub25j")], RequestError::BadKey),
            (
                &[(KEY, GOOD_KEY), (KEY, GOOD_KEY)],
                RequestError::RepeatedKey,
            ),
            (&[(PROTOCOL, b"")], RequestError::BadSubprotocol),
            (&[(PROTOCOL, b"chat, chat")], RequestError::BadSubprotocol),
            (
                &[(PROTOCOL, b"chat"), (PROTOCOL, b"chat")],
                RequestError::BadSubprotocol,
            ),
            (&[(PROTOCOL, b"a/b")], RequestError::BadSubprotocol),
            (&[(EXTENSIONS, b"a;")], RequestError::BadExtensions),
            (&[(EXTENSIONS, b",")], RequestError::BadExtensions),
        ];
        for (replaced, expected) in table {
            assert_eq!(parse(replaced), Err(expected), "{replaced:?}");
        }
    }

    #[test]
    fn a_missing_field_is_an_error_too() {
        let table = [
            ("Upgrade", Some(RequestError::NoUpgradeWebSocket)),
            ("Connection", Some(RequestError::NoConnectionUpgrade)),
            ("Sec-WebSocket-Version", Some(RequestError::Version)),
            ("Sec-WebSocket-Key", Some(RequestError::MissingKey)),
            ("Sec-WebSocket-Protocol", None),
        ];
        for (missing, expected) in table {
            let headers = request(&[])
                .into_iter()
                .filter(|(name, _)| *name != missing);
            assert_eq!(Offer::parse("GET", headers).err(), expected, "{missing}");
        }
    }

    #[test]
    fn only_get_is_a_handshake() {
        for method in ["POST", "get", "CONNECT", ""] {
            let refused = Offer::parse(method, request(&[]).into_iter());
            assert_eq!(refused, Err(RequestError::Method));
        }
        assert_eq!(RequestError::Method.status(), 405);
        assert_eq!(RequestError::Version.status(), 426);
        assert_eq!(RequestError::BadKey.status(), 400);
    }

    #[test]
    fn a_deflate_offer_that_must_be_declined_does_not_fail_the_handshake() {
        let offer = parse(&[(
            "Sec-WebSocket-Extensions",
            b"permessage-deflate;unknown, permessage-deflate, x-foo;unknown",
        )])
        .expect("valid grammar");
        assert_eq!(offer.deflate.len(), 1);
        assert!(offer.offers_extension("x-foo"));
        assert!(!offer.offers_extension(deflate::NAME));
    }

    proptest! {
        #[test]
        fn arbitrary_requests_never_panic(
            method in prop_oneof![Just("GET".to_owned()), ".{0,8}"],
            values: [Vec<u8>; 4],
        ) {
            let [protocol, extensions, key, upgrade] = &values;
            let headers = request(&[
                ("Sec-WebSocket-Protocol", protocol),
                ("Sec-WebSocket-Extensions", extensions),
            ]);
            let _ = Offer::parse(&method, headers.into_iter());
            let headers = request(&[("Sec-WebSocket-Key", key), ("Upgrade", upgrade)]);
            let _ = Offer::parse(&method, headers.into_iter());
        }

        #[test]
        fn different_tokens_are_offered_in_order(
            names in prop::collection::btree_set("[!#$%&'*+.^_`|~0-9A-Za-z-]{1,8}", 1..8),
            separator in "[ \t]{0,2},[ ,\t]{0,3}",
        ) {
            let names: Vec<String> = names.into_iter().rev().collect();
            let list = names.join(&separator);
            let offer = parse(&[("Sec-WebSocket-Protocol", list.as_bytes())]).expect("tokens");
            let offered: Vec<&str> = offer.subprotocols().iter().map(|name| &**name).collect();
            prop_assert_eq!(offered, names);
        }
    }
}
