//! What an order says of the Close that sessions are sent.

use switchyard_proto::close::MAX_REASON;
use switchyard_proto::{Close, CloseCode};

use crate::answer::{Problem, bad};
use crate::query::Query;

/// The words of a query that say it.
pub(crate) const WORDS: &[&str] = &["code", "reason"];

/// What is to be said otherwise than usual.
#[derive(Clone, Debug, Default)]
pub struct CloseWish {
    code: Option<CloseCode>,
    reason: Option<String>,
}

impl CloseWish {
    /// # Errors
    /// A code that may not stand in a Close, or a reason that does not fit.
    pub(crate) fn of(query: &Query) -> Result<Self, Problem> {
        let code = query.number("code", &(1000..=4999))?.map(CloseCode::new);
        if code.is_some_and(|code| !code.may_be_sent()) {
            return Err(bad(
                "`code` is one that may be sent: 1000 to 1003, 1007 to 1014 or 3000 to 4999",
            ));
        }
        let reason = query.text("reason");
        if let Some(reason) = reason.filter(|reason| reason.len() > MAX_REASON) {
            return Err(bad(&format!(
                "`reason` has {} bytes; {MAX_REASON} fit into a Close",
                reason.len()
            )));
        }
        Ok(Self {
            code,
            reason: reason.map(str::to_owned),
        })
    }

    /// What sessions are told that would `usually` be told this.
    pub fn on(&self, usually: &Close) -> Close {
        let code = self.code.unwrap_or_else(|| usually.status());
        let reason = self.reason.as_deref().unwrap_or(usually.reason());
        // Both were checked.
        Close::new(code, reason).unwrap_or_else(|_| code.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(text: &str) -> Option<CloseWish> {
        CloseWish::of(&Query::parse(Some(text), &[WORDS]).ok()?).ok()
    }

    #[test]
    fn what_is_not_said_stays_as_usual() {
        let usual = Close::new(CloseCode::SERVICE_RESTART, "restart").unwrap();
        let said = |text: &str| {
            let close = wish(text).unwrap().on(&usual);
            (close.status().get(), close.reason().to_owned())
        };
        assert_eq!(said(""), (1012, "restart".to_owned()));
        assert_eq!(said("code=4001"), (4001, "restart".to_owned()));
        assert_eq!(said("reason=see+you"), (1012, "see you".to_owned()));
    }

    #[test]
    fn what_cannot_be_sent_is_refused() {
        for text in ["code=1006", "code=999", "code=5000", "code=soon"] {
            assert!(wish(text).is_none(), "{text}");
        }
        assert!(wish(&format!("reason={}", "x".repeat(MAX_REASON))).is_some());
        assert!(wish(&format!("reason={}", "x".repeat(MAX_REASON + 1))).is_none());
    }
}
