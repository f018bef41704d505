//! Answers whole, in pieces, and none at all.

use proptest::prelude::*;

use super::*;
use crate::testing::{SWITCHING, offer};

/// What comes of `pieces` that arrive one after the other; `None` when they end too early.
fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<Option<Answer>, Fault> {
    let (mut reader, offer) = (Reader::default(), offer());
    let mut pieces = pieces.into_iter();
    while let Some(piece) = pieces.next() {
        if let Some(answer) = reader.feed(piece, &offer)? {
            return Ok(Some(with_rest(answer, pieces)));
        }
    }
    Ok(None)
}

/// As if it had all been read at once.
fn with_rest<'a>(answer: Answer, rest: impl Iterator<Item = &'a [u8]>) -> Answer {
    let add = |read: &Bytes| Bytes::from([read, &*rest.collect::<Vec<_>>().concat()].concat());
    match answer {
        Answer::Switched(accepted) => Answer::Switched(Accepted {
            early: add(&accepted.early),
            ..accepted
        }),
        Answer::Other(read) => Answer::Other(add(&read)),
    }
}

fn read_whole(bytes: &[u8]) -> Result<Option<Answer>, Fault> {
    read([bytes])
}

fn switched(bytes: &[u8]) -> Accepted {
    match read_whole(bytes) {
        Ok(Some(Answer::Switched(accepted))) => accepted,
        other => panic!("not switched: {other:?}"),
    }
}

#[track_caller]
fn assert_malformed(bytes: &[u8]) {
    let result = read_whole(bytes);
    let shown = String::from_utf8_lossy(bytes)
        .chars()
        .take(60)
        .collect::<String>();
    assert!(
        matches!(result, Err(Fault::Malformed(_))),
        "{shown:?}: {result:?}"
    );
}

/// The 101 with `lines` before its first field.
fn switching_with(lines: &str) -> Vec<u8> {
    SWITCHING
        .replacen(
            "Upgrade: websocket",
            &format!("{lines}Upgrade: websocket"),
            1,
        )
        .into_bytes()
}

#[test]
fn a_101_is_taken_apart() {
    let early = b"\x81\x02hi";
    let accepted = switched(
        &[
            &switching_with("Set-Cookie: a\r\nX-E:\r\nset-cookie: b\r\n"),
            &early[..],
        ]
        .concat(),
    );
    let response = accepted.response;
    assert_eq!(response.status, StatusCode::SWITCHING_PROTOCOLS);
    assert_eq!(response.version, Version::HTTP_11);
    let fields: Vec<_> = response
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
        .collect();
    assert_eq!(
        fields,
        [
            ("set-cookie", "a"),
            ("set-cookie", "b"),
            ("x-e", ""),
            ("upgrade", "websocket"),
            ("connection", "Upgrade"),
            ("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        ]
    );
    assert_eq!(&*accepted.early, early);
}

#[test]
fn informational_answers_are_left_out() {
    let hints = "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n";
    let switching = [hints, SWITCHING].concat();
    assert_eq!(switched(switching.as_bytes()).response.headers.len(), 3);
    let declining = "HTTP/1.1 403 No\r\ncontent-length: 2\r\n\r\nno";
    match read_whole([hints, declining].concat().as_bytes()) {
        Ok(Some(Answer::Other(read))) => assert_eq!(read, declining),
        other => panic!("not declined: {other:?}"),
    }
    assert!(matches!(read_whole(hints.as_bytes()), Ok(None)));
}

#[test]
fn a_line_may_end_without_a_carriage_return() {
    let answer = b"HTTP/1.1 404 No\nx: y\n\n";
    match read(answer.chunks(1)) {
        Ok(Some(Answer::Other(read))) => assert_eq!(read, &answer[..]),
        other => panic!("not declined: {other:?}"),
    }
}

/// Some old servers answer so, and the session is the same.
#[test]
fn a_101_in_http_1_0_is_one() {
    let answer = SWITCHING.replacen("1.1", "1.0", 1);
    assert_eq!(
        switched(answer.as_bytes()).response.version,
        Version::HTTP_10
    );
}

#[test]
fn a_101_has_to_agree() {
    for wrong in [
        SWITCHING.replace("s3pP", "S3pP"),
        SWITCHING.replace("Upgrade: websocket\r\n", ""),
        SWITCHING.replace("Connection: Upgrade\r\n", ""),
        SWITCHING.replace("Upgrade: websocket", "Upgrade: websocket\r\nUpgrade: h2c"),
        SWITCHING.replace("\r\n\r\n", "\r\nSec-WebSocket-Protocol: other\r\n\r\n"),
    ] {
        let result = read_whole(wrong.as_bytes());
        assert!(matches!(result, Err(Fault::Disagrees(_))), "{wrong}");
    }
}

#[test]
fn what_is_no_head_is_refused() {
    for bytes in [
        &b"SSH-2.0-OpenSSH_9.6\r\n"[..],
        b"\x16\x03\x01\x02",
        b"HTTP/2.0 101 Switching\r\n",
        b"HTTP/1.1 99999 What\r\n",
        b"HTTP/1.1 099 What\r\n\r\n",
        b"HTTP/1.1  200 OK\r\n",
        b"HTTP/1.1 200 O\0K\r\n",
        b"\0",
    ] {
        assert_malformed(bytes);
    }
    for line in [
        " folded: before the first\r\n",
        "x-a: 1\r\n folded\r\n",
        "x-a: 1\r\n\tfolded\r\n",
        "x-a: nul \0\r\n",
        "x-a: bell \x07\r\n",
        "x-a: bare \r return\r\n",
        "x a: space in the name\r\n",
        "x-a : space behind the name\r\n",
        ": no name\r\n",
        "no colon\r\n",
        "x-\0: nul in the name\r\n",
    ] {
        assert_malformed(&switching_with(line));
    }
}

#[test]
fn fields_and_bytes_are_limited() {
    let fields = |count: usize| switching_with(&"x: y\r\n".repeat(count));
    assert_eq!(
        switched(&fields(MAX_FIELDS - 3)).response.headers.len(),
        MAX_FIELDS
    );
    assert_malformed(&fields(MAX_FIELDS - 2));
    let sized = |len: usize| {
        let line = "x: \r\n".len();
        switching_with(&format!(
            "x: {}\r\n",
            "a".repeat(len - SWITCHING.len() - line)
        ))
    };
    let most = sized(MAX_HEAD);
    assert_eq!(most.len(), MAX_HEAD);
    switched(&most);
    assert_malformed(&sized(MAX_HEAD + 1));
    // The limit is the head's: what comes behind it does not count.
    let early = switched(&[&most[..], &[0; 100]].concat()).early;
    assert_eq!(early.len(), 100);
}

#[test]
fn a_head_without_an_end_is_refused_at_the_limit() {
    for (start, more) in [
        ("HTTP/1.1 101 Switching Protocols\r\nx: ", "a"),
        ("HTTP/1.1 200 OK\r\n", "x"),
        ("HTTP/1.1 200 ", "a"),
        // Empty lines before a head are passed over.
        ("\r\n", "\r\n"),
    ] {
        let more = more.repeat(1000 / more.len());
        let endless = (0..MAX_HEAD / 1000).map(|_| more.as_bytes());
        let pieces = || std::iter::once(start.as_bytes()).chain(endless.clone());
        assert!(matches!(read(pieces()), Ok(None)), "{start}");
        let result = read(pieces().chain([more.as_bytes()]));
        assert!(matches!(result, Err(Fault::Malformed(_))), "{start}");
    }
}

#[test]
fn what_is_kept_of_a_101_is_no_larger_than_it() {
    let accepted = switched(&[SWITCHING.as_bytes(), b"early"].concat());
    assert_eq!(accepted.early.try_into_mut().unwrap().capacity(), 5);
    let none = switched(SWITCHING.as_bytes()).early;
    // A view into a buffer would be its only one by now.
    assert!(none.is_empty() && !none.is_unique());
}

/// What an answer comes to, for comparing.
fn gist(result: &Result<Option<Answer>, Fault>) -> String {
    match result {
        Ok(None) => "more".to_owned(),
        Ok(Some(Answer::Switched(accepted))) => {
            format!("{:?} {:?}", accepted.response.headers, accepted.early)
        }
        Ok(Some(Answer::Other(read))) => format!("{read:?}"),
        Err(Fault::Malformed(_)) => "malformed".to_owned(),
        Err(Fault::Disagrees(error)) => format!("{error:?}"),
    }
}

/// Bytes that look like answers, and bytes that nearly do.
fn answers() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        Just(&b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"[..]),
        Just(&b"HTTP/1.1 100\n\n"[..]),
        Just(SWITCHING.as_bytes()),
        Just(&b"HTTP/1.1 403 No\r\ncontent-length: 2\r\n\r\nno"[..]),
        Just(&b"HTTP/1.0 200 OK\r\n\r\n\r\n\r\n"[..]),
        Just(&b"HTTP/1.1 404 No\n\n"[..]),
        Just(&b"\r\n"[..]),
        Just(&b"\n\n"[..]),
        Just(&b"x: y\r\n\r\n"[..]),
        Just(&b"\0"[..]),
    ];
    prop::collection::vec(part, 0..5).prop_map(|parts| parts.concat())
}

/// Cuts `bytes` at these places.
fn cut(bytes: &[u8], places: &[prop::sample::Index]) -> Vec<Vec<u8>> {
    let mut places: Vec<_> = places
        .iter()
        .map(|place| place.index(bytes.len() + 1))
        .chain([0, bytes.len()])
        .collect();
    places.sort_unstable();
    let pieces = places.windows(2).map(|it| bytes[it[0]..it[1]].to_vec());
    pieces.filter(|piece| !piece.is_empty()).collect()
}

proptest! {
    #[test]
    fn any_split_gives_the_same(
        bytes in answers(),
        places in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let pieces = cut(&bytes, &places);
        let result = read(pieces.iter().map(Vec::as_slice));
        let whole = read_whole(&bytes);
        // Garbage is told as soon as it is seen, and at the latest with the end of the head.
        let later = matches!((&result, &whole), (Ok(None), Err(Fault::Malformed(_))));
        prop_assert!(later || gist(&result) == gist(&whole), "{:?} {:?}", result, whole);
    }

    #[test]
    fn byte_by_byte_gives_the_same(hints in 0..3_usize, early in any::<Vec<u8>>()) {
        let hints = "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n".repeat(hints);
        let bytes = [hints.as_bytes(), SWITCHING.as_bytes(), &early].concat();
        prop_assert_eq!(gist(&read(bytes.chunks(1))), gist(&read_whole(&bytes)));
    }

    #[test]
    fn no_bytes_can_panic(bytes: Vec<u8>, places in prop::collection::vec(any::<prop::sample::Index>(), 0..4)) {
        let pieces = cut(&bytes, &places);
        let _ = read(pieces.iter().map(Vec::as_slice));
    }

    #[test]
    fn no_byte_of_a_101_can_panic(at: prop::sample::Index, byte: u8, cut_at: prop::sample::Index) {
        let mut bytes = switching_with("Set-Cookie: a\r\nX-Empty:\r\n");
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let (one, other) = bytes.split_at(cut_at.index(bytes.len()));
        let _ = read([one, other].into_iter().filter(|piece| !piece.is_empty()));
    }
}
