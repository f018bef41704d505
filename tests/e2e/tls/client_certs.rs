//! Clients that are asked who they are.

use std::net::SocketAddr;

use serde_json::Value;
use switchyard_testkit::endpoint::Accepted;
use switchyard_testkit::{
    Authority, Certificate, Claims, Endpoint, Gateway, Handshake, Head, Settings, Trust, Tunnel,
    handshake,
};

use super::foreign::{LAST, s_client};
use super::gateway_with;
use super::rotation::{beside, replace, wait_problem, wait_reloads};

const FIELD: &str = "x-forwarded-client-cert";

/// A gateway that asks clients for certificates of an authority.
struct Door {
    gateway: Gateway,
    server: Certificate,
    endpoint: Accepted,
    authority: Authority,
}

impl Door {
    fn new(demand: &str) -> Self {
        Self::with(demand, |settings| settings)
    }

    fn with(demand: &str, change: impl FnOnce(Settings) -> Settings) -> Self {
        let (endpoint, authority) = (Endpoint::bind(), Authority::new());
        let settings = change(Settings::to(&[endpoint.address()]));
        let more = format!(", client_ca: clients.crt, client_auth: {demand}");
        let beside = [("clients.crt", &*authority.pem())];
        let (gateway, mut server) = gateway_with(settings, &[&["localhost"]], &more, &beside);
        Self {
            gateway,
            server: server.remove(0),
            endpoint,
            authority,
        }
    }

    fn address(&self) -> SocketAddr {
        self.gateway.web()
    }

    fn showing(&self, client: &Certificate) -> Trust {
        Trust::showing(client, &[&self.server])
    }

    fn nobody(&self) -> Trust {
        Trust::of(&[&self.server])
    }

    /// What the endpoint gets of a plain request.
    #[track_caller]
    fn request(&self, trust: &Trust) -> (Tunnel, Head) {
        let (tunnel, mut socket) = Tunnel::open(self.address(), trust, "localhost").unwrap();
        let lie =
            format!("GET / HTTP/1.1\r\nHost: localhost\r\n{FIELD}: Hash=00;DNS=admin\r\n\r\n");
        socket.send(lie.as_bytes());
        (tunnel, Head::read(&mut self.endpoint.accept()))
    }

    /// The gateway ends the connection instead of answering. With TLS 1.3 a client learns that
    /// only after its own handshake.
    #[track_caller]
    fn turns_away(&self, trust: &Trust) {
        if let Ok((_tunnel, mut socket)) = Tunnel::open(self.address(), trust, "localhost") {
            socket.expect_end();
        }
    }

    fn wait_failed(&self, reason: &str, count: u64) {
        let labels = [("listener", "web"), ("result", reason)];
        let name = "switchyard_tls_handshakes_total";
        self.gateway.wait_metric(name, &labels, count);
    }
}

fn alice<'a>() -> Claims<'a> {
    Claims {
        name: "Alice",
        organization: "Acme, Inc.",
        uris: &["spiffe://acme.test/alice"],
        dns: &["alice.acme.test", "a.acme.test"],
        expires: None,
    }
}

fn sha256(certificate: &Certificate) -> String {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("der");
    std::fs::write(&file, &certificate.der).unwrap();
    let output = std::process::Command::new("sha256sum").arg(file).output();
    let text = String::from_utf8(output.unwrap().stdout).unwrap();
    text.split(' ').next().unwrap().to_owned()
}

#[test]
fn endpoints_and_the_log_are_told_who_a_client_is() {
    let door = Door::new("required");
    let client = door.authority.issue(alice());
    let trust = door.showing(&client);
    let expected = format!(
        "Hash={};Subject=\"CN=Alice,O=Acme\\, Inc.\";URI=spiffe://acme.test/alice;\
         DNS=alice.acme.test;DNS=a.acme.test",
        sha256(&client)
    );
    // By a ticket it is still the same client.
    for resumed in [false, true] {
        let (tunnel, mut socket) = Tunnel::open(door.address(), &trust, "localhost").unwrap();
        socket.send(&Handshake::to("/").with(FIELD, "Hash=00").encode());
        let server = door.endpoint.accept_websocket();
        assert_eq!(server.head().get(FIELD), Some(&*expected));
        let _client = handshake::finish(socket);
        assert_eq!(tunnel.resumed, resumed);
    }
    for opened in door.gateway.records(2, "session opened") {
        assert_eq!(opened["client_cert"], "CN=Alice,O=Acme\\, Inc.", "{opened}");
        assert_eq!(opened["client_cert_sha256"], sha256(&client), "{opened}");
    }
}

#[test]
fn who_has_no_good_certificate_is_turned_away() {
    let door = Door::new("required");
    door.turns_away(&door.nobody());
    door.wait_failed("no_client_cert", 1);
    let foreign = Authority::new().issue(alice());
    door.turns_away(&door.showing(&foreign));
    door.wait_failed("bad_client_cert", 1);
    let expired = door.authority.issue(Claims {
        expires: Some(1_600_000_000),
        ..alice()
    });
    door.turns_away(&door.showing(&expired));
    door.wait_failed("bad_client_cert", 2);
    // One of a server is none of a client.
    door.turns_away(&door.showing(&door.server));
    door.wait_failed("bad_client_cert", 3);
    for (version, count) in [("-tls1_2", 2), ("-tls1_3", 3)] {
        let (ended, said) = s_client(&door.gateway, &[version], LAST);
        assert!(!ended && said.contains("alert"), "{said}");
        door.wait_failed("no_client_cert", count);
    }
    assert!(!door.endpoint.has_more());
}

#[test]
fn who_may_do_without_is_let_in_as_nobody() {
    let door = Door::new("optional");
    let (_tunnel, head) = door.request(&door.nobody());
    assert_eq!(head.get(FIELD), None);
    let client = door.authority.issue(Claims {
        name: "Bob",
        ..Claims::default()
    });
    let (_tunnel, head) = door.request(&door.showing(&client));
    let expected = format!("Hash={};Subject=\"CN=Bob\"", sha256(&client));
    assert_eq!(head.get(FIELD), Some(&*expected));
    door.turns_away(&door.showing(&Authority::new().issue(alice())));
    door.wait_failed("bad_client_cert", 1);
}

#[test]
fn a_trusted_proxy_may_say_who_its_clients_are() {
    let trusting = |settings: Settings| settings.top("trusted_proxies: [127.0.0.0/8]");
    let door = Door::with("optional", trusting);
    let (_tunnel, head) = door.request(&door.nobody());
    assert_eq!(head.get(FIELD), Some("Hash=00;DNS=admin"));
    let proxy = door.authority.issue(Claims::default());
    let (_tunnel, head) = door.request(&door.showing(&proxy));
    let expected = format!("Hash=00;DNS=admin, Hash={}", sha256(&proxy));
    assert_eq!(head.get(FIELD), Some(&*expected));
}

#[test]
fn no_certificate_makes_up_a_field_or_a_line() {
    let door = Door::new("required");
    let long = "u".repeat(3_000);
    let client = door.authority.issue(Claims {
        name: "x\";DNS=admin\r\nX-Admin: yes\\",
        organization: "\u{1b}[2J\"\0é",
        uris: &["x\";DNS=admin", "x\r\nX-Admin: yes", &long, "y;DNS=admin"],
        dns: &["a b", "fine.test"],
        expires: None,
    });
    let (_tunnel, head) = door.request(&door.showing(&client));
    let subject = "CN=x\\22\\;DNS=admin\\0D\\0AX-Admin: yes\\5C,O=\\1B[2J\\22\\00\\C3\\A9";
    let expected = format!(
        "Hash={};Subject=\"{subject}\";URI=\"y;DNS=admin\";DNS=fine.test",
        sha256(&client)
    );
    assert_eq!(head.get(FIELD), Some(&*expected));
    assert_eq!(head.get("x-admin"), None);
    // A name too long to be written is none.
    let client = door.authority.issue(Claims {
        name: &long,
        ..Claims::default()
    });
    let (_tunnel, head) = door.request(&door.showing(&client));
    assert_eq!(head.get(FIELD), Some(&*format!("Hash={}", sha256(&client))));
}

#[test]
fn another_authority_lets_others_in() {
    let door = Door::new("required");
    let (old, other) = (door.authority.issue(alice()), Authority::new());
    let trust = door.showing(&old);
    let (_tunnel, _) = door.request(&trust);
    replace(&door.gateway, "clients.crt", "nothing");
    wait_problem(&door.gateway, "clients.crt", "there is no certificate in");
    let (tunnel, _) = door.request(&trust);
    assert!(tunnel.resumed);
    replace(&door.gateway, "clients.crt", other.pem());
    wait_reloads(&door.gateway, "ok", 1);
    // It has a ticket, too.
    door.turns_away(&trust);
    door.wait_failed("bad_client_cert", 1);
    let (_tunnel, head) = door.request(&door.showing(&other.issue(alice())));
    assert!(head.get(FIELD).is_some());
    let _ = std::fs::remove_file(beside(&door.gateway, "clients.crt"));
    wait_problem(&door.gateway, "clients.crt", "cannot read");
    let warned = |line: &Value| line["level"] == "ERROR";
    assert!(!door.gateway.log().so_far().iter().any(warned));
}
