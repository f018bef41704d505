use proptest::prelude::*;

use super::*;

/// A frame of a client's, by RFC 6455 section 5.2.
fn frame(first: u8, key: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        len @ 0..=125 => bytes.push(0x80 | u8::try_from(len).unwrap()),
        len @ 126..=0xffff => {
            bytes.push(0xfe);
            bytes.extend(u16::try_from(len).unwrap().to_be_bytes());
        }
        len => {
            bytes.push(0xff);
            bytes.extend((len as u64).to_be_bytes());
        }
    }
    bytes.extend(key);
    let masked = payload.iter().zip(key.into_iter().cycle());
    bytes.extend(masked.map(|(byte, key)| byte ^ key));
    bytes
}

/// What a server answers such a frame.
fn answer(first: u8, payload: &[u8]) -> Vec<u8> {
    let (opcode, said) = match first {
        0x89 => (0x8a, payload),
        0x88 => (0x88, payload.get(..2).unwrap_or_default()),
        _ => return Vec::new(),
    };
    let mut bytes = vec![opcode, u8::try_from(said.len()).unwrap()];
    bytes.extend(said);
    bytes
}

/// Gives it `bytes` in pieces of these sizes, and takes its answers in pieces of these sizes.
fn converse(answerer: &mut Answerer, bytes: &[u8], ins: &[usize], outs: &[usize]) -> Vec<u8> {
    let (mut ins, mut outs) = (ins.iter().cycle(), outs.iter().cycle());
    let (mut rest, mut said) = (bytes, Vec::new());
    while !rest.is_empty() {
        let piece = rest.len().min(*ins.next().unwrap());
        let taken = answerer.handle_input(&rest[..piece]);
        assert!(taken > 0 || answerer.has_answer());
        rest = &rest[taken..];
        while answerer.has_answer() {
            let mut area = vec![0; *outs.next().unwrap()];
            let len = answerer.poll_output(&mut area);
            assert!(len > 0);
            said.extend(&area[..len]);
        }
    }
    assert_eq!(answerer.poll_output(&mut [0; 8]), 0);
    said
}

#[test]
fn a_ping_is_answered_and_data_is_dropped() {
    let mut answerer = Answerer::default();
    let mut sent = frame(0x01, [1, 2, 3, 4], b"hel");
    sent.extend(frame(0x89, [5, 6, 7, 8], b"there?"));
    sent.extend(frame(0x80, [9; 4], b"lo"));
    sent.extend(frame(0x8a, [9; 4], b"unasked"));
    let said = converse(&mut answerer, &sent, &[usize::MAX], &[200]);
    assert_eq!(said, b"\x8a\x06there?");
    assert!(answerer.is_at_rest() && !answerer.is_over());
}

#[test]
fn nothing_is_read_before_an_answer_is_taken() {
    let mut answerer = Answerer::default();
    let ping = frame(0x89, [1; 4], b"a");
    let twice = [ping.clone(), ping.clone()].concat();
    assert_eq!(answerer.handle_input(&twice), ping.len());
    assert_eq!(answerer.handle_input(&ping), 0);
    assert!(!answerer.is_at_rest());
    assert_eq!(answerer.poll_output(&mut [0; 2]), 2);
    assert_eq!(answerer.handle_input(&ping), 0);
    assert_eq!(answerer.poll_output(&mut [0; 2]), 1);
    assert_eq!(answerer.handle_input(&ping), ping.len());
}

#[test]
fn a_close_is_answered_with_its_code_and_is_the_last() {
    for (payload, said) in [
        (&b""[..], &b"\x88\x00"[..]),
        (b"\x03\xe8", b"\x88\x02\x03\xe8"),
        (b"\x0f\xa0because", b"\x88\x02\x0f\xa0"),
        (b"\x03", b"\x88\x00"),
    ] {
        let mut answerer = Answerer::default();
        let close = frame(0x88, [7, 7, 0, 7], payload);
        assert_eq!(answerer.handle_input(&close), close.len());
        assert!(!answerer.is_over());
        let mut area = [0; 8];
        let len = answerer.poll_output(&mut area);
        assert_eq!(&area[..len], said);
        assert!(answerer.is_over() && !answerer.is_at_rest());
        let ping = frame(0x89, [0; 4], b"late");
        assert_eq!(answerer.handle_input(&ping), ping.len());
        assert!(answerer.is_over());
    }
}

#[test]
fn who_hears_the_end_says_what_it_owes_and_no_more() {
    let mut answerer = Answerer::default();
    let ping = frame(0x89, [1; 4], b"a");
    assert_eq!(answerer.handle_input(&ping), ping.len());
    answerer.handle_eof();
    assert!(!answerer.is_over());
    assert_eq!(answerer.poll_output(&mut [0; 8]), 3);
    assert!(answerer.is_over());
}

#[test]
fn it_is_small() {
    assert!(size_of::<Answerer>() <= 40);
}

fn first_byte() -> impl Strategy<Value = u8> {
    prop::sample::select(vec![0x01, 0x80, 0x82, 0xc1, 0x89, 0x8a])
}

fn sent() -> impl Strategy<Value = Vec<(u8, [u8; 4], Vec<u8>)>> {
    let frame = first_byte().prop_flat_map(|first| {
        let most = if first & 8 == 0 { 70_000_usize } else { 125 };
        let length = prop_oneof![0..=125_usize, 0..=most];
        let payload = length.prop_flat_map(|length| prop::collection::vec(any::<u8>(), length));
        (Just(first), any::<[u8; 4]>(), payload)
    });
    prop::collection::vec(frame, 0..8)
}

fn pieces() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(prop_oneof![1..=20_usize, 1..=100_000_usize], 1..5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_split_gives_the_same_answers(sent in sent(), close in any::<bool>(), ins in pieces(), outs in pieces()) {
        let mut sent = sent;
        if close {
            sent.push((0x88, [3, 1, 4, 1], b"\x03\xe9bye".to_vec()));
        }
        let bytes: Vec<u8> = sent.iter().flat_map(|(first, key, payload)| frame(*first, *key, payload)).collect();
        let expected: Vec<u8> = sent.iter().flat_map(|(first, _, payload)| answer(*first, payload)).collect();
        let mut answerer = Answerer::default();
        prop_assert_eq!(converse(&mut answerer, &bytes, &ins, &outs), expected);
        prop_assert_eq!(answerer.is_over(), close);
        prop_assert_eq!(answerer.is_at_rest(), !close);
    }

    #[test]
    fn any_bytes_are_taken_to_their_end(bytes in prop::collection::vec(any::<u8>(), 0..600), ins in pieces(), outs in pieces()) {
        let said = converse(&mut Answerer::default(), &bytes, &ins, &outs);
        prop_assert!(said.len() <= bytes.len().saturating_mul(2));
    }
}
