//! A scanner as bytes, wherever in a header, a frame or a message it is.

use super::{MessageKind, Place, Scanner};
use crate::close::MAX_PAYLOAD;
use crate::frame::{MAX_HEADER, Owned};
use crate::record::{Malformed, Reader, Writer};

/// The most that is held back: a control frame with the longest header that it can have.
const MAX_HELD: usize = MAX_PAYLOAD + MAX_HEADER - 8;

impl Scanner {
    pub(crate) fn write(&self, to: &mut Writer) {
        to.u64(self.remaining);
        to.u64(self.message);
        to.bytes(self.held.as_deref().unwrap_or_default());
        let (kind, is_last) = match self.place {
            Place::Between => (None, false),
            Place::Within(kind) => (Some(kind), false),
            Place::Last(kind) => (Some(kind), true),
        };
        to.u8(match kind {
            None => 0,
            Some(MessageKind::Text) => 1,
            Some(MessageKind::Binary) => 2,
        });
        to.flag(is_last);
    }

    pub(crate) fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (remaining, message) = (from.u64()?, from.u64()?);
        let held = from.bytes()?;
        let kind = match from.u8()? {
            0 => None,
            1 => Some(MessageKind::Text),
            2 => Some(MessageKind::Binary),
            _ => return Err(Malformed),
        };
        let place = match (kind, from.flag()?) {
            (None, false) if remaining == 0 && message == 0 => Place::Between,
            (Some(kind), false) => Place::Within(kind),
            (Some(kind), true) if remaining > 0 => Place::Last(kind),
            _ => return Err(Malformed),
        };
        // A header is held back only where one may begin.
        if held.len() > MAX_HELD || (!held.is_empty() && remaining > 0) {
            return Err(Malformed);
        }
        Ok(Self {
            remaining,
            message,
            held: (!held.is_empty()).then(|| Owned::copy(held)),
            place,
        })
    }
}
