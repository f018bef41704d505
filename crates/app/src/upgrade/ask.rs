//! `switchyard upgrade`: asks a running gateway, and waits for the outcome.

use std::io::{self, Read};
use std::os::unix::net::UnixStream;

use rustix::net::sockopt::socket_peercred;

use super::requests::{DONE, FAILED, address};

/// Why there was no upgrade.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody is there to ask.
    #[error("process {process} is no gateway that can be asked: {source}")]
    Nobody {
        /// Who was asked.
        process: u32,
        /// What the system said.
        source: io::Error,
    },
    /// It ended without an answer.
    #[error("process {0} ended without an answer")]
    NoAnswer(u32),
    /// It has not been upgraded, and goes on as before.
    #[error("not upgraded: {0}")]
    Failed(String),
}

/// Has the gateway that is process `process` replaced by what lies where its binary was, and says what came of
/// it.
///
/// # Errors
/// It was not.
pub fn ask(process: u32) -> Result<String, AskError> {
    let nobody = |source| AskError::Nobody { process, source };
    let mut stream = connect(process).map_err(nobody)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).map_err(nobody)?;
    match (answer.strip_prefix(DONE), answer.strip_prefix(FAILED)) {
        (Some(outcome), _) => Ok(outcome.to_owned()),
        (None, Some(why)) => Err(AskError::Failed(why.to_owned())),
        (None, None) => Err(AskError::NoAnswer(process)),
    }
}

/// Another process may have taken the name: then what it says is worth nothing.
fn connect(process: u32) -> io::Result<UnixStream> {
    let stream = UnixStream::connect_addr(&address(process)?)?;
    let who = socket_peercred(&stream)?.pid.as_raw_nonzero().get();
    if u32::try_from(who) == Ok(process) {
        Ok(stream)
    } else {
        Err(io::ErrorKind::NotFound.into())
    }
}
