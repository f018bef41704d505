//! A few bytes kept in place: headers and control frames, which have a largest size.
//!
//! Not a general vector: what does not fit is not taken, and the caller is told.

use std::fmt;
use std::ops::{Deref, DerefMut};

/// Up to `N` bytes (`N` at most 255) without an allocation.
#[derive(Clone, Copy)]
pub struct Inline<const N: usize> {
    len: u8,
    bytes: [u8; N],
}

impl<const N: usize> Inline<N> {
    const FITS: () = assert!(N <= u8::MAX as usize, "the length is one byte");

    /// No bytes yet.
    pub const fn new() -> Self {
        let () = Self::FITS;
        Self {
            len: 0,
            bytes: [0; N],
        }
    }

    /// Appends as much of `bytes` as fits and returns how much that was.
    pub fn push(&mut self, bytes: &[u8]) -> usize {
        let start = usize::from(self.len);
        let room = self.bytes.get_mut(start..).unwrap_or_default();
        let taken = room.len().min(bytes.len());
        for (to, from) in room.iter_mut().zip(bytes) {
            *to = *from;
        }
        self.len = u8::try_from(start + taken).unwrap_or(u8::MAX);
        taken
    }

    /// Keeps the first `len` bytes; does nothing if there are fewer.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(u8::try_from(len).unwrap_or(u8::MAX));
    }
}

impl<const N: usize> Default for Inline<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> Deref for Inline<N> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}

impl<const N: usize> DerefMut for Inline<N> {
    fn deref_mut(&mut self) -> &mut [u8] {
        self.bytes
            .get_mut(..usize::from(self.len))
            .unwrap_or_default()
    }
}

impl<const N: usize> fmt::Debug for Inline<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02x?}", &**self)
    }
}

impl<const N: usize> PartialEq for Inline<N> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<const N: usize> Eq for Inline<N> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_not_taken() {
        let mut bytes = Inline::<4>::new();
        assert_eq!(bytes.push(b"abc"), 3);
        assert_eq!(bytes.push(b"def"), 1);
        assert_eq!(bytes.push(b"g"), 0);
        assert_eq!(&*bytes, b"abcd");
    }

    #[test]
    fn truncation_never_grows() {
        let mut bytes = Inline::<4>::new();
        bytes.push(b"abc");
        bytes.truncate(900);
        assert_eq!(&*bytes, b"abc");
        bytes.truncate(1);
        assert_eq!(&*bytes, b"a");
    }
}
