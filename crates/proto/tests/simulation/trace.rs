//! What happened, line by line.

/// Whether the story is told while it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Telling {
    Aloud,
    Silent,
}

#[derive(Debug)]
pub(crate) struct Trace {
    pub(crate) lines: Vec<String>,
    telling: Telling,
}

impl Trace {
    pub(crate) fn new(telling: Telling) -> Self {
        Self {
            lines: Vec::new(),
            telling,
        }
    }

    pub(crate) fn note(&mut self, now: u64, line: &str) {
        let line = format!("{now:>6} ms  {line}");
        if self.telling == Telling::Aloud {
            eprintln!("{line}");
        }
        self.lines.push(line);
    }
}
