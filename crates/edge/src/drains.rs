//! What takes no new sessions at the moment, by order of an operator, while the process goes on.
//!
//! It lives beside the snapshot and goes by names, so that it outlives a reload. Most of the time it is
//! empty, which costs a handshake one relaxed load.
//!
//! Not here: who orders a drain, and how the sessions that are there are asked to go.

use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;
use switchyard_drain::{Place, Scope};
use switchyard_proto::Close;

/// Everything that is being drained; nothing at first. All workers share one.
#[derive(Default)]
pub struct Drains {
    /// Whether there is anything at all.
    any: AtomicBool,
    closed: ArcSwap<Vec<Drained>>,
}

/// Something that is being drained.
#[derive(Clone, Debug)]
pub struct Drained {
    /// What it is.
    pub scope: Scope,
    /// What sessions are told that open in it all the same: their handshakes were under way when it began.
    pub close: Close,
}

impl Drains {
    /// From now on exactly these are drained. A session that opens later than this returns knows of them;
    /// one that opened before is in its registry.
    pub fn set(&self, closed: Vec<Drained>) {
        let any = !closed.is_empty();
        self.closed.store(closed.into());
        self.any.store(any, Ordering::SeqCst);
    }

    /// Whether what is there takes no new sessions.
    pub(crate) fn cover(&self, place: &Place<'_>) -> bool {
        self.any() && self.closed.load().iter().any(|it| it.scope.covers(place))
    }

    /// What a session that opens there is told at once.
    pub(crate) fn close_for(&self, place: &Place<'_>) -> Option<Close> {
        if !self.any() {
            return None;
        }
        let closed = self.closed.load();
        let mut closed = closed.iter();
        closed
            .find(|it| it.scope.covers(place))
            .map(|it| it.close.clone())
    }

    fn any(&self) -> bool {
        self.any.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use switchyard_proto::CloseCode;

    use super::*;

    const HERE: Place<'static> = Place {
        listener: "web",
        route: "chat",
        cluster: "app",
        endpoint: "10.0.0.1:9",
    };

    #[test]
    fn what_is_drained_is_covered_until_it_is_not() {
        let drains = Drains::default();
        assert!(!drains.cover(&HERE));
        let close = Close::from(CloseCode::GOING_AWAY);
        let route = |name: &str| Drained {
            scope: Scope::Route(name.into()),
            close: close.clone(),
        };
        drains.set(vec![route("other"), route("chat")]);
        assert!(drains.cover(&HERE));
        assert_eq!(drains.close_for(&HERE), Some(close.clone()));
        drains.set(vec![route("other")]);
        assert!(!drains.cover(&HERE));
        assert_eq!(drains.close_for(&HERE), None);
        drains.set(Vec::new());
        assert!(!drains.any());
    }
}
