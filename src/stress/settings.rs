//! What a stress test is asked for.

/// The shocks of a stress test. Moves are fractions of the price.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Names of the episodes; none: all.
    pub episodes: Vec<String>,
    /// Assets and the coins whose moves they take.
    pub map: Vec<(String, String)>,
    /// Instantaneous moves of all spots together.
    pub spot_moves: Vec<f64>,
    /// Moves of `ln(F/S)` that come with them.
    pub basis_moves: Vec<f64>,
    /// Size of the moves, up and down, that take [`Self::slow_days`].
    pub slow_move: f64,
    /// How long they take, days.
    pub slow_days: f64,
    /// How long funding stands at its cap, days.
    pub funding_days: f64,
    /// The rate then, per 8 hours and without sign; `None`: the cap of each contract.
    pub funding_per_8h: Option<f64>,
    /// Factor on maintenance margin rates.
    pub maintenance_factor: f64,
    /// Factor on volatilities.
    pub volatility_factor: f64,
    /// Correlation of all pairs of assets.
    pub correlation: f64,
    /// The loss of the reverse stress test, USD; `None`: [`LOSE_FRAC`] of the value held.
    pub lose_usd: Option<f64>,
}

/// The part of the value held whose loss is looked for where nobody says how much.
pub const LOSE_FRAC: f64 = 0.1;

impl Default for Settings {
    fn default() -> Self {
        Self {
            episodes: Vec::new(),
            map: Vec::new(),
            spot_moves: vec![-0.5, -0.3, -0.2, -0.1, 0.1, 0.2, 0.3, 0.5, 1.0],
            basis_moves: vec![-0.05, 0.0, 0.05],
            slow_move: 0.3,
            slow_days: 7.0,
            funding_days: 30.0,
            funding_per_8h: None,
            maintenance_factor: 2.0,
            volatility_factor: 2.0,
            correlation: 0.5,
            lose_usd: None,
        }
    }
}

/// A setting that cannot be: which, what it is, what is allowed.
#[derive(Debug, Clone, PartialEq)]
pub struct BadSetting {
    /// Name of the setting as the command line has it, without dashes.
    pub name: &'static str,
    /// Its value.
    pub value: f64,
    /// What is allowed.
    pub allowed: &'static str,
}

/// The largest move up, a fraction: a price a hundred times as high.
const LARGEST_MOVE: f64 = 99.0;

/// The largest move of `ln(F/S)`: more than any perpetual's last price was ever off its index.
const LARGEST_BASIS: f64 = 0.5;

impl Settings {
    /// Checks every number.
    ///
    /// # Errors
    /// The first one that cannot be.
    pub fn check(&self) -> Result<(), BadSetting> {
        let fail = |name, value, allowed| {
            Err(BadSetting {
                name,
                value,
                allowed,
            })
        };
        for &value in &self.spot_moves {
            if !(value > -1.0 && value <= LARGEST_MOVE) {
                return fail("spot-moves", value, "above -100 % and up to 9900 %");
            }
        }
        for &value in &self.basis_moves {
            if !(-LARGEST_BASIS..=LARGEST_BASIS).contains(&value) {
                return fail("basis-moves", value, "from -50 % to 50 %");
            }
        }
        let between = |value: f64, low: f64, high: f64| value > low && value <= high;
        if !between(self.slow_move, 0.0, 0.99) {
            return fail("slow-move", self.slow_move, "above 0 and up to 99 %");
        }
        if !between(self.slow_days, 0.0, 3_650.0) {
            return fail("slow-days", self.slow_days, "above 0 and up to 3650");
        }
        if !between(self.funding_days, 0.0, 3_650.0) {
            return fail("funding-days", self.funding_days, "above 0 and up to 3650");
        }
        if let Some(rate) = self.funding_per_8h
            && !between(rate, 0.0, 0.05)
        {
            return fail(
                "funding-rate",
                rate,
                "above 0 and up to 5 % per 8 h; it is paid, whichever side pays",
            );
        }
        if !between(self.maintenance_factor, 0.0, 100.0) {
            return fail(
                "maintenance-factor",
                self.maintenance_factor,
                "above 0 and up to 100",
            );
        }
        if !between(self.volatility_factor, 0.0, 10.0) {
            return fail("vol-factor", self.volatility_factor, "above 0 and up to 10");
        }
        if !(-1.0..=1.0).contains(&self.correlation) {
            return fail("correlation", self.correlation, "from -1 to 1");
        }
        if let Some(usd) = self.lose_usd
            && !(usd > 0.0 && usd.is_finite())
        {
            return fail("lose", usd, "an amount above 0 in USD");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Makes a setting impossible.
    type Spoil = fn(&mut Settings);

    #[test]
    fn each_number_has_its_range() {
        assert_eq!(Settings::default().check(), Ok(()));
        let cases: [(&str, Spoil); 10] = [
            ("spot-moves", |s| s.spot_moves.push(-1.0)),
            ("basis-moves", |s| s.basis_moves.push(f64::NAN)),
            ("slow-move", |s| s.slow_move = 1.0),
            ("slow-days", |s| s.slow_days = 0.0),
            ("funding-days", |s| s.funding_days = f64::INFINITY),
            ("funding-rate", |s| s.funding_per_8h = Some(-0.01)),
            ("maintenance-factor", |s| s.maintenance_factor = 0.0),
            ("vol-factor", |s| s.volatility_factor = 11.0),
            ("correlation", |s| s.correlation = 1.1),
            ("lose", |s| s.lose_usd = Some(0.0)),
        ];
        for (name, spoil) in cases {
            let mut settings = Settings::default();
            spoil(&mut settings);
            assert_eq!(settings.check().unwrap_err().name, name);
        }
    }
}
