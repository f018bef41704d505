//! A connection whose streams are WebSockets. Nothing in it waits.
//!
//! Its windows are those of a browser: Chrome has 6 MiB for a stream and 15 MiB for all. What is said in
//! one turn leaves with one write.

use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd};

use anyhow::{Context, Result, bail, ensure};

use super::frame::{ACK, END_HEADERS, END_STREAM, Head, Kind, MAX_PAYLOAD, Piece, Reader, put};
use super::head;
use super::settings::{self, FIRST_WINDOW, Server};
use crate::wire::{Wire, unless_blocked};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What the server may send before it is given more room.
const STREAM_WINDOW: u32 = 6 << 20;
const WINDOW: u32 = 15 << 20;
/// As much as waits for the socket at most.
const OUTPUT: usize = 256 * 1024;

/// A client's end.
pub(crate) struct Connection {
    wire: Wire,
    reader: Reader,
    /// What the socket has not taken, from `sent` on.
    output: Vec<u8>,
    sent: usize,
    server: Option<Server>,
    /// What the server takes on the connection.
    room: i64,
    /// What came and was not made room for again.
    taken: u32,
    streams: Vec<Stream>,
}

struct Stream {
    is_open: bool,
    room: i64,
    taken: u32,
}

impl Connection {
    /// Begins HTTP/2 on a connection that does not block.
    pub(crate) fn new(wire: Wire) -> Self {
        let mut output = PREFACE.to_vec();
        let settings = settings::of_client(STREAM_WINDOW);
        put(&mut output, Kind::Settings, 0, 0, &settings);
        make_room(&mut output, 0, WINDOW - FIRST_WINDOW);
        Self {
            wire,
            reader: Reader::default(),
            output,
            sent: 0,
            server: None,
            room: FIRST_WINDOW.into(),
            taken: 0,
            streams: Vec::new(),
        }
    }

    /// Whether the server has said that streams can be WebSockets.
    pub(crate) fn is_ready(&self) -> Result<bool> {
        let Some(server) = self.server else {
            return Ok(false);
        };
        ensure!(
            server.has_extended_connect,
            "it has no extended CONNECT (RFC 8441)"
        );
        Ok(true)
    }

    /// Asks for one more WebSocket. They are numbered from 0.
    pub(crate) fn ask(&mut self, path: &str, authority: &str) -> Result<usize> {
        let server = self.server.context("nothing is known of the server")?;
        let index = self.streams.len();
        ensure!(
            index < server.max_streams as usize,
            "it takes {index} streams on a connection only"
        );
        let head = head::connect(path, authority, !matches!(self.wire, Wire::Plain(_)))?;
        put(
            &mut self.output,
            Kind::Headers,
            END_HEADERS,
            number(index)?,
            &head,
        );
        self.streams.push(Stream {
            is_open: false,
            room: server.window,
            taken: 0,
        });
        Ok(index)
    }

    /// Whether it was answered with a 200.
    pub(crate) fn is_open(&self, index: usize) -> bool {
        self.streams.get(index).is_some_and(|stream| stream.is_open)
    }

    /// Sends as much as there is room for, and says how much that is.
    pub(crate) fn send(&mut self, index: usize, bytes: &[u8]) -> Result<usize> {
        let waiting = self.output.len() - self.sent;
        let stream = self.streams.get_mut(index).context("no such stream")?;
        let room = usize::try_from(self.room.min(stream.room)).unwrap_or(0);
        let len = bytes.len().min(room).min(OUTPUT.saturating_sub(waiting));
        for piece in bytes.get(..len).unwrap_or_default().chunks(MAX_PAYLOAD) {
            put(&mut self.output, Kind::Data, 0, number(index)?, piece);
        }
        stream.room -= i64::try_from(len)?;
        self.room -= i64::try_from(len)?;
        Ok(len)
    }

    /// Writes what the socket takes.
    pub(crate) fn flush(&mut self) -> Result<()> {
        self.wire.flush()?;
        while let Some(rest) = self.output.get(self.sent..).filter(|rest| !rest.is_empty()) {
            let Some(len) = unless_blocked(self.wire.write(rest))? else {
                return Ok(());
            };
            self.sent += len;
        }
        self.output.clear();
        self.sent = 0;
        Ok(())
    }

    /// Whether something waits for the socket.
    pub(crate) fn is_unflushed(&self) -> bool {
        self.wire.is_unflushed() || self.sent < self.output.len()
    }

    /// Reads once. What came on the streams goes to `take`; what is to be answered waits for
    /// [`Connection::flush`].
    pub(crate) fn read(
        &mut self,
        buffer: &mut [u8],
        mut take: impl FnMut(usize, &mut [u8]) -> Result<()>,
    ) -> Result<()> {
        let Some(len) = unless_blocked(self.wire.read(buffer))? else {
            return Ok(());
        };
        ensure!(len > 0, "the connection ended");
        let mut input = buffer.get_mut(..len).unwrap_or_default();
        while let Some(piece) = self.reader.next(&mut input)? {
            match piece {
                Piece::Data(stream, bytes) => {
                    let index = index(stream)?;
                    self.account(index, bytes.len())?;
                    take(index, bytes)?;
                }
                Piece::EndOfData(stream) => bail!("stream {stream} ended without a Close"),
                Piece::Frame(head, payload) => self.handle(head, &payload)?,
            }
        }
        if self.taken > WINDOW / 2 {
            make_room(&mut self.output, 0, std::mem::take(&mut self.taken));
        }
        Ok(())
    }

    /// What came is taken at once; room is given back when half of it is used up.
    fn account(&mut self, index: usize, len: usize) -> Result<()> {
        let len = u32::try_from(len)?;
        let stream = self
            .streams
            .get_mut(index)
            .context("bytes of a stream that nobody opened")?;
        ensure!(stream.is_open, "bytes before the answer");
        self.taken += len;
        stream.taken += len;
        if stream.taken > STREAM_WINDOW / 2 {
            make_room(
                &mut self.output,
                number(index)?,
                std::mem::take(&mut stream.taken),
            );
        }
        Ok(())
    }

    fn handle(&mut self, head: Head, payload: &[u8]) -> Result<()> {
        match head.kind {
            Kind::Headers => self.open(head, payload),
            Kind::Settings if !head.has(ACK) => self.learn(payload),
            Kind::Ping if !head.has(ACK) => {
                put(&mut self.output, Kind::Ping, ACK, 0, payload);
                Ok(())
            }
            Kind::WindowUpdate => self.widen(head.stream, payload),
            Kind::Reset => bail!("stream {} was reset, error {:?}", head.stream, payload),
            Kind::GoAway => bail!("GOAWAY {}", String::from_utf8_lossy(payload).escape_debug()),
            Kind::Settings | Kind::Ping | Kind::Data | Kind::Other(_) => Ok(()),
        }
    }

    fn open(&mut self, head: Head, payload: &[u8]) -> Result<()> {
        ensure!(
            head.flags & !END_STREAM == END_HEADERS,
            "a head with flags {:#x}",
            head.flags
        );
        let status = head::status(payload)?;
        ensure!(status == 200 && !head.has(END_STREAM), "refused: {status}");
        let stream = self.streams.get_mut(index(head.stream)?);
        stream.context("an answer to nothing")?.is_open = true;
        Ok(())
    }

    fn learn(&mut self, settings: &[u8]) -> Result<()> {
        let mut server = self.server.unwrap_or_default();
        let before = server.window;
        server.learn(settings)?;
        // RFC 9113 section 6.9.2: the streams that there are get the difference.
        for stream in &mut self.streams {
            stream.room += server.window - before;
        }
        self.server = Some(server);
        put(&mut self.output, Kind::Settings, ACK, 0, &[]);
        Ok(())
    }

    fn widen(&mut self, stream: u32, payload: &[u8]) -> Result<()> {
        let more = u32::from_be_bytes(*payload.first_chunk().context("half an update")?);
        let room = match stream {
            0 => Some(&mut self.room),
            _ => self
                .streams
                .get_mut(index(stream)?)
                .map(|stream| &mut stream.room),
        };
        *room.context("room on a stream that nobody opened")? += i64::from(more);
        Ok(())
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wire.as_fd()
    }
}

fn make_room(output: &mut Vec<u8>, stream: u32, more: u32) {
    put(output, Kind::WindowUpdate, 0, stream, &more.to_be_bytes());
}

/// The identifiers of a client's streams are the odd numbers.
fn number(index: usize) -> Result<u32> {
    Ok(u32::try_from(2 * index + 1)?)
}

fn index(stream: u32) -> Result<usize> {
    ensure!(stream % 2 == 1, "stream {stream} is none of a client's");
    Ok(stream as usize / 2)
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener, TcpStream};

    use super::settings::{ENABLE_CONNECT_PROTOCOL, INITIAL_WINDOW_SIZE, MAX_CONCURRENT_STREAMS};
    use super::*;

    /// A connection, and the server's end of it, which has said `settings`.
    fn connected(settings: &[(u16, u32)]) -> (Connection, TcpStream) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let tcp = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        let mut connection = Connection::new(Wire::Plain(tcp));
        connection.flush().unwrap();
        let mut said = Vec::new();
        put(&mut said, Kind::Settings, 0, 0, &settings::encode(settings));
        server.write_all(&said).unwrap();
        connection.read(&mut [0; 1024], |_, _| Ok(())).unwrap();
        (connection, server)
    }

    /// Has the server say this, and the connection read it.
    fn hear(
        connection: &mut Connection,
        server: &mut TcpStream,
        said: &[u8],
    ) -> Result<Vec<(usize, Vec<u8>)>> {
        server.write_all(said).unwrap();
        let mut heard = Vec::new();
        connection.read(&mut [0; 1024], |index, bytes| {
            heard.push((index, bytes.to_vec()));
            Ok(())
        })?;
        Ok(heard)
    }

    fn frame(kind: Kind, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
        let mut frame = Vec::new();
        put(&mut frame, kind, flags, stream, payload);
        frame
    }

    const CAN: (u16, u32) = (ENABLE_CONNECT_PROTOCOL, 1);

    #[test]
    fn a_server_without_extended_connect_is_told_apart() {
        assert!(connected(&[CAN]).0.is_ready().unwrap());
        assert!(connected(&[]).0.is_ready().is_err());
    }

    #[test]
    fn as_many_streams_as_the_server_takes() {
        let (mut connection, _server) = connected(&[CAN, (MAX_CONCURRENT_STREAMS, 2)]);
        assert_eq!(connection.ask("/", "a").unwrap(), 0);
        assert_eq!(connection.ask("/", "a").unwrap(), 1);
        assert!(connection.ask("/", "a").is_err());
    }

    #[test]
    fn what_is_sent_fits_both_windows() {
        let (mut connection, mut server) = connected(&[CAN, (INITIAL_WINDOW_SIZE, 40_000)]);
        let index = connection.ask("/", "a").unwrap();
        let other = connection.ask("/", "a").unwrap();
        let bytes = vec![7; 100_000];
        assert_eq!(connection.send(index, &bytes).unwrap(), 40_000);
        assert_eq!(connection.send(other, &bytes).unwrap(), 65_535 - 40_000);
        let more = |stream| frame(Kind::WindowUpdate, 0, stream, &50_u32.to_be_bytes());
        hear(&mut connection, &mut server, &[more(0), more(1)].concat()).unwrap();
        assert_eq!(connection.send(index, &bytes).unwrap(), 50);
        let narrow = [0, 4, 0, 0, 0, 10];
        hear(
            &mut connection,
            &mut server,
            &frame(Kind::Settings, 0, 0, &narrow),
        )
        .unwrap();
        hear(&mut connection, &mut server, &[more(0), more(1)].concat()).unwrap();
        assert_eq!(
            connection.send(index, &bytes).unwrap(),
            0,
            "the window was narrowed"
        );
    }

    #[test]
    fn a_stream_is_open_when_it_was_answered() {
        let (mut connection, mut server) = connected(&[CAN]);
        let index = connection.ask("/", "a").unwrap();
        assert!(!connection.is_open(index));
        let said = [
            frame(Kind::Headers, END_HEADERS, 1, b"\x88"),
            frame(Kind::Data, 0, 1, b"abc"),
        ]
        .concat();
        assert_eq!(
            hear(&mut connection, &mut server, &said).unwrap(),
            [(0, b"abc".to_vec())]
        );
        assert!(connection.is_open(index));
    }

    #[test]
    fn whatever_ends_a_stream_is_an_error() {
        for said in [
            frame(Kind::Headers, END_HEADERS | END_STREAM, 1, b"\x88"),
            frame(Kind::Headers, END_HEADERS, 1, b"\x08\x03503"),
            frame(Kind::Headers, END_HEADERS, 3, b"\x88"),
            frame(Kind::Data, 0, 1, b"before the answer"),
            frame(Kind::Reset, 0, 1, &[0; 4]),
            frame(Kind::GoAway, 0, 0, &[0; 8]),
        ] {
            let (mut connection, mut server) = connected(&[CAN]);
            connection.ask("/", "a").unwrap();
            assert!(
                hear(&mut connection, &mut server, &said).is_err(),
                "{said:?}"
            );
        }
    }
}
