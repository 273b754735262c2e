//! Asset paths, basis and funding, one tile of time steps for a block of paths.
