//! The parameters of permessage-deflate (RFC 7692 section 7.1), as far as they decide whether an
//! answer accepts an offer. Not here: compression, which passes through the gateway untouched.

use super::extension::Extension;

/// The extension's registered name.
pub(super) const NAME: &str = "permessage-deflate";

/// One offer, or the answer to one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Parameters {
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: Window,
    client_max_window_bits: Window,
}

/// A `*_max_window_bits` parameter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Window {
    #[default]
    Absent,
    /// Present without a value.
    Open,
    /// The base-2 logarithm of the window's size in bytes, 8 to 15.
    Bits(u8),
}

impl Parameters {
    /// Reads the parameters of an offer. `None` is an offer that every server has to decline:
    /// a parameter unknown, given twice, or with a wrong value.
    pub(super) fn offered(extension: &Extension<'_>) -> Option<Self> {
        let parameters = Self::read(extension)?;
        (parameters.server_max_window_bits != Window::Open).then_some(parameters)
    }

    /// Reads the parameters of an answer, in which each window has a value.
    pub(super) fn answered(extension: &Extension<'_>) -> Option<Self> {
        let parameters = Self::offered(extension)?;
        (parameters.client_max_window_bits != Window::Open).then_some(parameters)
    }

    fn read(extension: &Extension<'_>) -> Option<Self> {
        let mut read = Self::default();
        for (name, value) in &extension.parameters {
            let value = value.as_deref();
            let fresh = match *name {
                "server_no_context_takeover" => set(&mut read.server_no_context_takeover, value),
                "client_no_context_takeover" => set(&mut read.client_no_context_takeover, value),
                "server_max_window_bits" => read.server_max_window_bits.set(value),
                "client_max_window_bits" => read.client_max_window_bits.set(value),
                _ => None,
            };
            fresh?;
        }
        Some(read)
    }

    /// Whether `answer` accepts this offer: it grants what the offer asks of the server and asks
    /// of the client no more than the offer allows.
    pub(super) fn is_accepted_by(self, answer: Self) -> bool {
        let takeover = answer.server_no_context_takeover || !self.server_no_context_takeover;
        let server = match (self.server_max_window_bits, answer.server_max_window_bits) {
            (Window::Bits(most), Window::Bits(bits)) => bits <= most,
            (Window::Bits(_), Window::Absent | Window::Open) => false,
            (Window::Absent | Window::Open, _) => true,
        };
        let client = match (self.client_max_window_bits, answer.client_max_window_bits) {
            (Window::Bits(most), Window::Bits(bits)) => bits <= most,
            (Window::Absent, Window::Bits(_)) => false,
            (Window::Open, _) | (_, Window::Absent | Window::Open) => true,
        };
        takeover && server && client
    }
}

impl Window {
    /// Takes the parameter's value, unless there was one or it is not in range.
    fn set(&mut self, value: Option<&str>) -> Option<()> {
        let window = match value {
            None => Self::Open,
            Some(digits) => Self::Bits(bits(digits)?),
        };
        let before = std::mem::replace(self, window);
        (before == Self::Absent).then_some(())
    }
}

/// Takes a parameter that has no value, unless it was there before.
fn set(flag: &mut bool, value: Option<&str>) -> Option<()> {
    let before = std::mem::replace(flag, true);
    (value.is_none() && !before).then_some(())
}

/// A decimal number from 8 to 15 without leading zeroes (section 7.1.2).
fn bits(digits: &str) -> Option<u8> {
    match digits.as_bytes() {
        [digit @ b'8'..=b'9'] => Some(digit - b'0'),
        [b'1', digit @ b'0'..=b'5'] => Some(10 + digit - b'0'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::extension;
    use super::*;

    fn read(parameters: &str) -> Extension<'static> {
        let text = Box::leak(format!("{NAME}{parameters}").into_boxed_str());
        extension::parse([text.as_bytes()].into_iter())
            .expect(parameters)
            .remove(0)
    }

    fn offered(parameters: &str) -> Option<Parameters> {
        Parameters::offered(&read(parameters))
    }

    fn answered(parameters: &str) -> Option<Parameters> {
        Parameters::answered(&read(parameters))
    }

    #[test]
    fn window_bits_go_from_8_to_15() {
        let valid: Vec<String> = (0..300)
            .map(|n| n.to_string())
            .filter(|n| bits(n).is_some())
            .collect();
        assert_eq!(valid, ["8", "9", "10", "11", "12", "13", "14", "15"]);
        assert_eq!(bits("15"), Some(15));
        assert_eq!(bits("8"), Some(8));
        assert!(
            ["08", "+8", "", "8x", "1 0"]
                .iter()
                .all(|text| bits(text).is_none())
        );
    }

    #[test]
    fn offers_that_must_be_declined_are_none() {
        for valid in [
            "",
            ";server_no_context_takeover;client_no_context_takeover",
            ";client_max_window_bits",
            ";client_max_window_bits=8;server_max_window_bits=\"15\"",
        ] {
            assert!(offered(valid).is_some(), "{valid}");
        }
        for invalid in [
            ";x",
            ";Server_no_context_takeover",
            ";server_no_context_takeover=1",
            ";server_no_context_takeover;server_no_context_takeover",
            ";server_max_window_bits",
            ";server_max_window_bits=7",
            ";client_max_window_bits=16",
            ";client_max_window_bits;client_max_window_bits=9",
            ";client_max_window_bits=9;client_max_window_bits=9",
        ] {
            assert!(offered(invalid).is_none(), "{invalid}");
        }
        assert!(answered(";client_max_window_bits").is_none());
    }

    #[test]
    fn an_answer_accepts_the_offer_it_grants() {
        let table = [
            ("", "", true),
            (
                "",
                ";server_no_context_takeover;client_no_context_takeover",
                true,
            ),
            ("", ";server_max_window_bits=10", true),
            ("", ";client_max_window_bits=15", false),
            (";server_no_context_takeover", "", false),
            (
                ";server_no_context_takeover",
                ";server_no_context_takeover",
                true,
            ),
            (";client_no_context_takeover", "", true),
            (";server_max_window_bits=12", "", false),
            (
                ";server_max_window_bits=12",
                ";server_max_window_bits=12",
                true,
            ),
            (
                ";server_max_window_bits=12",
                ";server_max_window_bits=13",
                false,
            ),
            (";client_max_window_bits", "", true),
            (
                ";client_max_window_bits",
                ";client_max_window_bits=15",
                true,
            ),
            (";client_max_window_bits=12", "", true),
            (
                ";client_max_window_bits=12",
                ";client_max_window_bits=12",
                true,
            ),
            (
                ";client_max_window_bits=12",
                ";client_max_window_bits=13",
                false,
            ),
        ];
        for (offer, answer, accepted) in table {
            let seen = offered(offer).zip(answered(answer));
            let seen = seen.map(|(offer, answer)| offer.is_accepted_by(answer));
            assert_eq!(seen, Some(accepted), "{offer} answered by {answer}");
        }
    }
}
