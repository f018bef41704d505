//! What must hold of the bytes that a session writes to one side, whatever happened.

use switchyard_proto::Side;

use crate::frames::{CLOSE, read};

/// How a stream towards a side came about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Written {
    /// Bytes of the other peer.
    pub(crate) passed: usize,
    /// Messages of the gateway.
    pub(crate) published: usize,
    /// Pings of the gateway.
    pub(crate) pings: usize,
    /// The code of the Close that ends it.
    pub(crate) close: Option<u16>,
}

/// Limits of the policy the session ran under.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) frame: u64,
    pub(crate) message: u64,
}

/// Checks `out`, which was written `to` a side, against `sent`, which the other peer sent but for its
/// answers to Pings of the gateway:
///
/// - it is a prefix of `sent`, unchanged, and frames of the gateway;
/// - a control frame of the gateway stands between frames, a data message of it between messages;
/// - nothing follows a Close;
/// - frames go masked upstream and bare downstream;
/// - no frame and no message beyond the limits has begun.
pub(crate) fn check(to: Side, sent: &[u8], out: &[u8], limits: Limits) -> Written {
    let mut written = Written::default();
    let (mut rest, mut message) = (out, None);
    while let Some(frame) = read(rest) {
        assert_eq!(written.close, None, "{} bytes follow a Close", rest.len());
        assert_eq!(frame.masked, to == Side::Upstream, "mask of {frame:?}");
        let (bytes, after) = rest.split_at(frame.len);
        if sent[written.passed..].starts_with(bytes) {
            written.passed += bytes.len();
            if !frame.is_control() {
                message = passes(frame.payload.len() as u64, frame.fin(), message, limits);
            }
        } else if frame.is_published() {
            assert_eq!(message, None, "published inside a message");
            written.published += 1;
        } else if frame.is_own_ping() {
            written.pings += 1;
        } else {
            assert_eq!(
                frame.first,
                0x80 | CLOSE,
                "neither sent nor ours: {frame:?}"
            );
        }
        if frame.opcode() == CLOSE {
            written.close = Some(frame.code());
        }
        rest = after;
    }
    check_cut(sent, rest, &mut written);
    written
}

fn passes(len: u64, fin: bool, before: Option<u64>, limits: Limits) -> Option<u64> {
    let message = before.unwrap_or(0) + len;
    assert!(len <= limits.frame, "a frame of {len}");
    assert!(message <= limits.message, "a message of {message}");
    (!fin).then_some(message)
}

/// A frame that is not whole is the peer's and the last thing in the stream.
fn check_cut(sent: &[u8], cut: &[u8], written: &mut Written) {
    if cut.is_empty() {
        return;
    }
    assert_eq!(written.close, None, "{} bytes follow a Close", cut.len());
    assert!(
        sent[written.passed..].starts_with(cut),
        "a cut frame that was not sent"
    );
    written.passed += cut.len();
}
