//! What either end says of itself (RFC 9113 section 6.5, RFC 8441 section 3).

use anyhow::{Result, ensure};

/// What a peer may send before it is given more room, unless its peer says something else (RFC 9113
/// section 6.9.2).
pub(super) const FIRST_WINDOW: u32 = 65_535;

const HEADER_TABLE_SIZE: u16 = 0x1;
const ENABLE_PUSH: u16 = 0x2;
pub(super) const MAX_CONCURRENT_STREAMS: u16 = 0x3;
pub(super) const INITIAL_WINDOW_SIZE: u16 = 0x4;
pub(super) const ENABLE_CONNECT_PROTOCOL: u16 = 0x8;

/// A client without a table of fields, which wants nothing pushed and gives each stream this window.
pub(super) fn of_client(window: u32) -> Vec<u8> {
    encode(&[
        (HEADER_TABLE_SIZE, 0),
        (ENABLE_PUSH, 0),
        (INITIAL_WINDOW_SIZE, window),
    ])
}

pub(super) fn encode(settings: &[(u16, u32)]) -> Vec<u8> {
    let bytes = settings
        .iter()
        .map(|(name, value)| [&name.to_be_bytes()[..], &value.to_be_bytes()].concat());
    bytes.collect::<Vec<_>>().concat()
}

/// What is known of a server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Server {
    /// The window of a new stream.
    pub(super) window: i64,
    pub(super) max_streams: u32,
    pub(super) has_extended_connect: bool,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            window: FIRST_WINDOW.into(),
            max_streams: u32::MAX,
            has_extended_connect: false,
        }
    }
}

impl Server {
    /// Takes what a SETTINGS frame changes.
    pub(super) fn learn(&mut self, settings: &[u8]) -> Result<()> {
        let (settings, rest) = settings.as_chunks::<6>();
        ensure!(rest.is_empty(), "half a setting");
        for &[a, b, value @ ..] in settings {
            let value = u32::from_be_bytes(value);
            match u16::from_be_bytes([a, b]) {
                MAX_CONCURRENT_STREAMS => self.max_streams = value,
                INITIAL_WINDOW_SIZE => self.window = value.into(),
                ENABLE_CONNECT_PROTOCOL => self.has_extended_connect = value == 1,
                _ => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_stays() {
        let mut server = Server::default();
        server
            .learn(&encode(&[(ENABLE_CONNECT_PROTOCOL, 1), (0x99, 7)]))
            .unwrap();
        server.learn(&encode(&[(INITIAL_WINDOW_SIZE, 10)])).unwrap();
        assert!(server.has_extended_connect);
        assert_eq!((server.window, server.max_streams), (10, u32::MAX));
        assert!(server.learn(&[0, 3, 0]).is_err());
    }
}
