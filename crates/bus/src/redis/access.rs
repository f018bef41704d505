//! How a connection to one server is made: its address, TLS, and who the gateway is.

use std::sync::Arc;
use std::time::Duration;

use arcstr::ArcStr;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use redis::aio::{AsyncPushSender, MultiplexedConnection};
use redis::{AsyncConnectionConfig, ProtocolVersion, RedisConnectionInfo, RedisError};
use switchyard_config::{self as config, BusTls, NamedFile, RedisServer};
use switchyard_tls::{
    Connector, ConnectorSettings, Destination, File, Identity, Oldest, ServerName, Trust,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::fault::{Fault, chain, shown};
use crate::error::BusError;

/// What is needed to be let in.
pub(super) struct Access {
    username: Option<ArcStr>,
    password: Option<Box<str>>,
    tls: Option<Connector>,
    timeout: Duration,
}

/// Who is spoken to, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// A server.
    Server,
    /// A sentinel that is told who comes, or is not. It speaks the older protocol only, if it is as old.
    Sentinel { is_told: bool },
}

/// A connection, and what has to be polled for as long as it is to last.
pub(super) struct Opened {
    pub(super) connection: MultiplexedConnection,
    pub(super) driver: BoxFuture<'static, ()>,
}

impl Access {
    /// Reads the secrets.
    pub(super) fn new(config: &config::Redis) -> Result<Self, BusError> {
        let password = config.password.as_ref().map(|secret| {
            let text = std::str::from_utf8(secret.expose());
            text.map(Into::into).map_err(|error| BusError::Identity {
                fault: format!("the password has to be UTF-8: {error}"),
            })
        });
        Ok(Self {
            username: config.username.clone(),
            password: password.transpose()?,
            tls: config.tls.as_ref().map(connector).transpose()?,
            timeout: config.link.timeout,
        })
    }

    /// Connects. What the server says unasked goes to `pushes`.
    pub(super) async fn open(
        &self,
        server: &RedisServer,
        role: Role,
        pushes: Option<Arc<dyn AsyncPushSender>>,
    ) -> Result<Opened, Fault> {
        let all = async {
            let tcp = connect(server).await?;
            match self.towards(server)? {
                None => self.greet(server, role, pushes, tcp).await,
                Some(destination) => {
                    let (tls, _) = destination.connect(tcp).await.map_err(|error| Fault::Tls {
                        server: shown(server),
                        reason: chain(&error),
                    })?;
                    self.greet(server, role, pushes, tls).await
                }
            }
        };
        timeout(self.timeout, all).await.unwrap_or_else(|_| {
            Err(Fault::Silent {
                server: shown(server),
            })
        })
    }

    fn towards(&self, server: &RedisServer) -> Result<Option<Destination>, Fault> {
        let Some(connector) = &self.tls else {
            return Ok(None);
        };
        let name = ServerName::parse(&server.host).ok_or_else(|| Fault::Tls {
            server: shown(server),
            reason: "no certificate can have this name".into(),
        })?;
        Ok(Some(connector.towards(name).without_protocol()))
    }

    /// Says who comes.
    async fn greet<T>(
        &self,
        server: &RedisServer,
        role: Role,
        pushes: Option<Arc<dyn AsyncPushSender>>,
        io: T,
    ) -> Result<Opened, Fault>
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut config = AsyncConnectionConfig::new()
            .set_connection_timeout(None)
            .set_response_timeout(Some(self.timeout));
        if let Some(pushes) = pushes {
            config = config.set_push_sender(pushes);
        }
        let info = self.introduction(server, role);
        let made = MultiplexedConnection::new_with_config(&info, io, config).await;
        let (connection, driver) = made.map_err(|error: RedisError| Fault::of(server, &error))?;
        Ok(Opened {
            connection,
            driver: driver.boxed(),
        })
    }

    fn introduction(&self, server: &RedisServer, role: Role) -> RedisConnectionInfo {
        let (protocol, is_told) = match role {
            Role::Server => (ProtocolVersion::RESP3, true),
            Role::Sentinel { is_told } => (ProtocolVersion::RESP2, is_told),
        };
        let mut info = RedisConnectionInfo::default()
            .set_skip_set_lib_name()
            .set_db(server.database.into())
            .set_protocol(protocol);
        if let Some(password) = self.password.as_ref().filter(|_| is_told) {
            info = info.set_password(password);
            if let Some(username) = &self.username {
                info = info.set_username(username);
            }
        }
        info
    }
}

async fn connect(server: &RedisServer) -> Result<TcpStream, Fault> {
    let made = async {
        let tcp = TcpStream::connect((&*server.host, server.port)).await?;
        tcp.set_nodelay(true)?;
        Ok(tcp)
    };
    made.await.map_err(|source| Fault::Unreachable {
        server: shown(server),
        source,
    })
}

fn connector(tls: &BusTls) -> Result<Connector, BusError> {
    let made = || {
        let pair = tls.certificate.as_ref();
        let identity = pair.map(|pair| Identity::parse(file(&pair.cert), file(&pair.key)));
        Connector::new(ConnectorSettings {
            trust: match &tls.authorities {
                None => Trust::System,
                Some(authorities) => Trust::Authorities(file(authorities)),
            },
            identity: identity.transpose()?,
            oldest: Oldest::Tls12,
        })
    };
    made().map_err(|error: switchyard_tls::Error| BusError::Tls {
        fault: chain(&error),
    })
}

fn file(named: &NamedFile) -> File<'_> {
    File {
        path: &named.path,
        content: named.content.expose(),
    }
}
