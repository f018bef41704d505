//! Which servers there are: the one of the configuration, the one that the sentinels name, those of the cluster.

use arcstr::ArcStr;
use redis::aio::MultiplexedConnection;
use redis::{Cmd, RedisError, Value};
use switchyard_config::{RedisServer, RedisServers};
use tokio::task::JoinSet;

use super::access::{Access, Opened, Role};
use super::fault::{Fault, shown};
use super::slots::Slots;

/// Finds out which server has what. `known` are asked first.
pub(super) async fn locate(
    servers: &RedisServers,
    access: &Access,
    known: Vec<(RedisServer, MultiplexedConnection)>,
) -> Result<Slots, Fault> {
    match servers {
        RedisServers::One(server) => Ok(Slots::whole(server.clone())),
        RedisServers::Sentinel { master, sentinels } => {
            named_by(sentinels, master, access).await.map(Slots::whole)
        }
        RedisServers::Cluster(seeds) => of_cluster(seeds, access, known).await,
    }
}

async fn of_cluster(
    seeds: &[RedisServer],
    access: &Access,
    known: Vec<(RedisServer, MultiplexedConnection)>,
) -> Result<Slots, Fault> {
    let mut fault = Fault::Moved;
    for (server, connection) in known {
        match slots_of(&server, connection).await {
            Ok(slots) => return Ok(slots),
            Err(other) => fault = other,
        }
    }
    for server in seeds {
        let asked = briefly(access, server, Role::Server, |connection| {
            slots_of(server, connection)
        });
        match asked.await {
            Ok(slots) => return Ok(slots),
            Err(other) => fault = other,
        }
    }
    Err(fault)
}

async fn slots_of(
    server: &RedisServer,
    mut connection: MultiplexedConnection,
) -> Result<Slots, Fault> {
    let mut command = redis::cmd("CLUSTER");
    command.arg("SLOTS");
    let answer = ask(server, &mut connection, &command).await?;
    Slots::parse(&answer, server).ok_or_else(|| Fault::Strange {
        server: shown(server),
        command: "CLUSTER SLOTS",
    })
}

/// Each sentinel is asked until one knows. They are told who comes only if they want to know.
async fn named_by(
    sentinels: &[RedisServer],
    master: &ArcStr,
    access: &Access,
) -> Result<RedisServer, Fault> {
    let mut fault = Fault::Moved;
    for sentinel in sentinels {
        for is_told in [false, true] {
            let role = Role::Sentinel { is_told };
            let asked = briefly(access, sentinel, role, |connection| {
                master_of(sentinel, master, connection)
            });
            match asked.await {
                Ok(server) => return Ok(server),
                Err(other @ Fault::Refused { .. }) => fault = other,
                Err(other) => {
                    fault = other;
                    break;
                }
            }
        }
    }
    Err(fault)
}

async fn master_of(
    sentinel: &RedisServer,
    master: &ArcStr,
    mut connection: MultiplexedConnection,
) -> Result<RedisServer, Fault> {
    let mut command = redis::cmd("SENTINEL");
    command.arg("GET-MASTER-ADDR-BY-NAME").arg(&**master);
    let answer = ask(sentinel, &mut connection, &command).await?;
    if answer == Value::Nil {
        return Err(Fault::UnknownMaster {
            server: shown(sentinel),
            master: master.to_string(),
        });
    }
    let address: Option<(String, u16)> = redis::from_redis_value(answer).ok();
    let (host, port) = address.ok_or_else(|| Fault::Strange {
        server: shown(sentinel),
        command: "SENTINEL GET-MASTER-ADDR-BY-NAME",
    })?;
    Ok(RedisServer {
        host: host.into(),
        port,
        database: 0,
    })
}

/// Asks over a connection that is for this alone.
async fn briefly<T, F>(
    access: &Access,
    server: &RedisServer,
    role: Role,
    question: impl FnOnce(MultiplexedConnection) -> F,
) -> Result<T, Fault>
where
    F: Future<Output = Result<T, Fault>>,
{
    let Opened { connection, driver } = access.open(server, role, None).await?;
    let mut task = JoinSet::new();
    task.spawn(driver);
    question(connection).await
}

/// The answer to a command, if it is no error.
pub(super) async fn ask(
    server: &RedisServer,
    connection: &mut MultiplexedConnection,
    command: &Cmd,
) -> Result<Value, Fault> {
    let answer = connection.send_packed_command(command).await;
    answer
        .and_then(Value::extract_error)
        .map_err(|error: RedisError| Fault::of(server, &error))
}
