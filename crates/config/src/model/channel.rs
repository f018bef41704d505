//! The names of channels as a route writes them down: text, with values of the request between.
//!
//! Not here: a name of one request.

/// What makes the name of a channel, from the left to the right; not empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ChannelTemplate(pub Vec<ChannelPart>);

/// A part of the name of a channel.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ChannelPart {
    /// This text, without white space and control characters; not empty.
    Literal(String),
    /// What the request has here.
    Value(ChannelSource),
}

/// Where a value in the name of a channel comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ChannelSource {
    /// A capture of the route's path template.
    Path(String),
    /// A parameter of the query; one that is there several times gives several channels.
    Query(String),
    /// A request header, in lower case.
    Header(String),
    /// What follows this and a dot in the first offered subprotocol that begins with them.
    Subprotocol(String),
}
