//! Bytes that have left the input: withheld until a header or control frame is whole, or written
//! by the gateway.
//!
//! Never payload of a data frame.

use std::ops::Deref;

use super::{ControlFrame, HeaderBytes, MAX_HEADER};

/// Up to 131 bytes, the first 14 of which need no allocation.
#[derive(Clone, Debug)]
pub enum Owned {
    /// In place.
    Inline(HeaderBytes),
    /// On the heap.
    Boxed(Box<ControlFrame>),
}

impl Owned {
    /// Takes a copy of `bytes`, at most 131 of them.
    pub(crate) fn copy(bytes: &[u8]) -> Self {
        let mut owned = Self::Inline(HeaderBytes::new());
        owned.push(bytes);
        owned
    }

    /// Appends `bytes` as far as a control frame has room.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        match self {
            Self::Boxed(frame) => {
                frame.push(bytes);
            }
            Self::Inline(short) if short.len() + bytes.len() <= MAX_HEADER => {
                short.push(bytes);
            }
            Self::Inline(short) => {
                let mut frame = Box::<ControlFrame>::default();
                frame.push(short);
                frame.push(bytes);
                *self = Self::Boxed(frame);
            }
        }
    }

    /// Keeps the first `len` bytes.
    pub(crate) fn truncate(&mut self, len: usize) {
        match self {
            Self::Inline(short) => short.truncate(len),
            Self::Boxed(frame) => frame.truncate(len),
        }
    }
}

impl From<ControlFrame> for Owned {
    fn from(frame: ControlFrame) -> Self {
        Self::Boxed(Box::new(frame))
    }
}

impl Deref for Owned {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Inline(short) => short,
            Self::Boxed(frame) => frame,
        }
    }
}

impl PartialEq for Owned {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Owned {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_needs_no_allocation() {
        let mut bytes = Owned::copy(&[7; 13]);
        bytes.push(&[8]);
        assert!(matches!(bytes, Owned::Inline(_)));
        bytes.push(&[9]);
        assert!(matches!(bytes, Owned::Boxed(_)));
        assert_eq!(*bytes, [7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 9]);
        bytes.truncate(13);
        assert_eq!(*bytes, [7; 13]);
    }

    #[test]
    fn an_output_is_small() {
        assert!(size_of::<Option<Owned>>() <= 16);
    }
}
