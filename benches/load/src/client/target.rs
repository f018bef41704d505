//! Where clients connect to, and how a session is opened there.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::num::NonZeroUsize;

use anyhow::{Context, Result, bail};

use super::PATIENCE;
use crate::http;
use crate::net::{self, Sources};
use crate::tls::Client;
use crate::wire::Wire;

/// An address, a path, and where to come from.
pub(super) struct Target {
    address: SocketAddr,
    tls: Option<Client>,
    sources: Sources,
    path: String,
    authority: String,
    request: Vec<u8>,
    /// How many sessions a connection carries, if that is one of HTTP/2.
    on_each: Option<NonZeroUsize>,
    /// Bytes that the system is asked to keep for a client that does not read, if any number.
    window: Option<usize>,
}

/// Little: what waits is to wait at the gateway, and not in this machine's kernel.
const NARROW: usize = 16 * 1024;

impl Target {
    pub(super) fn new(address: SocketAddr, tls: Option<Client>, path: &str, sources: u8) -> Self {
        Self {
            address,
            tls,
            sources: Sources::new(sources),
            path: path.to_owned(),
            authority: address.to_string(),
            request: http::request(path, &address.to_string()),
            on_each: None,
            window: None,
        }
    }

    /// The same over HTTP/2, with so many sessions on a connection.
    pub(super) fn shared(mut self, on_each: Option<NonZeroUsize>) -> Self {
        self.on_each = on_each;
        self
    }

    /// The same for clients that will not read.
    pub(super) fn narrow(mut self) -> Self {
        self.window = Some(NARROW);
        self
    }

    /// How many sessions a connection carries, if that is one of HTTP/2.
    pub(super) fn on_each(&self) -> Option<usize> {
        self.on_each.map(NonZeroUsize::get)
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn authority(&self) -> &str {
        &self.authority
    }

    /// What a client of HTTP/1.1 sends first.
    pub(super) fn request(&self) -> &[u8] {
        &self.request
    }

    /// Begins to connect.
    pub(super) fn begin(&mut self) -> Result<Wire> {
        let tcp = net::begin_connect(self.address, self.sources.next())?;
        self.wire(tcp)
    }

    fn wire(&self, tcp: TcpStream) -> Result<Wire> {
        match &self.tls {
            None => Ok(Wire::Plain(tcp)),
            Some(tls) => Ok(tls.wire(tcp, self.address.ip())?),
        }
    }

    /// Connects and waits for it. Reads and writes wait too.
    pub(super) fn connect(&mut self) -> Result<Wire> {
        let tcp = net::connect(self.address, self.sources.next(), self.window, PATIENCE)
            .with_context(|| format!("cannot connect to {}", self.address))?;
        self.wire(tcp)
    }

    /// Opens a session of HTTP/1.1 on a connection of its own.
    pub(super) fn open(&mut self) -> Result<Wire> {
        let mut wire = self.connect()?;
        shake(&mut wire, &self.request)?;
        Ok(wire)
    }

    /// The same at another path.
    pub(super) fn open_at(&mut self, path: &str) -> Result<Wire> {
        let mut wire = self.connect()?;
        shake(&mut wire, &http::request(path, &self.authority))?;
        Ok(wire)
    }
}

fn shake(wire: &mut Wire, request: &[u8]) -> Result<()> {
    wire.write_all(request)?;
    let mut head = Vec::new();
    let mut buffer = [0; 1024];
    loop {
        let len = wire
            .read(&mut buffer)
            .context("no answer to the handshake")?;
        if len == 0 {
            bail!("the connection ended during the handshake");
        }
        head.extend_from_slice(buffer.get(..len).unwrap_or_default());
        if let Some(end) = http::head_len(&head)? {
            let (answer, early) = head.split_at(end);
            http::check_response(answer)?;
            if !early.is_empty() {
                bail!("{} bytes came before anything was sent", early.len());
            }
            return Ok(());
        }
    }
}
