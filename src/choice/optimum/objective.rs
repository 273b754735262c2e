//! What is to be made as small or as large as possible.

use serde_json::Value;

use crate::choice::optimum::measure::Measure;
use crate::choice::optimum::optimum_error::OptimumError;

/// Which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Smaller is better.
    Minimize,
    /// Larger is better.
    Maximize,
}

impl Direction {
    /// The verb, as in the option and in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Minimize => "minimize",
            Self::Maximize => "maximize",
        }
    }
}

/// An objective.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objective {
    /// What is measured.
    pub measure: Measure,
    /// Which way is better.
    pub direction: Direction,
}

impl Objective {
    /// Finds the objective that a name stands for; see [`Measure::find`].
    ///
    /// # Errors
    /// As of [`Measure::find`].
    pub fn find(name: &str, direction: Direction, template: &Value) -> Result<Self, OptimumError> {
        let argument = format!("--{} {name}", direction.word());
        let measure = Measure::find(&argument, name, template)?;
        Ok(Self { measure, direction })
    }

    /// The value with the sign that makes smaller better.
    pub fn cost(&self, value: f64) -> f64 {
        match self.direction {
            Direction::Minimize => value,
            Direction::Maximize => -value,
        }
    }
}
