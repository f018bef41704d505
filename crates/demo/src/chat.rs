//! The chat itself: rooms, the messages that pass, and one person's conversation.
//!
//! A server knows its own rooms only. That everyone in a room meets is the gateway's doing:
//! affinity by the room in the path.

mod conversation;
mod message;
mod reader;
mod room;

pub(crate) use conversation::converse;
pub(crate) use room::{Room, Rooms};

/// The longest frame a server reads, payload bytes. Longer ones end the connection.
const MAX_FRAME: usize = 64 * 1024;
/// The longest message, all its fragments together, payload bytes.
const MAX_MESSAGE: usize = 16 * 1024;
/// The longest text of a chat message, characters.
const MAX_TEXT: usize = 2_000;
/// The longest nickname, characters.
const MAX_NICKNAME: usize = 24;
