//! The range of a number, in figures and in words.

use crate::scenario::cause::Complaint;

/// What a number may be: checked by figures, told in words.
#[derive(Debug, Clone, Copy)]
pub struct Range {
    low: f64,
    low_is_open: bool,
    high: f64,
    high_is_open: bool,
    allowed: &'static str,
    too_low: &'static str,
    too_high: &'static str,
}

impl Range {
    /// From `low` to `high`, both allowed.
    pub const fn closed(low: f64, high: f64, allowed: &'static str) -> Self {
        Self {
            low,
            low_is_open: false,
            high,
            high_is_open: false,
            allowed,
            too_low: "",
            too_high: "",
        }
    }

    /// Above `low`, up to and including `high`.
    pub const fn above(low: f64, high: f64, allowed: &'static str) -> Self {
        let mut range = Self::closed(low, high, allowed);
        range.low_is_open = true;
        range
    }

    /// Between `low` and `high`, neither allowed.
    pub const fn open(low: f64, high: f64, allowed: &'static str) -> Self {
        let mut range = Self::above(low, high, allowed);
        range.high_is_open = true;
        range
    }

    /// Reason shown when the number is too low.
    #[must_use]
    pub const fn too_low(mut self, reason: &'static str) -> Self {
        self.too_low = reason;
        self
    }

    /// Reason shown when the number is too high.
    #[must_use]
    pub const fn too_high(mut self, reason: &'static str) -> Self {
        self.too_high = reason;
        self
    }

    /// Checks a finite number.
    ///
    /// # Errors
    /// If the number is outside.
    pub fn check(&self, value: f64) -> Result<(), Complaint> {
        if value < self.low || (self.low_is_open && value <= self.low) {
            return Err(Complaint::allowed(self.allowed, self.too_low));
        }
        if value > self.high || (self.high_is_open && value >= self.high) {
            return Err(Complaint::allowed(self.allowed, self.too_high));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn borders_count_as_said() {
        let closed = Range::closed(0.0, 1.0, "0 to 1");
        assert!(closed.check(0.0).is_ok() && closed.check(1.0).is_ok());
        let above = Range::above(0.0, 1.0, "above 0").too_low("low");
        assert!(above.check(0.0).is_err() && above.check(1.0).is_ok());
        let open = Range::open(0.0, 1.0, "between").too_high("high");
        assert!(open.check(1.0).is_err() && open.check(0.5).is_ok());
    }
}
