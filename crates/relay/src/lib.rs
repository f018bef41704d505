//! Moves a session's bytes between two connections.
