//! What a source tells.

use std::net::SocketAddr;
use std::num::NonZeroU32;

use arcstr::ArcStr;
use tokio::sync::mpsc;

use crate::error::Error;

/// One endpoint that a source found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Where it is dialled; unique in an update.
    pub address: SocketAddr,
    /// What it is called: the target of its SRV record, or the name that was looked up. In lower case,
    /// without a dot at its end.
    pub name: Option<ArcStr>,
    /// Its share is its weight over the sum of all weights.
    pub weight: NonZeroU32,
    /// Where it runs, if the source says so.
    pub zone: Option<ArcStr>,
    /// Whether it wants new sessions.
    pub stance: Stance,
}

/// Whether an endpoint wants new sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stance {
    /// It does.
    Ready,
    /// It is on its way out: it serves the sessions it has, and wants no more.
    Leaving,
}

/// What a source has to tell.
#[derive(Debug)]
pub enum Update {
    /// Everyone in the cluster, in the order of their addresses. Told at first and on each change,
    /// never twice the same in a row.
    Members(Vec<Found>),
    /// The source could not be asked, or its answer makes no sense. What it told last is still the
    /// best that is known.
    Failed(Error),
}

/// Where a source tells; when nobody listens any more, it ends.
pub type Updates = mpsc::Sender<Update>;
