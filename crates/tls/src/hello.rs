//! The client's first message, waited for before anything is worked out.
//!
//! A client that sends nothing, or half of it, costs a few bytes here and no cryptography; whoever
//! serves may take its time between the hello and the answer.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};

use crate::error::HandshakeError;
use crate::scratch::{self, RECORD};

/// Bytes of a record's header: type, version, length.
const RECORD_HEADER: usize = 5;

/// The type of a record with handshake messages.
const HANDSHAKE: u8 = 22;

/// Bytes in front of a handshake message: type, length.
const MESSAGE_HEADER: usize = 4;

/// The type of a hello.
const CLIENT_HELLO: u8 = 1;

/// A connection whose client has said hello, or something that can only be refused.
#[derive(Debug)]
pub struct Greeted<T> {
    pub(crate) io: T,
    pub(crate) hello: Box<[u8]>,
}

impl<T: AsyncRead + Unpin> Greeted<T> {
    /// Waits for the hello on a connection that has just been accepted, for as long as it is polled:
    /// the deadline is the caller's.
    ///
    /// # Errors
    /// The connection broke, or the client went away.
    pub async fn wait(mut io: T) -> Result<Self, HandshakeError> {
        let mut hello: Box<[u8]> = Box::default();
        while !is_whole(&hello) {
            hello = poll_fn(|cx| {
                scratch::with_records(|records| {
                    let room = records.get_mut(..RECORD).unwrap_or_default();
                    let mut room = ReadBuf::new(room);
                    room.put_slice(&hello);
                    ready!(Pin::new(&mut io).poll_read(cx, &mut room))?;
                    Poll::Ready(Ok::<_, io::Error>(match room.filled().len() {
                        len if len == hello.len() => None,
                        _ => Some(Box::from(room.filled())),
                    }))
                })
            })
            .await
            .map_err(HandshakeError::Io)?
            .ok_or(HandshakeError::Gone)?;
        }
        Ok(Self { io, hello })
    }

    /// The connection.
    pub fn io(&self) -> &T {
        &self.io
    }
}

/// Whether more would make no difference to who looks at `bytes` next: the whole hello is there, or
/// what never becomes one, or as much as one may have.
fn is_whole(bytes: &[u8]) -> bool {
    bytes.len() >= RECORD || missing(bytes).is_none()
}

/// `Some` while a hello is incomplete.
fn missing(bytes: &[u8]) -> Option<()> {
    let mut message = Message::default();
    let mut rest = bytes;
    loop {
        match rest.first() {
            None => return Some(()),
            Some(&HANDSHAKE) => {}
            Some(_) => return None,
        }
        let Some((header, behind)) = rest.split_first_chunk::<RECORD_HEADER>() else {
            return Some(());
        };
        let [_, _, _, high, low] = *header;
        let len = usize::from(u16::from_be_bytes([high, low]));
        if len == 0 {
            return None;
        }
        let (fragment, next) = behind.split_at_checked(len).unwrap_or((behind, &[]));
        if message.take(fragment) {
            return None;
        }
        if fragment.len() < len {
            return Some(());
        }
        rest = next;
    }
}

/// A handshake message, as far as it has come.
#[derive(Default)]
struct Message {
    header: Vec<u8>,
    body: usize,
}

impl Message {
    /// Takes more of it; whether it is whole, or is no hello.
    fn take(&mut self, fragment: &[u8]) -> bool {
        let wanted = MESSAGE_HEADER.saturating_sub(self.header.len());
        let (head, body) = fragment.split_at_checked(wanted).unwrap_or((fragment, &[]));
        self.header.extend_from_slice(head);
        self.body = self.body.saturating_add(body.len());
        match *self.header {
            [CLIENT_HELLO, a, b, c] => {
                let len = u32::from_be_bytes([0, a, b, c]);
                usize::try_from(len).is_ok_and(|len| self.body >= len)
            }
            [] | [CLIENT_HELLO, ..] => false,
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{Client, identity, spoken};

    fn hello() -> Vec<u8> {
        let client = Client::of(&[identity(&["localhost"])]);
        spoken(&mut client.connect("localhost"))
    }

    /// The hello in records of at most `size` bytes.
    fn in_records(size: usize) -> Vec<u8> {
        let hello = hello();
        let records = hello[RECORD_HEADER..].chunks(size).map(|piece| {
            let len = u16::try_from(piece.len()).unwrap().to_be_bytes();
            [&[22, 3, 1, len[0], len[1]], piece].concat()
        });
        records.collect::<Vec<_>>().concat()
    }

    #[test]
    fn a_hello_is_whole_with_its_last_byte() {
        for size in [1, 3, 4, 5, 100, 16_384] {
            let hello = in_records(size);
            for len in 0..hello.len() {
                assert!(!is_whole(&hello[..len]), "{size} {len}");
            }
            assert!(is_whole(&hello));
            assert!(is_whole(&[&hello[..], b"more"].concat()));
        }
    }

    #[test]
    fn what_never_becomes_a_hello_is_not_waited_for() {
        for bytes in [
            &b"GET / HTTP/1.1"[..],
            &[0],
            &[22, 3, 1, 0, 0],
            &[22, 3, 1, 0, 5, 2],
            &[22, 3, 1, 0, 1, 1, 23],
        ] {
            assert!(is_whole(bytes), "{bytes:?}");
        }
        let endless = [&[22, 3, 1, 64, 0, 1, 255, 255, 255][..], &[0; 16_380]].concat();
        let endless = [&endless[..], &endless[..]].concat();
        assert!(!is_whole(&endless[..16_000]));
        assert!(is_whole(&endless[..RECORD]));
    }

    proptest! {
        #[test]
        fn nothing_can_panic(bytes in prop::collection::vec(any::<u8>(), 0..100), cut in 0_usize..100) {
            is_whole(&bytes);
            let mut hello = in_records(7);
            hello.truncate(cut);
            hello.extend(bytes);
            is_whole(&hello);
        }
    }
}
