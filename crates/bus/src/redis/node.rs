//! One server: a connection that sends, one that follows, and the task that keeps both.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::{AsyncPushSender, MultiplexedConnection};
use redis::{RedisError, Value};
use switchyard_config::RedisServer;
use tokio::task::{AbortHandle, Id, JoinSet};
use tokio::time::sleep;

use super::access::{Access, Opened, Role};
use super::fault::{Fault, shown};
use super::inbox::{Intake, Notices};
use super::locate::ask;
use super::names::{Dialect, Names};
use crate::subject::Subject;

/// How often a server is asked whether it is there.
const BEAT: Duration = Duration::from_secs(2);

/// How many channels one command, or one batch of them, has at most: so that the server does not keep others waiting.
const CHUNK: usize = 1000;

/// One server. Its connections end with it.
pub(super) struct Node {
    server: RedisServer,
    send: MultiplexedConnection,
    follow: MultiplexedConnection,
    notices: Arc<Notices>,
    followed: HashSet<Subject>,
    keeper: AbortHandle,
    is_given_up: bool,
}

/// What a server is asked to prove that it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Proof {
    /// That it answers.
    Answers,
    /// That it is the master.
    IsMaster,
}

/// The tasks that keep the servers' connections; each ends when one of its two does.
pub(super) type Keepers = JoinSet<Fault>;

impl Node {
    /// Connects twice.
    pub(super) async fn open(
        server: &RedisServer,
        access: &Access,
        intake: &Intake,
        proof: Proof,
        keepers: &mut Keepers,
    ) -> Result<Self, Fault> {
        let notices = Arc::new(Notices::default());
        let entrance: Arc<dyn AsyncPushSender> = Arc::new(intake.entrance(&notices));
        let follow = access.open(server, Role::Server, Some(entrance)).await?;
        let send = access.open(server, Role::Server, None).await?;
        let mut node = Self {
            server: server.clone(),
            send: send.connection.clone(),
            follow: follow.connection.clone(),
            notices: Arc::clone(&notices),
            followed: HashSet::new(),
            keeper: keepers.spawn(keep(server.clone(), follow, send, notices, proof)),
            is_given_up: false,
        };
        prove(&node.server, proof, &mut node.send).await?;
        Ok(node)
    }

    /// What commands are sent on.
    pub(super) fn sender(&self) -> MultiplexedConnection {
        self.send.clone()
    }

    /// Whether its task has not ended, nor has it been given up.
    pub(super) fn is_there(&self) -> bool {
        !self.is_given_up && !self.keeper.is_finished()
    }

    /// Whether this is its task.
    pub(super) fn is_kept_by(&self, task: Id) -> bool {
        self.keeper.id() == task
    }

    /// What it follows is not known any more.
    pub(super) fn give_up(&mut self) {
        self.is_given_up = true;
        self.keeper.abort();
    }

    /// Follows these and nothing else.
    pub(super) async fn follow_only(
        &mut self,
        wanted: HashSet<Subject>,
        names: &Names,
    ) -> Result<(), Fault> {
        let unwanted = self.followed.difference(&wanted).cloned().collect();
        let new = wanted.difference(&self.followed).cloned().collect();
        self.change(new, unwanted, names).await
    }

    /// Follows some more, and some no longer.
    pub(super) async fn change(
        &mut self,
        follow: Vec<Subject>,
        unfollow: Vec<Subject>,
        names: &Names,
    ) -> Result<(), Fault> {
        let written = |subject: &Subject| names.channel(subject);
        for chunk in unfollow.chunks(CHUNK) {
            let channels: Vec<String> = chunk.iter().map(written).collect();
            let done = self.unsubscribe(&channels, names.dialect()).await;
            done.map_err(|error| Fault::of(&self.server, &error))?;
        }
        for chunk in follow.chunks(CHUNK) {
            let channels: Vec<String> = chunk.iter().map(written).collect();
            let done = self.subscribe(&channels, names.dialect()).await;
            done.map_err(|error| Fault::of(&self.server, &error))?;
        }
        for subject in &unfollow {
            self.followed.remove(subject);
        }
        self.followed.extend(follow);
        Ok(())
    }

    async fn subscribe(&mut self, channels: &[String], dialect: Dialect) -> Result<(), RedisError> {
        match dialect {
            Dialect::Plain => self.follow.subscribe(channels).await,
            Dialect::Sharded => self.each("SSUBSCRIBE", channels).await,
        }
    }

    async fn unsubscribe(
        &mut self,
        channels: &[String],
        dialect: Dialect,
    ) -> Result<(), RedisError> {
        match dialect {
            Dialect::Plain => self.follow.unsubscribe(channels).await,
            Dialect::Sharded => {
                self.notices.expect(channels.len());
                self.each("SUNSUBSCRIBE", channels).await
            }
        }
    }

    /// One command for each, because channels of one command have to be of one slot; each has one answer.
    async fn each(&mut self, command: &str, channels: &[String]) -> Result<(), RedisError> {
        let mut commands = redis::Pipeline::with_capacity(channels.len());
        for channel in channels {
            commands.cmd(command).arg(channel);
        }
        let sent = self
            .follow
            .send_packed_commands(&commands, 0, channels.len());
        for answer in sent.await? {
            Value::extract_error(answer)?;
        }
        Ok(())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

/// Keeps both connections for as long as they last.
async fn keep(
    server: RedisServer,
    follow: Opened,
    send: Opened,
    notices: Arc<Notices>,
    proof: Proof,
) -> Fault {
    let ended = || Fault::Ended {
        server: shown(&server),
    };
    let beats = async {
        tokio::select! {
            fault = beat(&server, Proof::Answers, follow.connection) => fault,
            fault = beat(&server, proof, send.connection) => fault,
        }
    };
    tokio::select! {
        () = follow.driver => ended(),
        () = send.driver => ended(),
        () = notices.moved.notified() => Fault::Moved,
        fault = beats => fault,
    }
}

/// Asks again and again; returns when there is no answer, or not the right one.
async fn beat(server: &RedisServer, proof: Proof, mut connection: MultiplexedConnection) -> Fault {
    loop {
        sleep(BEAT).await;
        if let Err(fault) = prove(server, proof, &mut connection).await {
            return fault;
        }
    }
}

async fn prove(
    server: &RedisServer,
    proof: Proof,
    connection: &mut MultiplexedConnection,
) -> Result<(), Fault> {
    let command = match proof {
        Proof::Answers => "PING",
        Proof::IsMaster => "ROLE",
    };
    let answer = ask(server, connection, &redis::cmd(command)).await?;
    match (proof, answer.as_sequence()) {
        (Proof::Answers, _) => Ok(()),
        (Proof::IsMaster, Some([Value::BulkString(role), ..])) if role == b"master" => Ok(()),
        (Proof::IsMaster, _) => Err(Fault::NoMaster {
            server: shown(server),
        }),
    }
}
