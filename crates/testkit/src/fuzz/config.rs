//! The configuration: any text gives a value that holds together or problems that can be shown,
//! and the same text always gives the same.

use std::io;
use std::path::Path;

use switchyard_config::{
    AffinitySource, ChannelPart, ChannelSource, Config, Errors, PathPattern, Segment, Target,
    parse_with,
};
use switchyard_edge::RouteTable;

/// Longer texts only cost time.
const LONGEST: usize = 16 * 1024;

/// Input: the text of a file.
pub fn config(data: &[u8]) {
    let text = String::from_utf8_lossy(&data[..data.len().min(LONGEST)]);
    let verdict = parse(&text);
    assert_eq!(verdict, parse(&text), "another answer the second time");
    match verdict {
        Ok(config) => holds_together(&config),
        Err(errors) => can_be_shown(&errors, &text),
    }
}

fn parse(text: &str) -> Result<Config, Errors> {
    parse_with(text, Path::new("fuzz/switchyard.yaml"), &secret)
}

/// Stands for the file system: a few secrets, good and bad.
fn secret(path: &Path) -> io::Result<Vec<u8>> {
    match path.file_name().and_then(|name| name.to_str()) {
        Some("key") => Ok(b"0123456789abcdef0123456789abcdef\n".to_vec()),
        Some("short") => Ok(b"0\n".to_vec()),
        Some("binary") => Ok(vec![0xff; 64]),
        _ => Err(io::ErrorKind::NotFound.into()),
    }
}

/// What the model's documentation promises.
fn holds_together(config: &Config) {
    assert!(!config.listeners.is_empty());
    are_unique(config.listeners.iter().map(|listener| &*listener.name));
    are_unique(config.routes.iter().map(|route| &*route.name));
    are_unique(config.clusters.iter().map(|cluster| &*cluster.name));
    for cluster in &config.clusters {
        assert_eq!(cluster.endpoints.is_empty(), cluster.discovery.is_some());
        are_unique(cluster.endpoints.iter().map(|endpoint| endpoint.address));
    }
    for route in &config.routes {
        for share in route.target.clusters() {
            assert!(
                config
                    .clusters
                    .iter()
                    .any(|cluster| cluster.name == share.cluster)
            );
        }
        for source in &route.affinity {
            if let AffinitySource::Path(name) = source {
                assert!(captures(&route.matches.path, name), "{name}");
            }
        }
        for part in route.channels.iter().flat_map(|channel| &channel.0) {
            if let ChannelPart::Value(ChannelSource::Path(name)) = part {
                assert!(captures(&route.matches.path, name), "{name}");
            }
        }
        let is_push_only = route.target == Target::PushOnly;
        assert!(is_push_only == route.target.clusters().is_empty());
        assert!(!is_push_only || !route.channels.is_empty());
    }
    assert!(config.push.queue.bytes >= config.push.max_message);
    assert!(config.drain.deadline >= config.drain.over);
    let routes = config
        .routes
        .iter()
        .map(|route| (route.matches.clone(), ()));
    assert!(
        RouteTable::new(routes).is_ok(),
        "the router refuses what was checked"
    );
}

fn captures(path: &PathPattern, name: &str) -> bool {
    let PathPattern::Template(segments) = path else {
        return false;
    };
    segments
        .iter()
        .any(|segment| matches!(segment, Segment::Capture(known) if known == name))
}

fn are_unique<T: Ord>(names: impl Iterator<Item = T>) {
    let mut names: Vec<T> = names.collect();
    names.sort();
    assert!(
        names.is_sorted_by(|left, right| left < right),
        "a name twice"
    );
}

/// Each problem has words and a place in the text, and what is shown of it does nothing to a
/// terminal.
fn can_be_shown(errors: &Errors, text: &str) {
    assert!(errors.iter().next().is_some(), "refused without a reason");
    for problem in errors.iter() {
        assert!(!problem.message.is_empty());
        let shown = problem.to_string();
        let is_plain = |character: char| character == '\n' || !character.is_control();
        assert!(
            shown.starts_with("error: ") && shown.chars().all(is_plain),
            "{shown:?}"
        );
        if let Some(position) = problem.position {
            assert!(position.line >= 1 && position.column >= 1);
            assert!(
                position.line <= text.matches('\n').count() + 1,
                "{position:?}"
            );
        }
    }
}
