//! A gateway with a listener, a route and a cluster of every kind, and traffic that makes each of its metrics appear.

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

use switchyard_testkit::endpoint::Accepted;
use switchyard_testkit::lines::message;
use switchyard_testkit::{
    Certificate, Endpoint, Gateway, Handshake, Http2, Peer, Response, Socket, Trust, Tunnel,
};
use tempfile::TempDir;

use crate::support::{BINARY, dead_address};

/// What the admin listener asks for.
pub(super) const TOKEN: &str = "a-token-of-the-tests-0123456789";

pub(super) struct Load {
    pub(super) gateway: Gateway,
    /// Where the endpoint is that [`Load::lose_endpoint`] ends.
    pub(super) doomed: SocketAddr,
    folder: TempDir,
    certificate: Certificate,
    _good: Endpoint,
    _mute: Endpoint,
    losing: Option<Accepted>,
    /// Sessions that stay open.
    held: Vec<Peer>,
}

impl Load {
    #[track_caller]
    pub(super) fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let certificate = Certificate::of(&["localhost"]);
        let (good, losing) = (Endpoint::named("good"), Endpoint::bind());
        let mute = Endpoint::serve(|mut socket| socket.finish());
        let doomed = losing.address();
        let config = folder.path().join("switchyard.yaml");
        fs::write(
            &config,
            configuration(good.address(), mute.address(), doomed),
        )
        .unwrap();
        for (name, text) in [
            ("token", TOKEN),
            ("tls.crt", &certificate.pem),
            ("tls.key", &certificate.key),
        ] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        Self {
            gateway: Gateway::start_at(BINARY, &config),
            doomed,
            folder,
            certificate,
            _good: good,
            _mute: mute,
            losing: Some(losing),
            held: Vec::new(),
        }
    }

    /// Some of everything.
    #[track_caller]
    pub(super) fn bear(&mut self) {
        self.sessions();
        self.connections();
        self.published();
        self.drained_in_part();
        self.reloaded();
    }

    fn sessions(&mut self) {
        let web = self.gateway.web();
        let mut closes = Peer::connect(web, "/");
        closes.send_text("there and back");
        assert_eq!(closes.receive_text(), "there and back");
        closes.close(1000);
        // Nobody is read from, so that the gateway's Ping finds no answer.
        self.held.push(Peer::connect(web, "/silent"));
        let mut refused = Handshake::to("/encrypted").send(web);
        assert_eq!(Response::read(&mut refused).status(), 502);
        let mut plain = Socket::connect(web);
        plain.send(b"GET /feed HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(Response::read(&mut plain).status(), 426);
    }

    fn connections(&mut self) {
        let mut garbage = Socket::connect(self.gateway.web());
        garbage.send(b"\x01\x02\x03 no HTTP\r\n\r\n");
        garbage.finish();
        let mut proxied = Socket::connect(self.gateway.address("proxied"));
        proxied.send(
            b"PROXY TCP4 192.0.2.1 192.0.2.2 4000 80\r\nGET /feed HTTP/1.1\r\nHost: a\r\n\r\n",
        );
        assert_eq!(Response::read(&mut proxied).status(), 426);
        let socket = Socket::connect(self.gateway.web());
        assert_eq!(Http2::over(&socket).get("/feed").head.status(), 426);
        drop(socket);
        let secure = self.gateway.address("secure");
        let trust = Trust::of(&[&self.certificate]);
        let (_tunnel, socket) = Tunnel::open(secure, &trust, "localhost").unwrap();
        Handshake::to("/").open_on(socket).close(1000);
        let stranger = Certificate::of(&["localhost"]);
        assert!(Tunnel::open(secure, &Trust::of(&[&stranger]), "localhost").is_err());
    }

    fn published(&mut self) {
        let mut reader = Peer::connect(self.gateway.web(), "/feed");
        let body = r#"{"channel":"news","text":"hello"}"#;
        self.order("POST", "/publish", body, 200);
        assert_eq!(reader.receive_text(), "hello");
        self.held.push(reader);
    }

    fn drained_in_part(&mut self) {
        self.order("POST", "/drain?route=feed&over=0s", "", 202);
        let reader = self.held.pop().expect("who reads news");
        assert_eq!(reader.answer_close(), 1012);
        self.order("DELETE", "/drain?route=feed", "", 200);
    }

    fn reloaded(&self) {
        let path = self.file("switchyard.yaml");
        let next = fs::read_to_string(&path).unwrap() + "\nworkers: 2\n";
        fs::write(self.file("next.yaml"), next).unwrap();
        fs::rename(self.file("next.yaml"), path).unwrap();
        self.gateway.hang_up();
        let log = self.gateway.log();
        log.wait_for("reloaded", |line| message(line, "reloaded"));
    }

    /// The endpoint of the cluster `doomed` is there no more.
    pub(super) fn lose_endpoint(&mut self) {
        self.losing = None;
    }

    /// What the gateway itself tells of, by the names that its series have in Prometheus.
    #[track_caller]
    pub(super) fn families(&self) -> BTreeSet<String> {
        let text = self.order("GET", "/metrics", "", 200);
        let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
        let names = types.map(|line| match line.split_once(' ').unwrap() {
            (name, "histogram") => format!("{name}_count"),
            (name, _) => name.to_owned(),
        });
        names.collect()
    }

    #[track_caller]
    fn order(&self, method: &str, path: &str, body: &str, status: u16) -> String {
        let mut socket = Socket::connect(self.gateway.admin());
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: admin\r\nAuthorization: Bearer {TOKEN}\r\n\
             Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
        socket.send(request.as_bytes());
        let answer = Response::read(&mut socket);
        assert_eq!(answer.status(), status, "{path}: {}", answer.text());
        answer.text().to_owned()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

fn configuration(good: SocketAddr, mute: SocketAddr, doomed: SocketAddr) -> String {
    let nobody = dead_address();
    format!(
        r#"
trusted_proxies: [127.0.0.1/32]
listeners:
  - {{ name: web, address: "127.0.0.1:0", http2: on }}
  - {{ name: secure, address: "127.0.0.1:0", tls: {{ certificates: [{{ cert: tls.crt, key: tls.key }}] }} }}
  - {{ name: proxied, address: "127.0.0.1:0", proxy_protocol: any }}
routes:
  - {{ name: feed, match: {{ path_exact: /feed }}, push_only: on, channels: [news] }}
  - {{ name: encrypted, match: {{ path_exact: /encrypted }}, cluster: encrypted }}
  - {{ name: doomed, match: {{ path_exact: /doomed }}, cluster: doomed }}
  - {{ name: looked-up, match: {{ path_exact: /looked-up }}, cluster: looked-up }}
  - name: silent
    match: {{ path_exact: /silent }}
    cluster: main
    websocket: {{ ping_interval: 50ms, pong_timeout: 50ms }}
  - name: main
    match: {{ path_prefix: / }}
    cluster: main
    affinity: [client_address]
clusters:
  - name: main
    endpoints: [{{ address: "{good}" }}]
    health: {{ tcp: {{}}, interval: 50ms }}
  - name: doomed
    endpoints: [{{ address: "{doomed}" }}]
    health: {{ tcp: {{}}, interval: 50ms, unhealthy_after: 2 }}
  - name: encrypted
    endpoints: [{{ address: "{mute}" }}]
    tls: {{ ca: tls.crt }}
    outlier: {{ consecutive_failures: 1, eject_for: 1h, max_ejected: 100% }}
  - name: looked-up
    dns: {{ name: nobody.internal., port: 9000, resolvers: ["{nobody}"], timeout: 100ms }}
bus: memory
log: {{ access: {{ file: access.log }} }}
admin: {{ address: "127.0.0.1:0", token_file: token }}
drain: {{ ready_delay: 0s }}
"#
    )
}
