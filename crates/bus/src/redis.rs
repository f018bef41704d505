//! Redis: pub/sub of one server, of the one that sentinels name, or of a cluster (sharded).
//!
//! There are two connections to each server, one that follows and one that sends; [`fleet`] keeps them and knows when one
//! is gone. Of the library it is the protocol that is used: who is connected to, when, and what was missed is ours to know.
//!
//! The gateway's user of the access control list needs no more than this (`history`, a sentinel and a cluster each add a line):
//!
//! ```text
//! user switchyard on >PASSWORD resetchannels &switchyard:* +ping +publish +subscribe +unsubscribe
//!   database      +select
//!   history       ~switchyard:history:* +eval +evalsha +exists +pexpire +time +xadd +xinfo|stream +xrange +xtrim
//!   sentinel      +role
//!   cluster       +cluster|slots +spublish +ssubscribe +sunsubscribe
//! ```

mod access;
mod fault;
mod fleet;
mod history;
mod inbox;
mod locate;
mod names;
mod node;
mod pauses;
mod sender;
mod slots;

use std::sync::Arc;

use switchyard_config::{self as config, RedisServers};

use crate::driver::Remote;
use crate::duty::Duty;
use crate::error::BusError;
use crate::sink::Sink;

use access::Access;
use fleet::{Fleet, Routes};
use history::Scripts;
use names::{Dialect, Names};
pub(crate) use sender::Redis;

/// Begins to connect.
pub(crate) fn start(
    config: &config::Redis,
    replica: &str,
    sink: Arc<dyn Sink>,
) -> Result<Remote<Redis>, BusError> {
    let access = Access::new(config)?;
    let dialect = match config.servers {
        RedisServers::One(_) | RedisServers::Sentinel { .. } => Dialect::Plain,
        RedisServers::Cluster(_) => Dialect::Sharded,
    };
    let names = Names::new(&config.prefix, dialect);
    let routes = Arc::new(Routes::default());
    let carrier = Redis {
        routes: Arc::clone(&routes),
        names: names.clone(),
        scripts: Scripts::default(),
    };
    let servers = config.servers.clone();
    let follower = |duty: Duty| async move {
        let (intake, inbox) = inbox::inbox();
        let fleet = Fleet::new(servers, access, names.clone(), intake, routes);
        tokio::join!(fleet.run(&duty), inbox.deliver(&names, &duty));
    };
    let timeout = config.link.timeout;
    Ok(Remote::start(carrier, replica, sink, timeout, follower))
}
