//! An endpoint's answer to a handshake, read up to the end of its head (RFC 9112 section 4).
//!
//! A reader is handed bytes as they come; where they are cut makes no difference. The parser is
//! hyper's, with hyper's defaults, so an answer is read the same way whoever reads it.

use std::mem::MaybeUninit;

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, Response, StatusCode, Version, response};
use httparse::{Header, ParserConfig, Status};
use switchyard_proto::handshake::{Agreement, Offer, ResponseError};

use crate::body::BoxError;
use crate::http1::{MAX_FIELDS, MAX_HEAD};

/// What an endpoint made of a handshake.
#[derive(Debug)]
pub(crate) enum Answer {
    /// A 101 that agrees to the offer.
    Switched(Accepted),
    /// Something else, informational answers left out: its head, and what came behind it.
    Other(Bytes),
}

/// A 101 that agrees to the offer.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) response: response::Parts,
    pub(crate) agreement: Agreement,
    /// What came behind the head; an allocation of its own.
    pub(crate) early: Bytes,
}

/// Why an answer is none.
#[derive(Debug)]
pub(crate) enum Fault {
    /// It is not an HTTP/1 head, or past the limits.
    Malformed(BoxError),
    /// It is a 101 that does not agree to the offer.
    Disagrees(ResponseError),
}

/// Reads one answer.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    /// What came so far, as long as it is not a whole head.
    held: Vec<u8>,
}

/// How far the bytes at hand lead.
enum Step {
    /// They end within a head.
    Partial,
    /// They begin with an informational answer of this length.
    Skip(usize),
    Done(Answer),
}

impl Reader {
    /// Takes in what was read; `None` when the head is not complete yet.
    pub(crate) fn feed(&mut self, bytes: &[u8], offer: &Offer) -> Result<Option<Answer>, Fault> {
        if self.held.is_empty() {
            return self.advance(bytes, offer);
        }
        let known = self.held.len();
        self.held.extend_from_slice(bytes);
        if !may_end_a_head(&self.held, known) {
            return within_limit(self.held.len()).map(|()| None);
        }
        let held = std::mem::take(&mut self.held);
        self.advance(&held, offer)
    }

    /// Goes through `bytes`, and keeps what is left of them.
    fn advance(&mut self, mut bytes: &[u8], offer: &Offer) -> Result<Option<Answer>, Fault> {
        while !bytes.is_empty() {
            match step(bytes, offer)? {
                Step::Done(answer) => return Ok(Some(answer)),
                Step::Skip(len) => bytes = bytes.get(len..).unwrap_or_default(),
                Step::Partial => {
                    self.held = bytes.to_vec();
                    break;
                }
            }
        }
        Ok(None)
    }
}

/// Whether an empty line is among what came behind the first `known` bytes. Without that a parser
/// would begin anew for each byte of a slow head.
fn may_end_a_head(bytes: &[u8], known: usize) -> bool {
    let fresh = bytes.get(known.saturating_sub(3)..).unwrap_or_default();
    let ends = |line_end: &[u8]| fresh.windows(line_end.len()).any(|it| it == line_end);
    ends(b"\n\r\n") || ends(b"\n\n")
}

fn within_limit(len: usize) -> Result<(), Fault> {
    if len > MAX_HEAD {
        return Err(Fault::malformed(format!(
            "the head is larger than {MAX_HEAD} bytes"
        )));
    }
    Ok(())
}

fn step(bytes: &[u8], offer: &Offer) -> Result<Step, Fault> {
    let mut fields = [const { MaybeUninit::uninit() }; MAX_FIELDS];
    let mut head = httparse::Response::new(&mut []);
    let parsed = ParserConfig::default()
        .parse_response_with_uninit_headers(&mut head, bytes, &mut fields)
        .map_err(Fault::malformed)?;
    let Status::Complete(len) = parsed else {
        return within_limit(bytes.len()).map(|()| Step::Partial);
    };
    within_limit(len)?;
    let code = head.code.unwrap_or_default();
    let status = StatusCode::from_u16(code).map_err(Fault::malformed)?;
    if status == StatusCode::SWITCHING_PROTOCOLS {
        let accepted = accept(&head, bytes, len, offer)?;
        return Ok(Step::Done(Answer::Switched(accepted)));
    }
    if status.is_informational() {
        return Ok(Step::Skip(len));
    }
    Ok(Step::Done(Answer::Other(Bytes::copy_from_slice(bytes))))
}

/// Holds a 101 of `len` bytes against the offer.
fn accept(
    head: &httparse::Response<'_, '_>,
    bytes: &[u8],
    len: usize,
    offer: &Offer,
) -> Result<Accepted, Fault> {
    let fields = head.headers.iter().map(|field| (field.name, field.value));
    let agreement = offer.verify(101, fields).map_err(Fault::Disagrees)?;
    let (mut response, ()) = Response::new(()).into_parts();
    response.status = StatusCode::SWITCHING_PROTOCOLS;
    response.version = match head.version {
        Some(0) => Version::HTTP_10,
        _ => Version::HTTP_11,
    };
    response.headers = map_of(head.headers, bytes, len)?;
    let early = match bytes.get(len..) {
        None | Some([]) => Bytes::new(),
        Some(early) => Bytes::copy_from_slice(early),
    };
    Ok(Accepted {
        response,
        agreement,
        early,
    })
}

/// The fields, their values in one allocation of the head's own size.
fn map_of(fields: &[Header<'_>], bytes: &[u8], len: usize) -> Result<HeaderMap, Fault> {
    let head = Bytes::copy_from_slice(bytes.get(..len).unwrap_or_default());
    let mut map = HeaderMap::with_capacity(fields.len());
    for field in fields {
        let name = HeaderName::from_bytes(field.name.as_bytes()).map_err(Fault::malformed)?;
        let value = head.slice_ref(same_place(field.value, bytes, &head));
        let value = HeaderValue::from_maybe_shared(value).map_err(Fault::malformed)?;
        map.append(name, value);
    }
    Ok(map)
}

/// What is where in `copy` as `part` is in `whole`; they are the same up to the copy's end.
fn same_place<'a>(part: &[u8], whole: &[u8], copy: &'a [u8]) -> &'a [u8] {
    let start = part.as_ptr().addr().wrapping_sub(whole.as_ptr().addr());
    let end = start.wrapping_add(part.len());
    copy.get(start..end).unwrap_or_default()
}

impl Fault {
    fn malformed(error: impl Into<BoxError>) -> Self {
        Self::Malformed(error.into())
    }
}

#[cfg(test)]
mod tests;
