//! Compose the gateway, run it, shut it down.
