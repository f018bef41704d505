//! What a route asks of a session that is open, when it comes to ask something else.

use std::sync::Arc;

use switchyard_proto::session::Policy;

use crate::relay::RelayLimits;

/// Other limits and timers for one session.
#[derive(Clone, Debug)]
pub struct Terms {
    /// Limits and timers of its frames and messages.
    pub policy: Arc<Policy>,
    /// Limits of its buffers.
    pub limits: RelayLimits,
    /// What its Pings and the end of its life are drawn from: another for each session.
    pub random: [u64; 3],
}
