//! The scenario language: typed reader, units, validation, overrides.
