//! What the API server answers: refusals, pages of a list, the stream of a watch.

use std::io;
use std::net::TcpStream;
use std::str::FromStr;

use serde_json::{Value, json};

use crate::head::Head;
use crate::kubernetes::request::Request;
use crate::kubernetes::slice::EndpointSlice;
use crate::kubernetes::state::{Gone, Happening, Presence, Shared, State, bookmark, event};
use crate::socket::Socket;

const EXPIRED: &str = "The provided continue parameter is too old to display a consistent list \
                       result. You can start a new list without the continue parameter.";

/// Serves a connection until its client goes or the server does.
pub(super) fn serve(stream: TcpStream, shared: &Shared) {
    let mut socket = Socket::from(stream);
    while let Some(head) = Head::next(&mut socket) {
        let request = Request::of(&head);
        shared.wait(|state| (!state.is_held).then_some(()));
        let answer = shared.change(|state| {
            state.requests.push(request.clone());
            answer(state, &request)
        });
        // A client that is gone is no failure of the server's.
        let done = match answer {
            Answer::Whole(status, body) => send(&mut socket, status, &body),
            Answer::Watch { backlog, next } => watch(&mut socket, shared, &request, backlog, next),
        };
        if done.is_err() || request.is_watch() {
            return;
        }
    }
}

enum Answer {
    Whole(u16, String),
    /// The lines that it missed, and the first happening that it has not.
    Watch {
        backlog: Vec<String>,
        next: usize,
    },
}

fn answer(state: &mut State, request: &Request) -> Answer {
    if let Some(code) = state.refusal {
        return failure(code, "InternalError", "an error on the server");
    }
    if request.authorization.as_deref() != Some(&format!("Bearer {}", state.token)) {
        return failure(401, "Unauthorized", "Unauthorized");
    }
    let Some(namespace) = request.namespace() else {
        return failure(
            404,
            "NotFound",
            "the server could not find the requested resource",
        );
    };
    if request.is_watch() {
        begin(state, request, namespace)
    } else {
        list(state, request, namespace)
    }
}

fn failure(code: u16, reason: &str, message: &str) -> Answer {
    Answer::Whole(code, status(code, reason, message).to_string())
}

fn status(code: u16, reason: &str, message: &str) -> Value {
    json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "code": code,
    })
}

fn list(state: &mut State, request: &Request, namespace: &str) -> Answer {
    if let Some(body) = state.next_list.take() {
        return Answer::Whole(200, body);
    }
    // A token is the version of the first page, and how many slices came before.
    let token = request.get("continue").split_once('-');
    let (version, skipped) = token.map_or((state.version, 0), |(version, skipped)| {
        (number(version), number(skipped))
    });
    if version < state.oldest.0 {
        return failure(410, "Expired", EXPIRED);
    }
    let matching = state
        .slices
        .iter()
        .filter(|((space, _), (_, slice))| space == namespace && is_selected(request, slice));
    let all: Vec<_> = matching
        .map(|(_, (version, slice))| slice.json(*version))
        .collect();
    let limit = request.get("limit").parse().unwrap_or(usize::MAX);
    let page: Vec<_> = all.iter().skip(skipped).take(limit).collect();
    let end = skipped + page.len();
    let mut metadata = json!({"resourceVersion": version.to_string()});
    if end < all.len() {
        metadata["continue"] = json!(format!("{version}-{end}"));
        metadata["remainingItemCount"] = json!(all.len() - end);
    }
    let body = json!({
        "kind": "EndpointSliceList", "apiVersion": "discovery.k8s.io/v1",
        "metadata": metadata, "items": page,
    });
    if std::mem::take(&mut state.compact_after_page) {
        state.compact(Gone::Answer);
    }
    Answer::Whole(200, body.to_string())
}

fn number<T: FromStr>(text: &str) -> T {
    text.parse().ok().expect("a number")
}

/// Whether the slice has the label that is asked for.
fn is_selected(request: &Request, slice: &EndpointSlice) -> bool {
    let selector = request.get("labelSelector");
    selector.is_empty() || selector == format!("kubernetes.io/service-name={}", slice.service)
}

fn begin(state: &mut State, request: &Request, namespace: &str) -> Answer {
    let from = number(request.get("resourceVersion"));
    let next = state.happenings.len();
    if from >= state.oldest.0 {
        let is_missed =
            |told: &&Happening| matches!(told, Happening::Change(change) if change.version > from);
        let missed = state.happenings.iter().filter(is_missed);
        let backlog = missed
            .filter_map(|told| line(request, namespace, told))
            .collect();
        return Answer::Watch { backlog, next };
    }
    let message = format!("too old resource version: {from} ({})", state.oldest.0);
    match state.oldest.1 {
        Gone::Answer => failure(410, "Expired", &message),
        Gone::Event => Answer::Watch {
            backlog: vec![event("ERROR", &status(410, "Expired", &message))],
            next: usize::MAX,
        },
    }
}

/// What a watch says of it, if anything.
fn line(request: &Request, namespace: &str, told: &Happening) -> Option<String> {
    let wants_bookmarks = request.get("allowWatchBookmarks") == "true";
    match told {
        Happening::Change(change) => {
            let slice = &change.slice;
            let concerns = slice.namespace == namespace && is_selected(request, slice);
            concerns.then(|| change.line())
        }
        Happening::Bookmark(version) => wants_bookmarks.then(|| bookmark(*version)),
        Happening::Line(line) => Some(format!("{line}\n")),
        Happening::Gone => {
            let message = "The resourceVersion for the provided watch is too old.";
            Some(event("ERROR", &status(410, "Expired", message)))
        }
        Happening::End | Happening::Break => None,
    }
}

fn send(socket: &mut Socket, status: u16, body: &str) -> io::Result<()> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} Whatever\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n"
    );
    socket.try_send(format!("{head}{body}").as_bytes())
}

/// A watch: what it missed, and then whatever happens. One in which nothing happens for
/// [`PATIENCE`](crate::wait::PATIENCE) is over, sooner than it asked for.
fn watch(
    socket: &mut Socket,
    shared: &Shared,
    request: &Request,
    backlog: Vec<String>,
    mut next: usize,
) -> io::Result<()> {
    socket.try_send(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
    )?;
    for line in backlog {
        chunk(socket, &line)?;
    }
    if next == usize::MAX {
        return socket.try_send(b"0\r\n\r\n");
    }
    // Whatever happens now, its client sees it begin.
    shared.change(|state| state.watches += 1);
    let namespace = request.namespace().expect("it was looked at before");
    while let Some((happening, line)) = shared.wait(|state| {
        if state.presence == Presence::Away {
            return Some((Happening::Break, None));
        }
        let happening = state.happenings.get(next)?;
        let line = line(request, namespace, happening);
        Some((happening.clone(), line))
    }) {
        next += 1;
        if let Some(line) = line {
            chunk(socket, &line)?;
        }
        match happening {
            Happening::Break => return socket.try_send(b"40\r\n{\"type\":\"MODIFIED\",\"obj"),
            Happening::End | Happening::Gone => break,
            Happening::Change(_) | Happening::Bookmark(_) | Happening::Line(_) => {}
        }
    }
    socket.try_send(b"0\r\n\r\n")
}

fn chunk(socket: &mut Socket, line: &str) -> io::Result<()> {
    let size = line.len();
    socket.try_send(format!("{size:x}\r\n{line}\r\n").as_bytes())
}
