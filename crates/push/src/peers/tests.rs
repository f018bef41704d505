//! Three replicas on a bus that loses, repeats and reorders messages.

use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;

use super::*;

const MILLI: Duration = Duration::from_millis(1);

/// What becomes of a message on its way, by lot.
#[derive(Debug, Clone, Copy, Default)]
struct Line {
    loses_percent: u64,
    repeats_percent: u64,
    /// The longest way, in milliseconds.
    slowest: u64,
}

/// Several processes, a bus and a clock.
struct World {
    now: Instant,
    peers: Vec<Peers<u32>>,
    /// Those that do not run any more.
    dead: Vec<usize>,
    line: Line,
    dice: u64,
    /// What is under way: when it arrives, to whom.
    under_way: BTreeMap<(Instant, u64), (usize, Bytes)>,
    sent: u64,
    outcomes: HashMap<u32, Vec<Outcome>>,
    /// What each was asked to do.
    done: Vec<(usize, Ask)>,
}

fn member(number: usize) -> Member {
    Member {
        replica: ReplicaId::of(100 + number as u64),
        process: 1,
    }
}

fn send(session: u64) -> Ask {
    Ask::Send {
        session,
        binary: false,
        data: Bytes::from_static(b"x"),
    }
}

impl World {
    fn new(processes: &[Member], line: Line, dice: u64) -> Self {
        let now = Instant::now();
        let peers = processes.iter().zip(dice..);
        Self {
            now,
            peers: peers.map(|(me, dice)| Peers::new(*me, dice, now)).collect(),
            dead: Vec::new(),
            line,
            dice: dice | 1,
            under_way: BTreeMap::new(),
            sent: 0,
            outcomes: HashMap::new(),
            done: Vec::new(),
        }
    }

    fn three(line: Line, dice: u64) -> Self {
        Self::new(&[member(0), member(1), member(2)], line, dice)
    }

    fn draw(&mut self, below: u64) -> u64 {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        self.dice % below.max(1)
    }

    fn post(&mut self, to: To, payload: &Bytes) {
        for number in 0..self.peers.len() {
            let is_meant = match to {
                To::All => true,
                To::One(replica) => self.peers[number].me.replica == replica,
            };
            if !is_meant || self.draw(100) < self.line.loses_percent {
                continue;
            }
            let copies = 1 + u64::from(self.draw(100) < self.line.repeats_percent);
            for _ in 0..copies {
                let takes = MILLI * u32::try_from(self.draw(self.line.slowest)).expect("short");
                self.sent += 1;
                let key = (self.now + takes, self.sent);
                self.under_way.insert(key, (number, payload.clone()));
            }
        }
    }

    /// Does what a process wants done.
    fn carry_out(&mut self, number: usize) {
        while let Some(output) = self.peers[number].poll_output() {
            match output {
                Output::Publish {
                    to,
                    payload,
                    asking,
                } => {
                    self.post(to, &payload);
                    if let Some(asking) = asking {
                        let reached = Ok(Reached::Unknown);
                        self.peers[number].handle_published(asking, reached, self.now);
                    }
                }
                Output::Asked(asked) => {
                    self.done.push((number, asked.ask.clone()));
                    let answer = answer(number, &asked.ask);
                    self.peers[number].answer(&asked, answer);
                }
                Output::Answered { ticket, outcome } => {
                    self.outcomes.entry(ticket).or_default().push(outcome);
                }
            }
        }
    }

    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.now += MILLI;
            let later = self.under_way.split_off(&(self.now, u64::MAX));
            for (number, payload) in std::mem::replace(&mut self.under_way, later).into_values() {
                if !self.dead.contains(&number) {
                    let heard = self.peers[number].handle_message(&payload, self.now);
                    assert_eq!(heard, Ok(()));
                }
            }
            for number in 0..self.peers.len() {
                if self.dead.contains(&number) {
                    continue;
                }
                if self.now >= self.peers[number].next_due() {
                    let standing = Standing {
                        sessions: number as u64,
                        ..Standing::default()
                    };
                    self.peers[number].handle_time(standing, self.now);
                }
                self.carry_out(number);
            }
        }
    }

    fn ask(&mut self, number: usize, to: To, ask: Ask, ticket: u32, within: Duration) {
        self.peers[number].ask(to, ask, ticket, within, self.now);
        self.carry_out(number);
    }

    fn outcome(&self, ticket: u32) -> Option<&Outcome> {
        let outcomes = self.outcomes.get(&ticket)?;
        assert_eq!(outcomes.len(), 1, "{outcomes:?}");
        outcomes.first()
    }

    fn others(&self, number: usize) -> Vec<Member> {
        let mut others: Vec<_> = self.peers[number].others().map(|it| it.0).collect();
        others.sort();
        others
    }
}

/// Session 7 is of process 1, and channels have as many subscribers as their process's number.
fn answer(number: usize, ask: &Ask) -> Answer {
    match ask {
        Ask::Send { session: 7, .. } if number == 1 => Answer::Done,
        Ask::Count { .. } => Answer::Count {
            sessions: number as u64,
        },
        Ask::Send { .. }
        | Ask::Close { .. }
        | Ask::Subscribe { .. }
        | Ask::Unsubscribe { .. }
        | Ask::Show { .. } => Answer::Gone,
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn whoever_comes_is_known_at_once_and_whoever_goes_too() {
    let mut world = World::three(
        Line {
            slowest: 9,
            ..Line::default()
        },
        3,
    );
    world.dead.push(2);
    world.run(SECOND);
    assert_eq!(world.others(0), [member(1)]);
    // Nobody else would say anything for another second.
    world.dead.clear();
    world.run(SECOND / 2);
    assert_eq!(world.others(0), [member(1), member(2)]);
    assert_eq!(world.others(2), [member(0), member(1)]);
    world.peers[1].leave();
    world.run(SECOND * 3);
    assert_eq!(world.others(0), [member(2)]);
    world.dead.push(1);
    world.dead.push(2);
    world.run(SECOND * 4);
    assert_eq!(world.others(0), [member(2)]);
    world.run(SECOND * 6);
    assert!(world.others(0).is_empty());
}

#[test]
fn the_one_that_has_a_session_is_asked() {
    let mut world = World::three(Line::default(), 3);
    world.run(SECOND);
    let to = |number| To::One(member(number).replica);
    world.ask(0, to(1), send(7), 1, SECOND);
    world.ask(0, to(2), send(7), 2, SECOND);
    // There never was such a replica, but who has just begun to listen cannot know.
    world.ask(0, to(9), send(7), 3, SECOND);
    world.run(SECOND / 10);
    assert_eq!(world.outcome(1), Some(&Outcome::One(Answer::Done)));
    assert_eq!(world.outcome(2), Some(&Outcome::One(Answer::Gone)));
    assert_eq!(world.outcome(3), None);
    world.run(SECOND * 7);
    assert_eq!(world.outcome(3), Some(&Outcome::Silent));
    world.ask(0, to(9), send(7), 4, SECOND);
    assert_eq!(world.outcome(4), Some(&Outcome::One(Answer::Gone)));
    world.peers[0].handle_resumed(world.now);
    world.ask(0, to(9), send(7), 5, SECOND);
    assert_eq!(world.outcome(5), None);
}

#[test]
fn a_bus_that_knows_its_listeners_is_believed() {
    let mut world = World::three(Line::default(), 3);
    world.run(SECOND);
    let now = world.now;
    let mut asked = |ticket, reached| {
        let to = To::One(member(9).replica);
        world.peers[0].ask(to, send(1), ticket, SECOND, now);
        world.peers[0].handle_published(u64::from(ticket), reached, now);
        world.carry_out(0);
    };
    asked(1, Ok(Reached::Replicas(0)));
    asked(2, Ok(Reached::Replicas(1)));
    assert_eq!(world.outcome(1), Some(&Outcome::One(Answer::Gone)));
    assert_eq!(world.outcome(2), None);
}

#[test]
fn a_bus_that_does_not_carry_a_question_is_told_from_a_replica_that_does_not_answer() {
    let mut world = World::three(Line::default(), 3);
    world.run(SECOND);
    let now = world.now;
    let mut asked = |ticket, published| {
        let to = To::One(member(9).replica);
        world.peers[0].ask(to, send(1), ticket, SECOND, now);
        world.peers[0].handle_published(u64::from(ticket), published, now);
        world.carry_out(0);
    };
    asked(1, Err(PublishError::Unreachable));
    asked(2, Err(PublishError::Refused("too large".to_owned())));
    asked(3, Err(PublishError::TimedOut));
    asked(4, Err(PublishError::Lost));
    assert_eq!(world.outcome(1), Some(&Outcome::Unreachable));
    let refused = Outcome::Refused("too large".to_owned());
    assert_eq!(world.outcome(2), Some(&refused));
    assert_eq!((world.outcome(3), world.outcome(4)), (None, None));
    // There may be an answer.
    world.run(SECOND);
    for ticket in [3, 4] {
        assert_eq!(world.outcome(ticket), Some(&Outcome::Silent));
    }
    let to = To::One(member(1).replica);
    world.peers[0].ask(to, send(1), 5, SECOND, world.now);
    world.peers[0].handle_crowded(5);
    world.carry_out(0);
    assert_eq!(world.outcome(5), Some(&Outcome::Busy));
}

#[test]
fn all_are_asked_and_counted() {
    let mut world = World::three(
        Line {
            slowest: 5,
            ..Line::default()
        },
        3,
    );
    world.run(SECOND);
    let count = || Ask::Count {
        channel: "a".to_owned(),
    };
    world.ask(0, To::All, count(), 1, SECOND);
    world.run(SECOND / 10);
    let Some(Outcome::All(answers)) = world.outcome(1) else {
        panic!("{:?}", world.outcomes);
    };
    let mut answers = answers.clone();
    answers.sort_by_key(|it| it.0);
    let expected = [1, 2].map(|n| (member(n), Answer::Count { sessions: n as u64 }));
    assert_eq!(answers, expected);
    // One that has died without a word is waited for until the deadline.
    world.dead.push(1);
    world.ask(0, To::All, count(), 2, SECOND / 2);
    world.run(SECOND / 4);
    assert_eq!(world.outcome(2), None);
    world.run(SECOND / 2);
    let Some(Outcome::All(answers)) = world.outcome(2) else {
        panic!("{:?}", world.outcomes);
    };
    assert_eq!(answers.len(), 1);
    // Who is alone waits for nobody.
    world.dead.push(2);
    world.run(SECOND * 10);
    world.ask(0, To::All, count(), 3, SECOND);
    assert_eq!(world.outcome(3), Some(&Outcome::All(vec![])));
}

#[test]
fn what_one_process_of_a_replica_has_not_the_other_may_have() {
    let successor = Member {
        process: 2,
        ..member(1)
    };
    // Process 1 is what has session 7, and not the first to answer.
    let processes = [member(0), successor, member(1)];
    let mut world = World::new(
        &processes,
        Line {
            slowest: 50,
            ..Line::default()
        },
        1,
    );
    world.run(SECOND);
    let to = To::One(member(1).replica);
    for ticket in 0..20 {
        world.ask(0, to, send(7), ticket, SECOND);
        world.ask(2, to, send(7), 100 + ticket, SECOND);
        world.ask(0, to, send(8), 200 + ticket, SECOND);
    }
    world.run(SECOND / 2);
    for ticket in 0..20 {
        assert_eq!(world.outcome(ticket), Some(&Outcome::One(Answer::Done)));
        assert_eq!(
            world.outcome(100 + ticket),
            Some(&Outcome::One(Answer::Done))
        );
        assert_eq!(
            world.outcome(200 + ticket),
            Some(&Outcome::One(Answer::Gone))
        );
    }
}

#[test]
fn too_much_at_once_is_refused() {
    let mut world = World::three(Line::default(), 3);
    let to = To::One(member(9).replica);
    for ticket in 0..=waiting::MOST {
        let ticket = u32::try_from(ticket).expect("small");
        world.ask(0, to, send(1), ticket, SECOND);
    }
    let last = u32::try_from(waiting::MOST).expect("small");
    assert_eq!(world.outcome(last), Some(&Outcome::Busy));
    assert_eq!(world.outcome(0), None);
    world.run(SECOND * 2);
    assert_eq!(world.outcome(0), Some(&Outcome::Silent));
}

#[test]
fn an_answer_from_another_than_was_asked_is_not_heard() {
    let mut world = World::three(Line::default(), 3);
    world.run(SECOND);
    let now = world.now;
    world.peers[0].ask(To::One(member(1).replica), send(7), 1, SECOND, now);
    let lie = |from, id| {
        let answer = Answer::Done;
        wire::write(from, &Word::Answer { id, answer })
    };
    world.peers[0]
        .handle_message(&lie(member(2), 1), now)
        .expect("a message");
    world.peers[0]
        .handle_message(&lie(member(1), 2), now)
        .expect("a message");
    while let Some(output) = world.peers[0].poll_output() {
        assert!(matches!(output, Output::Publish { .. }), "{output:?}");
    }
}

#[test]
fn beats_are_two_seconds_apart_and_do_not_keep_step() {
    let now = Instant::now();
    let mut peers = Peers::<u32>::new(member(0), 7, now);
    let mut moments = Vec::new();
    for _ in 0..50 {
        let due = peers.next_due();
        peers.handle_time(Standing::default(), due);
        assert!(peers.poll_output().is_some());
        assert!(peers.poll_output().is_none());
        moments.push(due);
    }
    let gaps: Vec<_> = moments.windows(2).map(|two| two[1] - two[0]).collect();
    assert!(
        gaps.iter()
            .all(|gap| (BEAT * 9 / 10..=BEAT * 11 / 10).contains(gap))
    );
    assert!(gaps.windows(2).any(|two| two[0] != two[1]));
    assert_eq!(moments[0], now);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn everyone_who_asks_hears_once_and_nothing_is_done_twice(
        dice: u64,
        loses_percent in 0u64..40,
        repeats_percent in 0u64..60,
        slowest in 1u64..400,
    ) {
        let line = Line { loses_percent, repeats_percent, slowest };
        let mut world = World::three(line, dice);
        world.run(SECOND * 2);
        for ticket in 0..30u32 {
            let from = usize::try_from(world.draw(3)).expect("small");
            let to = match world.draw(4) {
                0 => To::All,
                other => To::One(member(usize::try_from(other).expect("small") - 1).replica),
            };
            // Each is another's session, so that it can be told what was done twice.
            world.ask(from, to, send(1000 + u64::from(ticket)), ticket, SECOND);
            world.run(MILLI * 37);
        }
        world.run(SECOND * 2);
        for ticket in 0..30u32 {
            prop_assert_eq!(world.outcomes.get(&ticket).map(Vec::len), Some(1));
        }
        let mut done: Vec<_> = world.done.iter().map(|it| format!("{it:?}")).collect();
        let all = done.len();
        done.sort();
        done.dedup();
        prop_assert_eq!(done.len(), all);
    }

    #[test]
    fn nothing_that_comes_breaks_anything(payload in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut peers = Peers::<u32>::new(member(0), 7, Instant::now());
        prop_assert!(peers.handle_message(&payload, Instant::now()).is_err());
        prop_assert!(peers.poll_output().is_none());
    }
}
