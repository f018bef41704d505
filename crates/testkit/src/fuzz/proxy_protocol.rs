//! PROXY headers: however the bytes come, the same of them are the header; what they say is what a plain
//! reader finds; what is written is read back.

mod model;

use switchyard_proto::proxy_protocol::{
    Accepts, Extent, Fault, Header, MAX_V1, MAX_V2, Source, Version, measure,
};

use super::bytes::Bytes;

/// Input: which versions are taken, then the first bytes of a connection.
pub fn proxy_protocol(data: &[u8]) {
    let mut input = Bytes::new(data);
    let accepts = input.pick(&[
        Accepts::Any,
        Accepts::Only(Version::V1),
        Accepts::Only(Version::V2),
    ]);
    let stream = input.rest();
    let verdict = measure(stream, accepts);
    every_beginning_leads_there(stream, accepts, verdict);
    match verdict {
        Ok(Extent::Whole { length }) => {
            let header = Header::parse(&stream[..length]);
            is_what_it_says(&stream[..length], header.as_ref());
            if let Ok(header) = header {
                taken_as_allowed(&header, accepts, length);
                is_read_back(&header);
            }
        }
        Ok(Extent::Part { .. }) => {}
        Err(fault) => assert!(!fault.to_string().is_empty()),
    }
}

/// Until the header is whole or faulty it wants more, within its bounds; afterwards nothing changes it.
fn every_beginning_leads_there(stream: &[u8], accepts: Accepts, verdict: Result<Extent, Fault>) {
    let mut settled = None;
    for there in 0..=stream.len() {
        let so_far = measure(&stream[..there], accepts);
        match (settled, so_far) {
            (Some(before), now) => assert_eq!(before, now, "{there}"),
            (None, Ok(Extent::Part { of })) => assert!(there < of && of <= MAX_V2, "{there}"),
            (None, Ok(Extent::Whole { length })) => {
                assert_eq!(length, there);
                settled = Some(so_far);
            }
            (None, Err(_)) => settled = Some(so_far),
        }
    }
    if let Some(settled) = settled {
        assert_eq!(settled, verdict);
    }
}

fn taken_as_allowed(header: &Header<'_>, accepts: Accepts, length: usize) {
    assert!(accepts == Accepts::Any || accepts == Accepts::Only(header.version));
    let most = match header.version {
        Version::V1 => MAX_V1,
        Version::V2 => MAX_V2,
    };
    assert!(length <= most);
}

fn is_what_it_says(bytes: &[u8], header: Result<&Header<'_>, &Fault>) {
    let expected = model::read(bytes);
    match (header, expected) {
        (Ok(header), Some(expected)) => {
            assert_eq!(header.source, expected.source);
            assert_eq!(header.extras.tls.is_some(), expected.tls);
        }
        (Err(Fault::Malformed(_)), None) => {}
        (header, expected) => panic!("{header:?} and not {expected:?}"),
    }
}

/// Version 1 has one word for whatever is not told.
fn is_read_back(header: &Header<'_>) {
    let written = header.encode();
    let length = written.len();
    assert_eq!(
        measure(&written, Accepts::Only(header.version)),
        Ok(Extent::Whole { length })
    );
    let again = Header::parse(&written).expect("its own header");
    assert_eq!(again.source, header.source);
    if matches!(header.source, Source::Told { .. }) {
        assert_eq!(again, *header);
    }
}
