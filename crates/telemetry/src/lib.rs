//! Metrics registry, typed labels, log set-up and the access log.
