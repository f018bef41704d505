//! What is published and what carries it: good files and what they mean.

use std::path::{Path, PathBuf};
use std::time::Duration;

use arcstr::ArcStr;
use switchyard_config::{
    Bus, BusLink, BusTls, ChannelPart, ChannelSource, ChannelTemplate, ClientCertificate, Config,
    History, NamedFile, Nats, NatsIdentity, OnFull, Push, PushQueue, Redis, RedisServer,
    RedisServers, Secret, Target, parse_with,
};

/// What every file holds that a configuration names, space and all.
fn content(path: &Path) -> Vec<u8> {
    format!(" in {}\n", path.display()).into_bytes()
}

fn parse(text: &str) -> Config {
    let parsed = parse_with(text, Path::new("f.yaml"), &|path| Ok(content(path)));
    parsed.unwrap_or_else(|errors| panic!("{errors}"))
}

fn named(file: &str) -> NamedFile {
    NamedFile {
        path: PathBuf::from(file),
        content: Secret::new(&content(Path::new(file))),
    }
}

fn secret(file: &str) -> Secret {
    Secret::new(format!("in {file}").as_bytes())
}

/// A file without clusters, and `more` at its end.
fn config(more: &str) -> Config {
    let text = format!(
        "listeners: [{{ name: web, address: \"127.0.0.1:0\" }}]\n\
         routes: [{{ name: news, push_only: on, channels: [news] }}]\n{more}"
    );
    parse(&text)
}

fn link() -> BusLink {
    BusLink {
        timeout: Duration::from_secs(2),
        unready_after: None,
    }
}

fn server(host: &str, port: u16) -> RedisServer {
    RedisServer {
        host: ArcStr::from(host),
        port,
        database: 0,
    }
}

fn redis(servers: RedisServers) -> Redis {
    Redis {
        servers,
        username: None,
        password: None,
        tls: None,
        prefix: ArcStr::from("switchyard:"),
        link: link(),
    }
}

#[test]
fn what_is_not_said_is_small_and_local() {
    let config = config("");
    assert_eq!(config.bus, Bus::Memory);
    let push = Push {
        queue: PushQueue {
            messages: 256,
            bytes: 1 << 20,
            on_full: OnFull::DropOldest,
        },
        max_message: 1 << 20,
        channels_per_session: 64,
        remember_ids: Duration::from_mins(2),
        session_header: None,
        events: false,
        history: Vec::new(),
    };
    assert_eq!(config.push, push);
    assert_eq!(self::config("bus: memory").bus, Bus::Memory);
}

#[test]
fn every_setting_of_push_is_its_own() {
    let config = config(
        "push: { queue: { messages: 1, bytes: 3B, on_full: close }, max_message: 2B, channels_per_session: 4,\n\
         \x20 remember_ids: 5s, session_header: X-Session, events: on,\n\
         \x20 history: [{ prefix: \"a:b\", messages: 6, age: 7s }, { prefix: \"a:\" }] }",
    );
    let history = |prefix: &str, messages, age| History {
        prefix: ArcStr::from(prefix),
        messages,
        age,
    };
    let push = Push {
        queue: PushQueue {
            messages: 1,
            bytes: 3,
            on_full: OnFull::Close,
        },
        max_message: 2,
        channels_per_session: 4,
        remember_ids: Duration::from_secs(5),
        session_header: Some(ArcStr::from("x-session")),
        events: true,
        history: vec![
            history("a:b", 6, Duration::from_secs(7)),
            history("a:", 100, Duration::from_mins(10)),
        ],
    };
    assert_eq!(config.push, push);
}

#[test]
fn a_route_without_a_cluster_has_channels() {
    let route = config("").routes.remove(0);
    assert_eq!(route.target, Target::PushOnly);
    assert!(route.target.clusters().is_empty());
    let news = ChannelTemplate(vec![ChannelPart::Literal("news".to_owned())]);
    assert_eq!(route.channels, [news]);
}

#[test]
fn a_route_with_a_cluster_may_have_channels() {
    let text = "listeners: [{ name: web, address: \"127.0.0.1:0\" }]\n\
        routes: [{ name: rooms, match: { path: \"/{room}\" }, cluster: app, channels: [\"room:{path.room}\"] }]\n\
        clusters: [{ name: app, endpoints: [{ address: \"10.0.0.1:9000\" }] }]\n";
    let config = parse(text);
    let room = ChannelPart::Value(ChannelSource::Path("room".to_owned()));
    let parts = vec![ChannelPart::Literal("room:".to_owned()), room];
    assert_eq!(config.routes[0].channels, [ChannelTemplate(parts)]);
}

#[test]
fn one_redis_server() {
    let plain = config("bus: { redis: { url: \"redis://cache\" } }").bus;
    let one = RedisServers::One(server("cache", 6379));
    assert_eq!(plain, Bus::Redis(redis(one)));
    let secured = config(
        "bus: { redis: { url: \"rediss://push@[::1]:6380/3\", password_file: password, prefix: \"p:\",\n\
         \x20 timeout: 1s, unready_after: 30s, tls: { ca: ca, certificate: { cert: cert, key: key } } } }",
    );
    let expected = Redis {
        servers: RedisServers::One(RedisServer {
            database: 3,
            ..server("::1", 6380)
        }),
        username: Some(ArcStr::from("push")),
        password: Some(secret("password")),
        tls: Some(BusTls {
            authorities: Some(named("ca")),
            certificate: Some(ClientCertificate {
                cert: named("cert"),
                key: named("key"),
            }),
        }),
        prefix: ArcStr::from("p:"),
        link: BusLink {
            timeout: Duration::from_secs(1),
            unready_after: Some(Duration::from_secs(30)),
        },
    };
    assert_eq!(secured.bus, Bus::Redis(expected));
}

#[test]
fn several_redis_servers() {
    let cluster = config(
        "bus: { redis: { cluster: [\"rediss://a\", \"rediss://b:1/0\"], username: u, password_file: p } }",
    );
    let servers = RedisServers::Cluster(vec![server("a", 6379), server("b", 1)]);
    let expected = Redis {
        username: Some(ArcStr::from("u")),
        password: Some(secret("p")),
        tls: Some(BusTls {
            authorities: None,
            certificate: None,
        }),
        ..redis(servers)
    };
    assert_eq!(cluster.bus, Bus::Redis(expected));
    let sentinel = config(
        "bus: { redis: { sentinel: { master: main, urls: [\"redis://a:26379\"] }, password_file: p } }",
    );
    let servers = RedisServers::Sentinel {
        master: ArcStr::from("main"),
        sentinels: vec![server("a", 26_379)],
    };
    let expected = Redis {
        password: Some(secret("p")),
        ..redis(servers)
    };
    assert_eq!(sentinel.bus, Bus::Redis(expected));
}

#[test]
fn nats_servers_and_who_connects() {
    let nats = |text: &str| match config(&format!("bus: {{ nats: {{ {text} }} }}")).bus {
        Bus::Nats(nats) => nats,
        other @ (Bus::Memory | Bus::Redis(_)) => panic!("{other:?}"),
    };
    let expected = Nats {
        servers: vec![ArcStr::from("bus:4222")],
        identity: NatsIdentity::Nobody,
        tls: None,
        prefix: ArcStr::from("switchyard."),
        link: link(),
    };
    assert_eq!(nats("url: \"nats://bus\""), expected);
    let several = nats(
        "servers: [\"tls://[::1]:1\", \"tls://b\"], token_file: t, tls: { ca: ca }, prefix: a.b.",
    );
    let servers = [ArcStr::from("[::1]:1"), ArcStr::from("b:4222")];
    assert_eq!(several.servers, servers);
    assert_eq!(several.identity, NatsIdentity::Token(secret("t")));
    assert_eq!(several.tls.expect("TLS").authorities, Some(named("ca")));
    assert_eq!(&*several.prefix, "a.b.");
    let user = nats("url: \"nats://bus\", username: u, password_file: p").identity;
    let name = ArcStr::from("u");
    assert_eq!(
        user,
        NatsIdentity::User {
            name,
            password: secret("p")
        }
    );
    let credentials = nats("url: \"nats://bus\", credentials_file: c").identity;
    assert_eq!(credentials, NatsIdentity::Credentials(named("c").content));
}
