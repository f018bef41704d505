//! The admin listener: metrics, health and readiness.
