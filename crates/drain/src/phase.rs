//! The phases of a process's life, in order, and the channel that announces them.

use std::future;

use tokio::sync::watch;

use crate::post::{self, Announcer, Learner, Post};

/// How far the process is on its way out. Later phases are greater; there is no way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Ready, accepting.
    Serving,
    /// Not ready, still accepting: load balancers are given time to notice.
    Leaving,
    /// Not accepting; sessions are asked to go.
    Draining,
    /// Whatever is still there ends at once.
    Cut,
}

/// A channel in [`Phase::Serving`].
pub fn channel() -> (Control, Watch) {
    channel_with(Post::Taken)
}

/// The same for a process that may not accept before it [takes its post](Control::take_post): another
/// still does.
pub fn channel_in_waiting() -> (Control, Watch) {
    channel_with(Post::Waiting)
}

fn channel_with(first: Post) -> (Control, Watch) {
    let (sender, receiver) = watch::channel(Phase::Serving);
    let (announcer, learner) = post::channel(first);
    let watch = Watch {
        own: receiver,
        whole: None,
        post: learner,
    };
    (Control(sender, announcer), watch)
}

/// Announces phases. Clones announce on the same channel.
#[derive(Clone, Debug)]
pub struct Control(watch::Sender<Phase>, Announcer);

impl Control {
    /// Announces `phase`. When it, or a later one, was announced before, nothing happens.
    pub fn advance(&self, phase: Phase) {
        self.0.send_if_modified(|current| {
            let is_ahead = phase > *current;
            *current = phase.max(*current);
            is_ahead
        });
    }

    /// From now on this process accepts.
    pub fn take_post(&self) {
        self.1.advance(Post::Taken);
    }

    /// From now on another process accepts in place of this one, which goes on with what it has.
    pub fn relieve(&self) {
        self.1.advance(Post::Relieved);
    }
}

/// Learns of phases.
#[derive(Clone, Debug)]
pub struct Watch {
    own: watch::Receiver<Phase>,
    /// Of what this is a part.
    whole: Option<watch::Receiver<Phase>>,
    /// Of the process.
    post: Learner,
}

impl Watch {
    /// The current phase.
    pub fn phase(&self) -> Phase {
        let of_whole = self.whole.as_ref().map(|whole| *whole.borrow());
        (*self.own.borrow()).max(of_whole.unwrap_or(Phase::Serving))
    }

    /// The phases of a part of `whole`: as far as either has gone.
    #[must_use]
    pub fn within(&self, whole: &Self) -> Self {
        Self {
            own: self.own.clone(),
            whole: Some(whole.own.clone()),
            post: whole.post.clone(),
        }
    }

    /// Waits until this process may accept. Cancel-safe.
    pub fn posted(&self) -> impl Future<Output = ()> + Send + use<> {
        self.post.reached(Post::Taken)
    }

    /// Whether another process accepts in place of this one.
    pub fn is_relieved(&self) -> bool {
        self.post.post() >= Post::Relieved
    }

    /// Waits until another process accepts in place of this one, which may be never. Cancel-safe.
    pub fn relieved(&self) -> impl Future<Output = ()> + Send + use<> {
        self.post.reached(Post::Relieved)
    }

    /// Waits until `phase`, or a later one, is announced; that may have been long ago. A phase
    /// that nobody is left to announce is never reached. Cancel-safe.
    pub fn reached(&self, phase: Phase) -> impl Future<Output = ()> + Send + use<> {
        let (own, whole) = (self.own.clone(), self.whole.clone());
        async move {
            match whole {
                None => announced(own, phase).await,
                Some(whole) => tokio::select! {
                    () = announced(own, phase) => {}
                    () = announced(whole, phase) => {}
                },
            }
        }
    }
}

async fn announced(mut receiver: watch::Receiver<Phase>, phase: Phase) {
    let waiting = receiver.wait_for(|current| *current >= phase);
    if waiting.await.is_err() {
        future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use proptest::prelude::*;
    use tokio::time::timeout;

    const PHASES: [Phase; 4] = [Phase::Serving, Phase::Leaving, Phase::Draining, Phase::Cut];

    async fn is_reached(watch: &Watch, phase: Phase) -> bool {
        timeout(Duration::from_hours(1), watch.reached(phase))
            .await
            .is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn a_phase_is_reached_once_it_or_a_later_one_is_announced() {
        for announced in PHASES {
            let (control, watch) = channel();
            control.advance(announced);
            assert_eq!(watch.phase(), announced);
            for phase in PHASES {
                assert_eq!(is_reached(&watch, phase).await, phase <= announced);
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_is_woken() {
        let (control, watch) = channel();
        let draining = watch.reached(Phase::Draining);
        let cut = watch.clone().reached(Phase::Cut);
        let announcing = async {
            control.advance(Phase::Leaving);
            tokio::task::yield_now().await;
            control.clone().advance(Phase::Cut);
        };
        let all = async { tokio::join!(draining, cut, announcing) };
        assert!(timeout(Duration::from_hours(1), all).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_phase_that_nobody_can_announce_is_never_reached() {
        let (control, watch) = channel();
        control.advance(Phase::Leaving);
        drop(control);
        assert!(is_reached(&watch, Phase::Leaving).await);
        assert!(!is_reached(&watch, Phase::Draining).await);
        assert_eq!(watch.phase(), Phase::Leaving);
    }

    #[tokio::test(start_paused = true)]
    async fn a_part_goes_as_far_as_it_or_its_whole() {
        for (own, of_whole) in [
            (Phase::Draining, Phase::Serving),
            (Phase::Leaving, Phase::Draining),
        ] {
            let ((control, part), (whole_control, whole)) = (channel(), channel());
            let part = part.within(&whole);
            control.advance(own);
            assert!(!is_reached(&part, Phase::Draining).await || own >= Phase::Draining);
            whole_control.advance(of_whole);
            assert_eq!(part.phase(), Phase::Draining);
            assert!(is_reached(&part, Phase::Draining).await);
            assert!(!is_reached(&part, Phase::Cut).await);
            assert_eq!(whole.phase(), of_whole);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_takes_the_post_and_is_relieved_in_any_phase() {
        let (control, watch) = channel_in_waiting();
        let soon = Duration::from_secs(1);
        assert!(timeout(soon, watch.posted()).await.is_err());
        control.take_post();
        assert!(timeout(soon, watch.posted()).await.is_ok());
        assert!(timeout(soon, watch.relieved()).await.is_err());
        control.relieve();
        control.take_post();
        assert!(watch.is_relieved());
        assert_eq!(watch.phase(), Phase::Serving);
        assert!(timeout(soon, watch.relieved()).await.is_ok());
    }

    #[tokio::test]
    async fn who_starts_alone_has_the_post() {
        let (_control, watch) = channel();
        watch.posted().await;
        assert!(!watch.is_relieved());
    }

    proptest! {
        #[test]
        fn there_is_no_way_back(steps in prop::collection::vec(0..PHASES.len(), 1..10)) {
            let (control, mut watch) = channel();
            let mut furthest = Phase::Serving;
            for step in steps {
                control.advance(PHASES[step]);
                let is_new = watch.own.has_changed().expect("the control lives");
                prop_assert_eq!(is_new, PHASES[step] > furthest);
                furthest = furthest.max(PHASES[step]);
                prop_assert_eq!(*watch.own.borrow_and_update(), furthest);
            }
        }
    }
}
