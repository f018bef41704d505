//! What a route matches, in words for people. Values of headers are left out: they may be secrets.

use switchyard_config::{HostPattern, Match, PathPattern, Segment};

/// `host chat.example.com or *.example.org, path /rooms/{room}, header x-tenant`; `everything` without any.
pub(crate) fn words(matches: &Match) -> String {
    let hosts: Vec<_> = matches.hosts.iter().map(host).collect();
    let hosts = (!hosts.is_empty()).then(|| format!("host {}", hosts.join(" or ")));
    let headers = matches.headers.iter();
    let headers = headers.map(|header| format!("header {}", header.name));
    let all = hosts.into_iter().chain(path(&matches.path)).chain(headers);
    let all: Vec<_> = all.collect();
    if all.is_empty() {
        return "everything".to_owned();
    }
    all.join(", ")
}

fn host(pattern: &HostPattern) -> String {
    match pattern {
        HostPattern::Exact(name) => name.clone(),
        HostPattern::Wildcard(suffix) => format!("*{suffix}"),
    }
}

fn path(pattern: &PathPattern) -> Option<String> {
    match pattern {
        PathPattern::Any => None,
        PathPattern::Exact(path) => Some(format!("path {path}")),
        PathPattern::Prefix(prefix) => Some(format!("path from {prefix}")),
        PathPattern::Template(segments) => {
            let segments = segments.iter().map(|segment| match segment {
                Segment::Literal(text) => format!("/{text}"),
                Segment::Capture(name) => format!("/{{{name}}}"),
            });
            Some(format!("path {}", segments.collect::<String>()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(matches: &str) -> String {
        let text = format!(
            "{{ listeners: [{{ name: web, address: \"127.0.0.1:0\" }}], \
             routes: [{{ name: all, match: {matches}, cluster: app }}], \
             clusters: [{{ name: app, endpoints: [{{ address: \"127.0.0.1:9\" }}] }}] }}"
        );
        let config = switchyard_config::parse(&text, "test.yaml".as_ref()).unwrap();
        words(&config.routes[0].matches)
    }

    #[test]
    fn a_match_reads_like_a_sentence() {
        assert_eq!(said("{}"), "everything");
        assert_eq!(said("{ path_prefix: /app }"), "path from /app");
        let all = "{ hosts: [a.example, \"*.b.example\"], path: \"/rooms/{room}/x\", \
                   headers: { x-tenant: secret } }";
        assert_eq!(
            said(all),
            "host a.example or *.b.example, path /rooms/{room}/x, header x-tenant"
        );
    }
}
