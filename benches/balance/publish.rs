//! The tables and plots into the documents.

use std::fs;
use std::io::{Error, Result};
use std::path::Path;

use crate::plots;
use crate::results::Results;

const BEGIN: &str = "<!-- results: begin -->\n";
const END: &str = "<!-- results: end -->\n";

/// Writes what stands between the markers of docs/balancing.md, and the plots that it shows.
pub(crate) fn publish(results: &Results) -> Result<()> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    fs::create_dir_all(docs.join("balancing"))?;
    let mut shown = Vec::new();
    for (name, svg) in plots::all(results) {
        fs::write(docs.join("balancing").join(name), svg)?;
        let title = name.trim_end_matches(".svg");
        shown.push(format!("![{title}](balancing/{name})\n"));
    }
    let shown = shown.concat();
    let page = docs.join("balancing.md");
    let text = fs::read_to_string(&page)?;
    let around = text.split_once(BEGIN).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(END)?;
        Some((before, after))
    });
    let Some((before, after)) = around else {
        return Err(Error::other("docs/balancing.md has no markers for results"));
    };
    let tables = results.tables();
    fs::write(
        page,
        format!("{before}{BEGIN}{tables}\n{shown}{END}{after}"),
    )
}
