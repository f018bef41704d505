//! A master with a replica, and a sentinel that watches both.

use super::Redis;
use crate::wait::eventually;

/// A master, a replica and a sentinel. Dropping them ends them.
pub struct WatchedRedis {
    /// The one that is the master at the start.
    pub master: Redis,
    /// The other.
    pub replica: Redis,
    /// It knows them as `main`.
    pub sentinel: Redis,
}

impl WatchedRedis {
    /// Starts them; the sentinel knows both when this returns.
    #[track_caller]
    pub fn start() -> Self {
        let master = Redis::start(&[]);
        let (ip, port) = (master.address().ip(), master.address().port());
        let replica = Redis::start(&[&format!("replicaof {ip} {port}")]);
        eventually("the replica to have caught up", || {
            let facts = replica.ask(&["INFO", "replication"]);
            facts
                .as_str()?
                .contains("master_link_status:up")
                .then_some(())
        });
        let sentinel = Redis::sentinel(&format!(
            "sentinel monitor main {ip} {port} 1\nsentinel down-after-milliseconds main 500\n\
             sentinel failover-timeout main 10000"
        ));
        eventually("the sentinel to know the replica", || {
            let replicas = sentinel.ask(&["SENTINEL", "REPLICAS", "main"]);
            let flags = replicas.get(0)?.as_array()?;
            // Its role is known when it has been asked.
            flags.iter().any(|fact| fact == "slave").then_some(())
        });
        Self {
            master,
            replica,
            sentinel,
        }
    }
}
