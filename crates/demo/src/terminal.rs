//! The demo's commands on standard input: `list`, `kill b`, `revive b`, `quit`.
//!
//! Input is read on a thread of its own: a blocking read cannot be cancelled, and must not hold
//! a runtime.

use std::io::{self, BufRead, Write};

use tokio::sync::mpsc;

use crate::error::Error;
use crate::servers::{Servers, State, Status};

/// Why the terminal has no more to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    /// The person asked to quit.
    Quit,
    /// The input ended, as it does at once without a terminal: no reason to stop the demo.
    InputClosed,
}

/// Obeys the commands on standard input, with answers on standard output, until `quit` or the end
/// of the input.
pub async fn terminal(servers: &Servers) -> Leave {
    let (lines, mut commands) = mpsc::channel(1);
    std::thread::spawn(move || read_lines(io::stdin().lock(), &lines));
    while let Some(line) = commands.recv().await {
        let command = Command::parse(&line);
        if command == Command::Quit {
            return Leave::Quit;
        }
        let answer = obey(servers, command).await;
        // Nobody reads any more: go on for the sake of the page.
        io::stdout().write_all(answer.as_bytes()).ok();
    }
    Leave::InputClosed
}

fn read_lines(input: impl BufRead, lines: &mpsc::Sender<String>) {
    for line in input.lines().map_while(Result::ok) {
        if lines.blocking_send(line).is_err() {
            return;
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Command<'a> {
    Kill(&'a str),
    Revive(&'a str),
    List,
    Quit,
    Nothing,
    Unknown,
}

impl<'a> Command<'a> {
    fn parse(line: &'a str) -> Self {
        let mut words = line.split_whitespace();
        match (words.next(), words.next(), words.next()) {
            (None, ..) => Self::Nothing,
            (Some("kill"), Some(name), None) => Self::Kill(name),
            (Some("revive"), Some(name), None) => Self::Revive(name),
            (Some("list"), None, _) => Self::List,
            (Some("quit" | "exit"), None, _) => Self::Quit,
            _ => Self::Unknown,
        }
    }
}

async fn obey(servers: &Servers, command: Command<'_>) -> String {
    match command {
        Command::Kill(name) => report(servers.kill(name).await, name, "is dead"),
        Command::Revive(name) => report(servers.revive(name).await, name, "is live"),
        Command::List => list(servers),
        Command::Nothing | Command::Quit => String::new(),
        Command::Unknown => "commands: list, kill NAME, revive NAME, quit\n".to_owned(),
    }
}

fn report(done: Result<(), Error>, name: &str, now: &str) -> String {
    match done {
        Ok(()) => format!("server {name} {now}\n"),
        Err(error) => format!("{error}\n"),
    }
}

fn list(servers: &Servers) -> String {
    let line = |server: Status| {
        let state = match server.state {
            State::Live => "live",
            State::Dead => "dead",
        };
        format!(
            "{}  {state}  {}  {} in its rooms\n",
            server.name, server.address, server.people
        )
    };
    servers.list().into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use switchyard_drain::Tasks;

    use super::*;

    #[test]
    fn commands_are_words() {
        assert_eq!(Command::parse("  kill   b "), Command::Kill("b"));
        assert_eq!(Command::parse("revive b"), Command::Revive("b"));
        assert_eq!(Command::parse("list"), Command::List);
        assert_eq!(Command::parse("quit"), Command::Quit);
        assert_eq!(Command::parse(""), Command::Nothing);
        assert_eq!(Command::parse("kill"), Command::Unknown);
        assert_eq!(Command::parse("kill a b"), Command::Unknown);
    }

    #[tokio::test]
    async fn answers_say_what_happened() {
        let servers = Servers::start(2, &Tasks::new()).await.unwrap();
        let say = async |line: &str| obey(&servers, Command::parse(line)).await;
        assert_eq!(say("kill b").await, "server b is dead\n");
        assert_eq!(say("kill b").await, "server b is dead already\n");
        assert_eq!(say("kill z").await, "no server is called \"z\"\n");
        let listed = say("list").await;
        assert!(listed.starts_with("a  live  127.0.0.1:"), "{listed}");
        assert!(listed.contains("\nb  dead  127.0.0.1:"), "{listed}");
        assert_eq!(say("revive b").await, "server b is live\n");
        assert!(say("dance").await.starts_with("commands:"));
    }

    #[test]
    fn the_end_of_the_input_ends_the_lines() {
        let (lines, mut commands) = mpsc::channel(8);
        read_lines(&b"kill a\nlist\n"[..], &lines);
        drop(lines);
        assert_eq!(commands.blocking_recv().as_deref(), Some("kill a"));
        assert_eq!(commands.blocking_recv().as_deref(), Some("list"));
        assert_eq!(commands.blocking_recv(), None);
    }
}
