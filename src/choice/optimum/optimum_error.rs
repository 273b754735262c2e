//! Why there is nothing to optimise, each cause with its message.

use thiserror::Error;

/// Why there is nothing to optimise.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OptimumError {
    /// A name that names nothing.
    #[error(
        "`{argument}` names no value of the summary: `{name}`; allowed: a dotted path into summary.json, a short name such as es95, or alexander-deng-zou; {hint}"
    )]
    UnknownValue {
        /// The argument as written.
        argument: String,
        /// The name.
        name: String,
        /// What was probably meant.
        hint: String,
    },
    /// A name of something that is no estimate.
    #[error(
        "`{argument}`: `{name}` is a bare number, not an estimate: nothing that points differ in; allowed: a value of the summary that has an error"
    )]
    NoEstimate {
        /// The argument as written.
        argument: String,
        /// The name.
        name: String,
    },
    /// A constraint that cannot be read.
    #[error("`--subject-to \"{written}\"` is not of the form {form}: {reason}")]
    ConstraintForm {
        /// The constraint as written.
        written: String,
        /// What it should look like.
        form: &'static str,
        /// What it lacks.
        reason: &'static str,
    },
    /// A constraint whose bound makes no sense for its value.
    #[error("`--subject-to \"{written}\"`; allowed: {allowed}; {hint}")]
    ConstraintBound {
        /// The constraint as written.
        written: String,
        /// What is allowed.
        allowed: &'static str,
        /// What was probably meant.
        hint: String,
    },
    /// A weight that is none.
    #[error(
        "`--liquidation-price {written}`; allowed: a number from 0 to 1e6, the price of a certain liquidation in unhedged variances"
    )]
    LiquidationPrice {
        /// The weight as written.
        written: String,
    },
    /// A weight without the objective that it belongs to.
    #[error(
        "`--liquidation-price` is the price of the objective alexander-deng-zou, which neither the objective nor a constraint is"
    )]
    IdleLiquidationPrice,
    /// A path that says how to simulate or to judge.
    #[error(
        "`--over {path}`: the best {what} is none; allowed: what is decided (hedges, accounts, contracts, holdings, execution) or what is assumed of the market"
    )]
    NoDecision {
        /// The path.
        path: String,
        /// What the path sets.
        what: &'static str,
    },
    /// The objective is the same everywhere.
    #[error(
        "`{name}` is the same at all {points} points of the grid: there is nothing to choose; allowed: an objective that `--over` moves"
    )]
    DoesNotVary {
        /// The objective.
        name: String,
        /// How many points the grid has.
        points: usize,
    },
    /// One point only.
    #[error(
        "the grid has one point: there is nothing to choose; allowed: at least two, or `hedgesim run` for one"
    )]
    OnePoint,
    /// The objective has no value anywhere.
    #[error(
        "`{name}` is unknown at all {points} points of the grid: what it is conditional on never happened, or there are too few paths"
    )]
    Undefined {
        /// The objective.
        name: String,
        /// How many points the grid has.
        points: usize,
    },
}
