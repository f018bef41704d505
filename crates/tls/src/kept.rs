//! Bytes that a connection has to keep for a while, and nothing when there are none.

/// Bytes that wait to be taken from the front. It is as large as what was put in, and holds no
/// memory when that is gone.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    bytes: Box<[u8]>,
    taken: usize,
}

impl Kept {
    pub(crate) fn rest(&self) -> &[u8] {
        self.bytes.get(self.taken..).unwrap_or_default()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The first `len` bytes are not needed any more.
    pub(crate) fn take(&mut self, len: usize) {
        self.taken += len;
        if self.taken >= self.bytes.len() {
            *self = Self::default();
        }
    }

    /// Keeps `bytes` behind what is there.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.bytes = [self.rest(), bytes].concat().into();
            self.taken = 0;
        }
    }
}

#[cfg(test)]
impl Kept {
    pub(crate) fn allocated(&self) -> usize {
        self.bytes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_leaves_no_memory_behind() {
        let mut kept = Kept::default();
        kept.push(b"abc");
        kept.take(1);
        kept.push(b"de");
        kept.push(b"");
        assert_eq!(kept.rest(), b"bcde");
        assert_eq!(kept.bytes.len(), 4);
        kept.take(4);
        assert!(kept.is_empty() && kept.bytes.is_empty());
    }
}
