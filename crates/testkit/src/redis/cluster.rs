//! A cluster of three masters, of which the first has a replica.

use std::net::SocketAddr;

use serde_json::Value;

use super::Redis;
use crate::loopback;
use crate::wait::eventually;

/// How long a server may be silent before the others take it for dead, in milliseconds.
const NODE_TIMEOUT: u32 = 1000;

/// The slots of each master.
const SLOTS: [(&str, &str); 3] = [("0", "5460"), ("5461", "10922"), ("10923", "16383")];

/// A running cluster. Dropping it ends it.
pub struct RedisCluster {
    nodes: Vec<Redis>,
}

impl RedisCluster {
    /// Starts it; it is whole when this returns.
    #[track_caller]
    pub fn start() -> Self {
        let buses: Vec<_> = (0..4).map(|_| loopback::free_port()).collect();
        let nodes: Vec<_> = buses.iter().map(|bus| node(*bus)).collect();
        let cluster = Self { nodes };
        let first = &cluster.nodes[0];
        for (node, bus) in cluster.nodes.iter().zip(&buses).skip(1) {
            let (ip, port) = (node.address().ip().to_string(), node.address().port());
            let (port, bus) = (port.to_string(), bus.port().to_string());
            accepted(first, &["CLUSTER", "MEET", &ip, &port, &bus]);
        }
        for (node, (from, to)) in cluster.nodes.iter().zip(SLOTS) {
            accepted(node, &["CLUSTER", "ADDSLOTSRANGE", from, to]);
        }
        cluster.wait("all to know one another", |facts| {
            facts.contains("cluster_known_nodes:4") && facts.contains("cluster_state:ok")
        });
        let id = first.ask(&["CLUSTER", "MYID"]);
        let id = id.as_str().expect("an id");
        eventually("the replica to take its place", || {
            let answer = cluster.nodes[3].ask(&["CLUSTER", "REPLICATE", id]);
            (answer == "OK").then_some(())
        });
        eventually("the replica to have caught up", || {
            let facts = cluster.nodes[3].ask(&["INFO", "replication"]);
            facts
                .as_str()?
                .contains("master_link_status:up")
                .then_some(())
        });
        cluster
    }

    /// The three masters, and the replica of the first.
    pub fn nodes(&mut self) -> &mut [Redis] {
        &mut self.nodes
    }

    /// Where they listen.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.nodes.iter().map(Redis::address).collect()
    }

    /// Which slot a key is in.
    #[track_caller]
    pub fn slot(&self, key: &str) -> u16 {
        let slot = self.nodes[1].ask(&["CLUSTER", "KEYSLOT", key]);
        u16::try_from(slot.as_u64().expect("a number")).expect("a slot")
    }

    /// Which of the three masters has a slot, when all are as they were at the start.
    pub fn home(&self, slot: u16) -> usize {
        let is_within = |&(_, to): &(&str, &str)| slot <= to.parse().expect("a slot");
        SLOTS.iter().position(is_within).expect("whole")
    }

    /// Makes a slot that holds no key another master's.
    #[track_caller]
    pub fn move_slot(&self, slot: u16, to: usize) {
        let id = self.nodes[to].ask(&["CLUSTER", "MYID"]);
        let (slot, id) = (slot.to_string(), id.as_str().expect("an id"));
        // The new one first, as the documentation of `CLUSTER SETSLOT` has it.
        for node in std::iter::once(&self.nodes[to]).chain(&self.nodes[..3]) {
            accepted(node, &["CLUSTER", "SETSLOT", &slot, "NODE", id]);
        }
    }

    #[track_caller]
    fn wait(&self, what: &str, is_so: impl Fn(&str) -> bool) {
        for node in &self.nodes {
            eventually(what, || {
                is_so(node.ask(&["CLUSTER", "INFO"]).as_str()?).then_some(())
            });
        }
    }
}

fn node(bus: SocketAddr) -> Redis {
    let bus = format!("cluster-port {}", bus.port());
    let patience = format!("cluster-node-timeout {NODE_TIMEOUT}");
    Redis::start(&["cluster-enabled yes", &bus, &patience])
}

#[track_caller]
fn accepted(node: &Redis, words: &[&str]) {
    assert_eq!(node.ask(words), Value::from("OK"), "{words:?}");
}
