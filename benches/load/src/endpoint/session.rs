//! One session of the endpoint. What one read brought is answered with one write.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use anyhow::{Result, bail};

use crate::client::pattern;
use crate::frame::{Header, Kind, Piece, Reader, unmask};
use crate::http;
use crate::poll::{Interest, Ready};
use crate::wire::unless_blocked;

/// Bytes read at a time.
const READ: usize = 256 * 1024;

/// What all sessions use in turn.
pub(super) struct Shared {
    input: Vec<u8>,
    output: Vec<u8>,
    /// The message that sources send; it is made when its size is first asked for.
    source: Arc<[u8]>,
}

impl Shared {
    pub(super) fn new() -> Self {
        Self {
            input: vec![0; READ],
            output: Vec::with_capacity(2 * READ),
            source: Arc::new([]),
        }
    }

    fn source(&mut self, len: usize) -> Arc<[u8]> {
        let mut message = Vec::new();
        Header {
            kind: Kind::Binary,
            mask: None,
            len: len as u64,
        }
        .encode(&mut message);
        message.extend_from_slice(&pattern(len));
        if *self.source != message[..] {
            self.source = message.into();
        }
        Arc::clone(&self.source)
    }
}

/// A connection and how far it has come.
pub(super) struct Session {
    pub(super) stream: TcpStream,
    pub(super) interest: Interest,
    phase: Phase,
    /// What the peer has not taken yet. Nothing is read meanwhile.
    unsent: Vec<u8>,
}

/// What is to become of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Going(Interest),
    Ended,
}

enum Phase {
    /// The request so far.
    Head(Vec<u8>),
    Open(Open),
    /// A Close was answered: over when the answer is sent.
    Closing,
}

struct Open {
    reader: Reader,
    role: Role,
    /// The kind of frame that answers the current one with the same payload.
    echoed: Option<Kind>,
}

enum Role {
    Echo,
    /// One byte back for each message.
    Sink,
    /// A long message back for each short one.
    Source(Source),
}

struct Source {
    message: Arc<[u8]>,
    /// Messages to be sent, the current one included.
    owed: usize,
    /// How much of the current one is sent.
    sent: usize,
}

impl Session {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            interest: Interest::Read,
            phase: Phase::Head(Vec::new()),
            unsent: Vec::new(),
        }
    }

    pub(super) fn handle(&mut self, event: Ready, shared: &mut Shared) -> Result<State> {
        if event.writable && !self.unsent.is_empty() {
            let sent = self.stream.write(&self.unsent)?;
            self.unsent.drain(..sent);
        }
        if event.readable && self.unsent.is_empty() && !self.read(shared)? {
            return Ok(State::Ended);
        }
        if self.unsent.is_empty() {
            self.send_source()?;
        }
        if self.unsent.is_empty() && matches!(self.phase, Phase::Closing) {
            return Ok(State::Ended);
        }
        let reads = self.unsent.is_empty();
        Ok(State::Going(Interest::new(reads, !reads || self.owes())))
    }

    /// Reads once and answers; false at the end of the stream.
    fn read(&mut self, shared: &mut Shared) -> Result<bool> {
        let Some(len) = unless_blocked(self.stream.read(&mut shared.input))? else {
            return Ok(true);
        };
        if len == 0 {
            return Ok(false);
        }
        let mut input = std::mem::take(&mut shared.input);
        shared.output.clear();
        let taken = self.take(input.get_mut(..len).unwrap_or_default(), shared);
        shared.input = input;
        taken?;
        self.send(&shared.output)?;
        Ok(true)
    }

    fn take(&mut self, input: &mut [u8], shared: &mut Shared) -> Result<()> {
        match &mut self.phase {
            Phase::Head(head) => {
                head.extend_from_slice(input);
                let head = std::mem::take(head);
                self.phase = open(head, shared)?;
                Ok(())
            }
            Phase::Open(open) => {
                if open.take(input, &mut shared.output)? {
                    self.phase = Phase::Closing;
                }
                Ok(())
            }
            Phase::Closing => Ok(()),
        }
    }

    fn send(&mut self, bytes: &[u8]) -> Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let sent = unless_blocked(self.stream.write(bytes))?.unwrap_or(0);
        self.unsent = bytes.get(sent..).unwrap_or_default().to_vec();
        Ok(())
    }

    fn owes(&self) -> bool {
        matches!(&self.phase, Phase::Open(Open { role: Role::Source(source), .. }) if source.owed > 0)
    }

    /// Sends what a source owes, until the peer takes no more.
    fn send_source(&mut self) -> Result<()> {
        let Phase::Open(Open {
            role: Role::Source(source),
            ..
        }) = &mut self.phase
        else {
            return Ok(());
        };
        while source.owed > 0 {
            let rest = source.message.get(source.sent..).unwrap_or_default();
            let Some(sent) = unless_blocked(self.stream.write(rest))? else {
                break;
            };
            source.sent += sent;
            if source.sent == source.message.len() {
                source.sent = 0;
                source.owed -= 1;
            }
        }
        Ok(())
    }
}

impl Open {
    /// Reads frames and puts the answers into `output`; true when a Close was answered.
    fn take(&mut self, mut input: &mut [u8], output: &mut Vec<u8>) -> Result<bool> {
        while let Some(piece) = self.reader.next(&mut input)? {
            match piece {
                Piece::Header(header) => self.begin(header, output)?,
                Piece::Payload(bytes, at) => {
                    if let (Some(_), Some(key)) = (self.echoed, self.reader.mask()) {
                        unmask(bytes, key, at);
                        output.extend_from_slice(bytes);
                    }
                }
                Piece::End(header) if header.kind == Kind::Close => return Ok(true),
                Piece::End(header) => self.end(header.kind, output),
            }
        }
        Ok(false)
    }

    fn begin(&mut self, header: Header, output: &mut Vec<u8>) -> Result<()> {
        if header.mask.is_none() {
            bail!("a frame that is not masked");
        }
        self.echoed = match header.kind {
            Kind::Text | Kind::Binary => matches!(self.role, Role::Echo).then_some(header.kind),
            Kind::Ping => Some(Kind::Pong),
            Kind::Close => Some(Kind::Close),
            Kind::Pong => None,
        };
        if let Some(kind) = self.echoed {
            Header {
                kind,
                mask: None,
                len: header.len,
            }
            .encode(output);
        }
        Ok(())
    }

    fn end(&mut self, kind: Kind, output: &mut Vec<u8>) {
        if !matches!(kind, Kind::Text | Kind::Binary) {
            return;
        }
        match &mut self.role {
            Role::Echo => {}
            Role::Sink => {
                Header {
                    kind: Kind::Binary,
                    mask: None,
                    len: 1,
                }
                .encode(output);
                output.extend_from_slice(&pattern(1));
            }
            Role::Source(source) => source.owed += 1,
        }
    }
}

/// What follows a request, which may still be incomplete.
fn open(head: Vec<u8>, shared: &mut Shared) -> Result<Phase> {
    let Some(len) = http::head_len(&head)? else {
        return Ok(Phase::Head(head));
    };
    let (whole, rest) = head.split_at(len);
    if !rest.is_empty() {
        bail!("{} bytes before the handshake was answered", rest.len());
    }
    let (path, response) = http::answer(whole)?;
    let role = match path.strip_prefix("/source/") {
        Some(len) => Role::Source(Source {
            message: shared.source(len.parse()?),
            owed: 0,
            sent: 0,
        }),
        None if path == "/sink" => Role::Sink,
        None => Role::Echo,
    };
    shared.output.extend_from_slice(&response);
    Ok(Phase::Open(Open {
        reader: Reader::default(),
        role,
        echoed: None,
    }))
}
