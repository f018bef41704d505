//! What two families, and many records, come to.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::*;

const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

fn some(address: IpAddr, ttl: u64) -> Addresses {
    (vec![address], Duration::from_secs(ttl))
}

/// The addresses, the seconds that they are valid, and why some are missing.
fn merged(
    v4: Result<Addresses, Failure>,
    v6: Result<Addresses, Failure>,
) -> (Vec<IpAddr>, Option<u64>, Option<&'static str>) {
    let (found, failure) = both(v4, v6);
    let ttl = found.as_ref().map(|(_, ttl)| ttl.as_secs());
    let addresses = found.map(|(addresses, _)| addresses).unwrap_or_default();
    (addresses, ttl, failure.map(|failure| failure.reason()))
}

#[test]
fn a_target_has_the_addresses_of_both_families() {
    assert_eq!(
        merged(Ok(some(V4, 9)), Ok(some(V6, 5))),
        (vec![V4, V6], Some(5), None)
    );
}

#[test]
fn a_family_that_a_target_does_not_have_is_not_missing() {
    let none = || Err(Failure::NoRecords);
    assert_eq!(merged(Ok(some(V4, 9)), none()), (vec![V4], Some(9), None));
    assert_eq!(merged(none(), Ok(some(V6, 9))), (vec![V6], Some(9), None));
    let neither = merged(none(), Err(Failure::NoRecords));
    assert_eq!(neither, (vec![], None, Some("dns_no_records")));
}

#[test]
fn a_family_that_could_not_be_asked_for_is_missing() {
    let silent = || Err(Failure::Timeout);
    let part = (vec![V4], Some(9), Some("dns_timeout"));
    assert_eq!(merged(Ok(some(V4, 9)), silent()), part);
    for (v4, v6) in [
        (silent(), Err(Failure::NoRecords)),
        (Err(Failure::NoRecords), silent()),
    ] {
        assert_eq!(merged(v4, v6), (vec![], None, Some("dns_timeout")));
    }
}

#[test]
fn members_are_in_order_and_one_that_is_named_twice_has_both_weights() {
    let weight = |n| NonZeroU32::new(n).expect("not 0");
    let mut members = Members::default();
    let name = |text: &str| bare(&DnsName::from_utf8(text).expect("a name"));
    members.add(&[V6, V4], 90, weight(2), &name("B.test."));
    members.add(&[V4], 80, weight(5), &name("c.test"));
    members.add(&[V4], 90, weight(3), &name("a.test"));
    let answer = members
        .into_answer(Duration::ZERO, Vec::new())
        .expect("members");
    let told: Vec<_> = answer
        .members
        .iter()
        .map(|found| (found.address, found.weight.get(), found.name.as_deref()))
        .collect();
    let at = SocketAddr::new;
    let expected = [
        (at(V4, 80), 5, Some("c.test")),
        (at(V4, 90), 5, Some("a.test")),
        (at(V6, 90), 2, Some("b.test")),
    ];
    assert_eq!(told, expected);
}

#[test]
fn an_answer_without_members_is_none() {
    let nothing = Members::default().into_answer(Duration::MAX, Vec::new());
    assert_eq!(
        nothing.err().map(|failure| failure.reason()),
        Some("dns_no_records")
    );
}
