//! The declarations of what carries published messages between replicas.

use super::{ClientCertificate, Timeout};
use crate::decode::table::table;
use crate::decode::{At, Decode, List, OrOff};
use crate::node::{Node, Value};
use crate::report::{Problem, Report};
use crate::scalar::{File, Memory, NatsPrefix, NatsUrl, RedisPrefix, RedisUrl, Scalar as _, Text};
use crate::shape::Shape;

/// What carries published messages between replicas.
#[derive(Debug)]
pub(crate) enum Bus {
    /// Nothing: there is one process.
    Memory,
    /// Other servers.
    Servers(Box<At<Servers>>),
}

table! {
    /// The servers that carry published messages between replicas: either of the two.
    Servers {
        /// Redis, from version 6.2 on; as a cluster from 7.0 on.
        redis: Option<At<Redis>>, eg "{ url: \"redis://10.0.0.5:6379\" }";
        /// NATS, from version 2.9 on.
        nats: Option<At<Nats>>, eg "{ url: \"nats://10.0.0.6:4222\" }";
    }
}

table! {
    /// How Redis is reached: by one of `url`, `cluster` and `sentinel`. `rediss://` is for TLS.
    Redis {
        /// The one server: `redis://[user@]host[:port][/database]`.
        url: Option<At<RedisUrl>>, eg "redis://10.0.0.5:6379";
        /// Some servers of a cluster, which know the others. From version 7.0 on.
        cluster: Option<At<List<At<RedisUrl>, 1>>>, eg "[\"redis://10.0.0.5:6379\", \"redis://10.0.0.6:6379\"]";
        /// The server that sentinels name.
        sentinel: Option<At<Sentinel>>, eg "{ master: main, urls: [\"redis://10.0.0.5:26379\"] }";
        /// Who connects. Without it the default user does.
        username: Option<At<Text>>, eg "push";
        /// A file with the password; space around it does not count.
        password_file: Option<At<File>>, eg "/etc/switchyard/redis-password";
        /// More about TLS, where the URLs begin with `rediss://`.
        tls: Option<At<BusTls>>;
        /// What the names of channels and keys begin with. The same on every replica.
        prefix: RedisPrefix = "switchyard:";
        /// How long one operation may take.
        timeout: Timeout = "2s";
        /// A gateway whose bus has been gone for so long is not ready. `off`: it stays ready, because what goes
        /// between clients and endpoints does not need the bus.
        unready_after: OrOff<Timeout> = "off", eg "30s";
    }
}

table! {
    /// Servers that know which one is the master.
    Sentinel {
        /// The name that they know it by.
        master: Text, eg "main";
        /// Where they are.
        urls: At<List<At<RedisUrl>, 1>>, eg "[\"redis://10.0.0.5:26379\", \"redis://10.0.0.6:26379\"]";
    }
}

table! {
    /// How NATS is reached: by one of `url` and `servers`, and at most one of a user with a password, a token
    /// and credentials. `tls://` is for TLS.
    Nats {
        /// The one server: `nats://host[:port]`.
        url: Option<At<NatsUrl>>, eg "nats://10.0.0.6:4222";
        /// Several servers.
        servers: Option<At<List<At<NatsUrl>, 1>>>, eg "[\"nats://10.0.0.6:4222\", \"nats://10.0.0.7:4222\"]";
        /// Who connects, with `password_file`.
        username: Option<At<Text>>, eg "push";
        /// A file with the password; space around it does not count.
        password_file: Option<At<File>>, eg "/etc/switchyard/nats-password";
        /// A file with a token; space around it does not count.
        token_file: Option<At<File>>, eg "/etc/switchyard/nats-token";
        /// A `.creds` file: a JWT and the seed of its key.
        credentials_file: Option<At<File>>, eg "/etc/switchyard/push.creds";
        /// More about TLS, where the URLs begin with `tls://`.
        tls: Option<At<BusTls>>;
        /// What the subjects begin with. The same on every replica.
        prefix: NatsPrefix = "switchyard.";
        /// How long one operation may take.
        timeout: Timeout = "2s";
        /// A gateway whose bus has been gone for so long is not ready. `off`: it stays ready, because what goes
        /// between clients and endpoints does not need the bus.
        unready_after: OrOff<Timeout> = "off", eg "30s";
    }
}

table! {
    /// TLS towards the servers of a bus, each of which has to show a certificate for its host.
    BusTls {
        /// A PEM file with the certificates of the authorities that are trusted, and of no others.
        /// Without it those that this machine trusts.
        ca: Option<At<File>>, eg "/etc/switchyard/tls/bus-ca.pem";
        /// What a server is shown that asks who comes.
        certificate: Option<ClientCertificate>;
    }
}

impl Decode for Bus {
    fn decode(node: &Node, report: &mut Report) -> Option<Self> {
        match &node.value {
            Value::Scalar(text) if Memory::parse(text).is_ok() => Some(Self::Memory),
            Value::Map(_) => {
                let servers = At::decode(node, report)?;
                Some(Self::Servers(Box::new(servers)))
            }
            Value::Null | Value::Scalar(_) | Value::List(_) => {
                let message = format!("expected `memory` or a mapping, found {}", node.found());
                let help = "such as `memory`, or `{ redis: { url: \"redis://10.0.0.5:6379\" } }`";
                report.add(Problem::new(node.span, message).help(help));
                None
            }
        }
    }

    fn shape() -> Shape {
        Shape::Or {
            one: Memory::form(),
            other: Box::new(Servers::shape()),
        }
    }
}
