//! Sessions on their way out, one batch after the other.
//!
//! A session is asked to hold still only when its batch is next, and goes on somewhere a moment later: there
//! if the new process has parked it and was told to go, or else here.

use std::collections::HashSet;
use std::os::fd::AsFd;
use std::time::Duration;

use switchyard_handoff::{Error, Giver, LONGEST, MOST_DESCRIPTORS};
use switchyard_relay::{Freeze, Handle, Parcel, Registry, SessionId, Verdict};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::successor::Successor;

/// Sessions that hold still at once; each has two descriptors.
const BATCH: usize = 120;

const _: () = assert!(2 * BATCH <= MOST_DESCRIPTORS);

/// Bytes of records in one message, all that they keep for slow peers included. One that is longer by itself
/// stays.
const BYTES: usize = LONGEST / 2;

/// How long to wait for sessions to hold still. They do when their worker next turns to them.
const STILL: Duration = Duration::from_secs(2);

/// How often to look for sessions that opened while others were moved.
const PASSES: usize = 3;

/// What has been moved, and what has been found that it cannot be.
#[derive(Debug, Default)]
pub(super) struct Removal {
    asked: HashSet<SessionId>,
    gone: usize,
    /// The new process has no descriptors left.
    is_full: bool,
}

impl Removal {
    /// How many sessions have gone.
    pub(super) fn gone(&self) -> usize {
        self.gone
    }

    /// Moves every session that can be and was not asked before.
    pub(super) async fn run(
        &mut self,
        registries: &[Registry],
        giver: &Giver,
        successor: &mut Successor,
    ) -> Result<(), Error> {
        for _ in 0..PASSES {
            let handles = registries.iter().flat_map(Registry::handles);
            let handles =
                handles.filter(|it| it.told().is_none() && !self.asked.contains(&it.info().id));
            let handles: Vec<_> = handles.collect();
            if handles.is_empty() || self.is_full {
                return Ok(());
            }
            for batch in handles.chunks(BATCH) {
                if self.is_full {
                    return Ok(());
                }
                self.asked.extend(batch.iter().map(|it| it.info().id));
                self.move_all(collect(batch).await, giver, successor)
                    .await?;
            }
        }
        Ok(())
    }

    /// Moves sessions that hold still, in as many messages as it takes.
    async fn move_all(
        &mut self,
        parcels: Vec<Parcel>,
        giver: &Giver,
        successor: &mut Successor,
    ) -> Result<(), Error> {
        // In reverse, so that the first are split off.
        let mut messages = in_messages(parcels);
        while let Some(mut message) = messages.pop() {
            match self.offer(message, giver, successor).await {
                Ok(()) => {}
                Err((Error::InFlight | Error::NoRoom | Error::TooLong, back)) if back.len() > 1 => {
                    message = back;
                    let second = message.split_off(message.len() / 2);
                    messages.extend([second, message]);
                }
                Err((error @ (Error::InFlight | Error::NoRoom), _stay)) => {
                    self.is_full = true;
                    tracing::warn!(%error, "no more sessions can be handed over");
                    return Ok(());
                }
                Err((Error::TooLong, _stays)) => {}
                Err((error, _stay)) => return Err(error),
            }
        }
        Ok(())
    }

    /// Offers sessions to the new process, and gives those back that hold still yet if that cannot be.
    async fn offer(
        &mut self,
        parcels: Vec<Parcel>,
        giver: &Giver,
        successor: &mut Successor,
    ) -> Result<(), (Error, Vec<Parcel>)> {
        let records = parcels.iter().map(|it| it.record.clone()).collect();
        let sockets = parcels.iter().flat_map(|it| &it.descriptors);
        let sockets: Vec<_> = sockets.map(AsFd::as_fd).collect();
        let taken = match giver.batch(records, &sockets).await {
            Ok(taken) => taken,
            Err(error) => return Err((error, parcels)),
        };
        if taken.contains(&true) {
            // From here on it has sessions that nobody else has.
            successor.let_be();
        }
        if let Err(error) = giver.go().await {
            return Err((error, parcels));
        }
        for (parcel, is_taken) in parcels.into_iter().zip(taken) {
            let verdict = if is_taken {
                self.gone += 1;
                Verdict::Gone
            } else {
                Verdict::Stays
            };
            // Its task waits for nothing else.
            parcel.verdict.send(verdict).ok();
        }
        Ok(())
    }
}

/// Asks sessions to hold still, and waits until all do that can.
async fn collect(handles: &[Handle]) -> Vec<Parcel> {
    let (freeze, mut answers) = Freeze::collecting(handles.len());
    for handle in handles {
        handle.freeze(freeze.clone());
    }
    drop(freeze);
    let deadline = Instant::now() + STILL;
    let mut parcels = Vec::with_capacity(handles.len());
    while let Some(parcel) = next(&mut answers, deadline).await {
        parcels.push(parcel);
    }
    parcels
}

async fn next(answers: &mut mpsc::Receiver<Parcel>, deadline: Instant) -> Option<Parcel> {
    timeout_at(deadline, answers.recv()).await.ok().flatten()
}

/// Parts parcels so that the records of each part fit into one message, the last part first.
fn in_messages(parcels: Vec<Parcel>) -> Vec<Vec<Parcel>> {
    let mut messages = vec![Vec::new()];
    let mut bytes = 0;
    for parcel in parcels {
        let len = parcel.record.len();
        if bytes + len > BYTES && bytes > 0 {
            messages.push(Vec::new());
            bytes = 0;
        }
        bytes += len;
        if let Some(message) = messages.last_mut() {
            message.push(parcel);
        }
    }
    messages.retain(|message| !message.is_empty());
    messages.reverse();
    messages
}
