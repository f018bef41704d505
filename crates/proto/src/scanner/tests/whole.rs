//! The short way: when it is taken, and that it agrees with the general one.

use super::*;

/// Sees whole messages of one frame, and nothing else.
#[derive(Debug, Default, PartialEq, Eq)]
struct Whole(Vec<(MessageKind, u64)>);

impl Observer for Whole {
    fn frame(&mut self, _: Side, opcode: OpCode, len: u64) {
        panic!("{opcode:?} of {len} bytes went the general way");
    }

    fn message(&mut self, _: Side, kind: MessageKind, len: u64) {
        panic!("{kind:?} of {len} bytes went the general way");
    }

    fn whole(&mut self, _: Side, kind: MessageKind, len: u64) {
        self.0.push((kind, len));
    }
}

#[test]
fn whole_messages_go_the_short_way() {
    for from in Side::BOTH {
        let compressing = Rules {
            deflate: Deflate::On,
            max_frame: 65_535,
            max_message: 65_535,
            ..rules(from)
        };
        let (mut stream, mut told) = (Vec::new(), Vec::new());
        for len in [0, 1, 125, 126, 127, 255, 256, 65_534, 65_535] {
            for (rsv, opcode, kind) in [
                (0, OpCode::Text, MessageKind::Text),
                (RSV1_BITS, OpCode::Binary, MessageKind::Binary),
            ] {
                stream.extend(frame(from, true, rsv, opcode, &vec![7; len]));
                told.push((kind, len as u64));
            }
        }
        let (mut scanner, mut seen) = (Scanner::new(), Whole::default());
        let scan = scanner.scan(&compressing, &stream, StopAt::Never, &mut seen);
        assert_eq!((scan.pass, scan.end), (stream.len(), ScanEnd::Input));
        assert_eq!((scanner, seen), (Scanner::new(), Whole(told)));
    }
}

/// After a header in two parts, a control frame, fragments and a long frame.
#[test]
fn the_short_way_is_found_again() {
    let from = Side::Upstream;
    let small = frame(from, true, 0, OpCode::Text, b"small").repeat(3);
    for detour in [
        frame(from, true, 0, OpCode::Ping, b"?"),
        frame(from, true, 0, OpCode::Binary, &vec![7; 65_536]),
        [&b"\x01\x01a"[..], b"\x80\x01b"].concat(),
    ] {
        let stream = [&small[..], &detour, &small].concat();
        for cut in [small.len(), small.len() + 1] {
            let (mut scanner, mut seen) = (Scanner::new(), Short::default());
            let (first, rest) = stream.split_at(cut);
            for piece in [first, rest] {
                let scan = scanner.scan(&rules(from), piece, StopAt::Never, &mut seen);
                assert_eq!(scan.end, ScanEnd::Input);
            }
            assert_eq!(seen.0, 6, "cut at {cut}");
        }
    }
}

/// How many messages went the short way.
#[derive(Default)]
struct Short(usize);

impl Observer for Short {
    fn frame(&mut self, _: Side, _: OpCode, _: u64) {}

    fn message(&mut self, _: Side, _: MessageKind, _: u64) {}

    fn whole(&mut self, _: Side, _: MessageKind, _: u64) {
        self.0 += 1;
    }
}

prop_compose! {
    /// Frames nearly all of which are whole messages, at the edges of what such a frame is: lengths, bits, masks, and
    /// lengths in a longer form than they need.
    fn short_frame(from: Side)(
        fin in prop_oneof![20 => Just(true), 1 => Just(false)],
        rsv in prop_oneof![20 => Just(0u8), 3 => Just(RSV1_BITS), 1 => 0u8..8],
        opcode in prop_oneof![20 => prop::sample::select(&[1u8, 2]), 1 => prop::sample::select(&[0u8, 9, 10])],
        sender in prop_oneof![40 => Just(from), 1 => sides()],
        len in prop_oneof![
            4 => 0usize..20,
            3 => 122usize..130,
            1 => 65_533usize..65_539,
        ],
        code in prop_oneof![20 => Just(None), 1 => (126u8..128).prop_map(Some)],
    ) -> Vec<u8> {
        let opcode = OpCode::from_bits(opcode).unwrap();
        let payload = vec![7; if opcode.is_control() { len.min(125) } else { len }];
        let mut bytes = frame(sender, fin, rsv, opcode, &payload);
        if let Some(code) = code {
            bytes[1] = (bytes[1] & 0x80) | code;
        }
        bytes
    }
}

prop_compose! {
    fn short_streams()(from in sides())(
        frames in prop::collection::vec(short_frame(from), 0..10),
        cut in 0usize..6,
        deflate in prop::sample::select(&[Deflate::On, Deflate::Off]),
        max_frame in prop_oneof![3 => Just(u64::MAX), 1 => 122u64..130, 1 => 65_533u64..65_539],
        max_message in prop_oneof![3 => Just(u64::MAX), 1 => 122u64..130, 1 => 65_533u64..65_539],
        from in Just(from),
    ) -> (Rules, Vec<u8>) {
        let mut bytes = frames.concat();
        bytes.truncate(bytes.len().saturating_sub(cut));
        (Rules { from, deflate, max_frame, max_message, awaited: None }, bytes)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    /// What comes in single bytes goes the general way alone.
    #[test]
    fn the_short_way_and_the_general_way_agree(
        (rules, bytes) in short_streams(),
        lens in prop::collection::vec(prop_oneof![1usize..4, 1usize..300, 1usize..70_000], 1..8),
    ) {
        let general = scan_all(&rules, bytes.chunks(1));
        prop_assert_eq!(&scan_all(&rules, [&bytes[..]]), &general);
        prop_assert_eq!(&scan_all(&rules, cut(&bytes, &lens)), &general);
    }
}
