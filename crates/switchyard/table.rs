//! Answers as tables for people.

use std::fmt::Write as _;

use serde_json::Value;

/// Columns as wide as they must be, two spaces apart.
pub(crate) fn table(titles: &[&str], rows: &[Vec<String>]) -> String {
    let titles = titles.iter().map(|title| (*title).to_owned()).collect();
    let all: Vec<&Vec<String>> = std::iter::once(&titles).chain(rows).collect();
    let width = |column: usize| {
        let cells = all.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..titles.len()).map(width).collect();
    let mut text = String::new();
    for row in all {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            // Writing to a string cannot fail.
            write!(line, "{cell:<width$}  ").ok();
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// The rows of a list in an answer.
pub(crate) fn list<'a>(answer: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    let list = answer.get(name).and_then(Value::as_array);
    list.into_iter().flatten()
}

/// What stands at these names, one below the other, as text; `-` where there is nothing.
pub(crate) fn cell(row: &Value, names: &[&str]) -> String {
    let found = names.iter().try_fold(row, |value, name| value.get(name));
    match found {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) if text.is_empty() => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) if items.is_empty() => "-".to_owned(),
        Some(Value::Array(items)) => {
            let items: Vec<_> = items.iter().map(|item| cell(item, &[])).collect();
            items.join(", ")
        }
        Some(other) => other.to_string(),
    }
}

/// A number of milliseconds, to the second where it is more than one.
pub(crate) fn span(row: &Value, name: &str) -> String {
    let Some(millis) = row.get(name).and_then(Value::as_u64) else {
        return "-".to_owned();
    };
    let seconds = millis / 1000;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0) => format!("{millis}ms"),
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, seconds) => format!("{minutes}m{seconds:02}s"),
        (hours, minutes, _) => format!("{hours}h{minutes:02}m"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_are_as_wide_as_they_must_be() {
        let rows = [
            vec!["1".to_owned(), "chat".to_owned()],
            vec!["1000".to_owned()],
        ];
        assert_eq!(
            table(&["ID", "ROUTE"], &rows),
            "ID    ROUTE\n1     chat\n1000\n"
        );
    }

    #[test]
    fn cells_are_text() {
        let row =
            json!({ "a": { "b": 7 }, "c": null, "d": "x", "e": "", "f": [], "g": ["x", "y"] });
        assert_eq!(cell(&row, &["a", "b"]), "7");
        assert_eq!(cell(&row, &["c"]), "-");
        assert_eq!(cell(&row, &["c", "b"]), "-");
        assert_eq!(cell(&row, &["d"]), "x");
        assert_eq!(
            (cell(&row, &["e"]), cell(&row, &["f"])),
            ("-".into(), "-".into())
        );
        assert_eq!(cell(&row, &["g"]), "x, y");
    }

    #[test]
    fn spans_are_short() {
        for (millis, text) in [
            (250, "250ms"),
            (59_999, "59s"),
            (61_000, "1m01s"),
            (3_660_000, "1h01m"),
        ] {
            assert_eq!(span(&json!({ "t": millis }), "t"), text);
        }
        assert_eq!(span(&json!({}), "t"), "-");
    }
}
