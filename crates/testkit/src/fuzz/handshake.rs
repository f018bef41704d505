//! Both sides of the handshake: what is accepted is well-formed, agrees with its offer, and does
//! not hang on what must not matter.

use switchyard_proto::handshake::{
    Agreement, Deflate, Offer, RequestError, ResponseError, asks_for_websocket,
};

use super::bytes::Bytes;
use super::fields;

/// The key of RFC 6455 section 1.3; its answer is in the seeds.
const KEY: (&str, &[u8]) = ("Sec-WebSocket-Key", b"dGhlIHNhbXBsZSBub25jZQ==");

type Fields<'a> = Vec<(&'a str, &'a [u8])>;

/// Input: the method on the first line, then header fields.
pub fn handshake_request(data: &[u8]) {
    let end = data
        .iter()
        .position(|byte| *byte == b'\n')
        .unwrap_or(data.len());
    let method = std::str::from_utf8(&data[..end]).unwrap_or_default();
    let headers = fields::parse(&data[end..]);

    let offer = Offer::parse(method, headers.iter().copied());
    case_and_strangers_do_not_matter(method, &headers, &offer);
    match offer {
        Ok(offer) => {
            assert_eq!(method, "GET");
            assert!(asks_for_websocket(headers.iter().copied()));
            an_offer_is_well_formed(&offer);
            the_plain_answer_is_accepted(&offer);
        }
        Err(error) => {
            assert!(matches!(error.status(), 400 | 405 | 426), "{error}");
            is_label(error.reason());
            assert!(!error.to_string().is_empty());
        }
    }
}

fn case_and_strangers_do_not_matter(
    method: &str,
    headers: &Fields<'_>,
    offer: &Result<Offer, RequestError>,
) {
    let shouted: Vec<_> = headers
        .iter()
        .map(|(name, value)| (name.to_ascii_uppercase(), *value))
        .collect();
    let shouted = shouted.iter().map(|(name, value)| (name.as_str(), *value));
    let strangers = [("x-stranger", &b"upgrade, websocket"[..])];
    let again = Offer::parse(method, strangers.into_iter().chain(shouted));
    assert_eq!(*offer, again);
}

fn an_offer_is_well_formed(offer: &Offer) {
    assert_eq!(offer.key().as_str().len(), 24);
    assert_eq!(offer.key().accept().as_str().len(), 28);
    let names = offer.subprotocols();
    for (at, name) in names.iter().enumerate() {
        assert!(
            !name.is_empty() && name.is_ascii() && !name.contains([' ', ',', ';', '"']),
            "{name:?}"
        );
        assert!(!names[..at].contains(name), "{name:?} twice");
    }
}

/// What a plain server says: the right Accept, the first subprotocol, no extension.
fn the_plain_answer_is_accepted(offer: &Offer) {
    let accept = offer.key().accept();
    let subprotocol = offer.subprotocols().first();
    let mut answer = answer(accept.as_str().as_bytes());
    answer.extend(subprotocol.map(|name| ("Sec-WebSocket-Protocol", name.as_bytes())));
    let agreed = Agreement {
        subprotocol: subprotocol.cloned(),
        deflate: Deflate::Off,
    };
    assert_eq!(offer.verify(101, answer.iter().copied()), Ok(agreed));

    let wrong = |answer: Fields<'_>| offer.verify(101, answer.iter().copied()).is_err();
    assert!(wrong(self::answer(b"AAAAAAAAAAAAAAAAAAAAAAAAAAA=")));
    answer.push(("Sec-WebSocket-Extensions", b"x-never-offered-by-anyone"));
    assert!(wrong(answer));
}

fn answer(accept: &[u8]) -> Fields<'_> {
    vec![
        ("Upgrade", b"websocket"),
        ("Connection", b"Upgrade"),
        ("Sec-WebSocket-Accept", accept),
    ]
}

/// Input: which offer, the status, then the answer's header fields.
pub fn handshake_response(data: &[u8]) {
    let mut input = Bytes::new(data);
    let subprotocols = input.pick(&[None, Some("chat"), Some("chat.v2, chat.v1")]);
    let extensions = input.pick(&[
        None,
        Some("permessage-deflate"),
        Some("permessage-deflate; client_max_window_bits; server_max_window_bits=10"),
        Some("x-other; a=1, permessage-deflate; server_no_context_takeover"),
    ]);
    let status = input.pick(&[101, 200, 100, 426]);
    let headers = fields::parse(input.rest());

    let offer = offer(subprotocols, extensions);
    let verdict = offer.verify(status, headers.iter().copied());
    assert_eq!(verdict, offer.verify(status, headers.iter().copied()));
    match verdict {
        Ok(agreement) => {
            assert_eq!(status, 101);
            was_offered(&offer, &agreement, extensions);
            says_what_proves_it(&offer, &headers);
        }
        Err(error) => {
            assert_eq!(matches!(error, ResponseError::Status(_)), status != 101);
            is_label(error.reason());
        }
    }
}

fn offer(subprotocols: Option<&str>, extensions: Option<&str>) -> Offer {
    let mut headers: Fields<'_> = vec![
        ("Upgrade", b"websocket"),
        ("Connection", b"Upgrade"),
        ("Sec-WebSocket-Version", b"13"),
        KEY,
    ];
    headers.extend(subprotocols.map(|names| ("Sec-WebSocket-Protocol", names.as_bytes())));
    headers.extend(extensions.map(|names| ("Sec-WebSocket-Extensions", names.as_bytes())));
    Offer::parse("GET", headers.iter().copied()).expect("a valid offer")
}

fn was_offered(offer: &Offer, agreement: &Agreement, extensions: Option<&str>) {
    if let Some(name) = &agreement.subprotocol {
        assert!(offer.subprotocols().contains(name), "{name:?}");
    }
    if agreement.deflate == Deflate::On {
        assert!(extensions.is_some_and(|offered| offered.contains("permessage-deflate")));
    }
}

fn says_what_proves_it(offer: &Offer, headers: &Fields<'_>) {
    let accept = offer.key().accept();
    let proofs: Vec<_> = headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-accept"))
        .map(|(_, value)| *value)
        .collect();
    assert_eq!(proofs, [accept.as_str().as_bytes()]);
}

/// A metric label: lower-case words joined by underscores.
fn is_label(reason: &str) {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    assert!(
        !reason.is_empty() && reason.bytes().all(allowed),
        "{reason:?}"
    );
}
