//! Phases of leaving, tracked tasks and staggering.
