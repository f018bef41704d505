//! What is done with one connection until it ends.
//!
//! One task follows and unfollows, takes what comes and hands it on. What has to be sent for that waits in a queue while the
//! client cannot take it, so that nothing here waits for the server.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use async_nats::{Message, Subscriber};
use bytes::Bytes;
use tokio::time::{Instant, sleep_until};

use super::echo::Mark;
use super::events::{Events, News};
use super::followed::Followed;
use super::history;
use super::link::Link;
use super::sequence::{Given, Sequence};
use super::subjects::Subjects;
use crate::duty::Duty;
use crate::interest::Changes;
use crate::subject::Subject;

/// What a subscription is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Subject(Subject),
    /// What this replica published to itself.
    Echo,
}

/// What is to be sent.
enum Order {
    Follow(Key),
    Unfollow(Key),
    /// All before it has been seen to when this comes back.
    Confirm(u64),
    /// What came for this replica was taken.
    Taken(async_nats::Subject),
}

/// What came of sending it.
enum Sent {
    Subscribed(Key, Subscriber),
    Unfollowed(Key),
    Done,
}

/// What there is to do.
enum Step {
    News(News),
    Came(Option<(Key, Message)>),
    Sent(Result<Sent, String>),
    Changed(Changes),
    /// Something has been held for long enough.
    Due,
    TooLate,
}

/// A connection being served.
pub(super) struct Serving<'a> {
    link: &'a Link,
    subjects: &'a Subjects,
    events: &'a Events,
    followed: Followed<Key, Subscriber>,
    orders: VecDeque<Order>,
    sequence: Sequence<Subject>,
    /// Whether all that was of interest at the beginning is followed.
    is_followed: bool,
}

impl<'a> Serving<'a> {
    pub(super) fn new(link: &'a Arc<Link>, subjects: &'a Subjects, events: &'a Events) -> Self {
        Self {
            link,
            subjects,
            events,
            followed: Followed::new(),
            orders: VecDeque::new(),
            sequence: Sequence::new(),
            is_followed: false,
        }
    }

    /// Whether it has followed all that was of interest.
    pub(super) fn is_followed(&self) -> bool {
        self.is_followed
    }

    /// Until the connection ends; says why. The server has `timeout` to confirm that all is followed.
    pub(super) async fn run(&mut self, duty: &mut Duty, timeout: Duration) -> String {
        let deadline = Instant::now() + timeout;
        self.orders.push_back(Order::Follow(Key::Echo));
        self.tell(duty.interest().everything());
        loop {
            match self.step(duty, deadline).await {
                Step::News(News::Lost) | Step::Came(None) => {
                    return self.said("the connection ended");
                }
                Step::TooLate => return self.said("it does not answer"),
                Step::Sent(Err(fault)) => return fault,
                Step::News(News::Overrun(messages)) => duty.overrun(messages),
                Step::Came(Some((key, message))) => self.take(duty, key, message),
                Step::Changed(changes) => self.tell(changes),
                Step::Sent(Ok(sent)) => self.sent(sent),
                Step::Due => self.give_up(duty),
            }
        }
    }

    async fn step(&mut self, duty: &Duty, deadline: Instant) -> Step {
        let Self {
            link,
            subjects,
            events,
            followed,
            orders,
            sequence,
            is_followed,
        } = self;
        let due = sequence.due();
        // What is taken for this replica is answered before more is taken.
        let owes = matches!(orders.front(), Some(Order::Taken(_)));
        tokio::select! {
            news = events.next() => Step::News(news),
            came = followed.next(), if !owes => Step::Came(came),
            sent = send(link, subjects, orders.front()), if !orders.is_empty() => Step::Sent(sent),
            changes = duty.interest().changes(), if *is_followed => Step::Changed(changes),
            () = sleep_until(due.unwrap_or(deadline)), if due.is_some() => Step::Due,
            () = sleep_until(deadline), if !*is_followed => Step::TooLate,
        }
    }

    /// Why it ended, with what the server said last.
    fn said(&self, fault: &str) -> String {
        match self.events.refusal() {
            None => fault.to_owned(),
            Some(refusal) => format!("{fault}; it said: {refusal}"),
        }
    }

    fn tell(&mut self, changes: Changes) {
        let key = Key::Subject;
        let follow = changes.follow.into_iter().map(key).map(Order::Follow);
        self.orders.extend(follow);
        let unfollow = changes.unfollow.into_iter().map(key).map(Order::Unfollow);
        self.orders.extend(unfollow);
        self.orders.push_back(Order::Confirm(changes.round));
    }

    fn sent(&mut self, sent: Sent) {
        self.orders.pop_front();
        match sent {
            Sent::Subscribed(key, subscriber) => self.followed.insert(key, subscriber),
            Sent::Unfollowed(key) => {
                self.followed.remove(&key);
                if let Key::Subject(subject) = key {
                    self.sequence.forget(&subject);
                }
            }
            Sent::Done => {}
        }
    }

    fn take(&mut self, duty: &mut Duty, key: Key, message: Message) {
        match key {
            Key::Echo => self.heard(duty, &message),
            Key::Subject(subject) => {
                if let (Subject::Replica(_), Some(reply)) = (&subject, &message.reply) {
                    self.orders.push_front(Order::Taken(reply.clone()));
                }
                match self.link.history.place_of(&message) {
                    None => duty.receive(subject, message.payload, None),
                    Some(place) => {
                        let given = self.sequence.take(&subject, place, message.payload);
                        give(duty, &subject, given);
                    }
                }
            }
        }
    }

    fn give_up(&mut self, duty: &Duty) {
        for (subject, given) in self.sequence.give_up() {
            give(duty, &subject, given);
        }
    }

    fn heard(&mut self, duty: &mut Duty, message: &Message) {
        match Mark::read(&message.payload) {
            None => {}
            Some(Mark::Publication(number)) => self.link.echo.heard(number),
            Some(Mark::Round(round)) => {
                duty.interest().confirm(round);
                if !self.is_followed {
                    self.is_followed = true;
                    duty.connected();
                }
            }
        }
    }
}

fn give(duty: &Duty, subject: &Subject, given: Given) {
    for (number, payload) in given {
        duty.receive(subject.clone(), payload, Some(history::id(number)));
    }
}

/// Nothing is lost when the future is dropped.
async fn send(link: &Link, subjects: &Subjects, order: Option<&Order>) -> Result<Sent, String> {
    let client = &link.client;
    let published = match order {
        None => return Ok(Sent::Done),
        Some(Order::Unfollow(key)) => return Ok(Sent::Unfollowed(key.clone())),
        Some(Order::Follow(key)) => {
            let subject = match key {
                Key::Echo => link.echo.subject(),
                Key::Subject(subject) => subjects.of(subject).into(),
            };
            let subscription = client.subscribe(subject).await;
            let messages = subscription.map_err(|error| error.to_string())?;
            return Ok(Sent::Subscribed(key.clone(), messages));
        }
        Some(Order::Confirm(round)) => {
            client.publish(link.echo.subject(), Mark::Round(*round).written())
        }
        Some(Order::Taken(reply)) => client.publish(reply.clone(), Bytes::new()),
    };
    published.await.map_err(|error| error.to_string())?;
    Ok(Sent::Done)
}
