//! The text of a configuration: one listener, one route and one cluster, with what a test adds.

use std::fmt::Write as _;
use std::net::SocketAddr;

/// A configuration that grows by lines of YAML. The route and the cluster are called `main`, the
/// listener `web`; both listeners take a free port.
#[derive(Debug, Clone)]
pub struct Settings {
    top: Vec<String>,
    listener: Vec<String>,
    first_routes: String,
    path: String,
    route: Vec<String>,
    websocket: Vec<String>,
    http: Vec<String>,
    endpoints: Vec<String>,
    cluster: Vec<String>,
    more_clusters: String,
    drain: Vec<String>,
    admin: Vec<String>,
    workers: String,
}

impl Settings {
    /// Everything goes to these endpoints.
    pub fn to(endpoints: &[SocketAddr]) -> Self {
        Self {
            top: Vec::new(),
            listener: Vec::new(),
            first_routes: String::new(),
            path: "path_prefix: /".to_owned(),
            route: Vec::new(),
            websocket: Vec::new(),
            http: Vec::new(),
            endpoints: endpoints
                .iter()
                .map(|at| format!("{{ address: \"{at}\" }}"))
                .collect(),
            cluster: Vec::new(),
            more_clusters: String::new(),
            drain: Vec::new(),
            admin: Vec::new(),
            workers: "2".to_owned(),
        }
    }

    /// Everything goes to endpoints that a line of the cluster says how to look up.
    pub fn looked_up() -> Self {
        Self::to(&[])
    }

    /// A line at the top level, such as `trusted_proxies: [127.0.0.1/32]`.
    #[must_use]
    pub fn top(mut self, line: &str) -> Self {
        self.top.push(line.to_owned());
        self
    }

    /// A line of the listener.
    #[must_use]
    pub fn listener(mut self, line: &str) -> Self {
        self.listener.push(line.to_owned());
        self
    }

    /// What the route matches, such as `path: /rooms/{room}`; everything unless this is called.
    #[must_use]
    pub fn matching(mut self, path: &str) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    /// A line of the route, such as `affinity: [client_address]`.
    #[must_use]
    pub fn route(mut self, line: &str) -> Self {
        self.route.push(line.to_owned());
        self
    }

    /// A line of the route's `websocket` section.
    #[must_use]
    pub fn websocket(mut self, line: &str) -> Self {
        self.websocket.push(line.to_owned());
        self
    }

    /// A line of the route's `http` section.
    #[must_use]
    pub fn http(mut self, line: &str) -> Self {
        self.http.push(line.to_owned());
        self
    }

    /// A line of the cluster, such as `balancer: random`.
    #[must_use]
    pub fn cluster(mut self, line: &str) -> Self {
        self.cluster.push(line.to_owned());
        self
    }

    /// A line of the `drain` section.
    #[must_use]
    pub fn drain(mut self, line: &str) -> Self {
        self.drain.push(line.to_owned());
        self
    }

    /// A line of the `admin` section.
    #[must_use]
    pub fn admin(mut self, line: &str) -> Self {
        self.admin.push(line.to_owned());
        self
    }

    /// How many worker threads; 2 unless this is called.
    #[must_use]
    pub fn workers(mut self, count: u8) -> Self {
        self.workers = count.to_string();
        self
    }

    /// As many workers as the gateway finds CPUs.
    #[must_use]
    pub fn workers_auto(mut self) -> Self {
        "auto".clone_into(&mut self.workers);
        self
    }

    /// A route before the main one, as an item in flow style: `{ name: … }`.
    #[must_use]
    pub fn first_route(mut self, item: &str) -> Self {
        writeln!(self.first_routes, "  - {item}").expect("a string grows");
        self
    }

    /// Another cluster, as an item in flow style: `{ name: … }`.
    #[must_use]
    pub fn another_cluster(mut self, item: &str) -> Self {
        writeln!(self.more_clusters, "  - {item}").expect("a string grows");
        self
    }

    /// The YAML.
    pub fn render(&self) -> String {
        [
            block("", &self.top),
            "listeners:\n  - name: web\n    address: \"127.0.0.1:0\"\n".to_owned(),
            block("    ", &self.listener),
            format!(
                "routes:\n{}  - name: main\n    cluster: main\n",
                self.first_routes
            ),
            format!("    match: {{ {} }}\n", self.path),
            block("    ", &self.route),
            section("    websocket:\n", "      ", &self.websocket),
            section("    http:\n", "      ", &self.http),
            "clusters:\n  - name: main\n".to_owned(),
            section("    endpoints:\n", "      - ", &self.endpoints),
            block("    ", &self.cluster),
            self.more_clusters.clone(),
            section("drain:\n", "  ", &self.drain),
            "admin:\n  address: \"127.0.0.1:0\"\n".to_owned(),
            block("  ", &self.admin),
            format!("workers: {}\n", self.workers),
        ]
        .concat()
    }
}

fn section(title: &str, indent: &str, lines: &[String]) -> String {
    if lines.is_empty() {
        String::new()
    } else {
        format!("{title}{}", block(indent, lines))
    }
}

fn block(indent: &str, lines: &[String]) -> String {
    lines.iter().flat_map(|line| [indent, line, "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_land_in_their_section() {
        let text = Settings::to(&["127.0.0.1:9".parse().expect("an address")])
            .route("affinity: [client_address]")
            .websocket("max_message: 1KiB")
            .drain("over: 1s")
            .render();
        assert!(
            text.contains(
                "    affinity: [client_address]\n    websocket:\n      max_message: 1KiB\n"
            )
        );
        assert!(text.contains("endpoints:\n      - { address: \"127.0.0.1:9\" }\n"));
        assert!(text.contains("\ndrain:\n  over: 1s\n"));
    }
}
