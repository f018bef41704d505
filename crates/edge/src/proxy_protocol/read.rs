//! Reads a PROXY header, and no byte of what follows it.
//!
//! Bytes are looked at where they lie in the system's buffer, and taken out only as far as they are the
//! header's. So TLS and HTTP get the connection as if nothing had been read, with nothing kept beside it.

use std::io;

use switchyard_proto::proxy_protocol::{Accepts, Extent, measure};
use tokio::net::TcpStream;

use super::Unheard;

/// What is looked at first: more than most headers have, and than any of version 1.
const WINDOW: usize = 256;

/// The header that the connection begins with.
pub(super) async fn header(stream: &TcpStream, accepts: Accepts) -> Result<Vec<u8>, Unheard> {
    let mut bytes = vec![0; WINDOW];
    let mut taken = 0;
    loop {
        let there = taken + look(stream, bytes.get_mut(taken..)).await?;
        match measure(bytes.get(..there).unwrap_or_default(), accepts)? {
            Extent::Part { of } => {
                take(stream, bytes.get_mut(taken..there))?;
                taken = there;
                bytes.resize(of.max(bytes.len()), 0);
            }
            Extent::Whole { length } => {
                take(stream, bytes.get_mut(taken..length))?;
                bytes.truncate(length);
                return Ok(bytes);
            }
        }
    }
}

/// How many bytes are there, at least one.
async fn look(stream: &TcpStream, area: Option<&mut [u8]>) -> io::Result<usize> {
    match stream.peek(area.unwrap_or_default()).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        there => Ok(there),
    }
}

/// Takes bytes that are there.
fn take(stream: &TcpStream, area: Option<&mut [u8]>) -> io::Result<()> {
    let area = area.unwrap_or_default();
    if stream.try_read(area)? == area.len() {
        Ok(())
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}
