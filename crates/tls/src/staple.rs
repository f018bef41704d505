//! What an issuer says about a certificate, to be shown with it (OCSP, RFC 6960).
//!
//! Of a response only that is read which says whether it may be shown: clients refuse a server
//! that shows them one of another certificate or one that has expired. Its signature is for them.

use tokio_rustls::rustls::pki_types::UnixTime;
use x509_parser::asn1_rs::{Any, FromDer as _, GeneralizedTime, Tag};

use crate::error::{Error, StapleFault};
use crate::identity::File;

/// `OCSPResponseStatus`: `successful`.
const SUCCESSFUL: &[u8] = &[0];

/// `CertStatus`: `good`, as its tag.
const GOOD: Tag = Tag(0);

/// A response that may be shown.
#[derive(Debug, Clone)]
pub(crate) struct Staple {
    pub(crate) der: Vec<u8>,
    /// When there should be a newer one, in Unix time; some issuers do not say.
    pub(crate) until: Option<i64>,
}

/// What is said about one certificate.
struct Statement<'a> {
    serial: &'a [u8],
    status: Tag,
    until: Option<i64>,
}

impl Staple {
    /// Reads a response and finds what it says about the certificate with this serial number.
    pub(crate) fn parse(file: File<'_>, serial: &[u8], now: UnixTime) -> Result<Self, Error> {
        let fault = |fault| Error::Staple {
            file: file.path.into(),
            fault,
        };
        let statements = statements(file.content).map_err(fault)?;
        let about = statements.into_iter().find(|it| it.serial == serial);
        let about = about.ok_or(fault(StapleFault::OtherCertificate))?;
        if about.status != GOOD {
            return Err(fault(StapleFault::NotGood));
        }
        let staple = Self {
            der: file.content.to_vec(),
            until: about.until,
        };
        if staple.is_over(now) {
            return Err(fault(StapleFault::Expired));
        }
        Ok(staple)
    }

    /// Whether clients would refuse it now.
    pub(crate) fn is_over(&self, now: UnixTime) -> bool {
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        self.until.is_some_and(|until| until <= now)
    }
}

/// The elements of a constructed value, one after the other.
struct Elements<'a>(&'a [u8]);

impl<'a> Iterator for Elements<'a> {
    type Item = Any<'a>;

    fn next(&mut self) -> Option<Any<'a>> {
        let (rest, element) = Any::from_der(self.0).ok()?;
        self.0 = rest;
        Some(element)
    }
}

impl<'a> Elements<'a> {
    fn of(element: &Any<'a>) -> Self {
        Self(element.data)
    }

    /// The next one, which must have this tag.
    fn expect(&mut self, tag: Tag) -> Option<Any<'a>> {
        self.next().filter(|it| it.tag() == tag)
    }

    /// What is within the next one, which must be a sequence.
    fn sequence(&mut self) -> Option<Self> {
        Some(Self::of(&self.expect(Tag::Sequence)?))
    }
}

fn statements(der: &[u8]) -> Result<Vec<Statement<'_>>, StapleFault> {
    let mut all = Elements(der);
    let response = all.sequence();
    let mut response = response.ok_or(StapleFault::NoResponse)?;
    let status = response.expect(Tag::Enumerated);
    if status.ok_or(StapleFault::NoResponse)?.data != SUCCESSFUL {
        return Err(StapleFault::Unsuccessful);
    }
    let basic = basic(response).filter(|_| all.0.is_empty());
    basic.and_then(singles).ok_or(StapleFault::NoResponse)
}

/// `OCSPResponse.responseBytes` to `BasicOCSPResponse.tbsResponseData`.
fn basic(mut response: Elements<'_>) -> Option<Elements<'_>> {
    let tagged = response.expect(Tag(0))?;
    let mut bytes = Elements::of(&tagged).sequence()?;
    bytes.expect(Tag::Oid)?;
    let basic = bytes.expect(Tag::OctetString)?;
    Elements::of(&basic).sequence()?.sequence()
}

/// `ResponseData.responses`: behind a version and who responds, which are tagged, and when.
fn singles(data: Elements<'_>) -> Option<Vec<Statement<'_>>> {
    let mut rest = data.skip_while(|it| it.tag() != Tag::GeneralizedTime);
    rest.next()?;
    let responses = rest.next().filter(|it| it.tag() == Tag::Sequence)?;
    Elements::of(&responses)
        .map(|single| statement(&single))
        .collect()
}

fn statement<'a>(single: &Any<'a>) -> Option<Statement<'a>> {
    let mut single = Elements::of(single);
    let serial = single.sequence()?.nth(3)?;
    let status = single.next()?.tag();
    single.expect(Tag::GeneralizedTime)?;
    let until = match single.next().filter(|it| it.tag() == Tag(0)) {
        Some(next) => Some(time(&next)?),
        None => None,
    };
    Some(Statement {
        serial: serial.data,
        status,
        until,
    })
}

fn time(tagged: &Any<'_>) -> Option<i64> {
    let (_, time) = GeneralizedTime::from_der(tagged.data).ok()?;
    Some(time.utc_datetime().ok()?.unix_timestamp())
}

#[cfg(test)]
pub(crate) mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::testing::bytes_file;

    fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        let content = parts.concat();
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        // The shortest form, as DER wants it.
        let head = match length {
            [0, short @ ..0x80] => vec![tag, short],
            [0, long] => vec![tag, 0x81, long],
            [high, low] => vec![tag, 0x82, high, low],
        };
        [head, content].concat()
    }

    /// A response about the certificate with this serial number, `status` being a tag.
    pub(crate) fn response(serial: &[u8], status: u8, until: Option<&str>) -> Vec<u8> {
        let time = |text: &str| tlv(24, &[text.as_bytes()]);
        let id = tlv(
            0x30,
            &[
                &tlv(0x30, &[&tlv(6, &[&[43, 14, 3, 2, 26]])]),
                &tlv(4, &[&[1; 20]]),
                &tlv(4, &[&[2; 20]]),
                &tlv(2, &[serial]),
            ],
        );
        let until = until.map_or(Vec::new(), |until| tlv(0xa0, &[&time(until)]));
        let single = [id, tlv(0x80 | status, &[]), time("20200101000000Z"), until];
        let single = tlv(0x30, &[&single.concat()]);
        let data = tlv(
            0x30,
            &[
                &tlv(0xa2, &[&tlv(4, &[&[3; 20]])]),
                &time("20200101000000Z"),
                &tlv(0x30, &[&single]),
            ],
        );
        let basic = tlv(0x30, &[&data, &tlv(0x30, &[]), &tlv(3, &[&[0; 64]])]);
        let oid = tlv(6, &[&[43, 6, 1, 5, 5, 7, 48, 1, 1]]);
        let bytes = tlv(0xa0, &[&tlv(0x30, &[&oid, &tlv(4, &[&basic])])]);
        tlv(0x30, &[&tlv(10, &[&[0]]), &bytes])
    }

    /// 2030-01-01.
    const NEW_YEAR: u64 = 1_893_456_000;

    fn parse(der: &[u8], now: u64) -> Result<Option<i64>, StapleFault> {
        let now = UnixTime::since_unix_epoch(Duration::from_secs(now));
        match Staple::parse(bytes_file("tls.crt.ocsp", der), &[7, 8], now) {
            Ok(staple) => Ok(staple.until),
            Err(Error::Staple { fault, .. }) => Err(fault),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn a_good_response_is_taken_until_it_expires() {
        let der = response(&[7, 8], 0, Some("20300101000000Z"));
        assert_eq!(parse(&der, NEW_YEAR - 1), Ok(Some(1_893_456_000)));
        assert_eq!(parse(&der, NEW_YEAR), Err(StapleFault::Expired));
        assert_eq!(parse(&response(&[7, 8], 0, None), NEW_YEAR), Ok(None));
    }

    #[test]
    fn what_clients_would_refuse_is_refused() {
        let other = response(&[7, 9], 0, None);
        assert_eq!(parse(&other, 0), Err(StapleFault::OtherCertificate));
        for status in [1, 2] {
            let bad = response(&[7, 8], status, None);
            assert_eq!(parse(&bad, 0), Err(StapleFault::NotGood));
        }
        let later = tlv(0x30, &[&tlv(10, &[&[3]])]);
        assert_eq!(parse(&later, 0), Err(StapleFault::Unsuccessful));
        let text: &[u8] = b"<html>";
        for nothing in [text, &[], &tlv(0x30, &[])] {
            assert_eq!(parse(nothing, 0), Err(StapleFault::NoResponse));
        }
    }

    #[test]
    fn no_part_of_a_response_is_one() {
        let der = response(&[7, 8], 0, Some("20300101000000Z"));
        for len in 0..der.len() {
            assert!(parse(&der[..len], 0).is_err(), "{len}");
        }
        assert!(parse(&[&der[..], &[0]].concat(), 0).is_err());
    }

    proptest! {
        #[test]
        fn nothing_in_the_file_can_panic(
            at in 0_usize..200,
            value: u8,
            noise in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            let mut der = response(&[7, 8], 0, Some("20300101000000Z"));
            let at = at % der.len();
            der[at] = value;
            let _ = parse(&der, 0);
            let _ = parse(&noise, 0);
        }
    }
}
