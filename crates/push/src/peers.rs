//! Replicas among one another: who is there, and asking them for what is theirs alone.
//!
//! [`Peers`] is a state machine that is handed messages and time, and gives back what is to be published, done and told.
//! Whoever can publish on the bus is believed: who may is the bus's to say (its passwords and certificates). What cannot be
//! read is counted by whoever hands it in, and nothing that is kept has no bound.
//!
//! Not here: the bus, and doing what is asked (`exchange`).

mod directory;
mod recent;
#[cfg(test)]
mod tests;
mod waiting;
mod wire;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;
use switchyard_bus::{PublishError, Reached};

use crate::name::ReplicaId;
use directory::{Directory, SILENCE};
use recent::{Before, Recent};
use waiting::Waiting;
use wire::Word;
pub(crate) use wire::{Answer, Ask, Member, Standing, Unheard};

/// How often a replica says that it is there, give or take a tenth.
const BEAT: Duration = Duration::from_secs(2);

/// How soon it does, at most, when another has come.
const WELCOME: Duration = Duration::from_millis(200);

/// To whom something is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum To {
    /// To every replica.
    All,
    /// To this one.
    One(ReplicaId),
}

/// What came of asking.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Outcome {
    /// The one that was asked answers this.
    One(Answer),
    /// Of all that were asked, these answered in time.
    All(Vec<(Member, Answer)>),
    /// The one that was asked did not answer in time.
    Silent,
    /// The bus is gone.
    Unreachable,
    /// The bus would not carry what was to be asked, and says why.
    Refused(String),
    /// Too much is being asked already.
    Busy,
}

/// What another replica asks.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Asked {
    /// What to do.
    pub ask: Ask,
    by: Member,
    id: u64,
}

/// What is to be done.
#[derive(Debug, PartialEq)]
pub(crate) enum Output<T> {
    /// Publish this. Where it asks something, [`Peers::handle_published`] wants to know under this number how that went.
    Publish {
        /// Who is to hear it.
        to: To,
        /// What is said.
        payload: Bytes,
        /// Under which number something is asked.
        asking: Option<u64>,
    },
    /// Do this, and give [`Peers::answer`] what came of it.
    Asked(Asked),
    /// Tell whoever waits what came of it.
    Answered {
        /// Who waits.
        ticket: T,
        /// What came of it.
        outcome: Outcome,
    },
}

/// See the module. `T` is whoever waits for an answer.
#[derive(Debug)]
pub(crate) struct Peers<T> {
    me: Member,
    directory: Directory,
    waiting: Waiting<T>,
    recent: Recent,
    outputs: VecDeque<Output<T>>,
    /// When it is said again that this replica is there.
    beat: Instant,
    nth: u64,
    dice: u64,
    /// Since when everyone who is there has been heard.
    listening: Instant,
    /// It has said farewell.
    has_left: bool,
}

impl<T> Peers<T> {
    /// This process begins to listen, and says so at once. The dice say how its beats are spread.
    pub(crate) fn new(me: Member, dice: u64, now: Instant) -> Self {
        Self {
            me,
            directory: Directory::default(),
            waiting: Waiting::default(),
            recent: Recent::default(),
            outputs: VecDeque::new(),
            beat: now,
            nth: 0,
            dice,
            listening: now,
            has_left: false,
        }
    }

    /// A message has come.
    ///
    /// # Errors
    /// It says nothing, and nothing comes of it.
    pub(crate) fn handle_message(&mut self, payload: &[u8], now: Instant) -> Result<(), Unheard> {
        let (from, word) = wire::read(payload)?;
        if from == self.me {
            return Ok(());
        }
        match word {
            Word::Beat { nth, standing } => {
                if self.directory.note(from, nth, Some(standing), now) {
                    self.beat = self.beat.min(now + WELCOME.mul_f64(self.draw()));
                }
            }
            Word::Bye { nth } => {
                self.directory.note(from, nth, None, now);
            }
            Word::Ask { id, ask } => self.hear(from, id, ask),
            Word::Answer { id, answer } => self.waiting.answer(id, from, answer),
        }
        self.settle(now);
        Ok(())
    }

    /// Time has gone by. Says that this replica is there when it is time to.
    pub(crate) fn handle_time(&mut self, standing: Standing, now: Instant) {
        self.directory.forget_silent(now);
        if now >= self.beat {
            self.beat = now + BEAT.mul_f64(0.9 + 0.2 * self.draw());
            if !self.has_left {
                self.nth = self.nth.wrapping_add(1);
                let nth = self.nth;
                self.say(To::All, None, &Word::Beat { nth, standing });
            }
        }
        self.settle(now);
    }

    /// When it is time for [`handle_time`](Self::handle_time).
    #[must_use]
    pub(crate) fn next_due(&self) -> Instant {
        let until = self.waiting.first_until();
        until.map_or(self.beat, |until| until.min(self.beat))
    }

    /// Something is new that others should know: it is time to say so.
    pub(crate) fn hurry(&mut self, now: Instant) {
        self.beat = now;
    }

    /// The bus was gone and is there again: nobody was heard meanwhile.
    pub(crate) fn handle_resumed(&mut self, now: Instant) {
        self.listening = now;
        self.hurry(now);
    }

    /// This process goes. It says nothing of itself from now on.
    pub(crate) fn leave(&mut self) {
        self.has_left = true;
        self.nth = self.nth.wrapping_add(1);
        self.say(To::All, None, &Word::Bye { nth: self.nth });
    }

    /// Asks others for something, for an answer within this time.
    pub(crate) fn ask(&mut self, to: To, ask: Ask, ticket: T, within: Duration, now: Instant) {
        let until = now.checked_add(within).unwrap_or(now);
        match self.waiting.enter(ticket, to, until) {
            Ok(id) => {
                let ask = Some(ask);
                self.say(to, Some(id), &Word::Ask { id, ask });
                self.settle(now);
            }
            Err(ticket) => self.outputs.push_back(Output::Answered {
                ticket,
                outcome: Outcome::Busy,
            }),
        }
    }

    /// What was asked under a number was published, and reached so many; or it was not. Where that is not known, an answer
    /// may come all the same.
    pub(crate) fn handle_published(
        &mut self,
        asking: u64,
        published: Result<Reached, PublishError>,
        now: Instant,
    ) {
        match (published, self.waiting.asked(asking)) {
            (Err(PublishError::Unreachable), _) => self.fail(asking, Outcome::Unreachable),
            (Err(PublishError::Refused(why)), _) => self.fail(asking, Outcome::Refused(why)),
            (Ok(Reached::Replicas(0)), Some(To::One(_))) => self.waiting.miss(asking),
            (Ok(Reached::Unknown), Some(To::One(replica))) => {
                let knows_all = now.saturating_duration_since(self.listening) > SILENCE;
                if knows_all && self.directory.processes(replica) == 0 {
                    self.waiting.miss(asking);
                }
            }
            (Ok(_) | Err(PublishError::TimedOut | PublishError::Lost), _) => {}
        }
        self.settle(now);
    }

    /// What is asked under a number is not published: there is too much of it.
    pub(crate) fn handle_crowded(&mut self, asking: u64) {
        self.fail(asking, Outcome::Busy);
    }

    fn fail(&mut self, asking: u64, outcome: Outcome) {
        if let Some(ticket) = self.waiting.fail(asking) {
            self.outputs.push_back(Output::Answered { ticket, outcome });
        }
    }

    /// What came of what another asked.
    pub(crate) fn answer(&mut self, asked: &Asked, answer: Answer) {
        self.recent.answer((asked.by, asked.id), &answer);
        self.reply(asked.by, asked.id, answer);
    }

    /// What is to be done next.
    #[must_use]
    pub(crate) fn poll_output(&mut self) -> Option<Output<T>> {
        self.outputs.pop_front()
    }

    /// Every other process that is there, and how it is.
    pub(crate) fn others(&self) -> impl Iterator<Item = (Member, Standing)> {
        self.directory.present()
    }

    fn hear(&mut self, by: Member, id: u64, ask: Option<Ask>) {
        let Some(ask) = ask else {
            return self.reply(by, id, Answer::Unknown);
        };
        match self.recent.ask((by, id)) {
            Before::Never => self.outputs.push_back(Output::Asked(Asked { ask, by, id })),
            Before::UnderWay => {}
            Before::Answered(answer) => self.reply(by, id, answer),
        }
    }

    fn reply(&mut self, to: Member, id: u64, answer: Answer) {
        self.say(To::One(to.replica), None, &Word::Answer { id, answer });
    }

    fn say(&mut self, to: To, asking: Option<u64>, word: &Word) {
        let payload = wire::write(self.me, word);
        self.outputs.push_back(Output::Publish {
            to,
            payload,
            asking,
        });
    }

    fn settle(&mut self, now: Instant) {
        let done = self.waiting.take_done(self.me, &self.directory, now);
        let answered = done.into_iter();
        self.outputs
            .extend(answered.map(|(ticket, outcome)| Output::Answered { ticket, outcome }));
    }

    /// A number from 0 to 1, from the dice: `SplitMix64`.
    fn draw(&mut self) -> f64 {
        self.dice = self.dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.dice;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let bits = u32::try_from((bits ^ (bits >> 31)) >> 32).unwrap_or(0);
        f64::from(bits) / f64::from(u32::MAX)
    }
}
