//! The declarations of what concerns the process: drain, admin, log, reload.

use super::Delay;
use crate::decode::table::table;
use crate::decode::{At, Decode, List, OrOff};
use crate::model::{DrainOrder, LogFormat, LogLevel};
use crate::node::{Node, Value};
use crate::report::{Problem, Report};
use crate::scalar::{
    Address, CloseCode, CloseReason, File, MAX_MS, QueryName, Scalar, Switch, Time,
};
use crate::shape::Shape;

table! {
    /// What happens on SIGTERM. A second signal cuts all sessions at once.
    Drain {
        /// Not ready, but still accepting: load balancers get this long to notice.
        ready_delay: Delay = "5s";
        /// Close frames are spread over this, so that clients do not come back all at once.
        over: At<Delay> = "60s";
        /// Which sessions are asked first.
        order: DrainOrder = "idle_first";
        /// What they are told.
        close: DrainClose = "{}";
        /// From the end of `ready_delay`; the sessions left then are cut. At least `over`.
        deadline: At<Delay> = "90s";
    }
}

table! {
    /// The Close frame that both sides of a drained session get.
    DrainClose {
        /// Clients that reconnect do so after 1012.
        code: CloseCode = "1012";
        /// A text for the close event of a browser.
        reason: CloseReason = "service restart";
    }
}

table! {
    /// The listener for `/metrics`, `/healthz` and `/readyz`.
    Admin {
        /// Off the loopback, `token_file` is required.
        address: At<Address>, eg "127.0.0.1:9901";
        /// A file with at least 16 bytes of secret, which requests carry as a bearer token. Space
        /// around it does not count.
        token_file: Option<At<File>>, eg "/etc/switchyard/admin-token";
    }
}

table! {
    /// What is logged, and how.
    Log {
        /// How a line is written.
        format: LogFormat = "json";
        /// The least severe level that is written.
        level: LogLevel = "info";
        /// A line when a session opens, one when it closes, and one for each plain request; or a table
        /// that says more about them.
        access: Access = "on", eg "{ file: /var/log/switchyard/access.log, every: 5m }";
    }
}

table! {
    /// The access log, switched on, with what is to be different about it.
    AccessTable {
        /// Its lines are added to this file, which is opened at start and opened anew on SIGUSR1. Without
        /// it they go to standard output, between the others.
        file: Option<File>, eg "/var/log/switchyard/access.log";
        /// How its lines are written; without it as all others are.
        format: Option<LogFormat>, eg "text";
        /// A session that is open for longer gets another line each time that so much has gone by, with
        /// what it has moved so far.
        every: OrOff<Time<1_000, MAX_MS>> = "off", eg "5m";
        /// Parameters of the query whose values may be written. All others are written as `*`: they may be
        /// tokens.
        query_values: List<QueryName, 0> = "[]", eg "[room, v]";
    }
}

/// Whether there is an access log, or how it is to be.
#[derive(Debug)]
pub(crate) enum Access {
    Switch(Switch),
    Table(AccessTable),
}

impl Decode for Access {
    fn decode(node: &Node, report: &mut Report) -> Option<Self> {
        match &node.value {
            Value::Scalar(_) => Switch::decode(node, report).map(Self::Switch),
            Value::Map(_) => AccessTable::decode(node, report).map(Self::Table),
            Value::Null | Value::List(_) => {
                let found = node.found();
                let message = format!("expected `on`, `off` or a mapping, found {found}");
                let help = "such as `on`, or `{ file: /var/log/switchyard/access.log }`";
                report.add(Problem::new(node.span, message).help(help));
                None
            }
        }
    }

    fn shape() -> Shape {
        Shape::Or {
            one: Switch::form(),
            other: Box::new(AccessTable::shape()),
        }
    }
}

table! {
    /// When this file is read again. SIGHUP and the admin API have it read at any time.
    Reload {
        /// As soon as it, or a secret that it names, has become another. A file that cannot be used changes
        /// nothing.
        watch: Switch = "on";
    }
}
