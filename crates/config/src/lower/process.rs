//! Drain, admin and log.

use super::secrets::Secrets;
use crate::model::{AccessLog, Admin, Drain, DrainClose, Log};
use crate::node::Given;
use crate::raw;
use crate::report::{Problem, Report};
use crate::scalar::{Switch, written};

pub(super) fn drain(raw: raw::Drain, report: &mut Report) -> Drain {
    if raw.deadline.value.0 < raw.over.value.0 {
        report.add(early_deadline(&raw));
    }
    Drain {
        ready_delay: raw.ready_delay.0,
        over: raw.over.value.0,
        order: raw.order,
        close: DrainClose {
            code: raw.close.code.0,
            reason: raw.close.reason.0,
        },
        deadline: raw.deadline.value.0,
    }
}

/// Points at what stands in the file.
fn early_deadline(raw: &raw::Drain) -> Problem {
    let (over, deadline) = (written(raw.over.value.0), written(raw.deadline.value.0));
    let message = format!("the deadline ({deadline}) is before the last Close frame ({over})");
    let help = format!("set `deadline` to {over} or more, and a little for the answers");
    match (raw.over.given, raw.deadline.given) {
        (_, Given::Default) => Problem::new(raw.over.span, message).help(help),
        (Given::Default, Given::File) => Problem::new(raw.deadline.span, message).help(help),
        (Given::File, Given::File) => Problem::new(raw.deadline.span, message)
            .related(raw.over.span, "Close frames are sent until then")
            .help(help),
    }
}

pub(super) fn admin(raw: raw::Admin, secrets: &Secrets<'_>, report: &mut Report) -> Option<Admin> {
    let address = raw.address.value.0;
    if raw.token_file.is_none() && !address.ip().to_canonical().is_loopback() {
        let message = format!("`{address}` is not on the loopback, so a token is required");
        let help = format!(
            "add `token_file: FILE`, or listen on `127.0.0.1:{}`",
            address.port()
        );
        report.add(Problem::new(raw.address.span, message).help(help));
        return None;
    }
    let token = match raw.token_file {
        Some(file) => Some(secrets.read(&file, report)?),
        None => None,
    };
    Some(Admin { address, token })
}

pub(super) fn log(raw: &raw::Log) -> Log {
    let access = match raw.access {
        Switch::On => AccessLog::On,
        Switch::Off => AccessLog::Off,
    };
    Log {
        format: raw.format,
        level: raw.level,
        access,
    }
}
