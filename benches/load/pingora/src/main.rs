//! A gateway made of Pingora, a library for such: every request goes to one endpoint.
//!
//! Why as it is: one service on one thread, because every peer gets one core; no log, because none of
//! the peers writes one. Upgrades need nothing: Pingora relays them when request and answer ask for it.
//! Its own settings stay, with the exceptions that have a comment. So does the system's allocator, which Pingora's
//! examples have: with jemalloc a message costs no less, an idle session over TLS a third less memory. A runtime
//! without work stealing made no difference either.

use std::error::Error;
use std::net::SocketAddr;

use async_trait::async_trait;
use clap::Parser;
use pingora::Result;
use pingora::listeners::ListenerConfig;
use pingora::listeners::tls::TlsSettings;
use pingora::modules::http::HttpModules;
use pingora::protocols::l4::stream::L4BufferSettings;
use pingora::proxy::{ProxyHttp, Session, http_proxy_service};
use pingora::server::Server;
use pingora::server::configuration::ServerConf;
use pingora::tls::ssl::SslVersion;
use pingora::upstreams::peer::HttpPeer;

/// A gateway made of Pingora
#[derive(Debug, Parser)]
#[command(version = version(), name = "pingora")]
struct Arguments {
    /// Where to accept connections
    #[arg(long, value_name = "ADDRESS")]
    listen: SocketAddr,
    /// Where to accept connections with TLS 1.3
    #[arg(long, value_name = "ADDRESS")]
    tls: SocketAddr,
    /// The file with the certificate
    #[arg(long, value_name = "FILE")]
    certificate: String,
    /// The file with its key
    #[arg(long, value_name = "FILE")]
    key: String,
    /// Where requests lead
    #[arg(long, value_name = "ADDRESS")]
    to: SocketAddr,
    /// How many threads relay
    #[arg(long, value_name = "COUNT", default_value_t = 1)]
    threads: usize,
    /// How long sessions may stay after SIGTERM; then they are cut
    #[arg(long, value_name = "SECONDS")]
    grace: u64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let settings = ServerConf {
        threads: arguments.threads,
        grace_period_seconds: Some(arguments.grace),
        ..ServerConf::default()
    };
    let mut server = Server::new_with_opt_and_conf(None, settings);
    server.bootstrap();
    let gateway = Gateway { to: arguments.to };
    let mut service = http_proxy_service(&server.configuration, gateway);
    service.add_listener(plain(&arguments));
    service.add_listener(encrypted(&arguments)?);
    server.add_service(service);
    server.run_forever()
}

/// Without a buffer in front of the socket: it is as large as the one that is read into anyway, so that
/// nothing goes through it, and is memory of every session.
fn plain(arguments: &Arguments) -> ListenerConfig {
    ListenerConfig::tcp(arguments.listen.to_string()).l4_buffer(L4BufferSettings::default().read(0))
}

/// With that buffer: a record is two reads otherwise.
fn encrypted(arguments: &Arguments) -> Result<ListenerConfig, Box<dyn Error>> {
    let mut tls = TlsSettings::intermediate(&arguments.certificate, &arguments.key)?;
    tls.set_min_proto_version(Some(SslVersion::TLS1_3))?;
    Ok(ListenerConfig::tcp(arguments.tls.to_string()).tls(tls))
}

struct Gateway {
    to: SocketAddr,
}

#[async_trait]
impl ProxyHttp for Gateway {
    type CTX = ();

    fn new_ctx(&self) {}

    /// None: the one that there is otherwise is for compression, and off.
    fn init_downstream_modules(&self, _: &mut HttpModules) {}

    /// An idle session stays. Otherwise it would end after a minute, and each read would set a timer.
    async fn early_request_filter(&self, session: &mut Session, (): &mut ()) -> Result<()> {
        session.set_read_timeout(None);
        Ok(())
    }

    async fn upstream_peer(&self, _: &mut Session, (): &mut ()) -> Result<Box<HttpPeer>> {
        Ok(Box::new(HttpPeer::new(self.to, false, String::new())))
    }
}

/// That of Pingora, as it is locked.
fn version() -> &'static str {
    include_str!("../Cargo.lock")
        .split("[[package]]")
        .find_map(|package| {
            package
                .trim_start()
                .strip_prefix("name = \"pingora\"\nversion = \"")
        })
        .and_then(|rest| rest.split('"').next())
        .unwrap_or("of unknown version")
}
