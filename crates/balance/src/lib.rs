//! Who gets the session: pure functions and state machines.
