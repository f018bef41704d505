//! Numbers and addresses as text, without `std::fmt` and without an allocation.
//!
//! The records of a session have a dozen of them, each of which costs some hundreds of instructions there.

use std::fmt::{self, Debug, Display, Write};
use std::net::{IpAddr, Ipv4Addr};

/// The longest text: an IPv6 address that has an IPv4 address in it.
const ROOM: usize = 45;

/// A short text of printable ASCII.
#[derive(Clone, Copy)]
pub struct Spelled {
    text: [u8; ROOM],
    len: usize,
}

impl Spelled {
    /// A number, in decimal.
    #[must_use]
    pub fn number(number: u64) -> Self {
        let mut spelled = Self::empty();
        spelled.push_number(number);
        spelled
    }

    /// A number as 32 hexadecimal digits, in lower case.
    #[must_use]
    pub fn hex(number: u128) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut spelled = Self::empty();
        let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or_default();
        for (pair, byte) in spelled.text.chunks_exact_mut(2).zip(number.to_be_bytes()) {
            pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 0xF)]);
        }
        spelled.len = 32;
        spelled
    }

    /// An address, as `std` displays it.
    #[must_use]
    pub fn address(address: IpAddr) -> Self {
        let mut spelled = Self::empty();
        match address {
            IpAddr::V4(address) => spelled.push_v4(address),
            // There is room for all that there is to say.
            IpAddr::V6(address) => drop(write!(spelled, "{address}")),
        }
        spelled
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// The text.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.text.get(..self.len).unwrap_or_default()
    }

    fn empty() -> Self {
        Self {
            text: [0; ROOM],
            len: 0,
        }
    }

    fn push_v4(&mut self, address: Ipv4Addr) {
        for (index, octet) in address.octets().into_iter().enumerate() {
            if index > 0 {
                self.push(b".");
            }
            self.push_number(octet.into());
        }
    }

    fn push_number(&mut self, number: u64) {
        let mut digits = [0; 20];
        let (mut rest, mut first) = (number, digits.len());
        for place in digits.iter_mut().rev() {
            *place = b'0' + u8::try_from(rest % 10).unwrap_or_default();
            rest /= 10;
            first -= 1;
            if rest == 0 {
                break;
            }
        }
        self.push(digits.get(first..).unwrap_or_default());
    }

    /// What there is no room for is left out.
    fn push(&mut self, bytes: &[u8]) {
        let room = self.text.get_mut(self.len..).unwrap_or_default();
        for (place, byte) in room.iter_mut().zip(bytes) {
            *place = *byte;
            self.len += 1;
        }
    }
}

impl Write for Spelled {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text.as_bytes());
        Ok(())
    }
}

impl Display for Spelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Debug for Spelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_longest_address_has_room() {
        let address: IpAddr = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff".parse().unwrap();
        assert_eq!(Spelled::address(address).as_str(), address.to_string());
        let address: IpAddr = "::ffff:255.255.255.255".parse().unwrap();
        assert_eq!(Spelled::address(address).as_str(), address.to_string());
    }

    #[test]
    fn the_least_and_the_greatest_are_spelled() {
        for number in [0, 9, 10, u64::MAX] {
            assert_eq!(Spelled::number(number).as_str(), number.to_string());
        }
        for number in [0, u128::MAX] {
            assert_eq!(Spelled::hex(number).as_str(), format!("{number:032x}"));
        }
    }

    proptest! {
        #[test]
        fn all_is_as_std_spells_it(number: u64, wide: u128, address: IpAddr) {
            prop_assert_eq!(Spelled::number(number).to_string(), number.to_string());
            prop_assert_eq!(Spelled::hex(wide).to_string(), format!("{wide:032x}"));
            prop_assert_eq!(Spelled::address(address).to_string(), address.to_string());
        }
    }
}
