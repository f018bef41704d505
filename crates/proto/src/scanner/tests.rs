mod whole;

use proptest::prelude::*;

use super::rules::check_close;
use super::*;
use crate::Side;
use crate::close::CloseError;
use crate::frame::HeaderBytes;
use crate::handshake::Deflate;
use crate::record::{Reader, Writer};

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

fn rules(from: Side) -> Rules {
    Rules {
        from,
        deflate: Deflate::Off,
        max_frame: u64::MAX,
        max_message: u64::MAX,
        awaited: None,
    }
}

/// What an observer was told.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    frames: Vec<(OpCode, u64)>,
    messages: Vec<(MessageKind, u64)>,
}

impl Observer for Seen {
    fn frame(&mut self, _: Side, opcode: OpCode, payload_len: u64) {
        self.frames.push((opcode, payload_len));
    }

    fn message(&mut self, _: Side, kind: MessageKind, len: u64) {
        self.messages.push((kind, len));
    }
}

/// Scans `pieces` in turn; returns the bytes passed, why it ended and what was seen.
fn scan_all<'a>(
    rules: &Rules,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<u8>, ScanEnd, Seen) {
    let (mut scanner, mut passed, mut seen) = (Scanner::new(), Vec::new(), Seen::default());
    for piece in pieces {
        let scan = scanner.scan(rules, piece, StopAt::Never, &mut seen);
        passed.extend_from_slice(scan.release.as_deref().unwrap_or_default());
        passed.extend_from_slice(&piece[..scan.pass]);
        if scan.end != ScanEnd::Input {
            return (passed, scan.end, seen);
        }
    }
    (passed, ScanEnd::Input, seen)
}

fn end_of(rules: &Rules, input: &[u8]) -> (usize, ScanEnd) {
    let scan = Scanner::new().scan(rules, input, StopAt::Never, &mut ());
    (scan.pass, scan.end)
}

fn header(from: Side, fin: bool, rsv: u8, opcode: OpCode, payload_len: u64) -> HeaderBytes {
    let mask = (from == Side::Downstream).then_some(KEY);
    Header {
        fin,
        rsv,
        opcode,
        mask,
        payload_len,
    }
    .encode()
}

fn frame(from: Side, fin: bool, rsv: u8, opcode: OpCode, payload: &[u8]) -> Vec<u8> {
    let mut payload = payload.to_vec();
    if from == Side::Downstream {
        crate::mask::apply(&mut payload, KEY);
    }
    let header = header(from, fin, rsv, opcode, payload.len() as u64);
    [&header[..], &payload].concat()
}

/// RFC 6455 section 5.7, in one stream each way.
#[test]
fn the_rfc_examples_pass() {
    let from_upstream = [
        &b"\x81\x05Hello\x01\x03Hel\x89\x05Hello\x80\x02lo"[..],
        b"\x82\x7e\x01\x00",
        &[7; 256],
        b"\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00",
        &vec![7; 65_536],
    ]
    .concat();
    let (passed, end, seen) = scan_all(&rules(Side::Upstream), [&from_upstream[..]]);
    assert_eq!((passed, end), (from_upstream, ScanEnd::Input));
    assert_eq!(
        seen.messages,
        [
            (MessageKind::Text, 5),
            (MessageKind::Text, 5),
            (MessageKind::Binary, 256),
            (MessageKind::Binary, 65_536),
        ]
    );
    let masked =
        b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
    assert_eq!(
        end_of(&rules(Side::Downstream), masked),
        (22, ScanEnd::Input)
    );
}

#[test]
fn each_violation_has_its_name_and_passes_nothing() {
    let table: [(Side, &[u8], Violation); 17] = [
        (Side::Upstream, b"\xc1\x00", Violation::ReservedBits),
        (Side::Upstream, b"\xa1\x00", Violation::ReservedBits),
        (Side::Upstream, b"\x91\x00", Violation::ReservedBits),
        (Side::Upstream, b"\x83\x00", Violation::ReservedOpcode),
        (Side::Upstream, b"\x8b\x00", Violation::ReservedOpcode),
        (Side::Downstream, b"\x81\x00", Violation::Unmasked),
        (Side::Upstream, b"\x81\x80\0\0\0\0", Violation::Masked),
        (Side::Upstream, b"\x09\x00", Violation::FragmentedControl),
        (
            Side::Upstream,
            b"\x89\x7e\x00\x7e",
            Violation::ControlTooLong,
        ),
        (
            Side::Upstream,
            b"\x82\x7e\x00\x01",
            Violation::LengthNotMinimal,
        ),
        (
            Side::Upstream,
            b"\x82\x7f\xff\0\0\0\0\0\0\0",
            Violation::LengthTooLarge,
        ),
        (
            Side::Upstream,
            b"\x80\x00",
            Violation::UnexpectedContinuation,
        ),
        (
            Side::Upstream,
            b"\x00\x00",
            Violation::UnexpectedContinuation,
        ),
        (
            Side::Upstream,
            b"\x88\x01\x03",
            Violation::Close(CloseError::HalfCode),
        ),
        (
            Side::Upstream,
            b"\x88\x02\x03\xed",
            Violation::Close(CloseError::Code(CloseCode::NO_STATUS)),
        ),
        (
            Side::Upstream,
            b"\x88\x03\x03\xe8\xff",
            Violation::Close(CloseError::ReasonNotUtf8),
        ),
        (
            Side::Downstream,
            b"\x88\x82\x01\x02\x03\x04\x02\xef",
            Violation::Close(CloseError::Code(CloseCode::NO_STATUS)),
        ),
    ];
    for (from, input, violation) in table {
        let refused = ScanEnd::Refused(violation);
        assert_eq!(end_of(&rules(from), input), (0, refused), "{input:02x?}");
        let before = frame(from, true, 0, OpCode::Text, b"fine");
        let after = [&before[..], input].concat();
        assert_eq!(end_of(&rules(from), &after), (before.len(), refused));
        let bytes = scan_all(&rules(from), after.chunks(1));
        assert_eq!((bytes.0, bytes.1), (before, refused), "{input:02x?}");
    }
}

#[test]
fn a_message_does_not_start_inside_another() {
    let from = Side::Upstream;
    let first = frame(from, false, 0, OpCode::Text, b"a");
    for opcode in [OpCode::Text, OpCode::Binary] {
        let input = [&first[..], &frame(from, true, 0, opcode, b"b")].concat();
        let refused = ScanEnd::Refused(Violation::ExpectedContinuation);
        assert_eq!(end_of(&rules(from), &input), (first.len(), refused));
    }
}

/// RFC 7692 section 6.1: RSV1 is for the first frame of a message.
#[test]
fn rsv1_is_for_compressed_messages_only() {
    let from = Side::Downstream;
    let deflate = Rules {
        deflate: Deflate::On,
        ..rules(from)
    };
    let start = frame(from, false, RSV1_BITS, OpCode::Text, b"x");
    assert_eq!(end_of(&deflate, &start), (start.len(), ScanEnd::Input));
    let refused = ScanEnd::Refused(Violation::ReservedBits);
    assert_eq!(end_of(&rules(from), &start), (0, refused));
    for (rsv, opcode) in [
        (RSV1_BITS, OpCode::Continuation),
        (RSV1_BITS, OpCode::Ping),
        (0b010, OpCode::Continuation),
        (0b110, OpCode::Continuation),
    ] {
        let input = [&start[..], &frame(from, true, rsv, opcode, b"y")].concat();
        assert_eq!(end_of(&deflate, &input), (start.len(), refused));
    }
}

const RSV1_BITS: u8 = crate::frame::RSV1;

#[test]
fn limits_hold_before_any_byte_of_the_frame() {
    let from = Side::Downstream;
    let limited = Rules {
        max_frame: 10,
        max_message: 15,
        ..rules(from)
    };
    let ten = frame(from, false, 0, OpCode::Binary, &[0; 10]);
    assert_eq!(end_of(&limited, &ten), (ten.len(), ScanEnd::Input));
    let eleven = header(from, true, 0, OpCode::Binary, 11);
    let too_big = ScanEnd::Refused(Violation::FrameTooBig);
    assert_eq!(end_of(&limited, &eleven), (0, too_big));

    let five = [
        &ten[..],
        &frame(from, true, 0, OpCode::Continuation, &[0; 5]),
    ]
    .concat();
    let next = [&five[..], &five].concat();
    assert_eq!(end_of(&limited, &next), (next.len(), ScanEnd::Input));
    let six = [&ten[..], &header(from, true, 0, OpCode::Continuation, 6)].concat();
    let too_big = ScanEnd::Refused(Violation::MessageTooBig);
    assert_eq!(end_of(&limited, &six), (ten.len(), too_big));
}

#[test]
fn the_largest_lengths_do_not_overflow() {
    let from = Side::Upstream;
    let mut scanner = Scanner::new();
    let largest = (1 << 63) - 1;
    let first = header(from, false, 0, OpCode::Binary, largest);
    scanner.scan(&rules(from), &first, StopAt::Never, &mut ());
    assert!(!scanner.at_frame_boundary());
    scanner.remaining = 0;
    for _ in 0..3 {
        let more = header(from, false, 0, OpCode::Continuation, largest);
        let scan = scanner.scan(&rules(from), &more, StopAt::Never, &mut ());
        assert_eq!(scan.end, ScanEnd::Input);
        scanner.remaining = 0;
    }
    assert_eq!(scanner.message, u64::MAX);
}

#[test]
fn a_split_header_is_held_and_then_released() {
    let mut scanner = Scanner::new();
    let rules = rules(Side::Upstream);
    let mut scan = |input: &[u8]| scanner.scan(&rules, input, StopAt::Never, &mut ());
    let held = Scan {
        release: None,
        pass: 2,
        end: ScanEnd::Input,
    };
    assert_eq!(scan(b"\x81\x00\x82\x7e\x01"), held);
    let released = Scan {
        release: Some(Owned::copy(b"\x82\x7e\x01")),
        pass: 3,
        end: ScanEnd::Input,
    };
    assert_eq!(scan(b"\x00xy"), released);
}

#[test]
fn a_split_control_frame_is_held_until_it_is_whole() {
    let mut scanner = Scanner::new();
    let rules = rules(Side::Upstream);
    let mut seen = Seen::default();
    let ping = [&b"\x89\x7d"[..], &[b'p'; 125]].concat();
    for byte in &ping[..126] {
        let scan = scanner.scan(&rules, &[*byte], StopAt::Never, &mut seen);
        assert_eq!((scan.release, scan.pass), (None, 0));
    }
    assert_eq!(seen, Seen::default());
    let last = [&ping[126..], b"\x81\x01x"].concat();
    let scan = scanner.scan(&rules, &last, StopAt::Never, &mut seen);
    assert_eq!(scan.release.as_deref(), Some(&ping[..126]));
    assert_eq!((scan.pass, scan.end), (4, ScanEnd::Input));
    assert_eq!(seen.frames, [(OpCode::Ping, 125), (OpCode::Text, 1)]);
}

#[test]
fn a_scan_stops_where_it_is_told() {
    let input = b"\x01\x01a\x89\x00\x80\x01b\x81\x01c";
    let rules = rules(Side::Upstream);
    let stop_from = |scanner: &mut Scanner, at: usize, stop| {
        let scan = scanner.scan(&rules, &input[at..], stop, &mut ());
        (scan.pass, scan.end)
    };
    let mut scanner = Scanner::new();
    let boundary = ScanEnd::Boundary;
    assert_eq!(stop_from(&mut scanner, 0, StopAt::Frame), (0, boundary));
    assert_eq!(stop_from(&mut scanner, 0, StopAt::Message), (0, boundary));
    scanner.scan(&rules, &input[..1], StopAt::Never, &mut ());
    assert_eq!(stop_from(&mut scanner, 1, StopAt::Frame), (0, boundary));
    scanner.scan(&rules, &input[1..2], StopAt::Never, &mut ());
    assert_eq!(stop_from(&mut scanner, 2, StopAt::Frame), (1, boundary));
    assert!(scanner.at_frame_boundary() && !scanner.at_message_boundary());
    assert_eq!(stop_from(&mut scanner, 3, StopAt::Message), (5, boundary));
    assert!(scanner.at_message_boundary());
    assert_eq!(
        stop_from(&mut scanner, 8, StopAt::Never),
        (3, ScanEnd::Input)
    );
}

#[test]
fn a_close_ends_the_stream() {
    let input = b"\x01\x01a\x88\x02\x0b\xb8\x80\x01b";
    let closed = ScanEnd::Close(CloseCode::new(3000));
    assert_eq!(end_of(&rules(Side::Upstream), input), (7, closed));
    let empty = ScanEnd::Close(CloseCode::NO_STATUS);
    assert_eq!(end_of(&rules(Side::Upstream), b"\x88\x00"), (2, empty));
}

#[test]
fn the_pong_that_is_waited_for_is_not_passed() {
    for from in [Side::Downstream, Side::Upstream] {
        let awaiting = Rules {
            awaited: Some(*b"unguess!"),
            ..rules(from)
        };
        let part = |fin, opcode, payload: &[u8]| frame(from, fin, 0, opcode, payload);
        let before = part(false, OpCode::Text, b"Hel");
        let pong = part(true, OpCode::Pong, b"unguess!");
        let after = part(true, OpCode::Continuation, b"lo");
        let stream = [before.clone(), pong.clone(), after].concat();
        let answered = |len: usize| ScanEnd::Answered(u8::try_from(len).unwrap());
        assert_eq!(
            end_of(&awaiting, &stream),
            (before.len(), answered(pong.len()))
        );
        for cut in 1..pong.len() {
            let pieces = [&before[..], &pong[..cut], &pong[cut..]];
            let (passed, end, seen) = scan_all(&awaiting, pieces);
            assert_eq!(passed, before, "cut at {cut}");
            assert_eq!(end, answered(pong.len() - cut));
            assert_eq!(seen.frames, [(OpCode::Text, 3)]);
        }
        for (opcode, payload) in [
            (OpCode::Pong, &b"unguess"[..]),
            (OpCode::Pong, b"unguess!!"),
            (OpCode::Pong, b"unguess?"),
            (OpCode::Pong, b""),
            (OpCode::Ping, b"unguess!"),
            (OpCode::Binary, b"unguess!"),
        ] {
            let other = part(true, opcode, payload);
            assert_eq!(end_of(&awaiting, &other), (other.len(), ScanEnd::Input));
        }
    }
}

#[test]
fn what_no_scanner_can_be_is_malformed() {
    let record = |remaining: u64, message: u64, kind: u8, is_last: bool| {
        let mut to = Writer::new();
        to.u64(remaining);
        to.u64(message);
        to.bytes(&[]);
        to.u8(kind);
        to.flag(is_last);
        let bytes = to.finish();
        Scanner::read(&mut Reader::new(&bytes))
    };
    for (remaining, message, kind, is_last) in [
        (1, 1, 0, false),
        (0, 1, 0, false),
        (0, 0, 0, true),
        (1, 1, 0, true),
        (0, 1, 1, true),
        (0, 0, 3, false),
    ] {
        assert!(record(remaining, message, kind, is_last).is_err());
    }
    for (remaining, message, kind, is_last) in [(0, 0, 0, false), (0, 1, 1, false), (1, 1, 2, true)]
    {
        assert!(record(remaining, message, kind, is_last).is_ok());
    }
}

#[test]
fn a_direction_is_40_bytes() {
    assert!(size_of::<Scanner>() <= 40);
}

/// The rules once more, without streaming: what may pass of a stream that is there as a whole.
fn oracle(rules: &Rules, input: &[u8]) -> (usize, ScanEnd) {
    let (mut at, mut message, mut open) = (0, 0u64, false);
    loop {
        let Ok(decoded) = Header::decode(&input[at..]) else {
            let error = Header::decode(&input[at..]).unwrap_err();
            return (at, ScanEnd::Refused(error));
        };
        let Decoded::Header(header, len) = decoded else {
            return (at, ScanEnd::Input);
        };
        let control = header.opcode.is_control();
        let first = matches!(header.opcode, OpCode::Text | OpCode::Binary);
        let allowed = if first && rules.deflate == Deflate::On {
            4
        } else {
            0
        };
        let total = message + header.payload_len;
        let wrong = [
            (
                header.mask.is_none() && rules.from == Side::Downstream,
                Violation::Unmasked,
            ),
            (
                header.mask.is_some() && rules.from == Side::Upstream,
                Violation::Masked,
            ),
            (header.rsv & !allowed != 0, Violation::ReservedBits),
            (control && !header.fin, Violation::FragmentedControl),
            (
                control && header.payload_len > 125,
                Violation::ControlTooLong,
            ),
            (first && open, Violation::ExpectedContinuation),
            (
                header.opcode == OpCode::Continuation && !open,
                Violation::UnexpectedContinuation,
            ),
            (
                !control && header.payload_len > rules.max_frame,
                Violation::FrameTooBig,
            ),
            (
                !control && total > rules.max_message,
                Violation::MessageTooBig,
            ),
        ];
        if let Some((_, violation)) = wrong.iter().find(|(wrong, _)| *wrong) {
            return (at, ScanEnd::Refused(*violation));
        }
        let end = at + len + usize::try_from(header.payload_len).unwrap();
        if control && end > input.len() {
            return (at, ScanEnd::Input);
        }
        if header.opcode == OpCode::Close {
            return match check_close(&header, &input[at + len..end]) {
                Ok(code) => (end, ScanEnd::Close(code)),
                Err(violation) => (at, ScanEnd::Refused(violation)),
            };
        }
        if end > input.len() {
            return (input.len(), ScanEnd::Input);
        }
        if !control {
            open = !header.fin;
            message = if header.fin { 0 } else { total };
        }
        at = end;
    }
}

fn sides() -> impl Strategy<Value = Side> {
    prop::sample::select(&Side::BOTH)
}

prop_compose! {
    /// Frames that are mostly right: wrong ones have the odds of one in twenty or so.
    fn any_frame(from: Side)(
        fin in any::<bool>(),
        rsv in prop_oneof![30 => Just(0u8), 3 => Just(RSV1_BITS), 1 => 0u8..8],
        opcode in prop::sample::select(&[0u8, 0, 0, 1, 2, 8, 9, 10]),
        sender in prop_oneof![60 => Just(from), 1 => sides()],
        payload in prop_oneof![
            6 => prop::collection::vec(any::<u8>(), 0..20),
            1 => prop::collection::vec(any::<u8>(), 110..300),
            2 => Just(vec![0x03, 0xe8]),
        ],
        control_fin in prop_oneof![20 => Just(true), 1 => Just(false)],
    ) -> Vec<u8> {
        let opcode = OpCode::from_bits(opcode).unwrap();
        frame(sender, if opcode.is_control() { control_fin } else { fin }, rsv, opcode, &payload)
    }
}

prop_compose! {
    fn streams()(from in sides())(
        frames in prop::collection::vec(any_frame(from), 0..12),
        tail in prop::collection::vec(any::<u8>(), 0..6),
        cut in 0usize..6,
        deflate in prop::sample::select(&[Deflate::On, Deflate::Off]),
        max_frame in prop_oneof![3 => Just(u64::MAX), 1 => 1u64..300],
        max_message in prop_oneof![3 => Just(u64::MAX), 1 => 1u64..400],
        from in Just(from),
    ) -> (Rules, Vec<u8>) {
        let mut bytes = frames.concat();
        bytes.extend_from_slice(&tail);
        bytes.truncate(bytes.len().saturating_sub(cut));
        (Rules { from, deflate, max_frame, max_message, awaited: None }, bytes)
    }
}

/// Cuts `bytes` into pieces of the given lengths, over and over.
fn cut<'a>(bytes: &'a [u8], lens: &[usize]) -> Vec<&'a [u8]> {
    let (mut rest, mut pieces) = (bytes, Vec::new());
    for len in lens.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, after) = rest.split_at((*len).min(rest.len()));
        pieces.push(piece);
        rest = after;
    }
    pieces
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn any_split_passes_the_same_and_sees_the_same(
        (rules, bytes) in streams(),
        lens in prop::collection::vec(prop_oneof![1usize..4, 1usize..40], 1..8),
    ) {
        let whole = scan_all(&rules, [&bytes[..]]);
        prop_assert_eq!(scan_all(&rules, cut(&bytes, &lens)), whole);
    }

    #[test]
    fn what_passes_is_what_the_rules_allow((rules, bytes) in streams()) {
        prop_assert_eq!(end_of(&rules, &bytes), oracle(&rules, &bytes));
    }

    #[test]
    fn arbitrary_bytes_never_panic(
        from in sides(),
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        lens in prop::collection::vec(1usize..9, 1..4),
    ) {
        let rules = rules(from);
        let whole = scan_all(&rules, [&bytes[..]]);
        prop_assert_eq!(scan_all(&rules, cut(&bytes, &lens)), whole);
    }
}
