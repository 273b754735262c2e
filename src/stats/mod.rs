//! Estimators and their errors.
