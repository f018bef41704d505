//! One lookup: the questions that it takes, and what their answers come to.
//!
//! Every lookup asks anew: answers are kept for as long as they are valid by whoever follows the
//! name, so the library's cache is off, and would only let a record live twice as long.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::time::Duration;

use arcstr::ArcStr;
use futures_util::future::join;
use futures_util::stream::{self, StreamExt};
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{Name as DnsName, RData, RecordType};

use crate::dns::srv::{Service, Target, targets};
use crate::dns::watch::Answer;
use crate::dns::{Failure, Kind, Name, Resolver};
use crate::error::Error;
use crate::found::{Found, Stance};

/// Targets of SRV records that are asked for at once.
const AT_ONCE: usize = 16;

/// Asks for one name.
pub(super) struct Client {
    name: Name,
    resolver: Resolver,
}

/// Addresses, and how long they are valid.
type Addresses = (Vec<IpAddr>, Duration);

impl Client {
    pub(super) fn new(name: Name, resolver: Resolver) -> Self {
        Self { name, resolver }
    }

    /// Looks the name up once.
    pub(super) async fn ask(&self) -> Result<Answer, Error> {
        let failed = |failure| failed(&self.name.name, failure);
        let name = DnsName::from_utf8(&self.name.name)
            .map_err(Failure::not_a_name)
            .map_err(failed)?;
        let asking = Asking {
            resolver: build(&self.resolver).map_err(failed)?,
            timeout: self.resolver.timeout,
        };
        match self.name.kind {
            Kind::A { port } => asking.hosts(name, RecordType::A, port).await,
            Kind::Aaaa { port } => asking.hosts(name, RecordType::AAAA, port).await,
            Kind::Srv => return asking.services(name, &self.name.name).await,
        }
        .map_err(failed)
    }
}

/// The means of one lookup.
struct Asking {
    resolver: TokioResolver,
    timeout: Duration,
}

impl Asking {
    async fn hosts(&self, name: DnsName, kind: RecordType, port: u16) -> Result<Answer, Failure> {
        let called = bare(&name);
        let (addresses, ttl) = self.addresses(name, kind).await?;
        let mut members = Members::default();
        members.add(&addresses, port, NonZeroU32::MIN, &called);
        members.into_answer(ttl, Vec::new())
    }

    async fn services(&self, name: DnsName, asked: &str) -> Result<Answer, Error> {
        let lookup = self.question(name, RecordType::SRV).await;
        let lookup = lookup.map_err(|failure| failed(asked, failure))?;
        let mut ttl = time_to_live(&lookup);
        let mut members = Members::default();
        let mut missing = Vec::new();
        let questions = targets(services(&lookup))
            .into_iter()
            .map(|target| self.target(target));
        let mut answers = stream::iter(questions).buffer_unordered(AT_ONCE);
        while let Some((target, addresses, failure)) = answers.next().await {
            if let Some((addresses, valid)) = addresses {
                members.add(&addresses, target.port, target.weight, &bare(&target.name));
                ttl = ttl.min(valid);
            }
            missing.extend(failure.map(|failure| failed(&target.name.to_utf8(), failure)));
        }
        // Where nothing is left, a target's reason says more than "no records", and trouble more than nothing.
        if members.0.is_empty() {
            missing.sort_by_key(Error::is_answer);
            if let Some(worst) = missing.into_iter().next() {
                return Err(worst);
            }
            return Err(failed(asked, Failure::NoRecords));
        }
        members
            .into_answer(ttl, missing)
            .map_err(|failure| failed(asked, failure))
    }

    /// A target with its addresses of both families, and why some or all are missing.
    async fn target(
        &self,
        target: Target<DnsName>,
    ) -> (Target<DnsName>, Option<Addresses>, Option<Failure>) {
        let (v4, v6) = join(
            self.addresses(target.name.clone(), RecordType::A),
            self.addresses(target.name.clone(), RecordType::AAAA),
        )
        .await;
        let (addresses, failure) = both(v4, v6);
        (target, addresses, failure)
    }

    async fn addresses(&self, name: DnsName, kind: RecordType) -> Result<Addresses, Failure> {
        let lookup = self.question(name, kind).await?;
        Ok((addresses(&lookup), time_to_live(&lookup)))
    }

    async fn question(&self, name: DnsName, kind: RecordType) -> Result<Lookup, Failure> {
        // On the heap: what the library keeps meanwhile is large.
        let answer = Box::pin(self.resolver.lookup(name, kind));
        match tokio::time::timeout(self.timeout, answer).await {
            Ok(answer) => answer.map_err(Failure::from),
            Err(_elapsed) => Err(Failure::Timeout),
        }
    }
}

fn build(settings: &Resolver) -> Result<TokioResolver, Failure> {
    let provider = TokioRuntimeProvider::default();
    let mut builder = if settings.servers.is_empty() {
        TokioResolver::builder(provider).map_err(Failure::system)?
    } else {
        let servers = settings.servers.iter().map(server).collect();
        let config = ResolverConfig::from_name_servers(servers);
        TokioResolver::builder_with_config(config, provider)
    };
    set(builder.options_mut(), settings.timeout);
    builder.build().map_err(|error: NetError| error.into())
}

fn set(options: &mut ResolverOpts, timeout: Duration) {
    // A question is put twice: the servers that were silent the first time come last the second.
    options.attempts = 1;
    options.timeout = timeout / 2;
    options.cache_size = 0;
    options.use_hosts_file = ResolveHosts::Never;
}

fn server(address: &SocketAddr) -> NameServerConfig {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
        connection.port = address.port();
        connection
    });
    NameServerConfig::new(address.ip(), true, connections.into())
}

#[allow(
    clippy::wildcard_enum_match_arm,
    reason = "an answer has aliases and signatures beside what was asked for"
)]
fn addresses(lookup: &Lookup) -> Vec<IpAddr> {
    let addresses = lookup.answers().iter().map(|record| match record.data {
        RData::A(address) => Some(IpAddr::V4(address.0)),
        RData::AAAA(address) => Some(IpAddr::V6(address.0)),
        _ => None,
    });
    addresses.flatten().collect()
}

/// The records that can be dialled: a target of "." means "the service is decidedly not available at
/// this domain" (RFC 2782), and nothing listens on port 0.
#[allow(
    clippy::wildcard_enum_match_arm,
    reason = "an answer has aliases and signatures beside what was asked for"
)]
fn services(lookup: &Lookup) -> Vec<Service<DnsName>> {
    let services = lookup.answers().iter().map(|record| match &record.data {
        RData::SRV(srv) if !srv.target.is_root() && srv.port != 0 => Some(Service {
            priority: srv.priority,
            weight: srv.weight,
            port: srv.port,
            target: srv.target.clone(),
        }),
        _ => None,
    });
    services.flatten().collect()
}

/// The least of all records, aliases on the way included.
fn time_to_live(lookup: &Lookup) -> Duration {
    let least = lookup.answers().iter().map(|record| record.ttl).min();
    Duration::from_secs(least.unwrap_or_default().into())
}

/// What two families come to: one that a target does not have is not missing, unless the target has
/// neither.
fn both(
    v4: Result<Addresses, Failure>,
    v6: Result<Addresses, Failure>,
) -> (Option<Addresses>, Option<Failure>) {
    match (v4, v6) {
        (Ok((mut all, ttl)), Ok((more, valid))) => {
            all.extend(more);
            (Some((all, ttl.min(valid))), None)
        }
        (Ok(found), Err(failure)) | (Err(failure), Ok(found)) => (
            Some(found),
            Some(failure).filter(|failure| !failure.is_answer()),
        ),
        (Err(v4), Err(v6)) => (None, Some(if v4.is_answer() { v6 } else { v4 })),
    }
}

fn failed(name: &str, source: Failure) -> Error {
    Error::Dns {
        name: name.to_owned(),
        source,
    }
}

/// A name as certificates have it.
fn bare(name: &DnsName) -> ArcStr {
    name.to_lowercase().to_ascii().trim_end_matches('.').into()
}

/// Members by their addresses; one that is named twice has the weight of both, and the name that
/// comes first in order: answers come in none.
#[derive(Default)]
struct Members(BTreeMap<SocketAddr, (NonZeroU32, ArcStr)>);

impl Members {
    fn add(&mut self, addresses: &[IpAddr], port: u16, weight: NonZeroU32, name: &ArcStr) {
        for ip in addresses {
            self.0
                .entry(SocketAddr::new(*ip, port))
                .and_modify(|(sum, first)| {
                    *sum = sum.saturating_add(weight.get());
                    if name < first {
                        first.clone_from(name);
                    }
                })
                .or_insert_with(|| (weight, name.clone()));
        }
    }

    fn into_answer(self, ttl: Duration, missing: Vec<Error>) -> Result<Answer, Failure> {
        if self.0.is_empty() {
            return Err(Failure::NoRecords);
        }
        let members = self.0.into_iter().map(|(address, (weight, name))| Found {
            address,
            name: Some(name),
            weight,
            zone: None,
            stance: Stance::Ready,
        });
        Ok(Answer {
            members: members.collect(),
            ttl,
            missing,
        })
    }
}

#[cfg(test)]
mod tests;
