//! What the API server sends, as far as it is read: lists, events, slices. What a slice contributes.
//!
//! Lists that are empty may be `null` or absent, as Go writes them.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;

use arcstr::ArcStr;
use serde::Deserialize;

use crate::found::{Found, Stance};
use crate::kubernetes::Port;

/// A page of an `EndpointSliceList`.
#[derive(Debug, Deserialize)]
pub(super) struct List {
    pub(super) metadata: ListMeta,
    items: Option<Vec<Slice>>,
}

/// What a list says of itself.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListMeta {
    pub(super) resource_version: String,
    /// Where the next page begins; empty or absent on the last one.
    pub(super) r#continue: Option<String>,
}

/// An event of a watch.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", content = "object", rename_all = "UPPERCASE")]
pub(super) enum Event {
    Added(Slice),
    Modified(Slice),
    Deleted(Slice),
    /// Nothing happened up to this version.
    Bookmark(Mark),
    /// The watch is over.
    Error(Status),
}

/// The object of a bookmark.
#[derive(Debug, Deserialize)]
pub(super) struct Mark {
    pub(super) metadata: MarkMeta,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MarkMeta {
    pub(super) resource_version: String,
}

/// Why the API server refuses: the body of an answer that is not 200, or the object of an error.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Status {
    pub(super) message: String,
    pub(super) reason: String,
    pub(super) code: u16,
}

/// An `EndpointSlice`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Slice {
    pub(super) metadata: Meta,
    address_type: String,
    endpoints: Option<Vec<Endpoint>>,
    ports: Option<Vec<SlicePort>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Meta {
    pub(super) name: String,
    pub(super) resource_version: String,
}

#[derive(Debug, Deserialize)]
struct Endpoint {
    addresses: Option<Vec<String>>,
    conditions: Option<Conditions>,
    zone: Option<String>,
}

#[derive(Debug, Default, Clone, Copy, Deserialize)]
struct Conditions {
    ready: Option<bool>,
    serving: Option<bool>,
    terminating: Option<bool>,
}

#[derive(Debug, Deserialize)]
struct SlicePort {
    name: Option<String>,
    protocol: Option<String>,
    port: Option<u16>,
}

impl List {
    pub(super) fn into_items(self) -> Vec<Slice> {
        self.items.unwrap_or_default()
    }
}

impl Slice {
    /// The endpoints that it contributes. An address that does not parse contributes nothing.
    pub(super) fn found(&self, wanted: &Port) -> Vec<Found> {
        let mut ports = self.ports.iter().flatten();
        let Some(port) = ports.find_map(|port| port.number(wanted)) else {
            return Vec::new();
        };
        let endpoints = self.endpoints.iter().flatten();
        endpoints
            .filter_map(|endpoint| self.found_at(endpoint, port))
            .collect()
    }

    fn found_at(&self, endpoint: &Endpoint, port: u16) -> Option<Found> {
        // The addresses of an endpoint lead to the same place; the API tells consumers to take one.
        let address = self.address(endpoint.addresses.as_ref()?.first()?)?;
        let zone = endpoint.zone.as_deref();
        Some(Found {
            address: SocketAddr::new(address, port),
            name: None,
            weight: NonZeroU32::MIN,
            zone: zone.filter(|zone| !zone.is_empty()).map(ArcStr::from),
            stance: endpoint.conditions.unwrap_or_default().stance()?,
        })
    }

    fn address(&self, text: &str) -> Option<IpAddr> {
        match self.address_type.as_str() {
            "IPv4" => text.parse().ok().map(IpAddr::V4),
            "IPv6" => text.parse().ok().map(IpAddr::V6),
            // FQDN is deprecated, and DNS is another source's.
            _ => None,
        }
    }
}

impl SlicePort {
    /// Its number, if it is the wanted one. A WebSocket is over TCP, which a port is unless it says
    /// otherwise; a port without a name has the name "".
    fn number(&self, wanted: &Port) -> Option<u16> {
        if self.protocol.as_deref().is_some_and(|name| name != "TCP") {
            return None;
        }
        match wanted {
            Port::Name(name) if self.name.as_deref().unwrap_or_default() == name => self.port,
            Port::Number(number) => self.port.filter(|port| port == number),
            Port::Name(_) => None,
        }
    }
}

impl Conditions {
    /// Whether it wants sessions; nothing if it should not be told of. Absent means: ready, serving
    /// what is ready, not terminating.
    fn stance(self) -> Option<Stance> {
        let ready = self.ready.unwrap_or(true);
        let serving = self.serving.unwrap_or(ready);
        let terminating = self.terminating.unwrap_or(false);
        match (ready, terminating && serving) {
            (true, _) => Some(Stance::Ready),
            (false, true) => Some(Stance::Leaving),
            (false, false) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn slice(family: &str, endpoints: &Value, ports: &Value) -> Slice {
        serde_json::from_value(json!({
            "metadata": {"name": "chat-x", "resourceVersion": "1"},
            "addressType": family, "endpoints": endpoints, "ports": ports,
        }))
        .unwrap()
    }

    fn addresses(slice: &Slice, port: &Port) -> Vec<String> {
        let found = slice.found(port).into_iter();
        found.map(|found| found.address.to_string()).collect()
    }

    fn stance(conditions: &Value) -> Option<Stance> {
        serde_json::from_value::<Conditions>(conditions.clone())
            .unwrap()
            .stance()
    }

    #[test]
    fn conditions_say_whether_it_wants_sessions() {
        use Stance::{Leaving, Ready};
        for (conditions, expected) in [
            (json!({}), Some(Ready)),
            (
                json!({"ready": true, "serving": true, "terminating": false}),
                Some(Ready),
            ),
            (json!({"ready": null}), Some(Ready)),
            (
                json!({"ready": false, "serving": true, "terminating": true}),
                Some(Leaving),
            ),
            (
                json!({"ready": false, "serving": false, "terminating": true}),
                None,
            ),
            (json!({"ready": false, "terminating": true}), None),
            (json!({"ready": false}), None),
            (
                json!({"ready": false, "serving": true, "terminating": false}),
                None,
            ),
        ] {
            assert_eq!(stance(&conditions), expected, "{conditions}");
        }
    }

    #[test]
    fn a_port_is_found_by_name_or_number_if_it_is_tcp() {
        let ports = json!([
            {"name": "dns", "protocol": "UDP", "port": 53},
            {"name": "ws", "protocol": "TCP", "port": 8080},
            {"name": "metrics", "port": 9090},
            {"name": "any", "port": null},
        ]);
        let slice = slice("IPv4", &json!([{"addresses": ["10.0.0.1"]}]), &ports);
        for (port, expected) in [
            (Port::Name("ws".into()), Some("10.0.0.1:8080")),
            (Port::Name("metrics".into()), Some("10.0.0.1:9090")),
            (Port::Number(8080), Some("10.0.0.1:8080")),
            (Port::Name("dns".into()), None),
            (Port::Number(53), None),
            (Port::Name("any".into()), None),
            (Port::Number(81), None),
            (Port::Name(String::new()), None),
        ] {
            let expected: Vec<_> = expected.into_iter().map(str::to_owned).collect();
            assert_eq!(addresses(&slice, &port), expected, "{port:?}");
        }
    }

    #[test]
    fn a_port_without_a_name_has_the_empty_one() {
        let endpoints = json!([{"addresses": ["10.0.0.1"]}]);
        for ports in [json!([{"port": 80}]), json!([{"name": "", "port": 80}])] {
            let slice = slice("IPv4", &endpoints, &ports);
            assert_eq!(addresses(&slice, &Port::Name(String::new())).len(), 1);
        }
    }

    #[test]
    fn addresses_are_of_the_slices_family_and_the_first_counts() {
        let endpoints = json!([
            {"addresses": ["10.0.0.1", "10.0.0.9"]},
            {"addresses": ["fd00::1"]},
            {"addresses": ["chat.example"]},
            {"addresses": null},
        ]);
        let ports = json!([{"name": "ws", "port": 80}]);
        for (family, expected) in [
            ("IPv4", &["10.0.0.1:80"][..]),
            ("IPv6", &["[fd00::1]:80"]),
            ("FQDN", &[]),
        ] {
            let slice = slice(family, &endpoints, &ports);
            assert_eq!(addresses(&slice, &Port::Number(80)), expected, "{family}");
        }
    }

    #[test]
    fn nothing_comes_of_null() {
        let empty = slice("IPv4", &Value::Null, &Value::Null);
        assert_eq!(addresses(&empty, &Port::Number(80)), [""; 0]);
    }
}
