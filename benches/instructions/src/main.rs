//! Runs one fixed piece of work a given number of times, so that `check` can count what one costs.
//!
//! Two runs with different numbers differ by the work alone, to the instruction: nothing here
//! depends on time, randomness or addresses. Not here: the counting and the verdict.

mod frames;
mod handshake;
mod order;

use std::process::ExitCode;

/// Work that is done so many times.
type Work = Box<dyn Fn(u32)>;

/// A piece of work by the name it has in `expected.tsv`, and how often to do it.
struct Case {
    name: &'static str,
    times: u32,
    work: Work,
}

impl Case {
    fn new(name: &'static str, times: u32, work: impl Fn(u32) + 'static) -> Self {
        let work = Box::new(work);
        Self { name, times, work }
    }
}

fn cases() -> impl Iterator<Item = Case> {
    frames::cases()
        .into_iter()
        .chain(handshake::cases())
        .chain(order::cases())
}

/// `list`, or a case and how many times its number of times it is to be done.
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments[..] {
        [list] if list == "list" => {
            for case in cases() {
                println!("{}\t{}", case.name, case.times);
            }
            ExitCode::SUCCESS
        }
        [name, factor] => run(name, factor.parse().unwrap_or(1)),
        _ => {
            eprintln!("usage: switchyard-instructions list | CASE FACTOR");
            ExitCode::from(2)
        }
    }
}

fn run(name: &str, factor: u32) -> ExitCode {
    let Some(case) = cases().find(|case| case.name == name) else {
        eprintln!("no case {name}");
        return ExitCode::FAILURE;
    };
    (case.work)(case.times * factor);
    ExitCode::SUCCESS
}
