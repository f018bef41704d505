//! Answers, good and bad, against offers.

use super::super::key::Key;
use super::*;
use proptest::prelude::*;

type Headers<'a> = Vec<(&'a str, &'a [u8])>;

const ACCEPT: &[u8] = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// The offer of RFC 6455 section 1.2 with these extensions.
fn offer(key: &str, subprotocols: &str, extensions: &str) -> Offer {
    let mut headers: Headers<'_> = vec![
        ("upgrade", b"websocket"),
        ("connection", b"upgrade"),
        ("sec-websocket-version", b"13"),
        ("sec-websocket-key", key.as_bytes()),
        ("sec-websocket-protocol", subprotocols.as_bytes()),
        ("sec-websocket-extensions", extensions.as_bytes()),
    ];
    headers.retain(|(_, value)| !value.is_empty());
    Offer::parse("GET", headers.into_iter()).expect("a valid request")
}

fn example(extensions: &str) -> Offer {
    offer("dGhlIHNhbXBsZSBub25jZQ==", "chat, superchat", extensions)
}

/// The answer of section 1.2, with fields called like one of `replaced` replaced.
fn answer<'a>(replaced: &[(&'a str, &'a [u8])]) -> Headers<'a> {
    let mut headers: Headers<'_> = vec![
        ("Upgrade", b"websocket"),
        ("Connection", b"Upgrade"),
        ("Sec-WebSocket-Accept", ACCEPT),
        ("Sec-WebSocket-Protocol", b"chat"),
    ];
    headers.retain(|(name, _)| replaced.iter().all(|(other, _)| name != other));
    headers.extend(replaced);
    headers
}

fn verify(offer: &Offer, replaced: &[(&str, &[u8])]) -> Result<Agreement, ResponseError> {
    offer.verify(101, answer(replaced).into_iter())
}

#[test]
fn the_example_of_the_rfc_is_agreed() {
    let agreed = Agreement {
        subprotocol: Some("chat".into()),
        deflate: Deflate::Off,
    };
    assert_eq!(verify(&example(""), &[]), Ok(agreed));
}

#[test]
fn each_thing_wrong_has_its_name() {
    type Fields = &'static [(&'static str, &'static [u8])];
    const UPGRADE: &str = "Upgrade";
    const CONNECTION: &str = "Connection";
    const PROOF: &str = "Sec-WebSocket-Accept";
    const PROTOCOL: &str = "Sec-WebSocket-Protocol";
    const EXTENSIONS: &str = "Sec-WebSocket-Extensions";
    let table: [(Fields, ResponseError); 18] = [
        (&[(UPGRADE, b"")], ResponseError::NoUpgradeWebSocket),
        (&[(UPGRADE, b"h2c")], ResponseError::NoUpgradeWebSocket),
        (
            &[(UPGRADE, b"websocket, h2c")],
            ResponseError::NoUpgradeWebSocket,
        ),
        (
            &[(UPGRADE, b"websocket"), (UPGRADE, b"h2c")],
            ResponseError::NoUpgradeWebSocket,
        ),
        (
            &[(CONNECTION, b"close")],
            ResponseError::NoConnectionUpgrade,
        ),
        (&[(PROOF, b"")], ResponseError::WrongAccept),
        (
            &[(PROOF, b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo")],
            ResponseError::WrongAccept,
        ),
        (
            &[(PROOF, b"S3pPLMBiTxaQ9kYGzzhZRbK+xOo=")],
            ResponseError::WrongAccept,
        ),
        (
            &[(PROOF, ACCEPT), (PROOF, ACCEPT)],
            ResponseError::RepeatedAccept,
        ),
        (&[(PROTOCOL, b"")], ResponseError::SubprotocolNotOffered),
        (&[(PROTOCOL, b"Chat")], ResponseError::SubprotocolNotOffered),
        (
            &[(PROTOCOL, b"chat, superchat")],
            ResponseError::SubprotocolNotOffered,
        ),
        (
            &[(PROTOCOL, b"chat"), (PROTOCOL, b"chat")],
            ResponseError::RepeatedSubprotocol,
        ),
        (
            &[(EXTENSIONS, b"permessage-deflate")],
            ResponseError::ExtensionNotOffered,
        ),
        (
            &[(EXTENSIONS, b"x-foo")],
            ResponseError::ExtensionNotOffered,
        ),
        (&[(EXTENSIONS, b"")], ResponseError::BadExtensions),
        (
            &[(EXTENSIONS, b"permessage-deflate;x")],
            ResponseError::BadExtensions,
        ),
        (
            &[(EXTENSIONS, b"x"), (EXTENSIONS, b"x")],
            ResponseError::RepeatedExtensions,
        ),
    ];
    for (replaced, expected) in table {
        assert_eq!(
            verify(&example(""), replaced),
            Err(expected),
            "{replaced:?}"
        );
    }
}

#[test]
fn a_missing_field_is_an_error_too() {
    let table = [
        ("Upgrade", Some(ResponseError::NoUpgradeWebSocket)),
        ("Connection", Some(ResponseError::NoConnectionUpgrade)),
        ("Sec-WebSocket-Accept", Some(ResponseError::MissingAccept)),
        ("Sec-WebSocket-Protocol", None),
    ];
    for (missing, expected) in table {
        let headers = answer(&[]).into_iter().filter(|(name, _)| *name != missing);
        assert_eq!(
            example("").verify(101, headers).err(),
            expected,
            "{missing}"
        );
    }
}

#[test]
fn any_status_but_101_is_refused() {
    for status in [0, 100, 102, 200, 404, 502] {
        let refused = example("").verify(status, answer(&[]).into_iter());
        assert_eq!(refused, Err(ResponseError::Status(status)));
    }
}

#[test]
fn the_answer_chooses_among_the_extensions_offered() {
    let offered = "permessage-deflate;server_max_window_bits=10, permessage-deflate;\
                   client_max_window_bits, x-foo, permessage-deflate;declined";
    let table = [
        ("permessage-deflate", Ok(Deflate::On)),
        (
            "permessage-deflate; server_max_window_bits=\"10\"",
            Ok(Deflate::On),
        ),
        (
            "x-foo;y=1 , permessage-deflate;client_max_window_bits=9",
            Ok(Deflate::On),
        ),
        ("x-foo", Ok(Deflate::Off)),
        ("x-foo, x-bar", Err(ResponseError::ExtensionNotOffered)),
        (
            "Permessage-Deflate",
            Err(ResponseError::ExtensionNotOffered),
        ),
        (
            "permessage-deflate;declined",
            Err(ResponseError::BadExtensions),
        ),
        (
            "permessage-deflate;client_max_window_bits",
            Err(ResponseError::BadExtensions),
        ),
        (
            "permessage-deflate, permessage-deflate",
            Err(ResponseError::RepeatedExtensions),
        ),
    ];
    for (answered, expected) in table {
        let replaced = [("Sec-WebSocket-Extensions", answered.as_bytes())];
        let agreed = verify(&example(offered), &replaced).map(|agreement| agreement.deflate);
        assert_eq!(agreed, expected, "{answered}");
    }
}

#[test]
fn a_deflate_answer_needs_an_offer_that_allows_it() {
    let replaced: [(&str, &[u8]); 1] = [(
        "Sec-WebSocket-Extensions",
        b"permessage-deflate;client_max_window_bits=9",
    )];
    let refused = verify(&example("permessage-deflate"), &replaced);
    assert_eq!(refused, Err(ResponseError::ExtensionNotOffered));
}

/// The names that offers and answers of the properties below are made of.
fn names() -> impl Strategy<Value = Vec<&'static str>> {
    let names = vec!["a", "b", "A", "x-foo", "permessage-deflate"];
    let len = 0..=names.len();
    prop::sample::subsequence(names, len).prop_shuffle()
}

proptest! {
    #[test]
    fn the_right_answer_to_any_key_is_accepted(bytes: [u8; 16]) {
        let key = Key::from_bytes(bytes);
        let accept = key.accept();
        let replaced: [(&str, &[u8]); 2] = [
            ("Sec-WebSocket-Accept", accept.as_str().as_bytes()),
            ("Sec-WebSocket-Protocol", b"a"),
        ];
        prop_assert!(verify(&offer(key.as_str(), "a", ""), &replaced).is_ok());
    }

    #[test]
    fn any_mutation_of_the_accept_is_refused(at in 0..ACCEPT.len(), flip in 1..=u8::MAX) {
        let mut accept = ACCEPT.to_vec();
        accept[at] ^= flip;
        // A byte turned into whitespace at an end is cut off, and what is left is wrong too.
        let refused = verify(&example(""), &[("Sec-WebSocket-Accept", &accept)]);
        prop_assert_eq!(refused, Err(ResponseError::WrongAccept));
    }

    #[test]
    fn any_other_text_as_accept_is_refused(accept: Vec<u8>) {
        let refused = verify(&example(""), &[("Sec-WebSocket-Accept", &accept)]);
        prop_assert_eq!(refused, Err(ResponseError::WrongAccept));
    }

    #[test]
    fn an_agreement_never_has_what_was_not_offered(
        offered in (names(), names()),
        answered in (prop::option::of("[abA]{1,2}"), names()),
    ) {
        let offer = offer("dGhlIHNhbXBsZSBub25jZQ==", &offered.0.join(","), &offered.1.join(","));
        let extensions = answered.1.join(",");
        let mut headers = answer(&[("Sec-WebSocket-Protocol", b"")]);
        headers.retain(|(name, _)| *name != "Sec-WebSocket-Protocol");
        if let Some(subprotocol) = &answered.0 {
            headers.push(("Sec-WebSocket-Protocol", subprotocol.as_bytes()));
        }
        if !extensions.is_empty() {
            headers.push(("Sec-WebSocket-Extensions", extensions.as_bytes()));
        }
        let allowed = answered.0.iter().all(|name| offered.0.contains(&name.as_str()))
            && answered.1.iter().all(|name| offered.1.contains(name));
        let agreed = offer.verify(101, headers.into_iter());
        prop_assert_eq!(agreed.is_ok(), allowed);
        if let Ok(agreement) = agreed {
            prop_assert_eq!(agreement.subprotocol.as_deref(), answered.0.as_deref());
            let compressed = answered.1.contains(&deflate::NAME);
            prop_assert_eq!(agreement.deflate == Deflate::On, compressed);
        }
    }

    #[test]
    fn arbitrary_answers_never_panic(status: u16, values: [Vec<u8>; 3]) {
        let [upgrade, protocol, extensions] = &values;
        let headers = answer(&[("Upgrade", upgrade)]);
        let _ = example("x-foo").verify(status, headers.into_iter());
        let _ = verify(&example("x-foo"), &[
            ("Sec-WebSocket-Protocol", protocol),
            ("Sec-WebSocket-Extensions", extensions),
        ]);
    }
}
