//! What is to be followed, and what of it the servers have yet to be told.
//!
//! Changes are gathered for a few milliseconds, and what is not wanted any more is kept for about a second: whoever comes
//! and goes in that time costs nothing. Not here: how a server is told.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arcstr::ArcStr;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until};

use crate::subject::Subject;

/// How long a change waits for others.
const BATCH: Duration = Duration::from_millis(5);

/// How long what is not wanted any more is still followed.
const LINGER: Duration = Duration::from_secs(1);

/// What would be due within this time is told with what is due.
const SLACK: Duration = Duration::from_millis(100);

/// What is to be followed. One task asks it for changes.
pub(crate) struct Interest {
    replica: ArcStr,
    state: Mutex<State>,
    changed: Notify,
    /// The last round that is in effect; 0 while none is.
    confirmed: watch::Sender<u64>,
}

/// What a server has to be told.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Changes {
    /// To be confirmed by this number when it is in effect.
    pub(crate) round: u64,
    pub(crate) follow: Vec<Subject>,
    pub(crate) unfollow: Vec<Subject>,
}

#[derive(Default)]
struct State {
    channels: HashMap<ArcStr, Place>,
    /// Those that are [`Place::New`].
    new: HashSet<ArcStr>,
    /// When they are to be told.
    due: Option<Instant>,
    /// Those that are [`Place::Lingering`].
    lingering: BTreeSet<(Instant, ArcStr)>,
    round: u64,
}

/// How a channel stands.
#[derive(Clone, Copy)]
enum Place {
    /// The server has not been told.
    New,
    /// It has been, in this round.
    Told(u64),
    /// It has been, and the channel is not wanted any more.
    Lingering(u64, Instant),
}

impl Interest {
    /// Everything for all replicas and for `replica` is of interest, and nothing else yet.
    pub(crate) fn new(replica: &str) -> Self {
        Self {
            replica: replica.into(),
            state: Mutex::default(),
            changed: Notify::new(),
            confirmed: watch::Sender::new(0),
        }
    }

    /// The channel is wanted.
    pub(crate) fn follow(&self, channel: &ArcStr) {
        let is_news = self.state().follow(channel, Instant::now());
        if is_news {
            self.changed.notify_one();
        }
    }

    /// The channel is not wanted any more.
    pub(crate) fn unfollow(&self, channel: &str) {
        let is_news = self.state().unfollow(channel, Instant::now());
        if is_news {
            self.changed.notify_one();
        }
    }

    /// What has changed, when it is time. Nothing is lost when the future is dropped.
    pub(crate) async fn changes(&self) -> Changes {
        loop {
            let due = {
                let mut state = self.state();
                match state.due() {
                    Some(due) if due <= Instant::now() => return state.take(Instant::now()),
                    due => due,
                }
            };
            let news = self.changed.notified();
            match due {
                None => news.await,
                Some(due) => tokio::select! {
                    () = news => {}
                    () = sleep_until(due) => {}
                },
            }
        }
    }

    /// All that is to be followed, for a connection that follows nothing yet.
    pub(crate) fn everything(&self) -> Changes {
        let mut changes = self.state().everything();
        let replica = Subject::Replica(self.replica.clone());
        changes.follow.extend([Subject::Replicas, replica]);
        changes
    }

    /// What was told in this round, and before, is in effect.
    pub(crate) fn confirm(&self, round: u64) {
        self.confirmed.send_replace(round);
    }

    /// Nothing that was told is in effect any more.
    pub(crate) fn lost(&self) {
        self.confirmed.send_replace(0);
    }

    /// Returns when following the channel is in effect, or it is not to be followed.
    pub(crate) async fn settled(&self, channel: &str) {
        let mut confirmed = self.confirmed.subscribe();
        loop {
            let round = *confirmed.borrow_and_update();
            if self.state().is_settled(channel, round) || confirmed.changed().await.is_err() {
                return;
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether there is something to tell.
    fn follow(&mut self, channel: &ArcStr, now: Instant) -> bool {
        match self.channels.get_mut(channel) {
            Some(Place::New | Place::Told(_)) => false,
            Some(place @ &mut Place::Lingering(round, until)) => {
                *place = Place::Told(round);
                self.lingering.remove(&(until, channel.clone()));
                false
            }
            None => {
                self.channels.insert(channel.clone(), Place::New);
                self.new.insert(channel.clone());
                self.due.get_or_insert(now + BATCH);
                true
            }
        }
    }

    /// Whether there is something to tell.
    fn unfollow(&mut self, channel: &str, now: Instant) -> bool {
        let Some((name, &place)) = self.channels.get_key_value(channel) else {
            return false;
        };
        let name = name.clone();
        match place {
            Place::New => {
                self.channels.remove(channel);
                self.new.remove(channel);
                false
            }
            Place::Told(round) => {
                let until = now + LINGER;
                self.channels
                    .insert(name.clone(), Place::Lingering(round, until));
                self.lingering.insert((until, name));
                true
            }
            Place::Lingering(..) => false,
        }
    }

    /// When there is something to tell.
    fn due(&self) -> Option<Instant> {
        let due = self.due.filter(|_| !self.new.is_empty());
        let lingering = self.lingering.first().map(|(until, _)| *until);
        due.into_iter().chain(lingering).min()
    }

    fn take(&mut self, now: Instant) -> Changes {
        self.round += 1;
        let follow = self.take_new();
        let mut unfollow = Vec::new();
        while let Some((until, _)) = self.lingering.first()
            && *until <= now + SLACK
            && let Some((_, channel)) = self.lingering.pop_first()
        {
            self.channels.remove(&channel);
            unfollow.push(Subject::Channel(channel));
        }
        Changes {
            round: self.round,
            follow,
            unfollow,
        }
    }

    fn take_new(&mut self) -> Vec<Subject> {
        self.due = None;
        let told = Place::Told(self.round);
        let tell = |channel: ArcStr| {
            self.channels.insert(channel.clone(), told);
            Subject::Channel(channel)
        };
        self.new.drain().map(tell).collect()
    }

    fn everything(&mut self) -> Changes {
        self.round += 1;
        self.due = None;
        self.new = HashSet::new();
        self.lingering = BTreeSet::new();
        self.channels
            .retain(|_, place| !matches!(place, Place::Lingering(..)));
        for place in self.channels.values_mut() {
            *place = Place::Told(self.round);
        }
        let channels = self.channels.keys().cloned();
        Changes {
            round: self.round,
            follow: channels.map(Subject::Channel).collect(),
            unfollow: Vec::new(),
        }
    }

    fn is_settled(&self, channel: &str, confirmed: u64) -> bool {
        match self.channels.get(channel) {
            None => true,
            Some(Place::New) => false,
            Some(Place::Told(round) | Place::Lingering(round, _)) => *round <= confirmed,
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{advance, timeout};

    use super::*;

    fn channels(subjects: &[Subject]) -> Vec<&str> {
        let mut names: Vec<&str> = subjects
            .iter()
            .filter_map(|subject| match subject {
                Subject::Channel(name) => Some(&**name),
                Subject::Replicas | Subject::Replica(_) | Subject::Events => None,
            })
            .collect();
        names.sort_unstable();
        names
    }

    fn follow(interest: &Interest, names: &[&str]) {
        for name in names {
            interest.follow(&ArcStr::from(*name));
        }
    }

    async fn is_quiet(interest: &Interest, time: Duration) -> bool {
        timeout(time, interest.changes()).await.is_err()
    }

    #[tokio::test(start_paused = true)]
    async fn changes_come_together_after_a_few_milliseconds() {
        let interest = Interest::new("a1");
        follow(&interest, &["a"]);
        assert!(is_quiet(&interest, BATCH / 2).await);
        follow(&interest, &["b", "a"]);
        let begun = Instant::now();
        let changes = interest.changes().await;
        assert_eq!(channels(&changes.follow), ["a", "b"]);
        assert!(changes.unfollow.is_empty());
        assert!(
            begun.elapsed() < BATCH,
            "it is the first that sets the time"
        );
        assert!(is_quiet(&interest, LINGER * 10).await);
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_and_goes_is_never_told() {
        let interest = Interest::new("a1");
        for _ in 0..1000 {
            follow(&interest, &["a"]);
            interest.unfollow("a");
        }
        assert!(is_quiet(&interest, LINGER * 10).await);
    }

    #[tokio::test(start_paused = true)]
    async fn what_goes_lingers_and_may_come_back() {
        let interest = Interest::new("a1");
        follow(&interest, &["a", "b"]);
        interest.changes().await;
        interest.unfollow("a");
        interest.unfollow("b");
        assert!(is_quiet(&interest, LINGER / 2).await);
        follow(&interest, &["a"]);
        let changes = interest.changes().await;
        assert_eq!(channels(&changes.unfollow), ["b"]);
        assert!(changes.follow.is_empty());
        assert!(is_quiet(&interest, LINGER * 10).await);
    }

    #[tokio::test(start_paused = true)]
    async fn those_that_leave_about_the_same_time_are_told_together() {
        let interest = Interest::new("a1");
        let names: Vec<String> = (0..100).map(|i| i.to_string()).collect();
        for name in &names {
            follow(&interest, &[name]);
        }
        assert_eq!(interest.changes().await.follow.len(), 100);
        for name in &names {
            interest.unfollow(name);
            advance(SLACK / 100).await;
        }
        assert_eq!(interest.changes().await.unfollow.len(), 100);
    }

    #[tokio::test(start_paused = true)]
    async fn everything_is_what_is_wanted_now() {
        let interest = Interest::new("a1");
        follow(&interest, &["a", "b"]);
        interest.changes().await;
        follow(&interest, &["c"]);
        interest.unfollow("a");
        let changes = interest.everything();
        assert_eq!(channels(&changes.follow), ["b", "c"]);
        assert!(changes.follow.contains(&Subject::Replicas));
        assert!(changes.follow.contains(&Subject::Replica("a1".into())));
        assert!(is_quiet(&interest, LINGER * 10).await);
        follow(&interest, &["a"]);
        assert_eq!(channels(&interest.changes().await.follow), ["a"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_channel_is_settled_when_its_round_is_confirmed() {
        let interest = Interest::new("a1");
        let is_settled = async |name: &str| timeout(BATCH, interest.settled(name)).await.is_ok();
        assert!(is_settled("a").await, "nobody follows it");
        follow(&interest, &["a"]);
        assert!(!is_settled("a").await);
        let changes = interest.changes().await;
        assert!(!is_settled("a").await);
        interest.confirm(changes.round);
        assert!(is_settled("a").await);
        interest.lost();
        assert!(!is_settled("a").await);
        let ((), ()) = tokio::join!(interest.settled("a"), async {
            interest.confirm(interest.everything().round);
        });
    }
}
