//! Positions, accounts, order of events, attribution.
