//! What version 2 says beside addresses: a type, a length, a value, over and over.

use super::{Certificate, Extras, Fault, MAX_UNIQUE_ID, Tls, crc32c};

const AUTHORITY: u8 = 0x02;
const CRC32C: u8 = 0x03;
const UNIQUE_ID: u8 = 0x05;
const SSL: u8 = 0x20;
const SSL_VERSION: u8 = 0x21;
const SSL_CN: u8 = 0x22;

/// Of the client's flags: it spoke TLS.
const CLIENT_SSL: u8 = 0x01;
/// It showed a certificate, on this connection or on the one that it resumes.
const CLIENT_CERT: u8 = 0x02 | 0x04;
/// The certificate that it shows on this one.
const CLIENT_CERT_CONN: u8 = 0x02;

/// Reads `tlvs`, the end of the header `whole`. Types that are not known are passed over.
pub(super) fn read<'a>(mut tlvs: &'a [u8], whole: &[u8]) -> Result<Extras<'a>, Fault> {
    let mut extras = Extras::default();
    while !tlvs.is_empty() {
        let (kind, value, behind) = first(tlvs)?;
        match kind {
            AUTHORITY => extras.authority = Some(value),
            UNIQUE_ID if value.len() > MAX_UNIQUE_ID => {
                return Err(Fault::Malformed("the unique id is longer than 128 bytes"));
            }
            UNIQUE_ID => extras.unique_id = Some(value),
            SSL => extras.tls = tls(value)?,
            CRC32C => check(whole, value, behind.len())?,
            _ => {}
        }
        tlvs = behind;
    }
    Ok(extras)
}

/// The first TLV's type and value, and what is behind it.
fn first(tlvs: &[u8]) -> Result<(u8, &[u8], &[u8]), Fault> {
    let cut_off = Fault::Malformed("a TLV is cut off");
    let ([kind, high, low], rest) = tlvs.split_first_chunk::<3>().ok_or(cut_off)?;
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    let (value, behind) = rest.split_at_checked(length).ok_or(cut_off)?;
    Ok((*kind, value, behind))
}

/// Flags, the result of the verification, and TLVs again.
fn tls(value: &[u8]) -> Result<Option<Tls<'_>>, Fault> {
    let parts = value.split_first_chunk::<5>();
    let ([client, verify @ ..], mut rest) =
        parts.ok_or(Fault::Malformed("the TLV about TLS is cut off"))?;
    let certificate = match (client & CLIENT_CERT, verify) {
        (0, _) => Certificate::None,
        (_, [0, 0, 0, 0]) => Certificate::Verified,
        _ => Certificate::Unverified,
    };
    let mut tls = Tls {
        version: None,
        common_name: None,
        certificate,
    };
    while !rest.is_empty() {
        let (kind, value, behind) = first(rest)?;
        match kind {
            SSL_VERSION => tls.version = Some(value),
            SSL_CN => tls.common_name = Some(value),
            _ => {}
        }
        rest = behind;
    }
    Ok((client & CLIENT_SSL != 0).then_some(tls))
}

/// The sum is that of the whole header with zeros in its own place, `behind` bytes before the end.
fn check(whole: &[u8], value: &[u8], behind: usize) -> Result<(), Fault> {
    let wrong = Fault::Malformed("the checksum is wrong");
    let told: [u8; 4] = value.try_into().map_err(|_length| wrong)?;
    let end = whole.len().checked_sub(behind).ok_or(wrong)?;
    let (before, after) = whole.split_at_checked(end).ok_or(wrong)?;
    let before = before.strip_suffix(value).ok_or(wrong)?;
    let sum = crc32c::sum(&[before, &[0; 4], after]);
    if sum == u32::from_be_bytes(told) {
        Ok(())
    } else {
        Err(wrong)
    }
}

/// Writes behind `body` what fits into `most` bytes.
pub(super) fn write(body: &mut Vec<u8>, extras: &Extras<'_>, most: usize) {
    let named = [(AUTHORITY, extras.authority), (UNIQUE_ID, extras.unique_id)];
    for (kind, value) in named {
        push(body, kind, value, most);
    }
    if let Some(tls) = &extras.tls {
        push(body, SSL, Some(&about(tls, most)), most);
    }
}

fn about(tls: &Tls<'_>, most: usize) -> Vec<u8> {
    let (flags, verify): (u8, u32) = match tls.certificate {
        Certificate::None => (CLIENT_SSL, 1),
        Certificate::Unverified => (CLIENT_SSL | CLIENT_CERT_CONN, 1),
        Certificate::Verified => (CLIENT_SSL | CLIENT_CERT_CONN, 0),
    };
    let mut value = vec![flags];
    value.extend_from_slice(&verify.to_be_bytes());
    push(&mut value, SSL_VERSION, tls.version, most);
    push(&mut value, SSL_CN, tls.common_name, most);
    value
}

fn push(to: &mut Vec<u8>, kind: u8, value: Option<&[u8]>, most: usize) {
    let Some(value) = value else { return };
    let room = most.saturating_sub(to.len() + 3);
    let Some(length) = u16::try_from(value.len())
        .ok()
        .filter(|_| value.len() <= room)
    else {
        return;
    };
    to.push(kind);
    to.extend_from_slice(&length.to_be_bytes());
    to.extend_from_slice(value);
}
