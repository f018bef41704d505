use std::sync::Mutex;

use super::*;
use crate::Tasks;

/// How often a replica says how far it is.
const BEAT: Duration = Duration::from_secs(2);
/// How long a word takes.
const LATENCY: Duration = Duration::from_millis(30);

/// A replica's drain.
#[derive(Clone, Copy)]
struct Plan {
    begins: Duration,
    sessions: usize,
    over: Duration,
    by: Duration,
}

impl Plan {
    fn new(begins: u64, sessions: usize, over: u64, by: u64) -> Self {
        Self {
            begins: Duration::from_secs(begins),
            sessions,
            over: Duration::from_secs(over),
            by: Duration::from_secs(by),
        }
    }
}

/// When each replica asked whom, by one clock.
type Asked = Vec<Vec<Duration>>;

/// Tells the others at each beat, and when something begins or ends.
async fn tell(number: usize, budgets: Vec<Budget>, known: Arc<Mutex<Vec<Load>>>) {
    let mut changes = budgets[number].changes();
    loop {
        let (load, known, budgets) = (budgets[number].load(), Arc::clone(&known), budgets.clone());
        Tasks::new().spawn(async move {
            sleep(LATENCY).await;
            known.lock().expect("not poisoned")[number] = load;
            let known = known.lock().expect("not poisoned").clone();
            for (other, budget) in budgets.iter().enumerate() {
                let others = known.iter().enumerate().filter(|(it, _)| *it != other);
                budget.hear(others.map(|(_, load)| *load).collect());
            }
        });
        tokio::select! {
            () = sleep(BEAT) => {}
            _ = changes.changed() => {}
        }
    }
}

/// Has three replicas drain, and says when each asked.
async fn drained(plans: &[Plan]) -> Asked {
    let budgets: Vec<_> = plans.iter().map(|_| Budget::default()).collect();
    let known = Arc::new(Mutex::new(vec![Load::default(); plans.len()]));
    let begun = Instant::now();
    let tasks = Tasks::new();
    let mut asking = Vec::new();
    for (number, plan) in plans.iter().copied().enumerate() {
        tasks.spawn(tell(number, budgets.clone(), Arc::clone(&known)));
        let budget = budgets[number].clone();
        asking.push(tasks.spawn(async move {
            sleep(plan.begins).await;
            let stagger = Stagger::new(plan.over, 7 + number as u64);
            let mut share = budget.share(stagger, plan.sessions, plan.by);
            let mut asked = Vec::new();
            for _ in 0..plan.sessions {
                share.turn().await;
                asked.push(begun.elapsed());
            }
            asked
        }));
    }
    let mut all = Asked::new();
    for asked in asking {
        all.push(asked.await.expect("it did not panic"));
    }
    all
}

/// The most that were asked in any second.
fn most_in_a_second(asked: &Asked) -> usize {
    let mut moments: Vec<_> = asked.iter().flatten().copied().collect();
    moments.sort();
    let within = |first: usize| {
        let end = moments[first] + Duration::from_secs(1);
        moments[first..].partition_point(|moment| *moment < end)
    };
    (0..moments.len()).map(within).max().unwrap_or(0)
}

fn assert_in_time(plans: &[Plan], asked: &Asked) {
    for (plan, asked) in plans.iter().zip(asked) {
        let last = asked.last().expect("someone").saturating_sub(plan.begins);
        assert!(last <= plan.by + Duration::from_millis(2), "{last:?}");
        assert_eq!(asked.len(), plan.sessions);
    }
}

#[tokio::test(start_paused = true)]
async fn replicas_that_drain_at_once_go_at_the_pace_of_one() {
    let plans = [
        Plan::new(0, 3000, 30, 300),
        Plan::new(7, 2000, 20, 300),
        Plan::new(11, 1000, 20, 300),
    ];
    let asked = drained(&plans).await;
    let most = most_in_a_second(&asked);
    // Each has 100 a second of its own, or 50.
    assert!(most <= 125, "{most}");
    assert_in_time(&plans, &asked);
    // Nor is the pace left unused: 6000 sessions at 100 a second.
    let last = asked.iter().filter_map(|asked| asked.last()).max();
    assert!(
        *last.expect("someone") < Duration::from_secs(75),
        "{last:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_deadline_comes_before_the_shared_pace() {
    let plans = [
        Plan::new(0, 3000, 30, 40),
        Plan::new(3, 3000, 30, 40),
        Plan::new(5, 300, 3, 5),
    ];
    assert_in_time(&plans, &drained(&plans).await);
}

#[tokio::test(start_paused = true)]
async fn without_word_from_others_it_is_a_spread() {
    let stagger = Stagger::new(Duration::from_mins(1), 11);
    let budget = Budget::default();
    let mut share = budget.share(stagger, 40, Duration::from_mins(9));
    for (moment, left) in stagger.offsets(40).zip((0..40).rev()) {
        share.turn().await;
        let late = share.begun.elapsed().saturating_sub(moment);
        assert!(late <= Duration::from_millis(1), "{late:?}");
        assert_eq!(budget.load().left, left);
    }
    assert_eq!(share.remaining(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn who_has_ended_takes_no_part() {
    let budget = Budget::default();
    let mut changes = budget.changes();
    let share = budget.share(Stagger::new(Duration::from_mins(1), 1), 60, Duration::ZERO);
    assert!(changes.has_changed().expect("the budget lives"));
    changes.mark_unchanged();
    assert_eq!(
        budget.load(),
        Load {
            left: 60,
            rate: 1.0
        }
    );
    drop(share);
    assert_eq!(budget.load(), Load::default());
    assert!(changes.has_changed().expect("the budget lives"));
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_was_not_waited_for_is_still_due() {
    let budget = Budget::default();
    let mut share = budget.share(Stagger::new(Duration::from_mins(1), 11), 2, Duration::MAX);
    let hasty = tokio::time::timeout(Duration::ZERO, share.turn()).await;
    assert!(hasty.is_err());
    assert_eq!(budget.load().left, 2);
}
