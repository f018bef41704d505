//! Why something was not done.

use crate::peers::{Answer, Outcome};

/// Why something was not done for a session.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// There is no such session, here or where its name says.
    #[error("there is no open session of this name")]
    Gone,
    /// The session takes its messages more slowly than they come.
    #[error("the session's queue is full")]
    Full,
    /// Its replica does not answer. Whether it was done is not known.
    #[error("the session's replica does not answer; whether it was done is not known")]
    Silent,
    /// Its replica is another, and there is no way to it.
    #[error("the bus is unreachable, and the session is another replica's")]
    Unreachable,
    /// Its replica is another, and the bus would not carry what was to be said to it.
    #[error("the bus refused: {0}")]
    NotCarried(String),
    /// Too many are asked for something already.
    #[error("too much is being asked of other replicas; try again")]
    Busy,
    /// Its replica would not.
    #[error("{0}")]
    Refused(String),
}

/// What the one that was asked answers.
pub(crate) fn answered(outcome: Outcome) -> Result<Answer, Fault> {
    match outcome {
        Outcome::One(Answer::Gone) => Err(Fault::Gone),
        Outcome::One(Answer::Full) => Err(Fault::Full),
        Outcome::One(Answer::Refused { why }) => Err(Fault::Refused(why)),
        Outcome::One(Answer::Unknown) => Err(Fault::Refused(
            "the session's replica is of another release, which cannot do that".to_owned(),
        )),
        Outcome::One(answer) => Ok(answer),
        Outcome::Silent | Outcome::All(_) => Err(Fault::Silent),
        Outcome::Unreachable => Err(Fault::Unreachable),
        Outcome::Refused(why) => Err(Fault::NotCarried(why)),
        Outcome::Busy => Err(Fault::Busy),
    }
}
