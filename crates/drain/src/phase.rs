//! The phases of a process's life, in order, and the channel that announces them.

use std::sync::Arc;

use crate::post::Post;
use crate::stage::Stage;

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

impl From<u8> for Phase {
    fn from(phase: u8) -> Self {
        match phase {
            0 => Self::Serving,
            1 => Self::Leaving,
            2 => Self::Draining,
            _ => Self::Cut,
        }
    }
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
    let stage = Stage::new(Phase::Serving, first);
    (Control(Arc::clone(&stage)), Watch(stage))
}

/// A channel for a part of `whole`, such as one listener: it goes as far as its own control says, or as far as
/// the whole goes.
pub fn part_of(whole: &Watch) -> (Control, Watch) {
    let (control, watch) = channel_with(Post::Waiting);
    whole.0.lead(&watch.0);
    (control, watch)
}

/// Announces phases. Clones announce on the same channel.
#[derive(Clone, Debug)]
pub struct Control(Arc<Stage>);

impl Control {
    /// Announces `phase`. When it, or a later one, was announced before, nothing happens.
    pub fn advance(&self, phase: Phase) {
        self.0.advance(phase, Post::Waiting);
    }

    /// From now on this process accepts.
    pub fn take_post(&self) {
        self.0.advance(Phase::Serving, Post::Taken);
    }

    /// From now on another process accepts in place of this one, which goes on with what it has.
    pub fn relieve(&self) {
        self.0.advance(Phase::Serving, Post::Relieved);
    }
}

/// Learns of phases.
#[derive(Clone, Debug)]
pub struct Watch(Arc<Stage>);

impl Watch {
    /// The current phase.
    pub fn phase(&self) -> Phase {
        self.0.phase()
    }

    /// Waits until `phase`, or a later one, is announced; that may have been long ago. A phase
    /// that nobody is left to announce is never reached. Cancel-safe.
    pub async fn reached(&self, phase: Phase) {
        self.0.until(|stage| stage.phase() >= phase).await;
    }

    /// Waits until this process may accept. Cancel-safe.
    pub async fn posted(&self) {
        self.0.until(|stage| stage.post() >= Post::Taken).await;
    }

    /// Whether another process accepts in place of this one.
    pub fn is_relieved(&self) -> bool {
        self.0.post() >= Post::Relieved
    }

    /// Waits until another process accepts in place of this one, which may be never. Cancel-safe.
    pub async fn relieved(&self) {
        self.0.until(|stage| stage.post() >= Post::Relieved).await;
    }

    /// Whether what is asked for now is the last: of who drains, and where another process accepts.
    pub fn takes_last_orders(&self) -> bool {
        takes_last_orders(&self.0)
    }

    /// Waits until that is so. Cancel-safe.
    pub async fn last_orders(&self) {
        self.0.until(takes_last_orders).await;
    }
}

fn takes_last_orders(stage: &Stage) -> bool {
    stage.phase() >= Phase::Draining || stage.post() >= Post::Relieved
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
        let cut = watch.reached(Phase::Cut);
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
            let (whole_control, whole) = channel();
            let (control, part) = part_of(&whole);
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
    async fn a_part_begins_where_its_whole_is() {
        let (control, whole) = channel_in_waiting();
        let (_early_control, early) = part_of(&whole);
        control.advance(Phase::Draining);
        control.relieve();
        let (_late_control, late) = part_of(&whole);
        for part in [early, late] {
            assert_eq!(part.phase(), Phase::Draining);
            assert!(part.is_relieved() && part.takes_last_orders());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_at_a_part_is_woken_by_its_whole() {
        let announcements: [fn(&Control); 2] =
            [Control::relieve, |control| control.advance(Phase::Draining)];
        for announce in announcements {
            let (control, whole) = channel();
            let (_part_control, part) = part_of(&whole);
            assert!(!part.takes_last_orders());
            let announcing = async {
                tokio::task::yield_now().await;
                announce(&control);
            };
            let both = async { tokio::join!(part.last_orders(), announcing) };
            assert!(timeout(Duration::from_hours(1), both).await.is_ok());
            assert!(part.takes_last_orders());
        }
    }

    #[test]
    fn who_waits_on_another_thread_is_woken() {
        let (control, watch) = channel();
        let (starts, started) = std::sync::mpsc::channel();
        let threads: Vec<_> = (0..20)
            .map(|_| {
                let (watch, starts) = (watch.clone(), starts.clone());
                std::thread::spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread().build();
                    starts.send(()).unwrap();
                    runtime.unwrap().block_on(watch.reached(Phase::Cut));
                })
            })
            .collect();
        for _ in &threads {
            started.recv().unwrap();
        }
        control.advance(Phase::Cut);
        for thread in threads {
            thread.join().unwrap();
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
            let (control, watch) = channel();
            let mut furthest = Phase::Serving;
            for step in steps {
                control.advance(PHASES[step]);
                furthest = furthest.max(PHASES[step]);
                prop_assert_eq!(watch.phase(), furthest);
            }
        }
    }
}
