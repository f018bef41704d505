//! What is published to sessions: queues that a message fits, headers that are free, prefixes that count.

use arcstr::ArcStr;

use crate::decode::{At, Known, List};
use crate::model::{History, Push, PushQueue};
use crate::node::Given;
use crate::raw::{self, Limit};
use crate::report::{Problem, Report};
use crate::scalar::{HeaderName, Switch};
use crate::source::Span;

/// Headers of a handshake with a meaning of their own, and those that the gateway writes.
const TAKEN: [&str; 18] = [
    "connection",
    "content-length",
    "cookie",
    "date",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "origin",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-forwarded-client-cert",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-request-id",
];

/// Checks what is published, and how.
pub(super) fn lower(raw: raw::Push, report: &mut Report) -> Option<Push> {
    if let (
        Some(longest),
        Some(raw::PushQueue {
            bytes: Some(room), ..
        }),
    ) = (&raw.max_message, &raw.queue)
    {
        report_no_room(longest, room, report);
    }
    let header = raw.session_header.and_then(|it| header(it, report));
    let history = raw.history.and_then(|list| history(list, report));
    let queue = raw.queue?;
    Some(Push {
        queue: PushQueue {
            messages: usize::try_from(queue.messages?.0).ok()?,
            bytes: bytes(&queue.bytes?),
            on_full: queue.on_full?,
        },
        max_message: bytes(&raw.max_message?),
        channels_per_session: usize::try_from(raw.channels_per_session?.0).ok()?,
        remember_ids: raw.remember_ids?.0,
        session_header: header?,
        events: raw.events? == Switch::On,
        history: history?,
    })
}

fn bytes(limit: &At<Limit>) -> usize {
    usize::try_from(limit.value.0).unwrap_or(usize::MAX)
}

/// Points at what stands in the file.
fn report_no_room(longest: &At<Limit>, room: &At<Limit>, report: &mut Report) {
    if room.value.0 >= longest.value.0 {
        return;
    }
    let message = "the longest message does not fit into the queue";
    let problem = match (longest.given, room.given) {
        (_, Given::Default) => Problem::new(longest.span, message),
        (Given::Default, Given::File) => Problem::new(room.span, message),
        (Given::File, Given::File) => {
            Problem::new(room.span, message).related(longest.span, "the longest message")
        }
    };
    let help = format!(
        "set `queue.bytes` ({} bytes) to `max_message` ({} bytes) or more",
        room.value.0, longest.value.0
    );
    report.add(problem.help(help));
}

fn header(raw: Option<At<HeaderName>>, report: &mut Report) -> Known<Option<ArcStr>> {
    let Some(At { value, span, .. }) = raw else {
        return Some(None);
    };
    let name = value.0;
    let is_taken = TAKEN.contains(&name.as_str())
        || ["sec-", "proxy-"]
            .iter()
            .any(|begin| name.starts_with(begin));
    if is_taken {
        let problem = Problem::new(span, format!("`{name}` has a meaning of its own"));
        report.add(problem.help("use a header of your own, such as `x-session-id`"));
        return None;
    }
    Some(Some(ArcStr::from(name)))
}

fn history(list: List<raw::History, 0>, report: &mut Report) -> Option<Vec<History>> {
    let mut before: Vec<(String, Span)> = Vec::new();
    for At { value, span, .. } in list.items.iter().flat_map(|it| &it.prefix) {
        let hides = |(prefix, _): &&(String, Span)| value.0.starts_with(prefix.as_str());
        if let Some((prefix, first)) = before.iter().find(hides) {
            report.add(hidden(&value.0, *span, prefix, *first));
        }
        before.push((value.0.clone(), *span));
    }
    let kept = list.whole()?.into_iter().map(|raw| {
        Some(History {
            prefix: ArcStr::from(raw.prefix?.value.0),
            messages: usize::try_from(raw.messages?.0).ok()?,
            age: raw.age?.0,
        })
    });
    kept.collect()
}

/// The first prefix that fits counts, so that a longer one behind it never does.
fn hidden(prefix: &str, span: Span, before: &str, first: Span) -> Problem {
    if prefix == before {
        let problem = Problem::new(span, format!("the prefix `{prefix}` is repeated"));
        return problem.related(first, "first here");
    }
    let problem = Problem::new(span, format!("the prefix `{prefix}` never counts"));
    let problem = problem.related(first, "all of its channels begin with this");
    problem.help("move it up")
}
