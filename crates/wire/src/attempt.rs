//! One system call on a socket, if there is a point in it.

use std::io;

use rustix::net::{RecvFlags, SendFlags};
use tokio::io::Interest;
use tokio::net::TcpStream;

/// What came of it.
#[derive(Debug)]
pub enum Attempt {
    /// No call was made: an earlier one came to its end, and the runtime has heard of nothing since. Whoever asked to be
    /// woken after that one still will be.
    Unready,
    /// The socket had nothing to give or took nothing, although the runtime had heard of something.
    Blocked,
    /// So many bytes were read or written. None read are the end of the stream.
    Moved(usize),
    /// The connection is broken.
    Failed(io::Error),
}

/// Reads into `area`, which is not empty.
#[inline]
pub fn recv(tcp: &TcpStream, area: &mut [u8]) -> Attempt {
    let most = area.len();
    attempt(tcp, Interest::READABLE, most, || {
        let (_, len) = rustix::net::recv(tcp, area, RecvFlags::empty())?;
        Ok(len)
    })
}

/// Writes from `bytes`, which are not empty.
#[inline]
pub fn send(tcp: &TcpStream, bytes: &[u8]) -> Attempt {
    send_with(tcp, bytes, SendFlags::NOSIGNAL)
}

/// Writes from `bytes`, which are not empty. They go with the end of the stream, in one segment. It is to follow at
/// once: the system holds them back until it does, for 200 ms at most.
pub fn send_last(tcp: &TcpStream, bytes: &[u8]) -> Attempt {
    send_with(tcp, bytes, SendFlags::NOSIGNAL | SendFlags::MORE)
}

#[inline]
fn send_with(tcp: &TcpStream, bytes: &[u8], flags: SendFlags) -> Attempt {
    attempt(tcp, Interest::WRITABLE, bytes.len(), || {
        Ok(rustix::net::send(tcp, bytes, flags)?)
    })
}

/// Makes a call that moves up to `most` bytes.
///
/// One that moves fewer has emptied or filled the socket. There is no use in a next one before the runtime hears of the
/// socket again, and it is told so in the words for a call that would block.
#[inline]
fn attempt(
    tcp: &TcpStream,
    interest: Interest,
    most: usize,
    call: impl FnOnce() -> io::Result<usize>,
) -> Attempt {
    let mut attempt = Attempt::Unready;
    // What it returns is in `attempt`, or that no call was made.
    let _ = tcp.try_io(interest, || {
        attempt = match call() {
            Ok(len) => Attempt::Moved(len),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Attempt::Blocked,
            Err(error) => Attempt::Failed(error),
        };
        match attempt {
            Attempt::Moved(len) if len == 0 || len == most => Ok(()),
            Attempt::Moved(_) | Attempt::Blocked => Err(io::ErrorKind::WouldBlock.into()),
            Attempt::Failed(_) | Attempt::Unready => Ok(()),
        }
    });
    attempt
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (here, there) = tokio::join!(TcpStream::connect(address), listener.accept());
        (here.unwrap(), there.unwrap().0)
    }

    #[tokio::test]
    async fn what_is_read_to_its_end_is_not_asked_again_before_more_comes() {
        let (here, mut there) = pair().await;
        let mut area = [0; 8];
        there.write_all(b"hello").await.unwrap();
        here.readable().await.unwrap();
        assert!(matches!(recv(&here, &mut area), Attempt::Moved(5)));
        assert_eq!(&area[..5], b"hello");
        assert!(matches!(recv(&here, &mut area), Attempt::Unready));
        there.write_all(b"again").await.unwrap();
        here.readable().await.unwrap();
        assert!(matches!(recv(&here, &mut area), Attempt::Moved(5)));
    }

    #[tokio::test]
    async fn what_fills_the_area_is_asked_again_at_once() {
        let (here, mut there) = pair().await;
        let mut area = [0; 4];
        there.write_all(b"12345678").await.unwrap();
        here.readable().await.unwrap();
        assert!(matches!(recv(&here, &mut area), Attempt::Moved(4)));
        assert!(matches!(recv(&here, &mut area), Attempt::Moved(4)));
        assert!(matches!(recv(&here, &mut area), Attempt::Blocked));
        assert!(matches!(recv(&here, &mut area), Attempt::Unready));
    }

    #[tokio::test]
    async fn the_end_of_a_stream_stays() {
        let (here, there) = pair().await;
        drop(there);
        here.readable().await.unwrap();
        for _ in 0..2 {
            assert!(matches!(recv(&here, &mut [0; 4]), Attempt::Moved(0)));
        }
    }

    #[tokio::test]
    async fn a_broken_connection_is_no_end() {
        let (here, there) = pair().await;
        there.set_zero_linger().unwrap();
        drop(there);
        here.readable().await.unwrap();
        assert!(matches!(recv(&here, &mut [0; 4]), Attempt::Failed(_)));
        assert!(matches!(send(&here, b"more"), Attempt::Failed(_)));
    }

    /// The system gives up waiting for the end after 200 ms: one of these was surely not that slow.
    #[tokio::test]
    async fn the_last_bytes_wait_for_the_end_of_the_stream() {
        let mut waited = 0;
        for _ in 0..20 {
            let (mut here, mut there) = pair().await;
            here.writable().await.unwrap();
            assert!(matches!(send_last(&here, b"bye"), Attempt::Moved(3)));
            let seen =
                rustix::net::recv(&there, &mut [0; 4], RecvFlags::PEEK | RecvFlags::DONTWAIT);
            waited += u32::from(seen.is_err());
            here.shutdown().await.unwrap();
            let mut bytes = Vec::new();
            there.read_to_end(&mut bytes).await.unwrap();
            assert_eq!(bytes, b"bye");
        }
        assert!(waited > 0);
    }

    #[tokio::test]
    async fn a_full_socket_is_not_asked_again_before_it_takes_more() {
        let (here, mut there) = pair().await;
        here.writable().await.unwrap();
        let bytes = vec![1; 16 << 20];
        let mut sent = 0;
        while let Attempt::Moved(len) = send(&here, &bytes[sent..]) {
            sent += len;
        }
        assert!(0 < sent && sent < bytes.len(), "{sent}");
        assert!(matches!(send(&here, &bytes[sent..]), Attempt::Unready));
        let mut taken = vec![0; sent];
        there.read_exact(&mut taken).await.unwrap();
        here.writable().await.unwrap();
        assert!(matches!(send(&here, &bytes[sent..]), Attempt::Moved(_)));
    }
}
