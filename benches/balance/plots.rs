//! Which plots there are.

use crate::bars::{Bars, Row};
use crate::lines::Lines;
use crate::results::{Chapter, Results};
use crate::story::{Joined, LOOKS, Moved, Moves, Story};
use crate::svg::{Panel, document};
use crate::sweep::Placed;
use crate::tables::{name, percent};
use crate::world::Balancer;

/// Each file.
pub(crate) fn all(results: &Results) -> [(&'static str, String); 4] {
    let chapters = |panel: fn(&Chapter) -> Panel| -> Vec<Panel> {
        results.chapters.iter().map(panel).collect()
    };
    let moves = |head, pick| {
        let panels: Vec<Panel> = results
            .chapters
            .iter()
            .map(|chapter| moved(chapter, pick))
            .collect();
        document(head, &panels)
    };
    [
        (
            "level.svg",
            document(
                "The largest endpoint when all sessions have come",
                &chapters(level),
            ),
        ),
        (
            "leave.svg",
            moves("What moves when one endpoint leaves", |moves| moves.leave),
        ),
        (
            "bound.svg",
            document(
                "Bounded load: rendezvous, 20 endpoints",
                &bound(&results.popular, &results.even),
            ),
        ),
        (
            "join.svg",
            document(
                "Two endpoints join 19: even keys, all orders without a bound",
                &join(&results.chapters[0]),
            ),
        ),
    ]
}

fn level(chapter: &Chapter) -> Panel {
    let row = |story: &Story| Row {
        name: name(story),
        parts: vec![story.start.largest],
        note: format!("{:.3}", story.start.largest),
    };
    Bars {
        title: chapter.title,
        axis: "sessions of the largest endpoint, x its fair share",
        parts: &[],
        rows: chapter.stories.iter().map(row).collect(),
        most: 2.0,
        one: Some(1.0),
    }
    .panel()
}

fn moved(chapter: &Chapter, pick: fn(&Moves) -> Moved) -> Panel {
    let row = |story: &Story| {
        let Moved { all, needless } = pick(story.moves.as_ref()?);
        Some(Row {
            name: name(story),
            parts: vec![(all - needless) * 100.0, needless * 100.0],
            note: percent(all),
        })
    };
    Bars {
        title: chapter.title,
        axis: "percent of all sessions",
        parts: &["had to move", "need not have moved"],
        rows: chapter.stories.iter().filter_map(row).collect(),
        most: 0.0,
        one: None,
    }
    .panel()
}

fn bound(popular: &[Placed], even: &[Placed]) -> Vec<Panel> {
    let points = |placed: &[Placed], value: fn(&Placed) -> f64| {
        let point = |placed: &Placed| (f64::from(placed.factor) / 100.0, value(placed));
        placed.iter().map(point).collect()
    };
    let both = |value| {
        vec![
            ("popular keys", points(popular, value)),
            ("even keys", points(even, value)),
        ]
    };
    let largest = Lines {
        title: "What it does",
        across: "bounded_load",
        up: "largest endpoint, x fair share",
        from: (1.0, 1.0),
        to: (2.5, 2.5),
        drawn: both(|placed| placed.skew.largest),
        one: None,
    };
    let away = Lines {
        title: "What it costs",
        up: "percent of the sessions that are not with their key's owner",
        to: (2.5, 30.0),
        from: (1.0, 0.0),
        drawn: both(|placed| placed.away * 100.0),
        ..largest
    };
    vec![largest.panel(), away.panel()]
}

fn join(chapter: &Chapter) -> Vec<Panel> {
    let story = |balancer| {
        let mut stories = chapter.stories.iter();
        stories.find(|story| story.balancer == balancer && story.bound.is_none())
    };
    let line = |balancer: Balancer, value: fn(&Joined) -> f64| {
        let joined = story(balancer).map_or(&[][..], |story| &story.joined);
        let point =
            |(look, joined): (usize, &Joined)| (look as f64 * 100.0 / LOOKS as f64, value(joined));
        (
            balancer.name(),
            joined.iter().enumerate().map(point).collect(),
        )
    };
    let lines = |value| {
        vec![
            line(Balancer::Rendezvous, value),
            line(Balancer::LeastSessions, value),
            line(Balancer::RoundRobin, value),
        ]
    };
    let new = Lines {
        title: "The smaller of the two that joined",
        across: "percent of the sessions that have ended and come again",
        up: "sessions, x fair share",
        from: (0.0, 0.0),
        to: (100.0, 1.2),
        drawn: lines(|joined| joined.new.smallest),
        one: Some(1.0),
    };
    let all = Lines {
        title: "The largest of all",
        from: (0.0, 0.9),
        drawn: lines(|joined| joined.all.largest),
        ..new
    };
    vec![new.panel(), all.panel()]
}
