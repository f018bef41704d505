//! What is published to sessions, and what carries it between replicas.

use std::time::Duration;

use arcstr::ArcStr;

use super::choice::choice;
use super::{ClientCertificate, NamedFile, Secret};

/// What carries published messages between replicas.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Bus {
    /// Nothing: there is one process.
    #[default]
    Memory,
    /// Redis, from version 6.2 on; as a cluster from 7.0 on.
    Redis(Redis),
    /// NATS, from version 2.9 on.
    Nats(Nats),
}

/// How Redis is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redis {
    /// Which servers there are.
    pub servers: RedisServers,
    /// The user of the access control list; `None`: the default user.
    pub username: Option<ArcStr>,
    /// What is in the file, without the space around it.
    pub password: Option<Secret>,
    /// `Some`: over TLS.
    pub tls: Option<BusTls>,
    /// Of every key and channel.
    pub prefix: ArcStr,
    /// What holds for every bus.
    pub link: BusLink,
}

/// The form in which Redis is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RedisServers {
    /// One server.
    One(RedisServer),
    /// A cluster, of which these are asked for the others; not empty. Sharded pub/sub (from version 7.0 on).
    Cluster(Vec<RedisServer>),
    /// A server that the sentinels name.
    Sentinel {
        /// The name that the sentinels know it by.
        master: ArcStr,
        /// The sentinels; not empty.
        sentinels: Vec<RedisServer>,
    },
}

/// Where a server is. Whether it is spoken to over TLS is the bus's to say.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RedisServer {
    /// A name or an address, without brackets.
    pub host: ArcStr,
    /// 6379 where none is given.
    pub port: u16,
    /// 0 where none is given; always in a cluster and of a sentinel.
    pub database: u32,
}

/// How NATS is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nats {
    /// `host:port` each; not empty.
    pub servers: Vec<ArcStr>,
    /// Who it is that connects.
    pub identity: NatsIdentity,
    /// `Some`: over TLS.
    pub tls: Option<BusTls>,
    /// Of every subject; ends with a dot.
    pub prefix: ArcStr,
    /// What holds for every bus.
    pub link: BusLink,
}

/// Who it is that connects to NATS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NatsIdentity {
    /// Nobody in particular.
    Nobody,
    /// A user with a password.
    User {
        /// The name.
        name: ArcStr,
        /// What is in the file, without the space around it.
        password: Secret,
    },
    /// A token.
    Token(Secret),
    /// The content of a `.creds` file: a JWT and the seed of its key.
    Credentials(Secret),
}

/// TLS towards the servers of a bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BusTls {
    /// Whose word is taken for who a server is; `None`: the authorities that this machine trusts.
    pub authorities: Option<NamedFile>,
    /// What a server is shown that asks who comes.
    pub certificate: Option<ClientCertificate>,
}

/// What holds for every bus that is a network away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BusLink {
    /// How long one operation may take.
    pub timeout: Duration,
    /// A gateway whose bus has been gone for this long is not ready. `None`: it stays ready.
    pub unready_after: Option<Duration>,
}

/// What is published to sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push {
    /// What may wait for one session.
    pub queue: PushQueue,
    /// Payload bytes of one message. Larger ones are refused, and dropped where they come from the bus.
    pub max_message: usize,
    /// Channels of one session; at least 1.
    pub channels_per_session: usize,
    /// How long the `id` of a message is known, so that it is delivered once.
    pub remember_ids: Duration,
    /// The request header that tells an endpoint the session's name, in lower case. `None`: it is not told.
    pub session_header: Option<ArcStr>,
    /// Whether the opening and the end of sessions are published.
    pub events: bool,
    /// Which channels keep what was published. The first whose prefix fits counts; prefixes unique.
    pub history: Vec<History>,
}

/// What may wait for one session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PushQueue {
    /// At least 1.
    pub messages: usize,
    /// Payload bytes; at least `max_message`.
    pub bytes: usize,
    /// What happens when one more comes.
    pub on_full: OnFull,
}

choice! {
    /// What happens to a session that takes its messages more slowly than they come.
    OnFull {
        /// Those that have waited longest are dropped.
        DropOldest = "drop_oldest",
        /// Those that come are dropped.
        DropNewest = "drop_newest",
        /// The session is closed with 1013.
        Close = "close",
    }
}

/// What is kept of the channels of one prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// Of the channels' names; not empty.
    pub prefix: ArcStr,
    /// How many messages of each channel; at least 1.
    pub messages: usize,
    /// And none that is older.
    pub age: Duration,
}
