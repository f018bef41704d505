//! The gateway's configuration for the demo: one cluster, two routes.
//!
//! `chat` keeps a room on one server, because the servers do not know one another, and subscribes it to what is published
//! for the room from outside. `page` keeps a
//! browser on one server by a cookie that the gateway issues. The drain is short, so that Ctrl-C
//! answers at once.

use std::fmt::Write;
use std::net::SocketAddr;

use crate::servers::Address;

/// YAML for a gateway that listens on `listen`, with its admin listener on `admin`, in front of
/// the servers at `addresses`.
pub fn config_yaml(addresses: &[Address], listen: SocketAddr, admin: SocketAddr) -> String {
    let endpoints = addresses.iter().fold(String::new(), |mut lines, server| {
        // Writing to a String does not fail.
        let _ = writeln!(
            lines,
            "      - {{ address: \"{}\" }} # {}",
            server.address, server.name
        );
        lines
    });
    format!(
        r#"listeners:
  - {{ name: web, address: "{listen}" }}

routes:
  - name: chat
    match: {{ path: "/rooms/{{room}}" }}
    cluster: chat
    affinity: [{{ path: room }}]
    channels: ["room:{{path.room}}"]
    websocket: {{ max_message: 64KiB }}
  - name: page
    match: {{ path_prefix: / }}
    cluster: chat
    affinity:
      - {{ issued_cookie: {{ name: switchyard, secure: false, same_site: lax }} }}

clusters:
  - name: chat
    endpoints:
{endpoints}
drain: {{ ready_delay: 100ms, over: 1s, deadline: 3s }}

admin: {{ address: "{admin}" }}

log: {{ format: text }}
"#
    )
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_gateway_accepts_the_configuration() {
        let addresses: Vec<_> = [("a", 9001), ("b", 9002), ("c", 9003)]
            .map(|(name, port)| Address {
                name,
                address: ([127, 0, 0, 1], port).into(),
            })
            .into();
        let yaml = config_yaml(
            &addresses,
            ([127, 0, 0, 1], 8080).into(),
            ([127, 0, 0, 1], 9901).into(),
        );
        let config = match switchyard_config::parse(&yaml, Path::new("demo.yaml")) {
            Ok(config) => config,
            Err(errors) => panic!("{errors}\n{yaml}"),
        };
        let endpoints: Vec<_> = config.clusters[0]
            .endpoints
            .iter()
            .map(|endpoint| endpoint.address)
            .collect();
        let expected: Vec<_> = addresses.iter().map(|server| server.address).collect();
        assert_eq!(endpoints, expected);
        let routes: Vec<_> = config.routes.iter().map(|route| &*route.name).collect();
        assert_eq!(routes, ["chat", "page"]);
    }
}
