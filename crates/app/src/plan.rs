//! The drain, as the configuration asks for it, in the relay's terms.

use switchyard_config as config;
use switchyard_proto::{Close, CloseCode};
use switchyard_relay::{DrainOrder, DrainPlan};

use crate::error::StartError;

/// The plan of a drain; its seed is drawn anew, so that replicas that leave together do not keep step.
pub(crate) fn of(drain: &config::Drain) -> Result<DrainPlan, StartError> {
    let code = CloseCode::new(drain.close.code);
    Ok(DrainPlan {
        over: drain.over,
        order: match drain.order {
            config::DrainOrder::IdleFirst => DrainOrder::IdleFirst,
            config::DrainOrder::OldestFirst => DrainOrder::OldestFirst,
            config::DrainOrder::Random => DrainOrder::Random,
        },
        close: Close::new(code, &drain.close.reason).unwrap_or_else(|_| code.into()),
        seed: getrandom::u64()?,
    })
}
