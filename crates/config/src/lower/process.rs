//! Drain, admin, log and reload.

use arcstr::ArcStr;

use super::files::Files;
use super::optional;
use crate::decode::{At, Known};
use crate::model::{AccessLog, Admin, Drain, DrainClose, Log, LogFormat, Reload};
use crate::node::Given;
use crate::raw;
use crate::report::{Problem, Report};
use crate::scalar::{Address, File, Name, Switch, written};

/// Where the gateway is: written out, or in a file, or not said.
pub(super) fn zone(
    zone: Known<Option<At<Name>>>,
    file: Known<Option<At<File>>>,
    files: &Files<'_>,
    report: &mut Report,
) -> Known<Option<ArcStr>> {
    match (zone?, file?) {
        (Some(zone), None) => Some(Some(zone.value.0)),
        (None, Some(file)) => files.name(&file, report).map(|zone| Some(zone.0)),
        (None, None) => Some(None),
        (Some(zone), Some(file)) => {
            let problem = Problem::new(file.span, "the zone is said twice");
            let problem = problem.related(zone.span, "first here");
            report.add(problem.help("use one of `zone` and `zone_file`"));
            None
        }
    }
}

pub(super) fn drain(raw: raw::Drain, report: &mut Report) -> Option<Drain> {
    if let (Some(over), Some(deadline)) = (&raw.over, &raw.deadline) {
        report_early_deadline(over, deadline, report);
    }
    let close = raw.close?;
    Some(Drain {
        ready_delay: raw.ready_delay?.0,
        over: raw.over?.value.0,
        order: raw.order?,
        close: DrainClose {
            code: close.code?.0,
            reason: close.reason?.0,
        },
        deadline: raw.deadline?.value.0,
    })
}

/// Points at what stands in the file.
fn report_early_deadline(over: &At<raw::Delay>, deadline: &At<raw::Delay>, report: &mut Report) {
    if deadline.value.0 >= over.value.0 {
        return;
    }
    let (last, end) = (written(over.value.0), written(deadline.value.0));
    let message = format!("the deadline ({end}) is before the last Close frame ({last})");
    let problem = match (over.given, deadline.given) {
        (_, Given::Default) => Problem::new(over.span, message),
        (Given::Default, Given::File) => Problem::new(deadline.span, message),
        (Given::File, Given::File) => Problem::new(deadline.span, message)
            .related(over.span, "Close frames are sent until then"),
    };
    let help = format!("set `deadline` to {last} or more, and a little for the answers");
    report.add(problem.help(help));
}

pub(super) fn admin(raw: raw::Admin, files: &Files<'_>, report: &mut Report) -> Option<Admin> {
    if let (Some(address), Some(None)) = (&raw.address, &raw.token_file) {
        report_open_door(address, report);
    }
    let token = optional(raw.token_file?, |file| files.secret(&file, report));
    Some(Admin {
        address: raw.address?.value.0,
        token: token?,
    })
}

/// Anyone could use a listener off the loopback that asks for no token.
fn report_open_door(address: &At<Address>, report: &mut Report) {
    let listened = address.value.0;
    if listened.ip().to_canonical().is_loopback() {
        return;
    }
    let message = format!("`{listened}` is not on the loopback, so a token is required");
    let help = format!(
        "add `token_file: FILE`, or listen on `127.0.0.1:{}`",
        listened.port()
    );
    report.add(Problem::new(address.span, message).help(help));
}

pub(super) fn log(raw: raw::Log, files: &Files<'_>) -> Option<Log> {
    let format = raw.format?;
    let access = match raw.access? {
        raw::Access::Switch(Switch::Off) => None,
        raw::Access::Switch(Switch::On) => Some(AccessLog {
            format,
            file: None,
            every: None,
            query_values: Vec::new(),
        }),
        raw::Access::Table(table) => Some(access(table, format, files)?),
    };
    Some(Log {
        format,
        level: raw.level?,
        access,
    })
}

/// The access log; its lines look like all others unless it says so.
fn access(raw: raw::AccessTable, format: LogFormat, files: &Files<'_>) -> Option<AccessLog> {
    let names = raw.query_values?.whole()?;
    Some(AccessLog {
        format: raw.format?.unwrap_or(format),
        file: raw.file?.map(|file| files.directory.join(file.0)),
        every: raw.every?.0.map(|every| every.0),
        query_values: names.into_iter().map(|name| name.0).collect(),
    })
}

pub(super) fn reload(raw: &raw::Reload) -> Option<Reload> {
    Some(match raw.watch? {
        Switch::On => Reload::WhenChanged,
        Switch::Off => Reload::WhenAsked,
    })
}
