//! Who an application server is: a name to type and a colour to see.

/// A server's name and its colour on the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) name: &'static str,
    /// CSS colour; white text on it has a contrast of at least 4.5 : 1.
    pub(crate) colour: &'static str,
}

/// Every identity there is; servers take them in this order.
pub(crate) const ALL: [Identity; 6] = [
    Identity {
        name: "a",
        colour: "#2563eb",
    },
    Identity {
        name: "b",
        colour: "#c2410c",
    },
    Identity {
        name: "c",
        colour: "#15803d",
    },
    Identity {
        name: "d",
        colour: "#7e22ce",
    },
    Identity {
        name: "e",
        colour: "#be185d",
    },
    Identity {
        name: "f",
        colour: "#0f766e",
    },
];
