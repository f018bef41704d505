//! Rows of failures, and what ends them.

use std::num::NonZeroU32;

use super::*;

fn policy(max_ejected: u32) -> config::Outlier {
    config::Outlier {
        consecutive_failures: NonZeroU32::new(3).unwrap(),
        close_codes: vec![1011],
        eject_for: Duration::from_hours(1),
        max_ejected,
    }
}

fn records(count: usize, max_ejected: u32) -> Vec<Record> {
    let outliers = Arc::new(Outliers::new(policy(max_ejected)));
    outliers.judge_among(count);
    (0..count)
        .map(|_| Record::new(Some(Arc::clone(&outliers))))
        .collect()
}

fn is_out(record: &Record) -> bool {
    record.is_ejected(Instant::now())
}

#[test]
fn so_many_failures_in_a_row_eject() {
    for (fail, kind) in [
        (Record::failed as fn(&Record) -> _, Ejection::Unanswered),
        (Record::refused, Ejection::Refused),
        (
            |record: &Record| record.ended(End::ByEndpoint(1011)),
            Ejection::BadEnd,
        ),
        (
            |record: &Record| record.ended(End::ByEndpoint(1006)),
            Ejection::BadEnd,
        ),
    ] {
        let record = records(2, 50).remove(0);
        assert_eq!(fail(&record), None);
        assert_eq!(fail(&record), None);
        assert!(!is_out(&record));
        assert_eq!(fail(&record), Some((kind, Duration::from_hours(1))));
        assert!(is_out(&record));
        assert_eq!(fail(&record), None, "it is out already");
    }
}

#[test]
fn a_success_ends_the_row_of_its_own_kind_only() {
    let record = records(2, 50).remove(0);
    for _ in 0..2 {
        assert_eq!(record.failed(), None);
    }
    record.answered();
    for _ in 0..2 {
        assert_eq!(record.failed(), None);
    }
    record.took_handshake();
    for _ in 0..2 {
        assert_eq!(record.refused(), None);
        assert_eq!(record.ended(End::ByEndpoint(1011)), None);
    }
    record.answered();
    assert!(record.refused().is_some());
    let record = records(2, 50).remove(0);
    for _ in 0..2 {
        assert_eq!(record.ended(End::ByEndpoint(1006)), None);
        record.took_handshake();
    }
    assert!(record.ended(End::ByEndpoint(1006)).is_some());
}

#[test]
fn an_end_that_is_not_the_endpoints_fault_is_not_held_against_it() {
    let record = records(2, 50).remove(0);
    for _ in 0..10 {
        assert_eq!(record.ended(End::ByOthers), None);
        assert_eq!(record.ended(End::ByEndpoint(1000)), None);
    }
    for _ in 0..2 {
        assert_eq!(record.ended(End::ByEndpoint(1011)), None);
    }
    assert_eq!(record.ended(End::ByEndpoint(1001)), None);
    assert_eq!(record.ended(End::ByEndpoint(1011)), None);
}

#[test]
fn no_more_than_their_share_are_ejected() {
    let fail = |record: &Record| (0..3).filter_map(|_| record.failed()).count();
    for (count, share, most) in [(4, 50, 2), (5, 50, 2), (1, 50, 0), (1, 100, 1), (3, 10, 0)] {
        let records = records(count, share);
        let ejected: usize = records.iter().map(fail).sum();
        assert_eq!(ejected, most, "{share}% of {count}");
    }
}

#[test]
fn who_could_not_be_ejected_is_when_there_is_room() {
    let records = records(2, 50);
    for record in &records {
        for _ in 0..3 {
            record.failed();
        }
    }
    assert!(is_out(&records[0]) && !is_out(&records[1]));
    let outliers = records[0].outliers.load_full().unwrap();
    outliers.ejected.lock().unwrap().clear();
    assert!(records[1].failed().is_some());
}

#[test]
fn an_ejection_ends_and_the_next_one_is_longer_up_to_a_point() {
    let record = records(1, 100).remove(0);
    let outliers = Arc::clone(record.outliers.load().as_ref().unwrap());
    let mut lengths = Vec::new();
    for _ in 0..12 {
        let ejected: Vec<_> = (0..3).filter_map(|_| record.failed()).collect();
        lengths.extend(ejected.iter().map(|(_, length)| length.as_secs() / 3600));
        assert!(is_out(&record));
        // Its time is over.
        record.back.store(0, Ordering::Relaxed);
        outliers.ejected.lock().unwrap().clear();
        assert!(!is_out(&record));
    }
    assert_eq!(lengths, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 10]);
}

#[test]
fn old_ejections_are_forgiven() {
    let mut record = records(1, 100).remove(0);
    record.times = AtomicU32::new(7);
    let now = record.epoch + Duration::from_hours(9);
    assert_eq!(record.next_time(now, Duration::from_hours(1)), 8);
    let now = record.epoch + Duration::from_hours(11);
    assert_eq!(record.next_time(now, Duration::from_hours(1)), 1);
}

#[test]
fn without_a_policy_nothing_is_held_against_anyone() {
    let record = Record::new(None);
    for _ in 0..100 {
        assert_eq!(record.failed(), None);
        assert_eq!(record.ended(End::ByEndpoint(1006)), None);
    }
    assert!(!is_out(&record));
}
