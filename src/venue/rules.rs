//! What a venue fixes for one contract: margin brackets, fees, liquidation procedure.

/// How far beyond a bracket's cap, relative to it, a notional is there by rounding alone.
const CAP_ROUNDING: f64 = 1e-12;

/// A venue's rules for one contract.
#[derive(Debug, Clone, PartialEq)]
pub struct ContractRules {
    /// Brackets by notional, ascending and without holes, at least one.
    pub brackets: Vec<MarginBracket>,
    /// Maker fee, a fraction of notional.
    pub maker_fee_frac: f64,
    /// Taker fee, a fraction of notional.
    pub taker_fee_frac: f64,
    /// Liquidation fee, a fraction of the notional at the worsened fill (no taker fee on top).
    pub liquidation_fee_frac: f64,
    /// Whether the liquidation fee counts in the trigger.
    pub fee_in_trigger: bool,
    /// What happens to what is left after a liquidation.
    pub remainder: Remainder,
    /// Fee of a dated future's or an option's settlement, a fraction of notional.
    pub delivery_fee_frac: f64,
    /// At which price an inverse position's maintenance margin is worked out.
    pub maintenance_at: MaintenanceAt,
}

/// At which price an inverse position's coin notional is taken for its maintenance margin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaintenanceAt {
    /// The mark.
    Mark,
    /// The entry price.
    Entry,
}

/// One margin bracket: notional above `floor_usd` up to and including `cap_usd`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MarginBracket {
    /// Notional where the bracket begins.
    pub floor_usd: f64,
    /// Notional where it ends; infinite for a last bracket without a cap.
    pub cap_usd: f64,
    /// Maintenance margin rate.
    pub rate: f64,
    /// `MM(N) = N rate - deduction_usd`, continuous across brackets.
    pub deduction_usd: f64,
    /// Leverage cap; `None`: the initial margin is the maintenance margin.
    pub max_leverage: Option<f64>,
}

/// What the venue does with the equity left after a liquidation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remainder {
    /// It goes back to the customer.
    Returned,
    /// The insurance fund keeps it.
    Forfeited,
}

impl MarginBracket {
    /// Whether a notional above 0 stands in this bracket.
    #[inline]
    pub fn holds(&self, notional_usd: f64) -> bool {
        self.floor_usd < notional_usd && notional_usd <= self.cap_usd
    }
}

impl ContractRules {
    /// Maintenance margin of a notional, USD. Beyond the last bracket its rate is kept.
    pub fn maintenance_margin_usd(&self, notional_usd: f64) -> f64 {
        let bracket = &self.brackets[self.bracket_index(notional_usd)];
        notional_usd * bracket.rate - bracket.deduction_usd
    }

    /// The bracket (counted from 0) in which a notional stands; the last one beyond the cap.
    ///
    /// Initial margin jumps at a cap, and a position that was cut to it must not ask for the next bracket's by rounding.
    pub fn bracket_index(&self, notional_usd: f64) -> usize {
        self.brackets
            .iter()
            .position(|b| notional_usd <= b.cap_usd * (1.0 + CAP_ROUNDING))
            .unwrap_or(self.brackets.len() - 1)
    }

    /// [`Self::bracket_index`], looked for from a bracket near it.
    pub fn bracket_index_near(&self, near: usize, notional_usd: f64) -> usize {
        let holds = |b: &MarginBracket| notional_usd <= b.cap_usd * (1.0 + CAP_ROUNDING);
        let mut index = near.min(self.brackets.len() - 1);
        while index > 0 && holds(&self.brackets[index - 1]) {
            index -= 1;
        }
        while index + 1 < self.brackets.len() && !holds(&self.brackets[index]) {
            index += 1;
        }
        index
    }

    /// The bracket in which a notional stands; the last one beyond the cap.
    pub fn bracket(&self, notional_usd: f64) -> &MarginBracket {
        &self.brackets[self.bracket_index(notional_usd)]
    }

    /// Initial margin of a notional, USD: notional over the bracket's leverage cap.
    pub fn initial_margin_usd(&self, notional_usd: f64) -> f64 {
        match self.brackets[self.bracket_index(notional_usd)].max_leverage {
            Some(leverage) => notional_usd / leverage,
            None => self.maintenance_margin_usd(notional_usd),
        }
    }

    /// The largest notional that an equity can open, USD: initial margin covered and no bracket's cap passed.
    pub fn largest_notional_usd(&self, equity_usd: f64) -> f64 {
        if equity_usd <= 0.0 {
            return 0.0;
        }
        let mut largest_usd: f64 = 0.0;
        for b in &self.brackets {
            let affordable_usd = match b.max_leverage {
                Some(leverage) => equity_usd * leverage,
                None if b.rate > 0.0 => (equity_usd + b.deduction_usd) / b.rate,
                None => f64::INFINITY,
            };
            let notional_usd = affordable_usd.min(b.cap_usd);
            if notional_usd > b.floor_usd {
                largest_usd = largest_usd.max(notional_usd);
            }
        }
        largest_usd
    }

    /// Largest position the venue takes, USD.
    pub fn position_cap_usd(&self) -> f64 {
        self.brackets[self.brackets.len() - 1].cap_usd
    }

    /// Rate that the trigger adds to the maintenance margin.
    pub fn trigger_fee_frac(&self) -> f64 {
        if self.fee_in_trigger {
            self.liquidation_fee_frac
        } else {
            0.0
        }
    }

    /// The mark at which a short is liquidated, USD per base unit; infinite if never.
    ///
    /// `cash_usd` is `balance + q E`, so that equity at mark `F` is `cash_usd - q F`. The level solves
    /// `equity = MM(q F) + trigger fee * q F`; `MM` is convex, so it is the smallest of the brackets' own levels.
    pub fn liquidation_price_usd(&self, cash_usd: f64, short_base: f64) -> f64 {
        let fee = self.trigger_fee_frac();
        let mut least_usd = cash_usd / (short_base * (1.0 + fee));
        for b in &self.brackets {
            let level_usd = (cash_usd + b.deduction_usd) / (short_base * (1.0 + b.rate + fee));
            least_usd = least_usd.min(level_usd);
            // Lines of higher brackets rule beyond this one's cap only: they meet equity later than this one does.
            if level_usd * short_base <= b.cap_usd * (1.0 - 1e-9) {
                break;
            }
        }
        least_usd
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these values are exact")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Rules with the given rates and floors, deductions by continuity, leverage caps `1 / (2 rate)`.
    fn tiers(floors_and_rates: &[(f64, f64)], fee_frac: f64) -> ContractRules {
        let mut brackets: Vec<MarginBracket> = Vec::new();
        for (i, &(floor_usd, rate)) in floors_and_rates.iter().enumerate() {
            let deduction_usd = brackets
                .last()
                .map_or(0.0, |low| low.deduction_usd + floor_usd * (rate - low.rate));
            brackets.push(MarginBracket {
                floor_usd,
                cap_usd: floors_and_rates
                    .get(i + 1)
                    .map_or(f64::INFINITY, |next| next.0),
                rate,
                deduction_usd,
                max_leverage: Some(0.5 / rate),
            });
        }
        ContractRules {
            brackets,
            maker_fee_frac: 0.0,
            taker_fee_frac: 0.0,
            liquidation_fee_frac: fee_frac,
            fee_in_trigger: fee_frac > 0.0,
            remainder: Remainder::Returned,
            delivery_fee_frac: 0.0,
            maintenance_at: MaintenanceAt::Mark,
        }
    }

    #[test]
    fn a_bracket_is_the_same_from_wherever_it_is_looked_for() {
        let rules = tiers(
            &[(0.0, 0.004), (5e4, 0.005), (6e5, 0.01), (3e6, 0.025)],
            0.0,
        );
        let last = rules.brackets.len() - 1;
        let at_caps = rules.brackets[..last].iter().flat_map(|b| {
            let cap_usd = b.cap_usd;
            [0.999, 1.0, 1.0 + CAP_ROUNDING, 1.001].map(|factor| factor * cap_usd)
        });
        for notional_usd in at_caps.chain([0.0, 1e9, f64::INFINITY, f64::NAN]) {
            let expected = rules.bracket_index(notional_usd);
            for near in 0..=last + 1 {
                let found = rules.bracket_index_near(near, notional_usd);
                assert_eq!(found, expected, "{notional_usd} from {near}");
            }
        }
    }

    fn level_over_entry(leverage: f64, maintenance: f64, fee_frac: f64) -> f64 {
        let rules = tiers(&[(0.0, maintenance)], fee_frac);
        let (short_base, entry_usd) = (3.0, 100.0);
        let cash_usd = short_base * entry_usd * (1.0 + 1.0 / leverage);
        rules.liquidation_price_usd(cash_usd, short_base) / entry_usd
    }

    /// `R = (1 + 1/L) / (1 + mm)` of a linear short, with the fee of a trigger `/ (1 + mm + f)`.
    #[test]
    fn one_bracket_gives_the_closed_form_of_the_liquidation_price() {
        for (leverage, published) in [
            (2.0, 1.492_537_313_43),
            (3.0, 1.326_699_834_16),
            (5.0, 1.194_029_850_75),
            (10.0, 1.094_527_363_18),
        ] {
            assert!((level_over_entry(leverage, 0.005, 0.0) - published).abs() < 1e-11);
            let with_fee = (1.0 + 1.0 / leverage) / (1.0 + 0.005 + 0.012);
            assert!((level_over_entry(leverage, 0.005, 0.012) - with_fee).abs() < 1e-14);
        }
        // Without maintenance the level is the bankruptcy price.
        let rules = ContractRules {
            brackets: vec![MarginBracket {
                rate: 0.0,
                max_leverage: None,
                ..tiers(&[(0.0, 0.1)], 0.0).brackets[0]
            }],
            ..tiers(&[(0.0, 0.1)], 0.0)
        };
        assert_eq!(rules.liquidation_price_usd(150.0, 1.0), 150.0);
        // A fee outside the trigger does not move the level.
        let outside = ContractRules {
            fee_in_trigger: false,
            ..tiers(&[(0.0, 0.005)], 0.012)
        };
        assert_eq!(
            outside.liquidation_price_usd(120.0, 1.0),
            tiers(&[(0.0, 0.005)], 0.0).liquidation_price_usd(120.0, 1.0)
        );
    }

    #[test]
    fn a_notional_on_the_edge_stands_in_the_lower_bracket() {
        let rules = tiers(&[(0.0, 0.01), (100.0, 0.02), (500.0, 0.1)], 0.0);
        let places: Vec<_> = [0.0, 100.0, 100.5, 500.0, 501.0, 1e9]
            .map(|n| rules.bracket_index(n))
            .into();
        assert_eq!(places, [0, 0, 1, 1, 2, 2]);
        for notional_usd in [100.0, 100.5, 500.0, 501.0, 1e9] {
            assert!(rules.bracket(notional_usd).holds(notional_usd));
        }
        assert_eq!(rules.initial_margin_usd(100.0), 2.0);
        assert_eq!(rules.initial_margin_usd(200.0), 8.0);
        // 100 at 1 %, 400 at 2 %, 100 at 10 %.
        assert!((rules.maintenance_margin_usd(600.0) - 19.0).abs() < 1e-12);
    }

    #[test]
    fn beyond_the_last_cap_its_rate_is_kept() {
        let mut rules = tiers(&[(0.0, 0.01), (100.0, 0.02)], 0.0);
        rules.brackets[1].cap_usd = 500.0;
        assert_eq!(rules.position_cap_usd(), 500.0);
        assert!((rules.maintenance_margin_usd(1_000.0) - 19.0).abs() < 1e-12);
        assert_eq!(rules.bracket_index(1_000.0), 1);
        assert_eq!(rules.largest_notional_usd(1e6), 500.0);
    }

    #[test]
    fn a_bracket_without_leverage_cap_asks_its_maintenance() {
        let mut rules = tiers(&[(0.0, 0.01), (100.0, 0.02)], 0.0);
        for bracket in &mut rules.brackets {
            bracket.max_leverage = None;
        }
        assert!((rules.initial_margin_usd(200.0) - 3.0).abs() < 1e-12);
        assert!((rules.largest_notional_usd(3.0) - 200.0).abs() < 1e-9);
        assert_eq!(rules.largest_notional_usd(0.0), 0.0);
    }

    prop_compose! {
        /// One to five brackets with rising floors and rates.
        fn any_tiers()(
            steps in proptest::collection::vec((1e3..1e6_f64, 0.001..0.08_f64), 1..6),
            fee_frac in prop_oneof![Just(0.0), 0.0..0.03_f64],
        ) -> ContractRules {
            let mut floor_usd = 0.0;
            let mut rate = 0.0;
            let mut floors_and_rates = Vec::new();
            for (width_usd, rise) in steps {
                rate += rise;
                floors_and_rates.push((floor_usd, rate));
                floor_usd += width_usd;
            }
            tiers(&floors_and_rates, fee_frac)
        }
    }

    proptest! {
        /// At the level equity is the bracketed maintenance requirement at that mark, to rounding.
        #[test]
        fn equity_at_the_level_is_the_requirement(
            rules in any_tiers(), short_base in 0.1..1e4_f64, entry_usd in 0.1..1e4_f64, margin_frac in 0.01..2.0_f64,
        ) {
            let cash_usd = short_base * entry_usd * (1.0 + margin_frac);
            let level_usd = rules.liquidation_price_usd(cash_usd, short_base);
            let notional_usd = short_base * level_usd;
            let required_usd = rules.maintenance_margin_usd(notional_usd) + rules.trigger_fee_frac() * notional_usd;
            prop_assert!((cash_usd - notional_usd - required_usd).abs() <= 1e-12 * cash_usd);
        }

        /// Maintenance margin is that of the bracket in which the notional stands.
        #[test]
        fn maintenance_is_that_of_the_own_bracket(rules in any_tiers(), notional_usd in 0.0..1e7_f64) {
            let own = rules.brackets[rules.bracket_index(notional_usd)];
            prop_assert!(own.floor_usd <= notional_usd && notional_usd <= own.cap_usd);
            let own_usd = notional_usd * own.rate - own.deduction_usd;
            prop_assert!((rules.maintenance_margin_usd(notional_usd) - own_usd).abs() <= 1e-12 * notional_usd);
        }

        /// The largest notional can be opened, and nothing larger on a fine grid can.
        #[test]
        fn the_largest_notional_is_the_supremum_of_what_can_be_opened(rules in any_tiers(), equity_usd in 1.0..1e6_f64) {
            let largest_usd = rules.largest_notional_usd(equity_usd);
            prop_assert!(rules.initial_margin_usd(largest_usd * (1.0 - 1e-12)) <= equity_usd * (1.0 + 1e-12));
            let upper_usd = 1.5 * rules.brackets[0].max_leverage.unwrap() * equity_usd;
            for i in 1..=2_000 {
                let notional_usd = upper_usd * f64::from(i) / 2_000.0;
                if notional_usd > largest_usd * (1.0 + 1e-12) {
                    prop_assert!(rules.initial_margin_usd(notional_usd) > equity_usd);
                }
            }
        }
    }
}
