//! The scanner: however the stream is cut, what passes is the same, and it is what a reader of the
//! whole stream would let through.

use switchyard_proto::Side;
use switchyard_proto::close::CloseCode;
use switchyard_proto::frame::OpCode;
use switchyard_proto::handshake::Deflate;
use switchyard_proto::scanner::{MessageKind, Observer, Rules, ScanEnd, Scanner, StopAt};

use super::bytes::Bytes;
use super::frames::{self, End};

/// The most that may be held back: a masked control frame but for its last byte.
const MOST_HELD: usize = 130;

/// Input: rules, how to cut, then the stream.
pub fn scanner(data: &[u8]) {
    let mut input = Bytes::new(data);
    let rules = rules(&mut input);
    let cuts = input.several(15, |input| usize::from(input.byte()) + 1);
    let stream = input.rest();

    let whole = scan(&rules, [stream]);
    assert_eq!(
        whole,
        scan(&rules, pieces(stream, &cuts)),
        "cut at {cuts:?}"
    );
    assert_eq!(
        whole,
        scan(&rules, stream.chunks(1)),
        "cut into single bytes"
    );
    agrees_with_the_model(&rules, stream, &whole);
}

fn rules(input: &mut Bytes<'_>) -> Rules {
    Rules {
        from: input.pick(&Side::BOTH),
        deflate: input.pick(&[Deflate::Off, Deflate::On]),
        max_frame: input.pick(&[u64::MAX, 0, 5, 125, 126, 70_000]),
        max_message: input.pick(&[u64::MAX, 0, 5, 200, 70_000]),
        awaited: None,
    }
}

/// `stream` in pieces of these lengths, over and over.
fn pieces<'a>(stream: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut rest = stream;
    let mut pieces = Vec::new();
    for cut in cuts.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, after) = rest.split_at((*cut).min(rest.len()));
        pieces.push(piece);
        rest = after;
    }
    pieces.push(rest);
    pieces
}

/// Everything that can be seen of a scan.
#[derive(Debug, Default, PartialEq, Eq)]
struct Trace {
    passed: Vec<u8>,
    frames: Vec<(OpCode, u64)>,
    messages: Vec<(MessageKind, u64)>,
    closed: Option<CloseCode>,
    refused: bool,
}

impl Observer for Trace {
    fn frame(&mut self, _: Side, opcode: OpCode, payload_len: u64) {
        self.frames.push((opcode, payload_len));
    }

    fn message(&mut self, _: Side, kind: MessageKind, len: u64) {
        self.messages.push((kind, len));
    }
}

fn scan<'a>(rules: &Rules, pieces: impl IntoIterator<Item = &'a [u8]>) -> Trace {
    let mut scanner = Scanner::new();
    let mut trace = Trace::default();
    for piece in pieces {
        let scan = scanner.scan(rules, piece, StopAt::Never, &mut trace);
        trace
            .passed
            .extend_from_slice(scan.release.as_deref().unwrap_or_default());
        trace.passed.extend_from_slice(&piece[..scan.pass]);
        match scan.end {
            ScanEnd::Input => {}
            ScanEnd::Boundary => panic!("stopped without being asked to"),
            ScanEnd::Answered(_) => panic!("an answer to nothing"),
            ScanEnd::Close(code) => trace.closed = Some(code),
            ScanEnd::Refused(_) => trace.refused = true,
        }
        if trace.closed.is_some() || trace.refused {
            break;
        }
    }
    trace
}

fn agrees_with_the_model(rules: &Rules, stream: &[u8], trace: &Trace) {
    let model = frames::read(rules, stream);
    let legal = model.frames.last().map_or(0, |last| last.place.end);
    assert_eq!(trace.passed, stream[..legal], "{model:?}");
    assert_eq!(trace.frames.len(), model.frames.len(), "{model:?}");
    assert_eq!(
        trace.closed.is_some(),
        model.end == End::Closed,
        "{model:?}"
    );
    match model.end {
        End::Open | End::Closed => assert!(!trace.refused, "{model:?}"),
        End::Illegal => assert!(trace.refused, "{model:?}"),
        // A frame may be refused as soon as enough of it is there, or be held back.
        End::CutOff => assert!(
            trace.refused || stream.len() - legal <= MOST_HELD,
            "{model:?}"
        ),
    }
}
