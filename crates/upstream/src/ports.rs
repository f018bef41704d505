//! The ports of this machine: how many connections one source address can have to one endpoint.
//!
//! Not here: which address a connection comes from (`sources`), and how many there are now.

use std::fs;
use std::ops::RangeInclusive;
use std::sync::OnceLock;

/// What the system chooses ports from, first and last.
const RANGE: &str = "/proc/sys/net/ipv4/ip_local_port_range";

/// What it does not choose, `8080,9000-9099`.
const RESERVED: &str = "/proc/sys/net/ipv4/ip_local_reserved_ports";

/// How many ports an address has, as it was when this was first asked; `None` where the system does not
/// say.
pub(crate) fn of_an_address() -> Option<u32> {
    static PORTS: OnceLock<Option<u32>> = OnceLock::new();
    *PORTS.get_or_init(|| {
        let range = fs::read_to_string(RANGE).ok()?;
        let reserved = fs::read_to_string(RESERVED).unwrap_or_default();
        count(&range, &reserved)
    })
}

fn count(range: &str, reserved: &str) -> Option<u32> {
    let (first, last) = range.trim().split_once(char::is_whitespace)?;
    let range = first.parse::<u16>().ok()?..=last.trim().parse().ok()?;
    let reserved: Vec<_> = reserved.trim().split(',').filter_map(span).collect();
    let is_free = |port: &u16| !reserved.iter().any(|span| span.contains(port));
    u32::try_from(range.filter(is_free).count()).ok()
}

/// `8080` or `9000-9099`.
fn span(text: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Some(first.parse().ok()?..=last.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_count_and_what_is_reserved_does_not() {
        assert_eq!(count("32768\t60999\n", "\n"), Some(28_232));
        assert_eq!(count("1024 1033", "80,1025,1030-1040"), Some(5));
        assert_eq!(count("1024", ""), None);
    }

    #[test]
    fn the_system_says() {
        assert!(of_an_address().is_some_and(|ports| ports > 0));
    }
}
