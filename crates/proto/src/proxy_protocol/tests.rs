//! Headers as proxies write them, laws over any, and what is refused.

use std::net::Ipv4Addr;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn told(client: &str, destination: &str) -> Source {
    Source::Told {
        client: address(client),
        destination: address(destination),
    }
}

/// Measures and reads a connection that begins with `bytes`.
fn read(bytes: &[u8]) -> Result<Header<'_>, Fault> {
    match measure(bytes, Accepts::Any)? {
        Extent::Whole { length } => Header::parse(&bytes[..length]),
        Extent::Part { of } => panic!("{of} bytes are wanted"),
    }
}

fn malformed(bytes: &[u8]) -> bool {
    matches!(read(bytes), Err(Fault::Malformed(_)))
}

/// A header of version 2: command and version, family, body.
fn binary(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap().to_be_bytes();
    [v2::SIGNATURE, &[command, family], &length, body].concat()
}

const IPV4: [u8; 12] = [192, 0, 2, 1, 198, 51, 100, 1, 0xDC, 4, 1, 0xBB];

#[test]
fn the_examples_of_the_specification_are_read() {
    for (line, source) in [
        (
            "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n",
            told("255.255.255.255:65535", "255.255.255.255:65535"),
        ),
        (
            "PROXY TCP6 ffff:f:f:f:f:f:f:ffff ::1 65535 0\r\n",
            told("[ffff:f:f:f:f:f:f:ffff]:65535", "[::1]:0"),
        ),
        ("PROXY UNKNOWN\r\n", Source::Unknown),
        (
            "PROXY UNKNOWN ffff:f::1 whatever else \r\n",
            Source::Unknown,
        ),
    ] {
        let bytes = [line.as_bytes(), b"GET / HTTP/1.1\r\n"].concat();
        let header = read(&bytes).unwrap();
        assert_eq!(header.source, source, "{line:?}");
        assert_eq!(header.version, Version::V1);
    }
}

#[test]
fn the_binary_form_is_read() {
    let header = binary(0x21, 0x11, &IPV4);
    let source = told("192.0.2.1:56324", "198.51.100.1:443");
    assert_eq!(read(&header).unwrap().source, source);
    // LOCAL: whatever stands there is ignored, a broken TLV too.
    let local = binary(0x20, 0x11, &[1, 2, 3]);
    assert_eq!(read(&local).unwrap().source, Source::Local);
    // What exists and is not read here: UNSPEC, UDP, Unix sockets.
    for family in [0x00, 0x01, 0x12, 0x22, 0x31, 0x32] {
        let header = binary(0x21, family, &[0; 216]);
        assert_eq!(read(&header).unwrap().source, Source::Unknown, "{family}");
    }
}

#[test]
fn lines_that_are_no_header_are_refused() {
    for line in [
        "PROXY TCP4 192.0.2.1 198.51.100.1 1 2\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 1 2 \r\n",
        "PROXY TCP4  192.0.2.1 198.51.100.1 1 2\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 1\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 1 65536\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 01 2\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 +1 2\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1  \r\n",
        "PROXY TCP4 192.0.2.01 198.51.100.1 1 2\r\n",
        "PROXY TCP4 ::1 ::1 1 2\r\n",
        "PROXY TCP6 192.0.2.1 198.51.100.1 1 2\r\n",
        "PROXY TCP5 192.0.2.1 198.51.100.1 1 2\r\n",
        "PROXY UNKNOWNS\r\n",
        "PROXY unknown\r\n",
        "PROXY \r\n",
        "PROXY UNKNOWN\n\r\n",
    ] {
        assert!(malformed(line.as_bytes()), "{line:?}");
    }
    assert!(malformed(b"PROXY TCP4 \xFF 198.51.100.1 1 2\r\n"));
}

#[test]
fn binary_headers_that_are_none_are_refused() {
    let tlv = |bytes: &[u8]| binary(0x21, 0x11, &[&IPV4, bytes].concat());
    for header in [
        binary(0x22, 0x11, &IPV4),
        binary(0x21, 0x41, &IPV4),
        binary(0x21, 0x13, &IPV4),
        binary(0x21, 0x11, &IPV4[..11]),
        binary(0x21, 0x21, &[0; 35]),
        tlv(&[4]),
        tlv(&[4, 0]),
        tlv(&[4, 0, 2, 0]),
        tlv(&[0x20, 0, 4, 1, 0, 0, 0]),
        tlv(&[0x20, 0, 7, 1, 0, 0, 0, 0, 0x21, 0]),
        tlv(&[0x03, 0, 3, 0, 0, 0]),
        tlv(&[0x03, 0, 4, 0, 0, 0, 0]),
        tlv(&[&[5, 0, 129][..], &[b'a'; 129]].concat()),
    ] {
        assert!(malformed(&header), "{header:?}");
    }
    let unheard = binary(0x31, 0x11, &IPV4);
    assert_eq!(measure(&unheard, Accepts::Any), Err(Fault::Version));
}

#[test]
fn what_begins_otherwise_has_none_at_the_first_byte_that_differs() {
    for begin in [
        &b"G"[..],
        b"PO",
        b"PROXX",
        b"\x16",
        b"\r\n\r\n\0\r\nQUIX",
        b"proxy ",
    ] {
        assert_eq!(measure(begin, Accepts::Any), Err(Fault::Missing));
    }
}

#[test]
fn a_version_that_is_not_taken_is_told_by_its_signature() {
    let (text, binary) = (b"PROXY ", v2::SIGNATURE);
    let only = |version| Accepts::Only(version);
    assert_eq!(measure(text, only(Version::V2)), Err(Fault::Version));
    assert_eq!(measure(binary, only(Version::V1)), Err(Fault::Version));
    assert!(measure(text, only(Version::V1)).is_ok());
    assert!(measure(binary, only(Version::V2)).is_ok());
}

#[test]
fn the_bounds_are_exact() {
    let line = |length: usize| format!("PROXY UNKNOWN {:x<1$}\r\n", "", length - 16).into_bytes();
    assert_eq!(line(MAX_V1).len(), MAX_V1);
    assert!(read(&line(MAX_V1)).is_ok());
    assert_eq!(
        measure(&line(MAX_V1 + 1), Accepts::Any),
        Err(Fault::TooLong)
    );
    let head = |body: u16| {
        let body = body.to_be_bytes();
        [v2::SIGNATURE, &[0x21, 0x11], &body].concat()
    };
    let of = MAX_V2;
    assert_eq!(of, 16 + 4096);
    assert_eq!(measure(&head(4096), Accepts::Any), Ok(Extent::Part { of }));
    assert_eq!(measure(&head(4097), Accepts::Any), Err(Fault::TooLong));
}

#[test]
fn tls_is_what_the_flags_say() {
    let certificate = |client, verify| {
        let tlv = [0x20, 0, 5, client, 0, 0, 0, verify];
        let header = binary(0x21, 0x11, &[&IPV4[..], &tlv].concat());
        let header = read(&header).unwrap();
        header.extras.tls.map(|tls| tls.certificate)
    };
    assert_eq!(certificate(0, 0), None);
    assert_eq!(certificate(6, 0), None);
    assert_eq!(certificate(1, 0), Some(Certificate::None));
    assert_eq!(certificate(3, 0), Some(Certificate::Verified));
    assert_eq!(certificate(5, 0), Some(Certificate::Verified));
    assert_eq!(certificate(3, 1), Some(Certificate::Unverified));
}

#[test]
fn addresses_of_two_families_are_written_as_one() {
    for version in [Version::V1, Version::V2] {
        let header = Header {
            version,
            source: told("192.0.2.1:5", "[2001:db8::1]:6"),
            extras: Extras::default(),
        };
        let mapped = told("[::ffff:192.0.2.1]:5", "[2001:db8::1]:6");
        assert_eq!(read(&header.encode()).unwrap().source, mapped);
    }
}

#[test]
fn what_does_not_fit_is_left_out() {
    let (large, small) = (vec![b'a'; 4000], *b"id");
    let header = Header {
        version: Version::V2,
        source: told("192.0.2.1:5", "192.0.2.2:6"),
        extras: Extras {
            authority: Some(&large),
            unique_id: Some(&small),
            tls: Some(Tls {
                version: None,
                common_name: Some(&large),
                certificate: Certificate::None,
            }),
        },
    };
    let bytes = header.encode();
    assert!(bytes.len() <= MAX_V2);
    let extras = read(&bytes).unwrap().extras;
    assert_eq!(
        extras,
        Extras {
            tls: None,
            ..header.extras
        }
    );
}

/// The header with a checksum at its end.
fn with_checksum(header: &[u8]) -> Vec<u8> {
    let mut bytes = binary(
        header[12],
        header[13],
        &[&header[16..], &[3, 0, 4, 0, 0, 0, 0]].concat(),
    );
    let sum = crc32c::sum(&[&bytes]).to_be_bytes();
    let at = bytes.len() - 4;
    bytes[at..].copy_from_slice(&sum);
    bytes
}

type Texts = (Option<Vec<u8>>, Option<Vec<u8>>, Option<TlsTexts>);
type TlsTexts = (Option<Vec<u8>>, Option<Vec<u8>>, Certificate);

/// From one address of a family to another.
fn any_pair<T: Arbitrary + Into<IpAddr>>() -> impl Strategy<Value = Source> {
    let end = || (any::<T>(), any::<u16>());
    (end(), end()).prop_map(|((client, from), (destination, to))| Source::Told {
        client: SocketAddr::new(client.into(), from),
        destination: SocketAddr::new(destination.into(), to),
    })
}

fn any_told() -> impl Strategy<Value = Source> {
    prop_oneof![any_pair::<Ipv4Addr>(), any_pair::<Ipv6Addr>()]
}

fn any_source() -> impl Strategy<Value = Source> {
    prop_oneof![
        1 => Just(Source::Local),
        1 => Just(Source::Unknown),
        8 => any_told(),
    ]
}

fn any_texts() -> impl Strategy<Value = Texts> {
    let text = |most| option::of(vec(any::<u8>(), 0..most));
    let certificate = prop_oneof![
        Just(Certificate::None),
        Just(Certificate::Unverified),
        Just(Certificate::Verified),
    ];
    let tls = option::of((text(10), text(60), certificate));
    (text(100), text(MAX_UNIQUE_ID), tls)
}

fn extras(texts: &Texts) -> Extras<'_> {
    let (authority, unique_id, tls) = texts;
    Extras {
        authority: authority.as_deref(),
        unique_id: unique_id.as_deref(),
        tls: tls.as_ref().map(|(version, common_name, certificate)| Tls {
            version: version.as_deref(),
            common_name: common_name.as_deref(),
            certificate: *certificate,
        }),
    }
}

/// What version 1 cannot say, and version 2 not without addresses, is gone when read.
fn as_read(version: Version, source: Source, extras: Extras<'_>) -> Header<'_> {
    let source = match (version, source) {
        (Version::V1, Source::Local) => Source::Unknown,
        _ => source,
    };
    let says_more = version == Version::V2 && matches!(source, Source::Told { .. });
    Header {
        version,
        source,
        extras: if says_more { extras } else { Extras::default() },
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back_whatever_follows(
        source in any_source(),
        texts in any_texts(),
        version in prop_oneof![Just(Version::V1), Just(Version::V2)],
        behind in vec(any::<u8>(), 0..40),
    ) {
        let header = Header { version, source, extras: extras(&texts) };
        let bytes = header.encode();
        let length = bytes.len();
        let stream = [&bytes[..], &behind].concat();
        prop_assert_eq!(measure(&stream, Accepts::Any), Ok(Extent::Whole { length }));
        prop_assert_eq!(measure(&stream, Accepts::Only(version)), Ok(Extent::Whole { length }));
        prop_assert_eq!(read(&stream), Ok(as_read(version, source, header.extras)));
    }

    #[test]
    fn every_beginning_of_a_header_wants_more_and_not_too_much(
        source in any_source(),
        texts in any_texts(),
        version in prop_oneof![Just(Version::V1), Just(Version::V2)],
    ) {
        let bytes = Header { version, source, extras: extras(&texts) }.encode();
        for there in 0..bytes.len() {
            match measure(&bytes[..there], Accepts::Any) {
                Ok(Extent::Part { of }) => prop_assert!(there < of && of <= bytes.len()),
                other => prop_assert!(false, "{there}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_checksum_finds_every_bit_of_an_address_that_is_wrong(
        source in any_told(),
        texts in any_texts(),
        at in 16..28_usize,
        bit in 0..8_u8,
    ) {
        let header = Header { version: Version::V2, source, extras: extras(&texts) };
        let mut bytes = with_checksum(&header.encode());
        prop_assert_eq!(read(&bytes), Ok(header));
        bytes[at] ^= 1 << bit;
        prop_assert!(malformed(&bytes));
    }

    #[test]
    fn nothing_panics_and_nothing_is_longer_than_the_bounds(
        signature in prop_oneof![Just(&b""[..]), Just(v1::SIGNATURE), Just(v2::SIGNATURE)],
        bytes in vec(any::<u8>(), 0..200),
    ) {
        let bytes = [signature, &bytes].concat();
        match measure(&bytes, Accepts::Any) {
            Ok(Extent::Whole { length }) => {
                prop_assert!(length <= bytes.len());
                drop(Header::parse(&bytes[..length]));
            }
            Ok(Extent::Part { of }) => prop_assert!(bytes.len() < of && of <= MAX_V2),
            Err(fault) => prop_assert!(!fault.to_string().is_empty()),
        }
        drop(Header::parse(&bytes));
    }
}
