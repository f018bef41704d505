use proptest::prelude::*;

use super::*;

/// The bytes, what they say, and the length of the header.
type Example = (&'static [u8], bool, OpCode, Option<MaskKey>, u64, usize);

fn decoded(bytes: &[u8]) -> (Header, usize) {
    match Header::decode(bytes) {
        Ok(Decoded::Header(header, len)) => (header, len),
        other => panic!("{other:?}"),
    }
}

/// RFC 6455 section 5.7, header by header.
#[test]
fn the_rfc_examples_decode() {
    let key = Some([0x37, 0xfa, 0x21, 0x3d]);
    let table: [Example; 8] = [
        (b"\x81\x05Hello", true, OpCode::Text, None, 5, 2),
        (
            b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58",
            true,
            OpCode::Text,
            key,
            5,
            6,
        ),
        (b"\x01\x03Hel", false, OpCode::Text, None, 3, 2),
        (b"\x80\x02lo", true, OpCode::Continuation, None, 2, 2),
        (b"\x89\x05Hello", true, OpCode::Ping, None, 5, 2),
        (
            b"\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58",
            true,
            OpCode::Pong,
            key,
            5,
            6,
        ),
        (b"\x82\x7e\x01\x00", true, OpCode::Binary, None, 256, 4),
        (
            b"\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00",
            true,
            OpCode::Binary,
            None,
            65_536,
            10,
        ),
    ];
    for (bytes, fin, opcode, mask, payload_len, len) in table {
        let header = Header {
            fin,
            rsv: 0,
            opcode,
            mask,
            payload_len,
        };
        assert_eq!(decoded(bytes), (header, len), "{bytes:02x?}");
        assert_eq!(&*header.encode(), &bytes[..len]);
    }
}

#[test]
fn a_length_has_one_form() {
    let table: [(&[u8], Violation); 5] = [
        (b"\x82\x7e\x00\x7d", Violation::LengthNotMinimal),
        (
            b"\x82\x7f\x00\x00\x00\x00\x00\x00\xff\xff",
            Violation::LengthNotMinimal,
        ),
        (
            b"\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00",
            Violation::LengthTooLarge,
        ),
        (
            b"\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff",
            Violation::LengthTooLarge,
        ),
        (b"\x82\x7e\x00\x00", Violation::LengthNotMinimal),
    ];
    for (bytes, violation) in table {
        assert_eq!(Header::decode(bytes), Err(violation), "{bytes:02x?}");
    }
    assert_eq!(decoded(b"\x82\x7e\x00\x7e").0.payload_len, 126);
    assert_eq!(decoded(b"\x82\x7e\xff\xff").0.payload_len, 65_535);
    let largest = b"\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff";
    assert_eq!(decoded(largest).0.payload_len, (1 << 63) - 1);
}

#[test]
fn every_other_opcode_is_reserved() {
    for bits in [3, 4, 5, 6, 7, 0xb, 0xc, 0xd, 0xe, 0xf] {
        assert_eq!(
            Header::decode(&[0x80 | bits, 0]),
            Err(Violation::ReservedOpcode)
        );
    }
}

prop_compose! {
    fn headers()(
        fin in any::<bool>(),
        rsv in 0u8..8,
        bits in prop::sample::select(&[0u8, 1, 2, 8, 9, 10]),
        mask in any::<Option<MaskKey>>(),
        payload_len in prop_oneof![0u64..200, 65_000u64..66_000, 0..1u64 << 63],
    ) -> Header {
        Header { fin, rsv, opcode: OpCode::from_bits(bits).unwrap(), mask, payload_len }
    }
}

proptest! {
    #[test]
    fn a_header_survives_the_wire(header in headers(), tail in prop::collection::vec(any::<u8>(), 0..8)) {
        let bytes = header.encode();
        prop_assert_eq!(decoded(&[&bytes, &tail[..]].concat()), (header, bytes.len()));
    }

    #[test]
    fn a_cut_header_says_how_much_is_missing(header in headers()) {
        let bytes = header.encode();
        for cut in 0..bytes.len() {
            match Header::decode(&bytes[..cut]) {
                Ok(Decoded::NeedMore(missing)) => prop_assert!((1..=bytes.len() - cut).contains(&missing)),
                other => prop_assert!(false, "{:?}", other),
            }
        }
    }

    #[test]
    fn any_bytes_decode_alike_however_much_has_arrived(bytes in prop::collection::vec(any::<u8>(), 14)) {
        let whole = Header::decode(&bytes);
        for cut in 0..bytes.len() {
            let part = Header::decode(&bytes[..cut]);
            prop_assert!(part == whole || matches!(part, Ok(Decoded::NeedMore(_))));
        }
    }
}
