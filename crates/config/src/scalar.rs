//! Values that are one text: how each is read, and what it says when it cannot be.

mod address;
mod bus;
mod channel;
mod count;
mod discovery;
mod duration;
mod factor;
mod host;
mod name;
mod origin;
mod path;
mod percent;
mod quantity;
mod server_name;
mod size;
mod switch;
mod token;

use std::fmt;

use serde_json::Value as Json;

use crate::decode::Decode;
use crate::node::{Node, Value};
use crate::report::{Problem, Report};
use crate::shape::{Scalar as Form, Shape};

pub(crate) use address::{Address, EndpointAddress, SourceAddress};
pub(crate) use bus::{Memory, NatsPrefix, NatsUrl, RedisPrefix, RedisUrl};
pub(crate) use channel::{Channel, ChannelPrefix};
pub(crate) use count::{CloseCode, Count};
pub(crate) use discovery::{DnsName, KubernetesName, ServicePort, Text};
pub(crate) use duration::{MAX_MS, Time, written};
pub(crate) use factor::Factor;
pub(crate) use name::{CaptureName, CloseReason, File, Name, QueryName};
pub(crate) use origin::Origin;
pub(crate) use path::{PathExact, PathPrefix, Template};
pub(crate) use percent::Percent;
pub(crate) use server_name::ServerName;
pub(crate) use size::{MAX_BYTES, Size};
pub(crate) use switch::Switch;
pub(crate) use token::{CookieName, HeaderName, HeaderValue, Subprotocol};

/// A value that is one text.
pub(crate) trait Scalar: Sized {
    /// With its article, after "expected": `a duration`.
    const KIND: &'static str;

    /// Reads it.
    fn parse(text: &str) -> Result<Self, Complaint>;

    /// `1ms to 8760h`, when there are bounds.
    fn range() -> Option<String> {
        None
    }

    /// The JSON Schema of its form.
    fn schema() -> Json;

    /// All of what the schema and the reference need.
    fn form() -> Form {
        Form {
            kind: Self::KIND,
            range: Self::range(),
            schema: Self::schema(),
        }
    }
}

/// Why a text is not a value, and what to do about it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Complaint {
    message: String,
    help: Option<String>,
}

/// What is wrong and what to do, in one line.
impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.help {
            Some(help) => write!(f, "; {help}"),
            None => Ok(()),
        }
    }
}

impl Complaint {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            help: None,
        }
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(crate) fn or_help(mut self, more: &str) -> Self {
        self.help = Some(
            self.help
                .map_or_else(|| more.to_owned(), |help| format!("{help}, {more}")),
        );
        self
    }

    pub(crate) fn at(self, node: &Node) -> Problem {
        Problem::new(node.span, self.message).maybe_help(self.help)
    }
}

impl<T: Scalar> Decode for T {
    fn decode(node: &Node, report: &mut Report) -> Option<Self> {
        let problem = match &node.value {
            Value::Scalar(text) => match T::parse(text) {
                Ok(value) => return Some(value),
                Err(complaint) => complaint.at(node),
            },
            Value::Null | Value::List(_) | Value::Map(_) => Problem::new(
                node.span,
                format!("expected {}, found {}", T::KIND, node.found()),
            ),
        };
        report.add(problem);
        None
    }

    fn shape() -> Shape {
        Shape::Scalar(T::form())
    }
}

/// The schema of a text with a pattern.
fn text_schema(pattern: &str) -> Json {
    serde_json::json!({ "type": "string", "pattern": pattern })
}
