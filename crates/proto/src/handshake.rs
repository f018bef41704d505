//! The opening handshake (RFC 6455 section 4), both directions, over header fields as text.
//!
//! An [`Offer`] is what a valid request asks for. The endpoint's answer is held against it by
//! [`Offer::verify`], and only an answer that agrees to what was offered gives an [`Agreement`].
//!
//! Not here: HTTP itself. The caller hands in a method, a status and header fields; `Host`,
//! bodies, `Origin` and the HTTP version are its business.

mod agreement;
mod base64;
mod deflate;
mod extension;
mod key;
mod offer;
mod tokens;

pub use agreement::{Agreement, Deflate, ResponseError};
pub use key::{Accept, Key};
pub use offer::{Offer, RequestError};

/// Whether a request asks to speak WebSocket: one of its `Upgrade` fields lists the protocol
/// `websocket`, in any case. Whether it asks correctly is for [`Offer::parse`] to say.
pub fn asks_for_websocket<'a>(headers: impl Iterator<Item = (&'a str, &'a [u8])> + Clone) -> bool {
    tokens::lists(headers, "upgrade", "websocket")
}

#[cfg(test)]
mod tests {
    use super::*;

    type Fields = &'static [(&'static str, &'static [u8])];

    #[test]
    fn any_upgrade_field_may_ask_for_websocket() {
        let table: [(Fields, bool); 9] = [
            (&[], false),
            (&[("Upgrade", b"websocket")], true),
            (&[("uPGRADE", b"h2c , WebSocket")], true),
            (&[("upgrade", b"h2c"), ("upgrade", b",\twebsocket ,")], true),
            (&[("upgrade", b"h2c")], false),
            (&[("upgrade", b"websocket/13")], false),
            (&[("upgrade", b"websockets")], false),
            (&[("upgrade", b"web socket")], false),
            (&[("connection", b"websocket")], false),
        ];
        for (headers, expected) in table {
            assert_eq!(
                asks_for_websocket(headers.iter().copied()),
                expected,
                "{headers:?}"
            );
        }
    }
}
