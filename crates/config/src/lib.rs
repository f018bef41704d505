//! YAML to validated values, with diagnostics that point at the file.
