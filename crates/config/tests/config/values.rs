//! Good files and what they mean.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;
use switchyard_config::{
    AcceptProxy, AccessLog, Admin, AffinitySource, Balancer, Certificate, ClientAddress,
    ClientCertificate, ClusterTls, Config, Discovery, Drain, DrainClose, DrainOrder, Endpoint,
    HeaderCase, HeaderMatch, HostPattern, Http, IssuedCookie, Log, LogFormat, LogLevel, Match,
    MaxLifetime, NamedFile, PathPattern, Pings, SameSite, Secret, Segment, SendProxy, Split, Tls,
    TlsVersion, Trust, WebSocket, Workers, load, parse, parse_with,
};

use crate::project;

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn weight(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

fn seconds(number: u64) -> Duration {
    Duration::from_secs(number)
}

/// A file with one route and cluster, and `more` at its end.
fn small(more: &str) -> Config {
    let text = format!(
        "listeners: [{{ name: web, address: \"127.0.0.1:0\" }}]\n\
         routes: [{{ name: all, cluster: app }}]\n\
         clusters: [{{ name: app, endpoints: [{{ address: \"10.0.0.1:9000\" }}] }}]\n{more}"
    );
    parse(&text, Path::new("f.yaml")).unwrap_or_else(|errors| panic!("{errors}"))
}

#[test]
fn the_smallest_file_has_the_defaults() {
    let config = load(&project("config/minimal.yaml")).unwrap();
    let listener = &config.listeners[0];
    assert_eq!(
        (&*listener.name, listener.address),
        ("web", address("0.0.0.0:8080"))
    );
    assert_eq!(
        (listener.max_connections, listener.handshake_timeout),
        (weight(200_000), seconds(10))
    );
    assert_eq!((&config.affinity_key, &config.admin), (&None, &None));
    assert!(config.trusted_proxies.is_empty());

    let route = &config.routes[0];
    let any = Match {
        hosts: vec![],
        path: PathPattern::Any,
        headers: vec![],
    };
    assert_eq!((&*route.name, &route.matches), ("all", &any));
    assert_eq!(
        route.target.clusters(),
        [Split {
            cluster: "app".into(),
            weight: weight(1)
        }]
    );
    assert!(route.affinity.is_empty());
    let websocket = WebSocket {
        allowed_origins: None,
        subprotocols: None,
        max_message: Some(16 << 20),
        max_frame: Some(16 << 20),
        idle_timeout: None,
        pings: None,
        max_lifetime: None,
        close_timeout: seconds(5),
        buffer_limit: 256 << 10,
    };
    assert_eq!(route.websocket, websocket);
    let http = Http {
        request_timeout: Some(seconds(60)),
        max_body: Some(10 << 20),
    };
    assert_eq!(route.http, http);

    let cluster = &config.clusters[0];
    let endpoint = Endpoint {
        address: address("127.0.0.1:9000"),
        weight: weight(1),
        zone: None,
    };
    assert_eq!(
        (&*cluster.name, cluster.endpoints.as_slice()),
        ("app", [endpoint].as_slice())
    );
    assert_eq!(
        (cluster.balancer, cluster.header_case),
        (Balancer::Rendezvous, HeaderCase::Lower)
    );
    assert_eq!(cluster.proxy_protocol, SendProxy::Off);
    assert_eq!(config.listeners[0].proxy_protocol, AcceptProxy::Off);
    assert_eq!((cluster.connect_timeout, cluster.retries), (seconds(2), 2));
    assert!(cluster.source_addresses.is_empty());

    let close = DrainClose {
        code: 1012,
        reason: "service restart".to_owned(),
    };
    let drain = Drain {
        ready_delay: seconds(5),
        over: seconds(60),
        order: DrainOrder::IdleFirst,
        close,
        deadline: seconds(90),
    };
    assert_eq!(config.drain, drain);
    let log = Log {
        format: LogFormat::Json,
        level: LogLevel::Info,
        access: Some(plain_access_log()),
    };
    assert_eq!((config.log, config.workers), (log, Workers::Auto));
}

#[test]
fn the_full_file_means_what_it_says() {
    let config = load(&project("config/full.yaml")).unwrap();
    let chat = &config.routes[0];
    assert_eq!(
        chat.matches,
        Match {
            hosts: vec![
                HostPattern::Exact("chat.example.com".to_owned()),
                HostPattern::Wildcard(".chat.example.com".to_owned()),
            ],
            path: PathPattern::Template(vec![
                Segment::Literal("rooms".to_owned()),
                Segment::Capture("room".to_owned()),
            ]),
            headers: vec![HeaderMatch {
                name: "x-tenant".to_owned(),
                value: "acme".to_owned()
            }],
        }
    );
    assert_eq!(
        chat.target.clusters(),
        [
            Split {
                cluster: "chat".into(),
                weight: weight(95)
            },
            Split {
                cluster: "chat-canary".into(),
                weight: weight(5)
            },
        ]
    );
    let origins = ["https://chat.example.com".to_owned()];
    assert_eq!(
        chat.websocket.allowed_origins.as_deref(),
        Some(origins.as_slice())
    );
    let subprotocols = ["chat.v2".to_owned(), "chat.v1".to_owned()];
    assert_eq!(
        chat.websocket.subprotocols.as_deref(),
        Some(subprotocols.as_slice())
    );
    assert_eq!(
        config.routes[1].matches.path,
        PathPattern::Exact("/status".to_owned())
    );
    assert_eq!(
        config.routes[3].matches.path,
        PathPattern::Prefix("/".to_owned())
    );
    assert_eq!(config.clusters[2].balancer, Balancer::LeastSessions);
    let networks: Vec<String> = config
        .trusted_proxies
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(networks, ["10.0.0.0/8", "2001:db8::/32"]);
    assert_eq!(
        config.admin,
        Some(Admin {
            address: address("127.0.0.1:9901"),
            token: None
        })
    );
}

#[test]
fn the_full_file_has_every_source_of_affinity() {
    let config = load(&project("config/full.yaml")).unwrap();
    let chat = &config.routes[0];
    assert_eq!(
        chat.affinity,
        [
            AffinitySource::Path("room".to_owned()),
            AffinitySource::Cookie("sid".to_owned()),
            AffinitySource::IssuedCookie(IssuedCookie {
                name: "SYAFF".to_owned(),
                max_age: Some(seconds(3600)),
                secure: true,
                same_site: SameSite::Lax,
            }),
            AffinitySource::Header("x-user-id".to_owned()),
            AffinitySource::Query("user".to_owned()),
            AffinitySource::ClientAddress(ClientAddress {
                ipv6_prefix: 64,
                ipv4_prefix: 32,
            }),
        ]
    );
}

#[test]
fn the_full_file_shows_the_defaults() {
    let (full, minimal) = (
        load(&project("config/full.yaml")),
        load(&project("config/minimal.yaml")),
    );
    let (full, minimal) = (full.unwrap(), minimal.unwrap());
    assert_eq!(full.listeners, minimal.listeners);
    assert_eq!(full.drain, minimal.drain);
    assert_eq!((&full.bus, &full.push), (&minimal.bus, &minimal.push));
    assert_eq!((&full.log, full.workers), (&minimal.log, minimal.workers));
    let of = |config: &Config| config.routes[0].clone();
    assert_eq!(of(&full).http, of(&minimal).http);
    let shown = WebSocket {
        allowed_origins: None,
        subprotocols: None,
        ..of(&full).websocket
    };
    assert_eq!(shown, of(&minimal).websocket);
}

#[test]
fn off_is_no_limit_and_switches_take_two_spellings() {
    for off in ["off", "false", "\"off\""] {
        let route = format!(
            "{{ name: all, cluster: app,\n    websocket: {{ max_message: {off}, max_frame: {off}, \
             idle_timeout: {off} }},\n    http: {{ request_timeout: {off}, max_body: {off} }} }}"
        );
        let text = format!(
            "listeners: [{{ name: web, address: \"127.0.0.1:0\" }}]\nroutes: [{route}]\n\
             clusters: [{{ name: app, endpoints: [{{ address: \"10.0.0.1:9000\" }}] }}]\n\
             log: {{ access: {off} }}\n"
        );
        let config = parse(&text, Path::new("f.yaml")).unwrap_or_else(|errors| panic!("{errors}"));
        let WebSocket {
            max_message,
            max_frame,
            idle_timeout,
            ..
        } = config.routes[0].websocket;
        assert_eq!((max_message, max_frame, idle_timeout), (None, None, None));
        assert_eq!(
            config.routes[0].http,
            Http {
                request_timeout: None,
                max_body: None
            }
        );
        assert_eq!(config.log.access, None);
    }
    for on in ["on", "true"] {
        assert_eq!(
            small(&format!("log: {{ access: {on} }}\n")).log.access,
            Some(plain_access_log())
        );
    }
}

/// The one that there is unless a file says otherwise.
fn plain_access_log() -> AccessLog {
    AccessLog {
        format: LogFormat::Json,
        file: None,
        every: None,
        query_values: Vec::new(),
    }
}

#[test]
fn an_access_log_has_a_file_and_a_format_of_its_own() {
    let access = |text: &str| {
        let text = format!(
            "listeners: [{{ name: web, address: \"127.0.0.1:0\" }}]\n\
             routes: [{{ name: all, cluster: app }}]\n\
             clusters: [{{ name: app, endpoints: [{{ address: \"10.0.0.1:9000\" }}] }}]\n\
             log: {{ {text} }}\n"
        );
        let config = parse(&text, Path::new("etc/f.yaml"));
        config
            .unwrap_or_else(|errors| panic!("{errors}"))
            .log
            .access
    };
    let all = "access: { file: logs/access.log, format: text, every: 5m, query_values: [room, v] }";
    let expected = AccessLog {
        format: LogFormat::Text,
        file: Some("etc/logs/access.log".into()),
        every: Some(seconds(300)),
        query_values: vec!["room".to_owned(), "v".to_owned()],
    };
    assert_eq!(access(all), Some(expected));
    assert_eq!(access("access: {}"), Some(plain_access_log()));
    let followed = access("format: text, access: {}").map(|access| access.format);
    assert_eq!(followed, Some(LogFormat::Text));
}

#[test]
fn a_list_of_shares_takes_either_key() {
    let route = |key: &str, value: &str| {
        let text = format!(
            "listeners: [{{ name: web, address: \"127.0.0.1:0\" }}]\n\
             routes: [{{ name: all, {key}: {value} }}]\n\
             clusters:\n  - {{ name: a, endpoints: [{{ address: \"10.0.0.1:9000\" }}] }}\n\
             \x20 - {{ name: b, endpoints: [{{ address: \"10.0.0.2:9000\" }}] }}\n"
        );
        let config = parse(&text, Path::new("f.yaml")).unwrap_or_else(|errors| panic!("{errors}"));
        config.routes[0].target.clusters().to_vec()
    };
    let share = |cluster: &str, number| Split {
        cluster: cluster.into(),
        weight: weight(number),
    };
    let list = "[{ cluster: a, weight: 3 }, { cluster: b, weight: 2 }]";
    assert_eq!(route("cluster", list), [share("a", 3), share("b", 2)]);
    assert_eq!(route("split", list), route("cluster", list));
    assert_eq!(route("cluster", "b"), [share("b", 1)]);
}

#[test]
fn ports_that_the_system_chooses_are_not_shared() {
    let config = small("admin: { address: \"127.0.0.1:0\" }\n");
    assert_eq!(config.listeners[0].address, config.admin.unwrap().address);
}

#[test]
fn certificates_are_read_beside_the_configuration() {
    let text = "listeners:\n\
        - { name: web, address: \"127.0.0.1:0\" }\n\
        - { name: a, address: \"127.0.0.1:0\", tls: { certificates: [{ cert: a.crt, key: /k/a.key }] } }\n\
        - { name: b, address: \"127.0.0.1:0\", tls: { certificates: [{ cert: b.crt, key: b.key }], min_version: 1.3 } }\n\
        routes: [{ name: all, cluster: app }]\n\
        clusters: [{ name: app, endpoints: [{ address: \"10.0.0.1:9000\" }] }]\n";
    let read = |path: &Path| match path.to_str() {
        Some("etc/a.crt.ocsp") => Err(io::ErrorKind::NotFound.into()),
        _ => Ok(format!(" {}\n", path.display()).into_bytes()),
    };
    let config = parse_with(text, Path::new("etc/f.yaml"), &read).unwrap();
    let file = |path: &str| NamedFile {
        path: path.into(),
        content: Secret::new(format!(" {path}\n").as_bytes()),
    };
    let tls = |name: &str, key: &str, min_version| Tls {
        certificates: vec![Certificate {
            name: name.into(),
            cert: file(&format!("etc/{name}")),
            key: file(key),
            staple: (name == "b.crt").then(|| file("etc/b.crt.ocsp")),
        }],
        min_version,
        handshakes_at_once: NonZeroU32::new(512).unwrap(),
        ticket_key: None,
        client_ca: None,
    };
    let [web, a, b] = &config.listeners[..] else {
        panic!("{:?}", config.listeners)
    };
    assert_eq!(web.tls, None);
    assert_eq!(a.tls, Some(tls("a.crt", "/k/a.key", TlsVersion::Tls12)));
    assert_eq!(b.tls, Some(tls("b.crt", "etc/b.key", TlsVersion::Tls13)));
}

#[test]
fn clusters_verify_their_endpoints_unless_told_not_to() {
    let text = "listeners: [{ name: web, address: \"127.0.0.1:0\" }]\n\
        routes: [{ name: all, cluster: system }]\n\
        clusters:\n\
        - { name: plain, endpoints: [{ address: \"10.0.0.1:9000\" }] }\n\
        - { name: system, endpoints: [{ address: \"10.0.0.1:9000\" }], tls: {} }\n\
        - { name: own, endpoints: [{ address: \"10.0.0.1:9000\" }], tls: { ca: ca.pem, server_name: a.b,\n\
        \x20   certificate: { cert: c.crt, key: /k/c.key }, min_version: 1.3 } }\n\
        - { name: none, endpoints: [{ address: \"10.0.0.1:9000\" }], tls: { dangerously_skip_verification: true } }\n";
    let read = |path: &Path| Ok(format!("{}", path.display()).into_bytes());
    let config = parse_with(text, Path::new("etc/f.yaml"), &read).unwrap();
    let file = |path: &str| NamedFile {
        path: path.into(),
        content: Secret::new(path.as_bytes()),
    };
    let tls: Vec<_> = config.clusters.iter().map(|it| it.tls.clone()).collect();
    let system = ClusterTls {
        server_name: None,
        trust: Trust::System,
        certificate: None,
        min_version: TlsVersion::Tls12,
    };
    let own = ClusterTls {
        server_name: Some("a.b".into()),
        trust: Trust::Authorities(file("etc/ca.pem")),
        certificate: Some(ClientCertificate {
            cert: file("etc/c.crt"),
            key: file("/k/c.key"),
        }),
        min_version: TlsVersion::Tls13,
    };
    let none = ClusterTls {
        trust: Trust::Anyone,
        ..system.clone()
    };
    assert_eq!(tls, [None, Some(system), Some(own), Some(none)]);
}

#[test]
fn a_life_has_a_tenth_of_jitter_and_a_close_unless_it_is_told() {
    let life = |text: &str| {
        let text = format!(
            "listeners: [{{ name: web, address: \"127.0.0.1:0\" }}]\n\
             routes: [{{ name: all, cluster: app, websocket: {{ max_lifetime: {text} }} }}]\n\
             clusters: [{{ name: app, endpoints: [{{ address: \"10.0.0.1:9000\" }}] }}]\n"
        );
        let config = parse(&text, Path::new("f.yaml")).unwrap_or_else(|errors| panic!("{errors}"));
        config.routes[0].websocket.max_lifetime.clone().unwrap()
    };
    let expected = MaxLifetime {
        after: Duration::from_hours(12),
        jitter: Duration::from_mins(72),
        code: 1001,
        reason: "max lifetime".to_owned(),
    };
    assert_eq!(life("{ after: 12h }"), expected);
    assert_eq!(life("{ after: 12h, jitter: off }").jitter, Duration::ZERO);
    assert_eq!(
        life("{ after: 8760h, jitter: 100% }").jitter,
        Duration::from_hours(8760)
    );
}

#[test]
fn every_limit_is_its_own() {
    let text = "listeners: [{ name: web, address: \"127.0.0.1:0\", handshake_timeout: 1s }]\n\
        routes: [{ name: all, cluster: app, http: { request_timeout: 6s, max_body: 7B },\n\
        \x20   websocket: { max_message: 2B, max_frame: 3B, idle_timeout: 4s, close_timeout: 5s, buffer_limit: 8KiB,\n\
        \x20     ping_interval: 11s, pong_timeout: 13500ms, max_lifetime: { after: 12s, jitter: 5%, close: { code: 4000, reason: old } } } }]\n\
        clusters: [{ name: app, endpoints: [{ address: \"10.0.0.1:9000\" }], connect_timeout: 9s }]\n";
    let config = parse(text, Path::new("f.yaml")).unwrap();
    let (listener, route) = (&config.listeners[0], &config.routes[0]);
    let websocket = WebSocket {
        allowed_origins: None,
        subprotocols: None,
        max_message: Some(2),
        max_frame: Some(3),
        idle_timeout: Some(seconds(4)),
        pings: Some(Pings {
            interval: seconds(11),
            timeout: Duration::from_millis(13_500),
        }),
        max_lifetime: Some(MaxLifetime {
            after: seconds(12),
            jitter: Duration::from_millis(600),
            code: 4000,
            reason: "old".to_owned(),
        }),
        close_timeout: seconds(5),
        buffer_limit: 8192,
    };
    assert_eq!(route.websocket, websocket);
    assert_eq!(
        route.http,
        Http {
            request_timeout: Some(seconds(6)),
            max_body: Some(7)
        }
    );
    assert_eq!(
        (
            listener.handshake_timeout,
            config.clusters[0].connect_timeout
        ),
        (seconds(1), seconds(9))
    );
}

#[test]
fn names_of_headers_and_hosts_lose_their_case() {
    let text = "listeners: [{ name: web, address: \"127.0.0.1:0\" }]\n\
        routes: [{ name: all, cluster: app, match: { hosts: [Chat.Example.COM], headers: { X-Tenant: Acme } },\n\
        \x20   affinity: [{ header: X-User }] }]\n\
        clusters: [{ name: app, endpoints: [{ address: \"10.0.0.1:9000\" }] }]\n";
    let route = &parse(text, Path::new("f.yaml")).unwrap().routes[0];
    assert_eq!(
        route.matches.hosts,
        [HostPattern::Exact("chat.example.com".to_owned())]
    );
    let header = HeaderMatch {
        name: "x-tenant".to_owned(),
        value: "Acme".to_owned(),
    };
    assert_eq!(route.matches.headers, [header]);
    assert_eq!(
        route.affinity,
        [AffinitySource::Header("x-user".to_owned())]
    );
}

#[test]
fn a_client_address_is_a_word_or_has_prefixes() {
    for (source, ipv6_prefix, ipv4_prefix) in [
        ("client_address", 64, 32),
        ("client_address: {}", 64, 32),
        ("client_address: { ipv6_prefix: 1 }", 1, 32),
        ("client_address: { ipv4_prefix: 1 }", 64, 1),
        (
            "client_address: { ipv6_prefix: 128, ipv4_prefix: 24 }",
            128,
            24,
        ),
    ] {
        let text = format!(
            "listeners: [{{ name: web, address: \"127.0.0.1:0\" }}]\n\
             routes: [{{ name: all, cluster: app, affinity: [{source}] }}]\n\
             clusters: [{{ name: app, endpoints: [{{ address: \"10.0.0.1:9000\" }}] }}]\n"
        );
        let config = parse(&text, Path::new("f.yaml")).unwrap_or_else(|errors| panic!("{errors}"));
        let expected = AffinitySource::ClientAddress(ClientAddress {
            ipv6_prefix,
            ipv4_prefix,
        });
        assert_eq!(config.routes[0].affinity, [expected], "{source}");
    }
}

#[test]
fn workers_are_counted_or_left_to_the_machine() {
    assert_eq!(
        small("workers: 3\n").workers,
        Workers::Fixed(NonZeroUsize::new(3).unwrap())
    );
    assert_eq!(small("workers: auto\n").workers, Workers::Auto);
}

#[test]
fn what_a_cluster_does_beyond_its_order_is_off_by_default() {
    let config = load(&project("config/minimal.yaml")).unwrap_or_else(|errors| panic!("{errors}"));
    let cluster = &config.clusters[0];
    assert_eq!((cluster.bounded_load, cluster.slow_start), (None, None));
    assert_eq!(
        (cluster.rebalance, cluster.pending_handshakes),
        (None, None)
    );
    assert_eq!(
        (cluster.retry_budget, &cluster.prefer_zone),
        (Some(20), &None)
    );
}

#[test]
fn the_zone_is_written_or_in_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("switchyard.yaml");
    let rest = "listeners: [{ name: web, address: \"127.0.0.1:0\" }]\n\
        routes: [{ name: all, cluster: app }]\n\
        clusters: [{ name: app, prefer_same_zone: on, endpoints: [{ address: \"127.0.0.1:9\", zone: b }] }]\n";
    let zone = |lines: &str, content: &str| {
        std::fs::write(directory.path().join("zone"), content).unwrap();
        std::fs::write(&path, format!("{lines}\n{rest}")).unwrap();
        let config = load(&path).map_err(|errors| errors.to_string())?;
        let cluster = &config.clusters[0];
        assert_eq!(cluster.endpoints[0].zone.as_deref(), Some("b"));
        Ok::<_, String>(cluster.prefer_zone.as_deref().map(str::to_owned))
    };
    assert_eq!(zone("zone: eu-1a", ""), Ok(Some("eu-1a".to_owned())));
    assert_eq!(
        zone("zone_file: zone", " eu-1b\n"),
        Ok(Some("eu-1b".to_owned()))
    );
    let twice = zone("zone: a\nzone_file: zone", "b").unwrap_err();
    assert!(twice.contains("the zone is said twice"), "{twice}");
    let nameless = zone("zone_file: zone", "not a name").unwrap_err();
    assert!(nameless.contains("does not hold a name"), "{nameless}");
}

#[test]
fn secrets_come_from_beside_the_file_without_the_space_around_them() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("switchyard.yaml");
    let minimal = std::fs::read_to_string(project("config/minimal.yaml")).unwrap();
    let more = "affinity_key_file: key\nadmin: { address: \"0.0.0.0:9901\", token_file: token }\n";
    std::fs::write(&path, format!("{minimal}{more}")).unwrap();
    std::fs::write(directory.path().join("key"), "\n 0123456789abcdef \n").unwrap();
    std::fs::write(directory.path().join("token"), "fedcba9876543210\n").unwrap();

    let config = load(&path).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(
        config.affinity_key.as_ref().unwrap().expose(),
        b"0123456789abcdef"
    );
    assert_eq!(
        config
            .admin
            .as_ref()
            .unwrap()
            .token
            .as_ref()
            .unwrap()
            .expose(),
        b"fedcba9876543210"
    );
    assert!(
        !format!("{config:?}").contains("0123456789abcdef"),
        "a secret is printed"
    );
}

#[test]
fn a_loopback_admin_needs_no_token() {
    for loopback in [
        "127.0.0.1:1",
        "127.9.9.9:1",
        "[::1]:1",
        "[::ffff:127.0.0.1]:1",
    ] {
        let config = small(&format!("admin: {{ address: \"{loopback}\" }}\n"));
        assert_eq!(config.admin.unwrap().address, address(loopback));
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in "(?s).{0,200}") {
        let _ = parse_with(&text, Path::new("f.yaml"), &|_| Err(io::ErrorKind::NotFound.into()));
    }

    /// Lines of good files in any order and depth reach further than noise does.
    #[test]
    fn no_mixture_of_good_lines_panics(picks in proptest::collection::vec((any::<prop::sample::Index>(), 0..6usize), 0..40)) {
        let full = std::fs::read_to_string(project("config/full.yaml")).unwrap();
        let lines: Vec<&str> = full.lines().map(str::trim).collect();
        let text = picks.iter().fold(String::new(), |text, (pick, depth)| {
            text + &" ".repeat(depth * 2) + pick.get::<&str>(&lines) + "\n"
        });
        if let Err(errors) = parse_with(&text, Path::new("f.yaml"), &|_| Ok(vec![b'x'; 16])) {
            prop_assert!(errors.iter().count() > 0);
            prop_assert!(!errors.to_string().is_empty());
        }
    }
}

#[test]
fn source_addresses_are_of_every_family_that_the_endpoints_have() {
    let sources = |clusters: &str| {
        let text = format!(
            "listeners: [{{ name: web, address: \"127.0.0.1:0\" }}]\n\
             routes: [{{ name: all, cluster: app }}]\n\
             clusters: [{{ name: app, {clusters} }}]\n"
        );
        let config = parse(&text, Path::new("f.yaml")).unwrap_or_else(|errors| panic!("{errors}"));
        config.clusters[0].source_addresses.clone()
    };
    let of_both = "endpoints: [{ address: \"10.0.0.1:1\" }, { address: \"[::1]:1\" }]";
    assert_eq!(
        sources(&format!(
            "{of_both}, source_addresses: [10.0.0.2, \"::2\", 10.0.0.3]"
        )),
        ["10.0.0.2", "::2", "10.0.0.3"].map(|text| text.parse::<IpAddr>().unwrap())
    );
    assert!(sources(&format!("{of_both}, source_addresses: []")).is_empty());
}

#[test]
fn a_service_of_kubernetes_may_leave_its_namespace_to_whoever_asks() {
    let config = |service: &str| {
        let text = format!(
            "listeners: [{{ name: web, address: \"127.0.0.1:0\" }}]\nroutes: [{{ name: all, cluster: a }}]\n\
             clusters: [{{ name: a, kubernetes: {{ {service} }} }}]\n"
        );
        let config = parse(&text, Path::new("switchyard.yaml"));
        match &config.expect("it is right").clusters[0].discovery {
            Some(Discovery::Kubernetes(found)) => found.namespace.clone(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(config("service: chat, port: ws"), None);
    let named = config("namespace: edge, service: chat, port: ws");
    assert_eq!(named.as_deref(), Some("edge"));
}
