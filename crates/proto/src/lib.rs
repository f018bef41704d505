//! RFC 6455 and the life of a session, without I/O.
