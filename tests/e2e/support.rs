//! What many modules need: the binary, and a session with both of its ends in the test's hands.

use std::net::SocketAddr;

use serde_json::Value;
use switchyard_testkit::endpoint::Accepted;
use switchyard_testkit::{
    Endpoint, Gateway, Handshake, Peer, Response, Settings, Socket, handshake,
};

/// The binary under test.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_switchyard");

/// A gateway with these settings.
#[track_caller]
pub(crate) fn gateway(settings: &Settings) -> Gateway {
    Gateway::start(BINARY, settings)
}

/// One request on the admin listener, with more fields.
#[track_caller]
pub(crate) fn order(gateway: &Gateway, method: &str, path: &str, fields: &str) -> Response {
    let mut socket = Socket::connect(gateway.admin());
    let request =
        format!("{method} {path} HTTP/1.1\r\nHost: admin\r\n{fields}Connection: close\r\n\r\n");
    socket.send(request.as_bytes());
    Response::read(&mut socket)
}

/// The JSON that one request is answered, which succeeds with this status.
#[track_caller]
pub(crate) fn told(gateway: &Gateway, method: &str, path: &str, status: u16) -> Value {
    let answer = order(gateway, method, path, "");
    assert_eq!(
        answer.status(),
        status,
        "{method} {path}: {}",
        answer.text()
    );
    serde_json::from_str(answer.text()).expect("JSON")
}

/// A gateway in front of one endpoint that the test plays.
pub(crate) struct Stage {
    pub(crate) gateway: Gateway,
    pub(crate) endpoint: Accepted,
}

/// Both ends of one session.
pub(crate) struct Ends {
    pub(crate) client: Peer,
    pub(crate) server: Peer,
}

impl Stage {
    /// With the settings that every test starts from.
    #[track_caller]
    pub(crate) fn new() -> Self {
        Self::with(|settings| settings)
    }

    /// With settings of the test's own.
    #[track_caller]
    pub(crate) fn with(change: impl FnOnce(Settings) -> Settings) -> Self {
        let endpoint = Endpoint::bind();
        let gateway = gateway(&change(Settings::to(&[endpoint.address()])));
        Self { gateway, endpoint }
    }

    /// With an endpoint and settings of the test's own.
    #[track_caller]
    pub(crate) fn of(endpoint: Accepted, settings: &Settings) -> Self {
        let gateway = gateway(settings);
        Self { gateway, endpoint }
    }

    /// Opens a session.
    #[track_caller]
    pub(crate) fn open(&self) -> Ends {
        self.open_at("/")
    }

    /// Opens a session at this target.
    #[track_caller]
    pub(crate) fn open_at(&self, target: &str) -> Ends {
        self.open_as(&Handshake::to(target))
    }

    /// Opens a session with a handshake of the test's own.
    #[track_caller]
    pub(crate) fn open_as(&self, handshake: &Handshake) -> Ends {
        self.open_with(handshake, &[])
    }

    /// Opens a session for which both ends agree to permessage-deflate.
    #[track_caller]
    pub(crate) fn open_compressed(&self) -> Ends {
        self.open_compressed_at("/")
    }

    /// The same at this target.
    #[track_caller]
    pub(crate) fn open_compressed_at(&self, target: &str) -> Ends {
        let extension = ("Sec-WebSocket-Extensions", "permessage-deflate");
        let handshake = Handshake::to(target).with(extension.0, extension.1);
        self.open_with(&handshake, &[extension])
    }

    #[track_caller]
    fn open_with(&self, handshake: &Handshake, answer: &[(&str, &str)]) -> Ends {
        let socket = handshake.send(self.gateway.web());
        let server = self.endpoint.accept_websocket_with(answer);
        Ends {
            client: handshake::finish(socket),
            server,
        }
    }
}

impl Ends {
    /// Sends a text message each way, to see that the session lives.
    #[track_caller]
    pub(crate) fn talk(&mut self) {
        self.client.send_text("ping?");
        assert_eq!(self.server.receive_text(), "ping?");
        self.server.send_text("pong!");
        assert_eq!(self.client.receive_text(), "pong!");
    }
}

/// A loopback address where nothing listens.
pub(crate) fn dead_address() -> SocketAddr {
    Endpoint::bind().address()
}
