//! A client and a server with a wire between them that does what a test says.

use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, RootCertStore, SupportedCipherSuite, SupportedProtocolVersion,
};

use crate::{
    Acceptor, Application, File, Handshake, HandshakeError, Identity, Oldest, Terms, TicketSecret,
    TlsStream,
};

/// A socket whose other end is the test.
#[derive(Debug, Default)]
pub(crate) struct Wire {
    /// What the next reads give, one element each at most.
    pub(crate) incoming: VecDeque<Vec<u8>>,
    /// Whether a FIN comes after that.
    pub(crate) ended: bool,
    /// What was written.
    pub(crate) outgoing: Vec<u8>,
    /// How many bytes each write takes; beyond these it takes everything.
    pub(crate) room: VecDeque<usize>,
    pub(crate) reads: usize,
    pub(crate) writes: usize,
    pub(crate) shut_down: bool,
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Some(mut bytes) = self.incoming.pop_front() else {
            return if self.ended {
                Poll::Ready(Ok(()))
            } else {
                Poll::Pending
            };
        };
        self.reads += 1;
        let rest = bytes.split_off(bytes.len().min(buffer.remaining()));
        buffer.put_slice(&bytes);
        if !rest.is_empty() {
            self.incoming.push_front(rest);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let room = self.room.pop_front().unwrap_or(usize::MAX);
        if room == 0 {
            return Poll::Pending;
        }
        self.writes += 1;
        let taken = room.min(bytes.len());
        self.outgoing.extend(&bytes[..taken]);
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.shut_down = true;
        Poll::Ready(Ok(()))
    }
}

/// A certificate for these names, as the text of two files.
pub(crate) fn pems(names: &[&str]) -> (String, String) {
    let names: Vec<_> = names.iter().map(ToString::to_string).collect();
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

pub(crate) fn file<'a>(name: &'a str, content: &'a str) -> File<'a> {
    File {
        path: Path::new(name),
        content: content.as_bytes(),
    }
}

pub(crate) fn bytes_file<'a>(name: &'a str, content: &'a [u8]) -> File<'a> {
    let path = Path::new(name);
    File { path, content }
}

pub(crate) fn identity(names: &[&str]) -> Identity {
    let (cert, key) = pems(names);
    Identity::parse(file("tls.crt", &cert), file("tls.key", &key)).unwrap()
}

pub(crate) fn terms(oldest: Oldest) -> Terms {
    Terms {
        oldest,
        listener: "web".into(),
        tickets: TicketSecret::random().unwrap(),
        clients: None,
        application: Application::Http1,
    }
}

pub(crate) fn acceptor() -> Acceptor {
    Acceptor::new(&[identity(&["localhost"])], terms(Oldest::Tls12)).unwrap()
}

pub(crate) fn context() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

/// What a client trusts and speaks.
pub(crate) struct Client {
    pub(crate) config: ClientConfig,
}

impl Client {
    /// Trusts the certificates of `server`.
    pub(crate) fn of(server: &[Identity]) -> Self {
        Self::with(server, aws_lc_rs::default_provider(), &[&TLS13, &TLS12])
    }

    pub(crate) fn tls12(server: &[Identity]) -> Self {
        Self::with(server, aws_lc_rs::default_provider(), &[&TLS12])
    }

    /// Speaks TLS 1.3 with one suite, and would give its keys away.
    pub(crate) fn only(server: &[Identity], suite: SupportedCipherSuite) -> Self {
        let provider = CryptoProvider {
            cipher_suites: vec![suite],
            ..aws_lc_rs::default_provider()
        };
        let mut client = Self::with(server, provider, &[&TLS13]);
        client.config.enable_secret_extraction = true;
        client
    }

    fn with(
        server: &[Identity],
        provider: CryptoProvider,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Self {
        let mut roots = RootCertStore::empty();
        for identity in server {
            roots.add(identity.key.cert[0].clone()).unwrap();
        }
        let config = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self { config }
    }

    pub(crate) fn protocols(mut self, protocols: &[&str]) -> Self {
        let protocols = protocols.iter().map(|name| name.as_bytes().to_vec());
        self.config.alpn_protocols = protocols.collect();
        self
    }

    pub(crate) fn connect(&self, name: &'static str) -> ClientConnection {
        let name = ServerName::try_from(name).unwrap();
        ClientConnection::new(Arc::new(self.config.clone()), name).unwrap()
    }
}

/// Both ends after the handshake.
pub(crate) struct Pair {
    pub(crate) client: ClientConnection,
    pub(crate) server: TlsStream<Wire>,
    pub(crate) handshake: Handshake,
}

impl Pair {
    pub(crate) fn new() -> Self {
        let identities = [identity(&["localhost"])];
        let acceptor = Acceptor::new(&identities, terms(Oldest::Tls12)).unwrap();
        Self::of(&acceptor, Client::of(&identities).connect("localhost")).unwrap()
    }

    pub(crate) fn tls12() -> Self {
        let identities = [identity(&["localhost"])];
        let acceptor = Acceptor::new(&identities, terms(Oldest::Tls12)).unwrap();
        Self::of(&acceptor, Client::tls12(&identities).connect("localhost")).unwrap()
    }

    /// Does the handshake; an error is the server's.
    pub(crate) fn of(
        acceptor: &Acceptor,
        mut client: ClientConnection,
    ) -> Result<Self, HandshakeError> {
        let mut server = TlsStream::new(Wire::default(), acceptor.session()?);
        loop {
            let sent = spoken(&mut client);
            if !sent.is_empty() {
                server.io_mut().incoming.push_back(sent);
            }
            let polled = server.poll_handshake(&mut context());
            hear(&mut client, &std::mem::take(&mut server.io_mut().outgoing));
            if let Poll::Ready(handshake) = polled {
                let handshake = handshake?;
                *server.io_mut() = Wire::default();
                return Ok(Self {
                    client,
                    server,
                    handshake,
                });
            }
        }
    }

    /// The client says `plain`, in records; they are not on the wire yet.
    pub(crate) fn seal(&mut self, plain: &[u8]) -> Vec<u8> {
        let mut records = Vec::new();
        for piece in plain.chunks(16_000) {
            io::Write::write_all(&mut self.client.writer(), piece).unwrap();
            records.extend(spoken(&mut self.client));
        }
        records
    }

    /// The next read of the socket gives this.
    pub(crate) fn arrives(&mut self, records: Vec<u8>) {
        self.server.io_mut().incoming.push_back(records);
    }

    /// One read of the server's.
    pub(crate) fn read(&mut self, room: usize) -> Poll<io::Result<Vec<u8>>> {
        let mut bytes = vec![0; room];
        let mut buffer = ReadBuf::new(&mut bytes);
        let polled = Pin::new(&mut self.server).poll_read(&mut context(), &mut buffer);
        polled.map_ok(|()| buffer.filled().to_vec())
    }

    /// Everything that can be read now, and how reading ended.
    pub(crate) fn read_all(&mut self, room: usize) -> (Vec<u8>, Poll<io::Result<()>>) {
        let mut all = Vec::new();
        loop {
            match self.read(room) {
                Poll::Ready(Ok(bytes)) if bytes.is_empty() => return (all, Poll::Ready(Ok(()))),
                Poll::Ready(Ok(bytes)) => all.extend(bytes),
                Poll::Ready(Err(error)) => return (all, Poll::Ready(Err(error))),
                Poll::Pending => return (all, Poll::Pending),
            }
        }
    }

    pub(crate) fn write(&mut self, plain: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.server).poll_write(&mut context(), plain)
    }

    pub(crate) fn flush(&mut self) -> Poll<io::Result<()>> {
        Pin::new(&mut self.server).poll_flush(&mut context())
    }

    pub(crate) fn shut_down(&mut self) -> Poll<io::Result<()>> {
        Pin::new(&mut self.server).poll_shutdown(&mut context())
    }

    /// What the client reads of all that the server wrote; whether it was told goodbye.
    pub(crate) fn heard(&mut self) -> (Vec<u8>, bool) {
        let outgoing = std::mem::take(&mut self.server.io_mut().outgoing);
        hear(&mut self.client, &outgoing)
    }
}

/// What the client has to say.
pub(crate) fn spoken(client: &mut ClientConnection) -> Vec<u8> {
    let mut records = Vec::new();
    while client.wants_write() {
        client.write_tls(&mut records).unwrap();
    }
    records
}

/// Shows the client `records`; what it decrypts, and whether the stream ended in order.
pub(crate) fn hear(client: &mut ClientConnection, mut records: &[u8]) -> (Vec<u8>, bool) {
    let mut plain = Vec::new();
    let mut closed = false;
    while !records.is_empty() {
        client.read_tls(&mut records).unwrap();
        // An alert is what the server says about it; what it did is what a test looks at.
        let Ok(state) = client.process_new_packets() else {
            break;
        };
        let mut piece = vec![0; state.plaintext_bytes_to_read()];
        io::Read::read_exact(&mut client.reader(), &mut piece).unwrap();
        plain.extend(piece);
        closed = state.peer_has_closed();
    }
    (plain, closed)
}
