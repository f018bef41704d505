//! How many sessions of all replicas are subscribed to a channel.

use std::collections::BTreeSet;

use crate::exchange::Others;
use crate::name::ReplicaId;
use crate::peers::{Answer, Member, Outcome};

/// A count, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Census {
    /// How many sessions of all that answered.
    pub sessions: u64,
    /// And of this process.
    pub local: u64,
    /// Which replicas have answered, this one among them.
    pub answered: BTreeSet<ReplicaId>,
    /// Which there are, as far as is known.
    pub expected: BTreeSet<ReplicaId>,
}

/// What comes of what others answered. A replica has answered when all processes have that go by its name.
pub(crate) fn census(me: Member, local: usize, others: &Others, outcome: Outcome) -> Census {
    let Outcome::All(answers) = outcome else {
        return counted(me, local, others, &[]);
    };
    let counts = answers
        .into_iter()
        .filter_map(|(member, answer)| match answer {
            Answer::Count { sessions } => Some((member, sessions)),
            Answer::Done
            | Answer::Gone
            | Answer::Full
            | Answer::Refused { .. }
            | Answer::Shown { .. }
            | Answer::Unknown => None,
        });
    counted(me, local, others, &counts.collect::<Vec<_>>())
}

fn counted(me: Member, local: usize, others: &Others, counts: &[(Member, u64)]) -> Census {
    let local = u64::try_from(local).unwrap_or(u64::MAX);
    let has_answered = |member: &Member| counts.iter().any(|(it, _)| it == member);
    let here = std::iter::once(me.replica);
    let known = others.iter().map(|(member, _)| *member);
    let silent: BTreeSet<_> = known
        .clone()
        .filter(|member| !has_answered(member))
        .map(|member| member.replica)
        .collect();
    let heard = counts.iter().map(|(member, _)| member.replica);
    let expected = here.clone().chain(known.map(|member| member.replica));
    let answered = here.chain(heard.clone());
    Census {
        sessions: counts
            .iter()
            .fold(local, |sum, (_, count)| sum.saturating_add(*count)),
        local,
        expected: expected.chain(heard).collect(),
        answered: answered.filter(|it| !silent.contains(it)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peers::Standing;

    fn member(replica: u64, process: u32) -> Member {
        Member {
            replica: ReplicaId::of(replica),
            process,
        }
    }

    fn replicas(numbers: &[u64]) -> BTreeSet<ReplicaId> {
        numbers.iter().copied().map(ReplicaId::of).collect()
    }

    #[test]
    fn who_has_answered_is_told_from_who_is_there() {
        let me = member(1, 1);
        let others = [member(2, 1), member(2, 2), member(3, 1), member(4, 1)];
        let others = others.map(|it| (it, Standing::default())).to_vec();
        let count = |sessions| Answer::Count { sessions };
        let answers = vec![
            (member(2, 1), count(5)),
            (member(3, 1), count(7)),
            (member(4, 1), Answer::Unknown),
            (member(5, 1), count(1)),
        ];
        let census = census(me, 2, &others, Outcome::All(answers));
        assert_eq!((census.sessions, census.local), (15, 2));
        assert_eq!(census.answered, replicas(&[1, 3, 5]));
        assert_eq!(census.expected, replicas(&[1, 2, 3, 4, 5]));
    }

    #[test]
    fn without_a_bus_there_is_only_this_one() {
        let others = vec![(member(2, 1), Standing::default())];
        let census = census(member(1, 1), 2, &others, Outcome::Unreachable);
        assert_eq!((census.sessions, census.local), (2, 2));
        assert_eq!(census.answered, replicas(&[1]));
        assert_eq!(census.expected, replicas(&[1, 2]));
    }
}
