//! What is told when, on a paused clock.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::num::NonZeroU32;

use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use super::*;
use crate::dns::{Failure, Refresh};
use crate::found::Stance;

const REFRESH: Refresh = Refresh {
    min: Duration::from_secs(5),
    max: Duration::from_mins(1),
    retry: Duration::from_secs(2),
};

/// Answers in order; then it is silent.
struct Script {
    began: Instant,
    answers: RefCell<VecDeque<Result<Answer, Error>>>,
    asked: RefCell<Vec<f64>>,
}

impl Script {
    fn of(answers: impl IntoIterator<Item = Result<Answer, Error>>) -> Self {
        Self {
            began: Instant::now(),
            answers: RefCell::new(answers.into_iter().collect()),
            asked: RefCell::default(),
        }
    }

    async fn ask(&self) -> Result<Answer, Error> {
        let at = self.began.elapsed().as_secs_f64();
        self.asked.borrow_mut().push(at);
        let next = self.answers.borrow_mut().pop_front();
        match next {
            Some(answer) => answer,
            None => std::future::pending().await,
        }
    }

    /// Plays it to its end; what was told, in short.
    async fn play(&self) -> Vec<String> {
        let (updates, mut told) = mpsc::channel(16);
        let watched = watch(|| self.ask(), Pace::new(REFRESH), &updates);
        let ended = timeout(Duration::from_hours(1), watched).await;
        assert!(ended.is_err(), "it ended by itself");
        let mut all = Vec::new();
        while let Ok(update) = told.try_recv() {
            all.push(short(&update));
        }
        all
    }

    /// The waits between the questions must be these, or up to a tenth longer.
    #[track_caller]
    fn assert_waits(&self, wanted: &[f64]) {
        let asked = self.asked.borrow();
        let waits: Vec<_> = asked.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert_eq!(waits.len(), wanted.len(), "{waits:?}");
        for (wait, least) in waits.iter().zip(wanted) {
            let most = least * 1.1 + 0.002; // the clock counts in milliseconds
            assert!((*least..=most).contains(wait), "{waits:?}");
        }
    }
}

fn short(update: &Update) -> String {
    match update {
        Update::Members(members) => members
            .iter()
            .map(|found| found.address.port())
            .fold("members".to_owned(), |text, port| format!("{text} {port}")),
        Update::Failed(error) => error.reason().to_owned(),
    }
}

fn found(port: u16) -> Found {
    Found {
        address: ([192, 0, 2, 1], port).into(),
        name: None,
        weight: NonZeroU32::MIN,
        zone: None,
        stance: Stance::Ready,
    }
}

fn error(source: Failure) -> Error {
    let name = "a.test".to_owned();
    Error::Dns { name, source }
}

fn answer(ports: &[u16], ttl: u64) -> Answer {
    Answer {
        members: ports.iter().copied().map(found).collect(),
        ttl: Duration::from_secs(ttl),
        missing: Vec::new(),
    }
}

#[tokio::test(start_paused = true)]
async fn members_are_told_when_they_change_and_asked_for_when_they_expire() {
    let heavy = |mut answer: Answer| {
        answer.members[0].weight = NonZeroU32::MAX;
        answer
    };
    let script = Script::of([
        Ok(answer(&[1, 2], 30)),
        Ok(answer(&[1, 2], 1)),
        Ok(answer(&[2], 600)),
        Ok(heavy(answer(&[2], 10))),
    ]);
    let told = script.play().await;
    assert_eq!(told, ["members 1 2", "members 2", "members 2"]);
    script.assert_waits(&[30.0, 5.0, 60.0, 10.0]);
}

#[tokio::test(start_paused = true)]
async fn a_failure_takes_nothing_back_and_is_asked_again_ever_later() {
    let script = Script::of([
        Ok(answer(&[1], 30)),
        Err(error(Failure::Timeout)),
        Err(error(Failure::Refused)),
        Err(error(Failure::NoRecords)),
        Ok(answer(&[1], 30)),
        Err(error(Failure::NoName)),
    ]);
    let told = script.play().await;
    assert_eq!(
        told,
        [
            "members 1",
            "dns_timeout",
            "dns_refused",
            "dns_no_records",
            "dns_no_name"
        ]
    );
    script.assert_waits(&[30.0, 2.0, 4.0, 8.0, 30.0, 2.0]);
}

#[tokio::test(start_paused = true)]
async fn a_part_is_told_with_what_is_missing_and_asked_for_soon() {
    let part = || Answer {
        missing: vec![error(Failure::Timeout)],
        ..answer(&[1], 30)
    };
    let script = Script::of([Ok(part()), Ok(part()), Ok(answer(&[1, 2], 30))]);
    let told = script.play().await;
    assert_eq!(
        told,
        ["members 1", "dns_timeout", "dns_timeout", "members 1 2"]
    );
    script.assert_waits(&[2.0, 4.0, 30.0]);
}

#[tokio::test(start_paused = true)]
async fn waits_differ() {
    let answers = || (0..20).map(|_| Ok(answer(&[1], 50)));
    let (one, other) = (Script::of(answers()), Script::of(answers()));
    tokio::join!(one.play(), other.play());
    assert_ne!(*one.asked.borrow(), *other.asked.borrow());
}
