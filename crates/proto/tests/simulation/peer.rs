//! A client or an application server, of any manner.

use std::collections::VecDeque;

use switchyard_proto::Side;

use crate::frames::*;
use crate::link::{Link, Read};
use crate::rng::Rng;

/// The longest payload that a peer sends unless it means to break a limit.
pub(crate) const LONGEST: usize = 5_000;

/// What a peer does when it has had enough, and how it takes what others do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Sends a Close, answers one, ends its stream after the other.
    Polite,
    /// As polite, but never begins.
    Patient,
    /// Sends a Close, answers none, and never ends its stream.
    Mute,
    /// Stops in the middle of a frame, and stays.
    Stuck,
    /// Stops reading.
    Deaf,
    /// Breaks the connection.
    Vanishing,
    /// Ends its stream without a Close.
    Abrupt,
    /// Sends a Close, and goes on.
    Chatty,
    /// Sends fragments without end or content.
    Endless,
    /// Breaks a rule.
    Rude,
}

pub(crate) const MANNERS: [Manner; 18] = [
    Manner::Polite,
    Manner::Polite,
    Manner::Polite,
    Manner::Polite,
    Manner::Polite,
    Manner::Patient,
    Manner::Patient,
    Manner::Patient,
    Manner::Patient,
    Manner::Mute,
    Manner::Stuck,
    Manner::Deaf,
    Manner::Vanishing,
    Manner::Abrupt,
    Manner::Chatty,
    Manner::Endless,
    Manner::Rude,
    Manner::Rude,
];

#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) side: Side,
    pub(crate) manner: Manner,
    /// All bytes that it ever meant to send.
    pub(crate) sent: Vec<u8>,
    /// All bytes that arrived.
    pub(crate) received: Vec<u8>,
    pub(crate) said_close: bool,
    quits_at: u64,
    talks: usize,
    heard_close: bool,
    outbox: VecDeque<u8>,
    parsed: usize,
    output: Output,
    reads: bool,
}

/// The stream that a peer sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Output {
    Open,
    /// Ends once the outbox is empty.
    Ending,
    Ended,
}

impl Peer {
    pub(crate) fn new(side: Side, rng: &mut Rng) -> Self {
        Self {
            side,
            manner: rng.pick(&MANNERS),
            sent: Vec::new(),
            received: Vec::new(),
            said_close: false,
            quits_at: rng.between(0, 1_500) as u64,
            talks: rng.pick(&[0, 3, 10, 40]),
            heard_close: false,
            outbox: VecDeque::new(),
            parsed: 0,
            output: Output::Open,
            reads: true,
        }
    }

    /// One round: talk, quit if it is time, write, read.
    pub(crate) fn step(&mut self, now: u64, from: &mut Link, to: &mut Link, rng: &mut Rng) {
        if self.output == Output::Open {
            self.speak(now, to, rng);
        }
        to.write(now, &mut self.outbox, rng);
        if self.output == Output::Ending && self.outbox.is_empty() {
            self.output = Output::Ended;
            to.finish(now, rng);
        }
        if self.reads && rng.chance(70) {
            self.listen(now, from, rng);
        }
    }

    /// Whether the peer may stop giving signs of life while it is connected.
    pub(crate) fn may_seem_dead(&self) -> bool {
        matches!(self.manner, Manner::Stuck | Manner::Deaf | Manner::Endless)
    }

    /// Whether the peer keeps to RFC 6455 whatever happens.
    pub(crate) fn is_well_behaved(&self) -> bool {
        matches!(self.manner, Manner::Polite | Manner::Patient)
    }

    fn speak(&mut self, now: u64, to: &mut Link, rng: &mut Rng) {
        let quits = now >= self.quits_at;
        let silent = self.said_close && self.manner != Manner::Chatty;
        if !silent && rng.chance(self.talks) {
            let words = self.message(rng);
            self.say(&words);
        }
        if quits {
            self.quit(now, to, rng);
        }
    }

    fn quit(&mut self, now: u64, to: &mut Link, rng: &mut Rng) {
        self.quits_at = u64::MAX;
        match self.manner {
            Manner::Patient => {}
            Manner::Polite | Manner::Mute | Manner::Chatty => self.say_close(rng),
            Manner::Stuck => {
                let words = frame(self.side, BINARY, &rng.bytes(LONGEST));
                self.say(&words[..rng.between(1, LONGEST)]);
                self.output = Output::Ended;
            }
            Manner::Deaf => self.reads = false,
            Manner::Vanishing => {
                to.reset(now, rng);
                self.outbox.clear();
                self.output = Output::Ended;
            }
            Manner::Abrupt => self.output = Output::Ending,
            Manner::Endless => {
                let nothing = fragment(self.side, CONTINUATION, b"");
                let words = [fragment(self.side, TEXT, b""), nothing.repeat(5_000)].concat();
                self.say(&words);
                self.said_close = true;
            }
            Manner::Rude => {
                let words = self.offence(rng);
                self.say(&words);
                self.said_close = true;
            }
        }
    }

    /// A message in some frames, with control frames between them.
    fn message(&mut self, rng: &mut Rng) -> Vec<u8> {
        let mut words = Vec::new();
        let parts = rng.pick(&[1, 1, 1, 2, 4]);
        for part in 1..=parts {
            let opcode = if part == 1 {
                rng.pick(&[TEXT, BINARY])
            } else {
                CONTINUATION
            };
            let fin = if part == parts { 0x80 } else { 0 };
            let len = rng.length(LONGEST);
            words.extend(raw(self.side, fin | opcode, &rng.bytes(len)));
            if rng.chance(20) {
                let payload = rng.pick(&[0, 4, 125]);
                let opcode = rng.pick(&[PING, PONG]);
                words.extend(frame(self.side, opcode, &rng.bytes(payload)));
            }
        }
        words
    }

    fn offence(&mut self, rng: &mut Rng) -> Vec<u8> {
        match rng.between(0, 5) {
            0 => raw(self.side, 0xf1, b"reserved bits"),
            1 => raw(self.side.other(), 0x81, b"the mask of the other side"),
            2 => [
                fragment(self.side, TEXT, b"a"),
                frame(self.side, TEXT, b"b"),
            ]
            .concat(),
            3 => frame(self.side, BINARY, &rng.bytes(LONGEST * 5)),
            4 => {
                let part = fragment(self.side, CONTINUATION, &rng.bytes(LONGEST));
                [fragment(self.side, TEXT, b"too long"), part.repeat(8)].concat()
            }
            _ => [raw(self.side, 0x80 | CLOSE, &[3]), rng.bytes(50)].concat(),
        }
    }

    fn listen(&mut self, now: u64, from: &mut Link, rng: &mut Rng) {
        match from.read(now, rng.between(1, 20_000)) {
            Read::Bytes(bytes) => {
                self.received.extend(bytes);
                self.understand(rng);
            }
            Read::Fin if self.manner != Manner::Mute && self.output == Output::Open => {
                self.output = Output::Ending;
            }
            Read::Reset => {
                self.reads = false;
                self.output = Output::Ended;
            }
            Read::Fin | Read::Nothing => {}
        }
    }

    fn understand(&mut self, rng: &mut Rng) {
        while let Some(heard) = read(&self.received[self.parsed..]) {
            self.parsed += heard.len;
            if heard.opcode() == CLOSE {
                self.heard_close = true;
            }
            if heard.is_own_ping() && !self.said_close && self.output == Output::Open {
                // It is the gateway's, so it is not among what was sent to the other peer.
                self.outbox.extend(frame(self.side, PONG, &heard.payload));
            }
        }
        let answers = !matches!(self.manner, Manner::Mute | Manner::Stuck);
        if self.heard_close && answers && !self.said_close && self.output == Output::Open {
            self.say_close(rng);
        }
    }

    fn say_close(&mut self, rng: &mut Rng) {
        if !self.said_close {
            let words = match rng.between(0, 3) {
                0 => frame(self.side, CLOSE, b""),
                1 => frame(self.side, CLOSE, b"\x0f\xa0a reason of its own"),
                _ => close(self.side, rng.pick(&[1000, 1001, 4999])),
            };
            self.say(&words);
            self.said_close = true;
        }
    }

    fn say(&mut self, words: &[u8]) {
        self.outbox.extend(words);
        self.sent.extend(words);
    }
}
