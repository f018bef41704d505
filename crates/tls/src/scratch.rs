//! The two buffers that all TLS connections of a thread share: records that come, records that go.
//!
//! Nothing stays in them between two polls: what is incomplete or not taken is copied out.

use std::cell::RefCell;

/// The longest record: header, 2^14 bytes, and what encryption may add (RFC 5246 section 6.2.3,
/// which allows more than RFC 8446 section 5.2).
pub(crate) const RECORD: usize = 5 + 16_384 + 2_048;

/// A full record of TLS 1.3 as it is nearly always sent: header, 2^14 bytes, type and tag.
const FULL_RECORD: usize = 5 + 16_384 + 1 + 16;

/// What records are gathered to before they are decrypted. Full records that follow one another
/// are read to the end of the third, so that none is kept in pieces; and what is in them fits the
/// 64 KiB that a relay reads at a time.
pub(crate) const INPUT: usize = 3 * FULL_RECORD;

/// Plain bytes that are encrypted for one write.
pub(crate) const WRITE: usize = 64 * 1024;

/// What encryption adds to them: 5 records at most with less than 64 bytes each, and a `KeyUpdate`.
const OVERHEAD: usize = 1_024;

thread_local! {
    static RECORDS: RefCell<Box<[u8]>> = RefCell::new(vec![0; INPUT].into());
    static SEALED: RefCell<Box<[u8]>> = RefCell::new(vec![0; WRITE + OVERHEAD].into());
}

/// Lends this thread's buffer for records that come to `work`, which must not ask for it again.
pub(crate) fn with_records<R>(work: impl FnOnce(&mut [u8]) -> R) -> R {
    RECORDS.with_borrow_mut(|buffer| work(buffer))
}

/// Lends this thread's buffer for records that go to `work`, which must not ask for it again.
pub(crate) fn with_sealed<R>(work: impl FnOnce(&mut [u8]) -> R) -> R {
    SEALED.with_borrow_mut(|buffer| work(buffer))
}
