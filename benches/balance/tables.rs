//! The figures as tables in Markdown.

use crate::sizes::Size;
use crate::story::{LOOKS, Moves, Skew, Story};
use crate::sweep::Placed;

/// How level the endpoints are at each moment: smallest / largest.
pub(crate) fn levels(stories: &[Story]) -> String {
    let head = [
        "smallest / largest endpoint, x fair share",
        "all have come",
        "one has left",
        "turned over",
        "two have joined",
        "half turned over",
        "turned over",
    ];
    table(&head, stories.iter().map(level))
}

fn level(story: &Story) -> Vec<String> {
    let joined = &story.joined;
    let moments = [
        story.start,
        story.left,
        story.left_turned,
        joined[0].all,
        joined[LOOKS / 2].all,
        joined[LOOKS].all,
    ];
    [name(story)].into_iter().chain(moments.map(skew)).collect()
}

/// What moves, and what is not with its owner, where keys decide.
pub(crate) fn moves(stories: &[Story]) -> String {
    let head = [
        "share of the sessions",
        "not with their owner",
        "moved by a turnover, nobody left or joined",
        "moved when one left",
        "of these needlessly",
        "moved when two joined",
        "of these needlessly",
        "then not with their owner",
        "after another turnover",
    ];
    let keyed = stories.iter().filter_map(|story| {
        let moves = story.moves.as_ref()?;
        Some(moved(name(story), moves))
    });
    table(&head, keyed)
}

fn moved(name: String, moves: &Moves) -> Vec<String> {
    let Moves { leave, join, .. } = moves;
    vec![
        name,
        percent(moves.away_at_start),
        percent(moves.unchanged),
        percent(leave.all),
        percent(leave.needless / leave.all),
        percent(join.all),
        percent(join.needless / join.all),
        percent(moves.away_at_end),
        percent(moves.away_later),
    ]
}

/// By factor.
pub(crate) fn factors(popular: &[Placed], even: &[Placed]) -> String {
    let head = [
        "`bounded_load`",
        "popular keys: smallest / largest",
        "not with their owner",
        "even keys: smallest / largest",
        "not with their owner",
    ];
    let row = |(popular, even): (&Placed, &Placed)| {
        vec![
            factor(popular.factor),
            skew(popular.skew),
            percent(popular.away),
            skew(even.skew),
            percent(even.away),
        ]
    };
    table(&head, popular.iter().zip(even).map(row))
}

/// By number of replicas.
pub(crate) fn replicas(placed: &[Placed]) -> String {
    let head = ["replicas", "smallest / largest", "not with their owner"];
    let row = |placed: &Placed| {
        vec![
            placed.replicas.to_string(),
            skew(placed.skew),
            percent(placed.away),
        ]
    };
    table(&head, placed.iter().map(row))
}

/// By number of endpoints.
pub(crate) fn sizes(sizes: &[Size]) -> String {
    let head = [
        "endpoints",
        "keys moved",
        "needlessly, of all keys",
        "owned by the one that left",
    ];
    let row = |size: &Size| {
        vec![
            size.endpoints.to_string(),
            percent(size.moved),
            percent(size.needless),
            percent(size.moved - size.needless),
        ]
    };
    table(&head, sizes.iter().map(row))
}

/// What an order is called in tables and plots.
pub(crate) fn name(story: &Story) -> String {
    let bound = story
        .bound
        .map(|bound| format!(", {}", factor(bound)))
        .unwrap_or_default();
    format!("{}{bound}", story.balancer.name())
}

/// As in the configuration.
fn factor(hundredths: u32) -> String {
    format!("{:.2}", f64::from(hundredths) / 100.0)
}

fn skew(skew: Skew) -> String {
    format!("{:.3} / {:.3}", skew.smallest, skew.largest)
}

/// A part as a percentage.
pub(crate) fn percent(part: f64) -> String {
    format!("{:.2} %", part * 100.0)
}

fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let head: Vec<String> = head.iter().map(|cell| (*cell).to_owned()).collect();
    let mut rule = vec!["---:".to_owned(); head.len()];
    "---".clone_into(&mut rule[0]);
    let rows: String = rows.map(|row| line(&row)).collect();
    format!("{}{}{rows}", line(&head), line(&rule))
}
