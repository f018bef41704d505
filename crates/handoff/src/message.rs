//! What the two processes say to one another.
//!
//! A hello reads the same in every version, for all time: it is how they find out that they do not
//! understand one another.

use std::ops::RangeInclusive;

use switchyard_proto::record::{Malformed, Reader, Writer};

use crate::error::Error;

/// The versions of the conversation, and of the records in it, that this process understands.
pub(crate) const VERSIONS: RangeInclusive<u16> = 2..=2;

/// The longest message, in bytes.
pub const LONGEST: usize = 64 * 1024 * 1024;

/// What the sessions of the two processes go by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// What both processes are called among replicas.
    pub replica: u64,
    /// The first number that the giver has not used for a session and will not use.
    pub beyond: u64,
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    Hello(Hello),
    /// The names of the listening sockets, in the order of their descriptors, and what sessions go by.
    Sockets {
        names: Vec<String>,
        identity: Identity,
        /// There are more than go with one message.
        more: bool,
    },
    Ready,
    /// Records; to each belong two descriptors.
    Batch(Vec<Vec<u8>>),
    /// Which of a batch's are parked.
    Parked(Vec<bool>),
    /// None is: there are not enough descriptors.
    NoRoom,
    Go,
    Finish,
    Serving,
    Done,
}

/// Who speaks, and what they understand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hello {
    pub(crate) oldest: u16,
    pub(crate) newest: u16,
    pub(crate) build: String,
}

impl Hello {
    pub(crate) fn of(build: &str) -> Self {
        Self {
            oldest: *VERSIONS.start(),
            newest: *VERSIONS.end(),
            build: build.to_owned(),
        }
    }

    /// The newest version that both understand.
    pub(crate) fn agree(&self, other: &Self) -> Result<u16, Error> {
        let newest = self.newest.min(other.newest);
        if newest >= self.oldest.max(other.oldest) {
            return Ok(newest);
        }
        let range = |hello: &Self| format!("{} to {}", hello.oldest, hello.newest);
        Err(Error::Version {
            ours: range(self),
            theirs: range(other),
            build: other.build.clone(),
        })
    }
}

impl Message {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut to = Writer::new();
        match self {
            Self::Hello(hello) => {
                to.u8(0);
                to.u16(hello.oldest);
                to.u16(hello.newest);
                to.text(&hello.build);
            }
            Self::Sockets {
                names,
                identity,
                more,
            } => {
                to.u8(1);
                to.u64(identity.replica);
                to.u64(identity.beyond);
                to.flag(*more);
                to.list(names, |to, name| to.text(name));
            }
            Self::Ready => to.u8(2),
            Self::Batch(records) => {
                to.u8(3);
                to.list(records, |to, record| to.bytes(record));
            }
            Self::Parked(taken) => {
                to.u8(4);
                to.list(taken, |to, taken| to.flag(*taken));
            }
            Self::Go => to.u8(5),
            Self::Finish => to.u8(6),
            Self::Serving => to.u8(7),
            Self::Done => to.u8(8),
            Self::NoRoom => to.u8(9),
        }
        to.finish()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut from = Reader::new(bytes);
        let message = match from.u8()? {
            0 => Self::Hello(Hello {
                oldest: from.u16()?,
                newest: from.u16()?,
                build: from.text()?.to_owned(),
            }),
            1 => Self::Sockets {
                identity: Identity {
                    replica: from.u64()?,
                    beyond: from.u64()?,
                },
                more: from.flag()?,
                names: from.list(|from| from.text().map(str::to_owned))?,
            },
            2 => Self::Ready,
            3 => Self::Batch(from.list(|from| from.bytes().map(<[u8]>::to_vec))?),
            4 => Self::Parked(from.list(Reader::flag)?),
            5 => Self::Go,
            6 => Self::Finish,
            7 => Self::Serving,
            8 => Self::Done,
            9 => Self::NoRoom,
            _ => return Err(Malformed),
        };
        from.end()?;
        Ok(message)
    }
}
