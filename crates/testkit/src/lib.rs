//! The harness that every test uses.
