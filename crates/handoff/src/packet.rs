//! One packet on the socket pair: up to 32 KiB of a message, and with its first the descriptors.
//!
//! A message of any length goes over a socket whose buffers are what they are, and who gives up can say
//! so in the middle of one.

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use switchyard_proto::record::{Reader, Writer};

use crate::channel::MOST_DESCRIPTORS;
use crate::error::Error;

/// Bytes of a message in one packet.
pub(crate) const CHUNK: usize = 32 * 1024;

/// And what comes before them.
const HEAD: usize = 16;

const FIRST: u8 = 1;
const NEXT: u8 = 2;
const GIVING_UP: u8 = 3;

/// What came in one packet.
#[derive(Debug)]
pub(crate) enum Packet {
    /// A message begins: how long it is, how many descriptors belong to it, which came, and its first
    /// bytes.
    First {
        len: usize,
        count: usize,
        descriptors: Vec<OwnedFd>,
        chunk: Vec<u8>,
    },
    /// It goes on.
    Next(Vec<u8>),
    /// There will be nothing more, and why.
    GivingUp(String),
}

/// Sends the first packet of a message of `len` bytes.
pub(crate) fn send_first(
    socket: impl AsFd,
    len: usize,
    chunk: &[u8],
    descriptors: &[BorrowedFd<'_>],
) -> Result<(), Error> {
    let mut head = Writer::new();
    head.u8(FIRST);
    head.u32(u32::try_from(len).map_err(|_beyond| Error::TooLong)?);
    head.u16(u16::try_from(descriptors.len()).map_err(|_beyond| Error::TooLong)?);
    send(socket, &head.finish(), chunk, descriptors)
}

/// Sends another.
pub(crate) fn send_next(socket: impl AsFd, chunk: &[u8]) -> Result<(), Error> {
    send(socket, &[NEXT], chunk, &[])
}

/// Says that there will be nothing more.
pub(crate) fn send_giving_up(socket: impl AsFd, why: &str) -> Result<(), Error> {
    let why = why.as_bytes();
    send(socket, &[GIVING_UP], why.get(..CHUNK).unwrap_or(why), &[])
}

/// A packet goes as a whole or not at all.
fn send(
    socket: impl AsFd,
    head: &[u8],
    chunk: &[u8],
    descriptors: &[BorrowedFd<'_>],
) -> Result<(), Error> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let rights = SendAncillaryMessage::ScmRights(descriptors);
    let fits =
        descriptors.len() <= MOST_DESCRIPTORS && (descriptors.is_empty() || ancillary.push(rights));
    if !fits {
        return Err(Error::TooLong);
    }
    let slices = [IoSlice::new(head), IoSlice::new(chunk)];
    sendmsg(socket, &slices, &mut ancillary, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Takes the next packet. Descriptors that this process has no room for are lost, which their number
/// tells.
///
/// A process that ends before it has read everything is told of by a reset, ahead of what it said before:
/// that is still there, and says how it ended.
pub(crate) fn receive(socket: impl AsFd) -> Result<Packet, Error> {
    match take(&socket) {
        Err(Errno::CONNRESET) => take(&socket)?,
        taken => taken?,
    }
}

fn take(socket: impl AsFd) -> Result<Result<Packet, Error>, Errno> {
    let mut bytes = vec![0; HEAD + CHUNK];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let received = recvmsg(
        socket,
        &mut [IoSliceMut::new(&mut bytes)],
        &mut ancillary,
        RecvFlags::CMSG_CLOEXEC,
    )?;
    let mut descriptors = Vec::new();
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            descriptors.extend(rights);
        }
    }
    if received.bytes == 0 {
        return Ok(Err(Error::Ended));
    }
    if received.flags.contains(ReturnFlags::TRUNC) {
        return Ok(Err(Error::Nonsense));
    }
    bytes.truncate(received.bytes);
    Ok(parse(&bytes, descriptors))
}

fn parse(bytes: &[u8], descriptors: Vec<OwnedFd>) -> Result<Packet, Error> {
    let mut reader = Reader::new(bytes);
    match reader.u8()? {
        FIRST => {
            let (len, count) = (reader.u32()?, reader.u16()?);
            Ok(Packet::First {
                len: usize::try_from(len).map_err(|_beyond| Error::TooLong)?,
                count: count.into(),
                descriptors,
                chunk: reader.rest().to_vec(),
            })
        }
        NEXT => Ok(Packet::Next(reader.rest().to_vec())),
        GIVING_UP => {
            let why = String::from_utf8_lossy(reader.rest());
            Ok(Packet::GivingUp(why.into_owned()))
        }
        _ => Err(Error::Nonsense),
    }
}
