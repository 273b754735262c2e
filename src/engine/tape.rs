//! One path's market, step by step: what a slow ledger or a reader needs to follow it.

/// The market along one path. Index 0 of each series is time 0, index `n` is the end of step `n`.
#[derive(Debug, Clone, PartialEq)]
pub struct Tape {
    /// Spot in USD, shape `[assets][steps + 1]`.
    pub spot_usd: Vec<Vec<f64>>,
    /// Mark in USD, shape `[contracts][steps + 1]`.
    pub mark_usd: Vec<Vec<f64>>,
    /// Funding rate per interval paid at the end of that step, a fraction of mark notional, positive when longs pay
    /// shorts; 0 where no stamp falls. Shape `[contracts][steps + 1]`.
    pub funding_rate: Vec<Vec<f64>>,
    /// Carry `y` of each dated contract, per year, shape `[contracts][steps + 1]`; empty of the others.
    pub carry: Vec<Vec<f64>>,
    /// Jumps of each asset in each step, in order of time. Shape `[assets][steps + 1]`, index 0 unused.
    pub jumps: Vec<Vec<Vec<Jump>>>,
    /// What the mark of each contract did inside each step. Shape `[contracts][steps + 1]`, index 0 unused.
    pub within: Vec<Vec<WithinStep>>,
    /// Variance of the diffusive part of `ln F` over one whole step, by contract.
    pub step_variance: Vec<f64>,
}

/// Jumps of one mark inside one step, and the random numbers that decide crossings there.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WithinStep {
    /// Jumps in order of time.
    pub jumps: Vec<Jump>,
    /// One standard normal for each jump: where the diffusive part of `ln F` stands at its moment.
    pub anchor_normals: Vec<f64>,
    /// One uniform for each segment between jumps (`jumps.len() + 1`): whether the bridge there crosses.
    pub bridge_uniforms: Vec<f64>,
}

/// One jump of a log price.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Jump {
    /// Moment inside the step, as a fraction of the step, in (0, 1].
    pub time_frac: f64,
    /// Jump of the log price.
    pub log_size: f64,
}
