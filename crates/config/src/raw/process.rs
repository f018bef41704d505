//! The declarations of what concerns the process: drain, admin, log, reload.

use super::Delay;
use crate::decode::At;
use crate::decode::table::table;
use crate::model::{DrainOrder, LogFormat, LogLevel};
use crate::scalar::{Address, CloseCode, CloseReason, File, Switch};

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
        /// A line when a session opens, one when it closes, and one for each plain request.
        access: Switch = "on";
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
