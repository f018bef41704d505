//! The endpoint's side of the handshake: an answer held against the offer (RFC 6455 section 4.1,
//! the numbered list of what a client checks in the server's response).
//!
//! Whoever passes the check gets a session, and a session is told what was agreed. Not here: what
//! to do with an answer that is no 101; it is the client's as it is.

use std::fmt;

use super::deflate::{self, Parameters};
use super::extension::{self, Extension};
use super::offer::Offer;
use super::tokens::{self, Malformed, Repeated};

/// What both peers speak after the handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// The subprotocol, one of those offered.
    pub subprotocol: Option<Box<str>>,
    /// Whether messages may be compressed.
    pub deflate: Deflate,
}

/// Whether permessage-deflate was agreed on. Only then may the first frame of a message have
/// RSV1 set (RFC 7692 section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deflate {
    /// Messages may be compressed.
    On,
    /// No message may be.
    Off,
}

impl Offer {
    /// Checks that an answer switches to WebSocket, proves that it knows this offer's key, and
    /// agrees to nothing that was not offered.
    pub fn verify<'a>(
        &self,
        status: u16,
        headers: impl Iterator<Item = (&'a str, &'a [u8])> + Clone,
    ) -> Result<Agreement, ResponseError> {
        if status != 101 {
            return Err(ResponseError::Status(status));
        }
        check_upgrade(headers.clone())?;
        if !tokens::lists(headers.clone(), "connection", "upgrade") {
            return Err(ResponseError::NoConnectionUpgrade);
        }
        check_accept(self, headers.clone())?;
        let subprotocol = agree_on_subprotocol(self, headers.clone())?;
        let deflate = agree_on_extensions(self, headers)?;
        Ok(Agreement {
            subprotocol,
            deflate,
        })
    }
}

/// Unlike a request's list, the answer's names the one protocol that is switched to.
fn check_upgrade<'a>(
    headers: impl Iterator<Item = (&'a str, &'a [u8])> + Clone,
) -> Result<(), ResponseError> {
    match tokens::single(tokens::elements(tokens::fields(headers, "upgrade"))) {
        Ok(Some(protocol)) if protocol.eq_ignore_ascii_case(b"websocket") => Ok(()),
        Ok(_) | Err(Repeated) => Err(ResponseError::NoUpgradeWebSocket),
    }
}

fn check_accept<'a>(
    offer: &Offer,
    headers: impl Iterator<Item = (&'a str, &'a [u8])> + Clone,
) -> Result<(), ResponseError> {
    let accept = offer.key().accept();
    match tokens::single(tokens::fields(headers, "sec-websocket-accept")) {
        Ok(Some(value)) if value == accept.as_str().as_bytes() => Ok(()),
        Ok(Some(_)) => Err(ResponseError::WrongAccept),
        Ok(None) => Err(ResponseError::MissingAccept),
        Err(Repeated) => Err(ResponseError::RepeatedAccept),
    }
}

fn agree_on_subprotocol<'a>(
    offer: &Offer,
    headers: impl Iterator<Item = (&'a str, &'a [u8])> + Clone,
) -> Result<Option<Box<str>>, ResponseError> {
    match tokens::single(tokens::fields(headers, "sec-websocket-protocol")) {
        Ok(None) => Ok(None),
        Ok(Some(value)) => {
            let offered = offer
                .subprotocols()
                .iter()
                .find(|name| name.as_bytes() == value);
            offered
                .cloned()
                .map(Some)
                .ok_or(ResponseError::SubprotocolNotOffered)
        }
        Err(Repeated) => Err(ResponseError::RepeatedSubprotocol),
    }
}

fn agree_on_extensions<'a>(
    offer: &Offer,
    headers: impl Iterator<Item = (&'a str, &'a [u8])> + Clone,
) -> Result<Deflate, ResponseError> {
    let value = match tokens::single(tokens::fields(headers, "sec-websocket-extensions")) {
        Ok(value) => value,
        Err(Repeated) => return Err(ResponseError::RepeatedExtensions),
    };
    let extensions = match extension::parse(value.into_iter()) {
        Ok(extensions) => extensions,
        Err(Malformed) => return Err(ResponseError::BadExtensions),
    };
    extensions
        .iter()
        .try_fold(Deflate::Off, |deflate, extension| {
            agree_on_extension(offer, deflate, extension)
        })
}

/// Adds one extension to what was agreed on before it. Two of permessage-deflate would both claim
/// RSV1, which RFC 6455 section 9.1 leaves no room for.
fn agree_on_extension(
    offer: &Offer,
    deflate: Deflate,
    extension: &Extension<'_>,
) -> Result<Deflate, ResponseError> {
    if extension.name != deflate::NAME {
        let offered = offer.offers_extension(extension.name);
        return if offered {
            Ok(deflate)
        } else {
            Err(ResponseError::ExtensionNotOffered)
        };
    }
    let answer = Parameters::answered(extension).ok_or(ResponseError::BadExtensions)?;
    match deflate {
        Deflate::On => Err(ResponseError::RepeatedExtensions),
        Deflate::Off if offer.offers_deflate(answer) => Ok(Deflate::On),
        Deflate::Off => Err(ResponseError::ExtensionNotOffered),
    }
}

/// Why an answer does not agree to the offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseError {
    /// The status is this one, not 101.
    Status(u16),
    /// The `Upgrade` field does not name `websocket` alone.
    NoUpgradeWebSocket,
    /// No `Connection` field lists `upgrade`.
    NoConnectionUpgrade,
    /// There is no Accept.
    MissingAccept,
    /// The Accept is not that of the key.
    WrongAccept,
    /// There is more than one Accept.
    RepeatedAccept,
    /// The subprotocol was not offered.
    SubprotocolNotOffered,
    /// There is more than one subprotocol field.
    RepeatedSubprotocol,
    /// The extensions do not follow the grammar of RFC 6455 section 9.1, or the parameters of
    /// permessage-deflate are not those of RFC 7692 section 7.1.
    BadExtensions,
    /// An extension was not offered, or not with such parameters.
    ExtensionNotOffered,
    /// There is more than one extensions field, or more than one permessage-deflate in it.
    RepeatedExtensions,
}

impl ResponseError {
    /// The error as a metric label.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Status(_) => "status",
            Self::NoUpgradeWebSocket => "no_upgrade_websocket",
            Self::NoConnectionUpgrade => "no_connection_upgrade",
            Self::MissingAccept => "missing_accept",
            Self::WrongAccept => "wrong_accept",
            Self::RepeatedAccept => "repeated_accept",
            Self::SubprotocolNotOffered => "subprotocol_not_offered",
            Self::RepeatedSubprotocol => "repeated_subprotocol",
            Self::BadExtensions => "bad_extensions",
            Self::ExtensionNotOffered => "extension_not_offered",
            Self::RepeatedExtensions => "repeated_extensions",
        }
    }
}

impl fmt::Display for ResponseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "the endpoint answered {status}, not 101"),
            Self::NoUpgradeWebSocket => {
                f.write_str("the endpoint's Upgrade does not name websocket alone")
            }
            Self::NoConnectionUpgrade => {
                f.write_str("the endpoint's Connection does not list upgrade")
            }
            Self::MissingAccept => f.write_str("the endpoint sent no Sec-WebSocket-Accept"),
            Self::WrongAccept => f.write_str("the endpoint's Sec-WebSocket-Accept is wrong"),
            Self::RepeatedAccept => {
                f.write_str("the endpoint sent more than one Sec-WebSocket-Accept")
            }
            Self::SubprotocolNotOffered => {
                f.write_str("the endpoint chose a subprotocol that was not offered")
            }
            Self::RepeatedSubprotocol => {
                f.write_str("the endpoint sent more than one Sec-WebSocket-Protocol")
            }
            Self::BadExtensions => f.write_str("the endpoint's extensions are malformed"),
            Self::ExtensionNotOffered => {
                f.write_str("the endpoint chose an extension that was not offered")
            }
            Self::RepeatedExtensions => f.write_str("the endpoint chose an extension twice"),
        }
    }
}

impl std::error::Error for ResponseError {}

#[cfg(test)]
mod tests;
