//! One direction of a connection: a queue of bounded size in which everything takes its time.

use std::collections::VecDeque;

use crate::rng::Rng;

#[derive(Debug)]
enum Item {
    Bytes(Vec<u8>),
    Fin,
    Reset,
}

/// What a read gives.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Read {
    Bytes(Vec<u8>),
    Fin,
    Reset,
    Nothing,
}

#[derive(Debug)]
pub(crate) struct Link {
    items: VecDeque<(u64, Item)>,
    latest: u64,
    room: usize,
    delay: usize,
    broken: bool,
}

impl Link {
    pub(crate) fn new(rng: &mut Rng) -> Self {
        Self {
            items: VecDeque::new(),
            latest: 0,
            room: rng.pick(&[300, 10_000, 60_000]),
            delay: rng.pick(&[0, 5, 40]),
            broken: false,
        }
    }

    /// Takes bytes from the front of `from`, as many as there is room for and chance allows.
    pub(crate) fn write(&mut self, now: u64, from: &mut VecDeque<u8>, rng: &mut Rng) {
        let most = from.len().min(self.room);
        if most == 0 {
            return;
        }
        let len = if rng.chance(60) {
            most
        } else {
            rng.between(1, most)
        };
        self.room -= len;
        self.push(now, Item::Bytes(from.drain(..len).collect()), rng);
    }

    pub(crate) fn finish(&mut self, now: u64, rng: &mut Rng) {
        self.push(now, Item::Fin, rng);
    }

    /// Breaks the connection; bytes on their way may be lost.
    pub(crate) fn reset(&mut self, now: u64, rng: &mut Rng) {
        if rng.chance(50) {
            self.items.clear();
        }
        self.push(now, Item::Reset, rng);
        self.broken = true;
    }

    /// Takes up to `most` bytes that have arrived.
    pub(crate) fn read(&mut self, now: u64, most: usize) -> Read {
        match self.items.front_mut() {
            Some((at, item)) if *at <= now => match item {
                Item::Bytes(bytes) => {
                    let taken: Vec<u8> = bytes.drain(..most.min(bytes.len())).collect();
                    if bytes.is_empty() {
                        self.items.pop_front();
                    }
                    self.room += taken.len();
                    Read::Bytes(taken)
                }
                Item::Fin => Read::Fin,
                Item::Reset => Read::Reset,
            },
            _ => Read::Nothing,
        }
    }

    fn push(&mut self, now: u64, item: Item, rng: &mut Rng) {
        if self.broken {
            return;
        }
        let delay = rng.between(0, self.delay) as u64;
        self.latest = self.latest.max(now + delay);
        self.items.push_back((self.latest, item));
    }
}
