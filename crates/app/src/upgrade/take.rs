//! What the new process does: it gets ready by itself, takes the sockets, and goes on with what the old one was
//! doing.
//!
//! If the old one is gone without a word, everything that came is this one's; if it gives up, this one leaves.

use std::sync::Arc;
use std::time::Duration;

use switchyard_config::Config;
use switchyard_drain::Tasks;
use switchyard_edge::{Moored, Reception, Unmoored};
use switchyard_handoff::{Batch, Error, Step, Taker};
use switchyard_relay::SessionId;
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::predecessor::{Heritage, Predecessor};
use crate::compose::{Gateway, Given, Prepared};
use crate::error::StartError;
use crate::first_answers::FirstAnswers;
use crate::signals::Stop;
use crate::worker::Berth;

/// How long this process may take to know its clusters: less than the old one waits for all of its start, so that it
/// can say which it does not.
const KNOWING: Duration = Duration::from_secs(45);

/// A new process that goes on with what comes.
struct Taking {
    taker: Taker,
    berths: Arc<[Berth]>,
    receptions: Vec<Reception>,
    /// Ready, and not yet this process's; each with where it is.
    moored: Vec<(usize, Moored)>,
    /// Where the next one goes.
    turn: usize,
    taken: usize,
    refused: usize,
}

/// How a part of it ended.
enum Part {
    /// This process is to accept.
    Finish,
    /// Nothing more comes.
    Over,
    /// The old process gave up.
    GivenUp,
}

/// Starts with `config` in the place of another process. A request to `stop` is made if that one takes it back.
///
/// # Errors
/// This process is of no use; the old one goes on.
pub(crate) async fn take_over(
    config: &Config,
    given: Given,
    predecessor: Predecessor,
    stop: mpsc::Sender<Stop>,
) -> Result<Gateway, StartError> {
    let prepared = Prepared::new(config)?;
    let (taker, inheritance) = predecessor.inherit().await?;
    SessionId::begin_at(inheritance.identity.beyond);
    let heritage = Heritage::of(inheritance);
    let gateway = prepared.start(given, Some(heritage)).await?;
    know_clusters(&gateway.first_answers, &taker).await?;
    taker.ready().await?;
    let mut taking = Taking {
        taker,
        berths: Arc::clone(gateway.workers.berths()),
        receptions: gateway.reloader.sockets.lock().await.listeners.receptions(),
        moored: Vec::new(),
        turn: 0,
        taken: 0,
        refused: 0,
    };
    match taking.next_part().await {
        Part::Finish | Part::Over => {}
        Part::GivenUp if taking.taken == 0 => return Err(StartError::TakenBack),
        Part::GivenUp => {
            give_back(&stop);
            return Ok(gateway);
        }
    }
    gateway.take_post();
    gateway.metrics.upgrade().done();
    tracing::info!(
        sessions = taking.taken,
        refused = taking.refused,
        "taken over"
    );
    // An old process that has gone need not hear it.
    taking.taker.serving().await.ok();
    Tasks::new().spawn(taking.go_on(stop));
    Ok(gateway)
}

/// Returns when the clusters are known that a new process waits for: the old one knows them, and its clients would
/// find nobody here. Where that one has ended there is nothing to wait for.
async fn know_clusters(clusters: &FirstAnswers, taker: &Taker) -> Result<(), StartError> {
    tokio::select! {
        biased;
        () = clusters.given() => Ok(()),
        // Nothing is due before this process is ready.
        step = taker.next() => match step {
            Err(Error::Ended) => Ok(()),
            Err(error) => Err(error.into()),
            Ok(_) => Err(Error::Nonsense.into()),
        },
        () = sleep(KNOWING) => Err(StartError::Undiscovered {
            clusters: clusters.missing().to_string(),
        }),
    }
}

/// The old process goes on in the place of this one, which has sessions of its: they are seen off.
fn give_back(stop: &mpsc::Sender<Stop>) {
    tracing::error!("the old process took it back: leaving");
    // Full: it leaves already.
    stop.try_send(Stop("upgrade")).ok();
}

impl Taking {
    /// What opens in the old process while this one serves already.
    async fn go_on(mut self, stop: mpsc::Sender<Stop>) {
        if let Part::GivenUp = self.next_part().await {
            give_back(&stop);
        }
    }

    /// Takes what comes, up to the end of a part.
    async fn next_part(&mut self) -> Part {
        loop {
            let done = match self.taker.next().await {
                Ok(Step::Park(batch)) => {
                    let parked = self.park(batch);
                    self.taker.parked(parked).await
                }
                Ok(Step::NoRoom) => {
                    tracing::warn!("no descriptors left for a batch of sessions");
                    Ok(())
                }
                Ok(Step::Go) => {
                    self.go();
                    Ok(())
                }
                Ok(Step::Finish) => return Part::Finish,
                Ok(Step::Done) => return Part::Over,
                Err(error) => Err(error),
            };
            if let Err(error) = done {
                return self.broken(&error);
            }
        }
    }

    fn broken(&mut self, error: &Error) -> Part {
        if let Error::Ended = error {
            tracing::warn!("the old process has ended without a word: going on with all that came");
            self.go();
            return Part::Over;
        }
        tracing::error!(%error, "the old process does not go on");
        self.moored.clear();
        Part::GivenUp
    }

    /// Makes ready what can go on here, and says what can.
    fn park(&mut self, batch: Batch) -> Vec<bool> {
        let mut parked = Vec::with_capacity(batch.len());
        for (record, sockets) in batch {
            let at = self.turn.checked_rem(self.berths.len()).unwrap_or(0);
            self.turn += 1;
            let berths = self.berths.get(at);
            let moored =
                berths.map(|berth| berth.within(|| berth.moor(&record, sockets, &self.receptions)));
            parked.push(matches!(moored, Some(Ok(_))));
            match moored {
                Some(Ok(moored)) => self.moored.push((at, moored)),
                Some(Err(why)) => self.refuse(&why),
                None => {}
            }
        }
        parked
    }

    fn refuse(&mut self, why: &Unmoored) {
        self.refused += 1;
        tracing::debug!(%why, "a session stays with the old process");
    }

    /// What is parked is this process's.
    fn go(&mut self) {
        for (at, moored) in self.moored.drain(..) {
            if let Some(berth) = self.berths.get(at) {
                berth.within(|| moored.go());
                self.taken += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests;
