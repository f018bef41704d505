//! What one process tells another of a session, as bytes: numbers in network order, and whatever has
//! no fixed size with its length before it.
//!
//! There is no self-description: who writes and who reads agree on a version first, and on what comes
//! in which order by that. Every value has one form, so that what was read is written the same again.
//! Reading never panics, whatever the bytes, and takes no more memory than they do.

use std::fmt;
use std::time::Duration;

/// Puts values behind one another.
#[derive(Debug, Default)]
pub struct Writer(Vec<u8>);

/// Takes values from the front, in the order in which they were written.
#[derive(Debug)]
pub struct Reader<'a>(&'a [u8]);

/// The bytes are no record, or one of another version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a record of a session is malformed")
    }
}

impl std::error::Error for Malformed {}

impl Writer {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One byte.
    pub fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    /// Two.
    pub fn u16(&mut self, value: u16) {
        self.0.extend(value.to_be_bytes());
    }

    /// Four.
    pub fn u32(&mut self, value: u32) {
        self.0.extend(value.to_be_bytes());
    }

    /// Eight.
    pub fn u64(&mut self, value: u64) {
        self.0.extend(value.to_be_bytes());
    }

    /// Whether something is so.
    pub fn flag(&mut self, value: bool) {
        self.u8(value.into());
    }

    /// A time, in nanoseconds; what is longer than 584 years counts as these.
    pub fn duration(&mut self, value: Duration) {
        self.u64(u64::try_from(value.as_nanos()).unwrap_or(u64::MAX));
    }

    /// A value that may not be there.
    pub fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.flag(value.is_some());
        if let Some(value) = value {
            write(self, value);
        }
    }

    /// Bytes, fewer than 2^32: what is beyond is left out.
    pub fn bytes(&mut self, bytes: &[u8]) {
        let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.u32(len);
        let taken = usize::try_from(len).unwrap_or(usize::MAX);
        self.0.extend(bytes.iter().take(taken));
    }

    /// Text, as its bytes.
    pub fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// How many there are, fewer than 2^32, and each of them.
    pub fn list<T>(&mut self, values: &[T], mut write: impl FnMut(&mut Self, &T)) {
        let count = u32::try_from(values.len()).unwrap_or(u32::MAX);
        self.u32(count);
        let taken = usize::try_from(count).unwrap_or(usize::MAX);
        for value in values.iter().take(taken) {
            write(self, value);
        }
    }

    /// All of it.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.0
    }
}

impl<'a> Reader<'a> {
    /// Reads these bytes.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// One byte.
    pub fn u8(&mut self) -> Result<u8, Malformed> {
        self.array().map(u8::from_be_bytes)
    }

    /// Two.
    pub fn u16(&mut self) -> Result<u16, Malformed> {
        self.array().map(u16::from_be_bytes)
    }

    /// Four.
    pub fn u32(&mut self) -> Result<u32, Malformed> {
        self.array().map(u32::from_be_bytes)
    }

    /// Eight.
    pub fn u64(&mut self) -> Result<u64, Malformed> {
        self.array().map(u64::from_be_bytes)
    }

    /// Whether something is so.
    pub fn flag(&mut self) -> Result<bool, Malformed> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed),
        }
    }

    /// A time.
    pub fn duration(&mut self) -> Result<Duration, Malformed> {
        self.u64().map(Duration::from_nanos)
    }

    /// A value that may not be there.
    pub fn option<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Malformed>,
    ) -> Result<Option<T>, Malformed> {
        if self.flag()? {
            return read(self).map(Some);
        }
        Ok(None)
    }

    /// Bytes.
    pub fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        let len = usize::try_from(self.u32()?).map_err(|_beyond_memory| Malformed)?;
        let (bytes, rest) = self.0.split_at_checked(len).ok_or(Malformed)?;
        self.0 = rest;
        Ok(bytes)
    }

    /// Text.
    pub fn text(&mut self) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.bytes()?).map_err(|_not_text| Malformed)
    }

    /// As many as there are of something that takes a byte at least.
    pub fn list<T>(
        &mut self,
        mut read: impl FnMut(&mut Self) -> Result<T, Malformed>,
    ) -> Result<Vec<T>, Malformed> {
        let mut values = Vec::new();
        for _ in 0..self.u32()? {
            values.push(read(self)?);
        }
        Ok(values)
    }

    /// Whatever is left.
    pub fn rest(self) -> &'a [u8] {
        self.0
    }

    /// There is nothing behind what was read.
    pub fn end(self) -> Result<(), Malformed> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Malformed)
        }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (array, rest) = self.0.split_first_chunk().ok_or(Malformed)?;
        self.0 = rest;
        Ok(*array)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut writer = Writer::new();
        writer.u8(1);
        writer.u16(2);
        writer.u32(3);
        writer.u64(4);
        writer.flag(true);
        writer.duration(Duration::from_millis(5));
        writer.option(Some(6), Writer::u8);
        writer.option(None, Writer::u8);
        writer.bytes(b"seven");
        writer.text("eight");
        writer.list(&[9, 10], |writer, value| writer.u8(*value));
        let bytes = writer.finish();
        let mut reader = Reader::new(&bytes);
        assert_eq!(reader.u8(), Ok(1));
        assert_eq!(reader.u16(), Ok(2));
        assert_eq!(reader.u32(), Ok(3));
        assert_eq!(reader.u64(), Ok(4));
        assert_eq!(reader.flag(), Ok(true));
        assert_eq!(reader.duration(), Ok(Duration::from_millis(5)));
        assert_eq!(reader.option(Reader::u8), Ok(Some(6)));
        assert_eq!(reader.option(Reader::u8), Ok(None));
        assert_eq!(reader.bytes(), Ok(&b"seven"[..]));
        assert_eq!(reader.text(), Ok("eight"));
        assert_eq!(reader.list(Reader::u8), Ok(vec![9, 10]));
        assert_eq!(reader.end(), Ok(()));
    }

    #[test]
    fn what_is_cut_off_or_has_two_forms_is_malformed() {
        assert_eq!(Reader::new(&[0; 7]).u64(), Err(Malformed));
        assert_eq!(Reader::new(&[2]).flag(), Err(Malformed));
        assert_eq!(Reader::new(&[0, 0, 0, 3, 1, 2]).bytes(), Err(Malformed));
        assert_eq!(Reader::new(&[0xff; 4]).bytes(), Err(Malformed));
        assert_eq!(Reader::new(&[0, 0, 0, 1, 0xff]).text(), Err(Malformed));
        assert_eq!(Reader::new(&[0xff; 9]).list(Reader::u8), Err(Malformed));
        assert_eq!(Reader::new(&[0]).end(), Err(Malformed));
    }
}
