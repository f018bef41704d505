//! What came of reading what was missed.

use switchyard_bus::{MessageId, Missed, PublishError, Status};

/// See the module.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// What there was, or some of it.
    Page(Missed),
    /// The bus is gone. It is tried again when it is back.
    Gone,
    /// The bus is there, and cannot be read. It may be tried again, but not for ever.
    Failed(PublishError),
}

impl Reading {
    /// What came of reading what comes after an id, as the bus stood at its end.
    pub(super) fn of(
        read: Result<Missed, PublishError>,
        after: Option<MessageId>,
        status: Status,
    ) -> Self {
        match read {
            // Whoever went on from there would not get further.
            Ok(missed) if missed.has_more && Some(missed.last) <= after => {
                Self::Failed(PublishError::TimedOut)
            }
            Ok(missed) => Self::Page(missed),
            Err(PublishError::Unreachable) if status != Status::Connected => Self::Gone,
            Err(error) => Self::Failed(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_bus_that_is_there_and_cannot_be_reached_has_failed() {
        let gone = Status::Gone(Instant::now());
        let of = |status| Reading::of(Err(PublishError::Unreachable), None, status);
        assert_eq!(of(gone), Reading::Gone);
        let failed = Reading::Failed(PublishError::Unreachable);
        assert_eq!(of(Status::Connected), failed);
        let of = |status| Reading::of(Err(PublishError::TimedOut), None, status);
        assert_eq!(of(gone), Reading::Failed(PublishError::TimedOut));
    }

    #[test]
    fn a_page_that_leads_nowhere_is_none() {
        let id = |minor| MessageId { major: 0, minor };
        let page = |has_more| Missed {
            messages: Vec::new(),
            has_gap: true,
            has_more,
            last: id(7),
        };
        let is_page = |has_more, after| {
            let reading = Reading::of(Ok(page(has_more)), Some(id(after)), Status::Connected);
            matches!(reading, Reading::Page(_))
        };
        assert!(is_page(true, 6) && is_page(false, 7));
        assert!(!is_page(true, 7));
    }
}
