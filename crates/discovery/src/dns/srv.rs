//! Which SRV records count, and with what weight (RFC 2782): a pure function of the records.
//!
//! Not here: who gets a session. The weights go to the balancer as they are.

use std::num::NonZeroU32;

/// One record, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Service<T> {
    pub(super) priority: u16,
    pub(super) weight: u16,
    pub(super) port: u16,
    pub(super) target: T,
}

/// One target that is to be dialled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target<T> {
    pub(super) weight: NonZeroU32,
    pub(super) port: u16,
    pub(super) name: T,
}

/// The targets of the lowest priority: "a client MUST attempt to contact the target host with the
/// lowest-numbered priority it can reach", and whom it can reach is not known here.
pub(super) fn targets<T>(records: Vec<Service<T>>) -> Vec<Target<T>> {
    let Some(first) = records.iter().map(|record| record.priority).min() else {
        return Vec::new();
    };
    let chosen = records
        .into_iter()
        .filter(|record| record.priority == first);
    chosen.map(target).collect()
}

/// A weight of 0 stands for "no server selection to do", or a very small share beside others: it
/// counts as 1, so that nobody is without a session for good.
fn target<T>(record: Service<T>) -> Target<T> {
    Target {
        weight: NonZeroU32::new(record.weight.into()).unwrap_or(NonZeroU32::MIN),
        port: record.port,
        name: record.target,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(priority: u16, weight: u16, target: &str) -> Service<&str> {
        Service {
            priority,
            weight,
            port: 80,
            target,
        }
    }

    fn chosen<'a>(records: &[Service<&'a str>]) -> Vec<(&'a str, u32)> {
        let targets = targets(records.to_vec());
        targets
            .into_iter()
            .map(|target| (target.name, target.weight.get()))
            .collect()
    }

    #[test]
    fn only_the_lowest_priority_counts() {
        let records = [
            record(20, 5, "spare"),
            record(10, 3, "a"),
            record(10, 7, "b"),
            record(65_535, 1, "last"),
        ];
        assert_eq!(chosen(&records), [("a", 3), ("b", 7)]);
        assert_eq!(chosen(&records[..1]), [("spare", 5)]);
        assert_eq!(chosen(&[]), []);
    }

    #[test]
    fn a_weight_of_nothing_counts_as_one() {
        let records = [record(0, 0, "a"), record(0, 65_535, "b")];
        assert_eq!(chosen(&records), [("a", 1), ("b", 65_535)]);
    }
}
