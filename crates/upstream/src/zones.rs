//! Zones: those that are near go before those that are far.

use std::collections::VecDeque;
use std::sync::Arc;

use arcstr::ArcStr;

use crate::ranking::Order;
use crate::roster::Roster;

/// The same order, with the endpoints of `zone` before all others.
pub(crate) fn near_first(mut order: Order, roster: Arc<Roster>, zone: ArcStr) -> Order {
    let mut far = VecDeque::new();
    Box::new(std::iter::from_fn(move || {
        for index in order.by_ref() {
            if roster.is_in(index, &zone) {
                return Some(index);
            }
            far.push_back(index);
        }
        far.pop_front()
    }))
}

#[cfg(test)]
mod tests;
