//! All servers together: connected, followed on, and mended when one is lost.
//!
//! Mending is the same whether it is the first time, a server died, or slots moved: find out who has what, keep the
//! servers that are well, open the others, and let each follow what is its own.

use std::collections::{HashMap, HashSet};
use std::future::pending;
use std::sync::{Arc, Mutex, PoisonError};

use redis::aio::MultiplexedConnection;
use switchyard_config::{RedisServer, RedisServers};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use super::access::Access;
use super::fault::Fault;
use super::inbox::Intake;
use super::locate::locate;
use super::names::Names;
use super::node::{Keepers, Node, Proof};
use super::pauses::{Pauses, random};
use super::slots::Slots;
use crate::duty::Duty;
use crate::interest::{Changes, Interest};
use crate::subject::Subject;

/// All servers together, in the hands of the follower.
pub(super) struct Fleet {
    servers: RedisServers,
    access: Access,
    names: Names,
    intake: Intake,
    routes: Arc<Routes>,
    slots: Option<Arc<Slots>>,
    nodes: HashMap<RedisServer, Node>,
    keepers: Keepers,
}

/// Where commands are sent to; nowhere while the bus is not there.
#[derive(Default)]
pub(super) struct Routes {
    current: Mutex<Option<Arc<Senders>>>,
    /// A server said that a slot is another's.
    pub(super) moved: Notify,
}

/// The connections that send.
struct Senders {
    slots: Arc<Slots>,
    connections: HashMap<RedisServer, MultiplexedConnection>,
}

impl Routes {
    /// The connection to whoever has the slot of a key.
    pub(super) fn towards(&self, key: &str) -> Option<MultiplexedConnection> {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let senders = Arc::clone(current.as_ref()?);
        drop(current);
        let owner = senders.slots.owner(key)?;
        senders.connections.get(owner).cloned()
    }

    fn set(&self, senders: Option<Senders>) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        *current = senders.map(Arc::new);
    }
}

impl Fleet {
    pub(super) fn new(
        servers: RedisServers,
        access: Access,
        names: Names,
        intake: Intake,
        routes: Arc<Routes>,
    ) -> Self {
        Self {
            servers,
            access,
            names,
            intake,
            routes,
            slots: None,
            nodes: HashMap::new(),
            keepers: Keepers::new(),
        }
    }

    /// Connects, and never gives up.
    pub(super) async fn run(mut self, duty: &Duty) {
        let mut pauses = Pauses::default();
        loop {
            let mended = self.mend(duty.interest()).await;
            let fault = if let Err(fault) = mended {
                fault
            } else {
                let since = Instant::now();
                duty.connected();
                let fault = self.serve(duty.interest()).await;
                pauses.was_well(since.elapsed());
                fault
            };
            self.routes.set(None);
            duty.gone(&fault);
            sleep(pauses.next(random())).await;
        }
    }

    /// Makes everything as it should be; otherwise as much as is possible, and says what is not.
    async fn mend(&mut self, interest: &Interest) -> Result<(), Fault> {
        self.nodes.retain(|_, node| node.is_there());
        let known = self.senders().into_iter().collect();
        let slots = Arc::new(locate(&self.servers, &self.access, known).await?);
        let opened = self.open_missing(&slots).await;
        self.slots = Some(Arc::clone(&slots));

        let everything = interest.everything();
        let followed = self.follow_only(everything.follow).await;
        opened.and(followed)?;
        interest.confirm(everything.round);
        self.routes.set(Some(Senders {
            slots,
            connections: self.senders(),
        }));
        Ok(())
    }

    /// Those that have slots, and no others.
    async fn open_missing(&mut self, slots: &Slots) -> Result<(), Fault> {
        let owners = slots.owners();
        self.nodes.retain(|server, _| owners.contains(server));
        let proof = match self.servers {
            RedisServers::Sentinel { .. } => Proof::IsMaster,
            RedisServers::One(_) | RedisServers::Cluster(_) => Proof::Answers,
        };
        let mut result = Ok(());
        for server in owners {
            if self.nodes.contains_key(server) {
                continue;
            }
            let keepers = &mut self.keepers;
            let node = Node::open(server, &self.access, &self.intake, proof, keepers);
            match node.await {
                Ok(node) => drop(self.nodes.insert(server.clone(), node)),
                Err(fault) => result = Err(fault),
            }
        }
        result
    }

    /// Each server follows what is its own of these, and nothing else.
    async fn follow_only(&mut self, subjects: Vec<Subject>) -> Result<(), Fault> {
        let (mut parts, mut result) = self.split(subjects);
        for (server, node) in &mut self.nodes {
            let wanted: HashSet<_> = parts
                .remove(server)
                .unwrap_or_default()
                .into_iter()
                .collect();
            if let Err(fault) = node.follow_only(wanted, &self.names).await {
                node.give_up();
                result = Err(fault);
            }
        }
        result
    }

    /// Tells the servers of changes until something is wrong.
    async fn serve(&mut self, interest: &Interest) -> Fault {
        loop {
            tokio::select! {
                changes = interest.changes() => {
                    let round = changes.round;
                    if let Err(fault) = self.tell(changes).await {
                        return fault;
                    }
                    interest.confirm(round);
                }
                fault = ended(&mut self.keepers, &self.nodes) => return fault,
                () = self.routes.moved.notified() => return Fault::Moved,
            }
        }
    }

    async fn tell(&mut self, changes: Changes) -> Result<(), Fault> {
        let (mut follow, result) = self.split(changes.follow);
        let (mut unfollow, _) = self.split(changes.unfollow);
        result?;
        for (server, node) in &mut self.nodes {
            let follow = follow.remove(server).unwrap_or_default();
            let unfollow = unfollow.remove(server).unwrap_or_default();
            if let Err(fault) = node.change(follow, unfollow, &self.names).await {
                node.give_up();
                return Err(fault);
            }
        }
        Ok(())
    }

    /// Whose each is; not all have somebody in a cluster that is not whole.
    fn split(
        &self,
        subjects: Vec<Subject>,
    ) -> (HashMap<RedisServer, Vec<Subject>>, Result<(), Fault>) {
        let mut parts: HashMap<RedisServer, Vec<Subject>> = HashMap::new();
        let mut result = Ok(());
        for subject in subjects {
            let channel = self.names.channel(&subject);
            match self.slots.as_ref().and_then(|slots| slots.owner(&channel)) {
                Some(owner) => match parts.get_mut(owner) {
                    Some(part) => part.push(subject),
                    None => drop(parts.insert(owner.clone(), vec![subject])),
                },
                None => result = Err(Fault::NotWhole { channel }),
            }
        }
        (parts, result)
    }

    fn senders(&self) -> HashMap<RedisServer, MultiplexedConnection> {
        let sender = |(server, node): (&RedisServer, &Node)| (server.clone(), node.sender());
        self.nodes.iter().map(sender).collect()
    }
}

/// Why one of the servers is not there any more. Those that were replaced are passed over.
async fn ended(keepers: &mut Keepers, nodes: &HashMap<RedisServer, Node>) -> Fault {
    loop {
        match keepers.join_next_with_id().await {
            Some(Ok((id, fault))) if nodes.values().any(|node| node.is_kept_by(id)) => {
                return fault;
            }
            Some(_) => {}
            None => pending().await,
        }
    }
}
