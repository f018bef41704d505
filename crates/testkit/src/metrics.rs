//! The gateway's metrics, read from its text exposition.

use std::collections::BTreeMap;

/// One scrape.
#[derive(Debug, Clone)]
pub struct Metrics {
    /// The text as it was served.
    pub text: String,
    samples: Vec<Sample>,
}

#[derive(Debug, Clone)]
struct Sample {
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

impl Metrics {
    /// Reads the text exposition format 0.0.4.
    #[track_caller]
    pub fn parse(text: String) -> Self {
        let is_sample = |line: &&str| !line.is_empty() && !line.starts_with('#');
        let samples = text.lines().filter(is_sample).map(Sample::parse).collect();
        Self { text, samples }
    }

    /// The sum of the samples of `name` that have all of `labels`; nothing when there are none.
    pub fn get(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let mut found = self
            .samples
            .iter()
            .filter(|sample| sample.is(name, labels))
            .peekable();
        found.peek()?;
        Some(found.map(|sample| sample.value).sum())
    }

    /// The same as a whole number, 0 when there is none.
    pub fn count(&self, name: &str, labels: &[(&str, &str)]) -> u64 {
        let value = self.get(name, labels).unwrap_or_default();
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "counts are whole"
        )]
        let count = value as u64;
        count
    }

    /// The samples of `name` as `label=value` lists with their numbers, for a failure's message.
    pub fn about(&self, name: &str) -> Vec<String> {
        let wanted = |line: &&str| line.starts_with(name);
        self.text
            .lines()
            .filter(wanted)
            .map(str::to_owned)
            .collect()
    }
}

impl Sample {
    #[track_caller]
    fn parse(line: &str) -> Self {
        let (series, value) = line.rsplit_once(' ').expect("a series and a value");
        let (name, labels) = match series.split_once('{') {
            Some((name, labels)) => (name, labels.trim_end_matches('}')),
            None => (series, ""),
        };
        Self {
            name: name.to_owned(),
            labels: parse_labels(labels),
            value: value.parse().expect("a number"),
        }
    }

    fn is(&self, name: &str, labels: &[(&str, &str)]) -> bool {
        let has =
            |(label, value): &(&str, &str)| self.labels.get(*label).is_some_and(|v| v == value);
        self.name == name && labels.iter().all(has)
    }
}

/// Values here hold no quote and no comma: they are names and addresses of the configuration.
fn parse_labels(text: &str) -> BTreeMap<String, String> {
    let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(name, value)| (name.to_owned(), value.trim_matches('"').to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_what_has_the_labels() {
        let text =
            "# HELP a x\n# TYPE a counter\na{r=\"m\",d=\"up\"} 2\na{r=\"m\",d=\"down\"} 3\nb 0.5\n";
        let metrics = Metrics::parse(text.to_owned());
        assert_eq!(metrics.count("a", &[("r", "m")]), 5);
        assert_eq!(metrics.count("a", &[("d", "up")]), 2);
        assert_eq!(metrics.get("a", &[("d", "no")]), None);
        assert_eq!(metrics.get("b", &[]), Some(0.5));
    }
}
