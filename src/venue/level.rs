//! Liquidation prices of any position: long and short, linear and inverse, with coins as collateral.

use crate::venue::rules::{ContractRules, MaintenanceAt};

/// An account with one open position, as a function of one price `x`: equity is `cash + exposure x`, the notional
/// `size x`, all in the account's currency.
///
/// For a linear contract `x` is the mark in USD per base unit, for an inverse one its inverse in base units per USD.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standing {
    /// Equity at `x = 0`; may be negative.
    pub cash: f64,
    /// Equity gained per unit of `x`.
    pub exposure: f64,
    /// Notional per unit of `x`, above 0.
    pub size: f64,
}

/// The prices between which an account stays open.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OpenRange {
    /// It is liquidated at this price and below it; 0 or less if that never happens.
    pub lowest: f64,
    /// It is liquidated at this price and above it; infinite if that never happens.
    pub highest: f64,
}

impl OpenRange {
    /// The prices whose inverses lie in this range.
    #[must_use]
    pub fn inverted(self) -> Self {
        Self {
            lowest: 1.0 / self.highest,
            highest: if self.lowest > 0.0 {
                1.0 / self.lowest
            } else {
                f64::INFINITY
            },
        }
    }

    /// Whether there is no price at which the account stays open.
    pub fn is_empty(&self) -> bool {
        self.lowest >= self.highest
    }
}

impl Standing {
    /// A linear position in an account kept in USD.
    ///
    /// `balance_usd` is the balance without unrealised profit, `short_base` the size (negative is long), `entry_usd` its
    /// price per base unit, `coins_base` coins of the underlying in the account after their haircut.
    pub fn linear(balance_usd: f64, short_base: f64, entry_usd: f64, coins_base: f64) -> Self {
        Self {
            cash: short_base.mul_add(entry_usd, balance_usd),
            exposure: coins_base - short_base,
            size: short_base.abs(),
        }
    }

    /// An inverse position in an account kept in its coin, at the inverse price.
    ///
    /// `balance_base` is the balance in coins without unrealised profit, `short_usd` the contracts sold (negative is
    /// long), `entry_usd` their price per coin.
    pub fn inverse(balance_base: f64, short_usd: f64, entry_usd: f64) -> Self {
        Self {
            cash: balance_base - short_usd / entry_usd,
            exposure: short_usd,
            size: short_usd.abs(),
        }
    }
}

impl ContractRules {
    /// Where a standing stays open: `equity > MM(size x) + trigger fee * size x`.
    ///
    /// `MM` is the largest of the brackets' own lines, so that equity less the requirement is the least of as many lines
    /// in `x`, and each of them bounds the range on one side.
    pub fn open_range(&self, standing: Standing) -> OpenRange {
        let fee = self.trigger_fee_frac();
        let lines = self
            .brackets
            .iter()
            .map(|bracket| (bracket.rate, bracket.deduction_usd));
        range_of(standing, fee, lines)
    }

    /// The same where maintenance margin and trigger fee are fixed, in the account's currency: a venue that takes them of the
    /// entry.
    pub fn open_range_at_fixed_margin(&self, standing: Standing, maintenance: f64) -> OpenRange {
        range_of(standing, 0.0, [(0.0, -maintenance)])
    }

    /// The marks between which a linear position stays open, USD per base unit; arguments as of [`Standing::linear`].
    ///
    /// A short has a highest mark, a long a lowest one; coins beyond a short's size turn that round.
    pub fn linear_open_marks_usd(
        &self,
        balance_usd: f64,
        short_base: f64,
        entry_usd: f64,
        coins_base: f64,
    ) -> OpenRange {
        let standing = Standing::linear(balance_usd, short_base, entry_usd, coins_base);
        self.open_range(standing)
    }

    /// The marks between which an inverse position stays open, USD per base unit; arguments as of [`Standing::inverse`].
    ///
    /// A short whose coins are worth all of its contracts is never liquidated: the highest mark is infinite.
    pub fn inverse_open_marks_usd(
        &self,
        balance_base: f64,
        short_usd: f64,
        entry_usd: f64,
    ) -> OpenRange {
        let standing = Standing::inverse(balance_base, short_usd, entry_usd);
        let inverse = match self.maintenance_at {
            MaintenanceAt::Mark => self.open_range(standing),
            MaintenanceAt::Entry => {
                let notional = standing.size / entry_usd;
                let at_entry =
                    self.maintenance_margin_usd(notional) + self.trigger_fee_frac() * notional;
                self.open_range_at_fixed_margin(standing, at_entry)
            }
        };
        inverse.inverted()
    }
}

/// `x` where every line `cash + deduction + (exposure - (rate + fee) size) x` is above 0.
fn range_of(
    standing: Standing,
    fee: f64,
    lines: impl IntoIterator<Item = (f64, f64)>,
) -> OpenRange {
    let mut range = OpenRange {
        lowest: 0.0,
        highest: f64::INFINITY,
    };
    for (rate, deduction) in lines {
        let slope = (rate + fee).mul_add(-standing.size, standing.exposure);
        let at_zero = standing.cash + deduction;
        if slope > 0.0 {
            range.lowest = range.lowest.max(-at_zero / slope);
        } else if slope < 0.0 {
            range.highest = range.highest.min(at_zero / -slope);
        } else if at_zero <= 0.0 {
            range.highest = 0.0;
        }
    }
    range
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::venue::rules::{MarginBracket, Remainder};

    fn flat(rate: f64, maintenance_at: MaintenanceAt) -> ContractRules {
        ContractRules {
            brackets: vec![MarginBracket {
                floor_usd: 0.0,
                cap_usd: f64::INFINITY,
                rate,
                deduction_usd: 0.0,
                max_leverage: None,
            }],
            maker_fee_frac: 0.0,
            taker_fee_frac: 0.0,
            liquidation_fee_frac: 0.0,
            fee_in_trigger: false,
            remainder: Remainder::Returned,
            delivery_fee_frac: 0.0,
            maintenance_at,
        }
    }

    const MARK: MaintenanceAt = MaintenanceAt::Mark;
    const ENTRY: MaintenanceAt = MaintenanceAt::Entry;

    /// `F_liq / F_0` of an inverse position of 1,000 USD at 100, `sign` +1 for a short.
    fn inverse_over_entry(
        leverage: f64,
        maintenance: f64,
        at: MaintenanceAt,
        sign: f64,
    ) -> OpenRange {
        let (short_usd, entry_usd) = (1_000.0 * sign, 100.0);
        let balance_base = 1_000.0 / entry_usd / leverage;
        let range =
            flat(maintenance, at).inverse_open_marks_usd(balance_base, short_usd, entry_usd);
        OpenRange {
            lowest: range.lowest / entry_usd,
            highest: range.highest / entry_usd,
        }
    }

    fn linear_over_entry(leverage: f64, maintenance: f64, sign: f64) -> OpenRange {
        let (short_base, entry_usd) = (3.0 * sign, 100.0);
        let balance_usd = 3.0 * entry_usd / leverage;
        let range =
            flat(maintenance, MARK).linear_open_marks_usd(balance_usd, short_base, entry_usd, 0.0);
        OpenRange {
            lowest: range.lowest / entry_usd,
            highest: range.highest / entry_usd,
        }
    }

    /// Barriers of a short as first passage, maintenance 0.5 %: linear `(1 + 1/L) / (1 + mm)`; inverse
    /// `(1 - mm) / (1 - 1/L)` on the current coin value, `1 / (1 - 1/L + mm)` on the entry's.
    #[test]
    fn shorts_have_the_seven_published_levels() {
        for (leverage, published) in [
            (2.0, 1.492_537_313_43),
            (3.0, 1.326_699_834_16),
            (5.0, 1.194_029_850_75),
            (10.0, 1.094_527_363_18),
        ] {
            let range = linear_over_entry(leverage, 0.005, 1.0);
            assert!((range.highest - published).abs() < 1e-9, "{leverage}");
            assert!(range.lowest <= 0.0);
        }
        for (leverage, at, published) in [
            (2.0, MARK, 1.99),
            (5.0, MARK, 1.243_75),
            (5.0, ENTRY, 1.242_236_024_84),
        ] {
            let range = inverse_over_entry(leverage, 0.005, at, 1.0);
            assert!(
                (range.highest - published).abs() < 1e-9,
                "{leverage} {at:?}"
            );
            assert!(range.lowest <= 0.0);
        }
    }

    /// `(1 - 1/L) / (1 - mm)`, `(1 + mm) / (1 + 1/L)`, `1 / (1 + 1/L - mm)`.
    #[test]
    fn longs_have_a_lowest_mark() {
        let linear = linear_over_entry(5.0, 0.005, -1.0);
        assert!((linear.lowest - 0.804_020_100_50).abs() < 1e-9);
        assert!(linear.highest.is_infinite());
        let current = inverse_over_entry(5.0, 0.005, MARK, -1.0);
        assert!((current.lowest - 1.005 / 1.2).abs() < 1e-12);
        assert!(current.highest.is_infinite());
        let entry = inverse_over_entry(5.0, 0.005, ENTRY, -1.0);
        assert!((entry.lowest - 1.0 / 1.195).abs() < 1e-12);
        // Half the notional as margin, one half percent to keep: published for both kinds of contracts.
        assert!((linear_over_entry(2.0, 0.005, -1.0).lowest - 0.502_5).abs() < 1e-4);
        assert!((inverse_over_entry(2.0, 0.005, MARK, -1.0).lowest - 0.670).abs() < 1e-4);
    }

    /// An inverse short at 1x is a synthetic dollar.
    #[test]
    fn an_inverse_short_at_one_time_is_never_liquidated() {
        for leverage in [1.0, 0.8] {
            let range = inverse_over_entry(leverage, 0.005, MARK, 1.0);
            assert!(range.highest.is_infinite(), "{leverage}");
            assert!(range.lowest <= 0.0 && !range.is_empty());
        }
        // With its margin worked out at the entry it is, at 1 / mm: the coins it must hold do not shrink with the mark.
        assert!((inverse_over_entry(1.0, 0.005, ENTRY, 1.0).highest - 200.0).abs() < 1e-9);
    }

    /// `(q F_0 + M) / (q (1 + mm) - a C)`, never if `a C >= q (1 + mm)`.
    #[test]
    fn coins_as_collateral_move_the_level_and_take_it_away() {
        let level = |rate, balance_usd, coins_base| {
            flat(rate, MARK).linear_open_marks_usd(balance_usd, 1.0, 100.0, coins_base)
        };
        let range = level(0.005, 10.0, 0.9 * 0.5);
        assert!((range.highest - 198.198_198_198).abs() < 1e-9);
        let range = level(0.01, 10.0, 0.95 * 1.1);
        assert!(range.highest.is_infinite() && range.lowest <= 0.0);
        // More coins than the short and a debt in USD: it is the fall that hurts.
        let range = level(0.0, -150.0, 2.0);
        assert!((range.lowest - 50.0).abs() < 1e-12 && range.highest.is_infinite());
        // A position without a line above 0 anywhere.
        assert!(level(0.0, -200.0, 1.0).is_empty());
    }

    #[test]
    fn the_fee_of_a_trigger_counts() {
        let mut rules = flat(0.005, MARK);
        rules.liquidation_fee_frac = 0.012;
        rules.fee_in_trigger = true;
        let range = rules.linear_open_marks_usd(20.0, 1.0, 100.0, 0.0);
        assert!((range.highest - 120.0 / 1.017).abs() < 1e-12);
        let range = rules.inverse_open_marks_usd(0.2, 100.0, 100.0);
        assert!((range.highest - 100.0 * (1.0 - 0.017) / 0.8).abs() < 1e-9);
    }

    prop_compose! {
        /// One to five brackets with rising floors and rates, continuous.
        fn any_rules()(
            steps in proptest::collection::vec((1e2..1e5_f64, 0.001..0.08_f64), 1..6),
            fee_frac in prop_oneof![Just(0.0), 0.0..0.03_f64],
        ) -> ContractRules {
            let mut rules = flat(0.0, MARK);
            rules.brackets.clear();
            let (mut floor_usd, mut rate, mut deduction_usd) = (0.0, 0.0, 0.0);
            for (width, rise) in steps {
                rate += rise;
                if floor_usd > 0.0 {
                    deduction_usd += floor_usd * rise;
                }
                rules.brackets.push(MarginBracket {
                    floor_usd, cap_usd: floor_usd + width, rate, deduction_usd, max_leverage: None,
                });
                floor_usd += width;
            }
            rules.liquidation_fee_frac = fee_frac;
            rules.fee_in_trigger = true;
            rules
        }
    }

    proptest! {
        /// At a level that there is, equity is the bracketed requirement at that mark.
        #[test]
        fn equity_at_a_level_is_the_requirement(
            rules in any_rules(), size in 0.1..1e3_f64, is_short: bool, entry_usd in 1.0..1e3_f64, margin_frac in 0.01..1.5_f64,
        ) {
            let short_base = if is_short { size } else { -size };
            let balance_usd = margin_frac * size * entry_usd;
            let required = |notional: f64| rules.maintenance_margin_usd(notional) + rules.trigger_fee_frac() * notional;
            let linear = rules.linear_open_marks_usd(balance_usd, short_base, entry_usd, 0.0);
            for mark_usd in [linear.lowest, linear.highest] {
                if mark_usd > 0.0 && mark_usd.is_finite() {
                    let equity_usd = balance_usd + short_base * (entry_usd - mark_usd);
                    prop_assert!((equity_usd - required(size * mark_usd)).abs() <= 1e-9 * size * (entry_usd + mark_usd));
                }
            }
            let short_usd = short_base * entry_usd;
            let balance_base = margin_frac * size;
            let inverse = rules.inverse_open_marks_usd(balance_base, short_usd, entry_usd);
            for mark_usd in [inverse.lowest, inverse.highest] {
                if mark_usd > 0.0 && mark_usd.is_finite() {
                    let equity_base = balance_base + short_usd * (1.0 / mark_usd - 1.0 / entry_usd);
                    let needed = required(short_usd.abs() / mark_usd);
                    prop_assert!((equity_base - needed).abs() <= 1e-9 * short_usd.abs() * (1.0 / mark_usd + 1.0 / entry_usd));
                }
            }
        }

        /// The level of a linear short is that of the fast way, to rounding.
        #[test]
        fn a_linear_shorts_level_is_that_of_the_lanes(
            rules in any_rules(), short_base in 0.1..1e3_f64, entry_usd in 1.0..1e3_f64, margin_frac in 0.01..1.5_f64,
        ) {
            let balance_usd = margin_frac * short_base * entry_usd;
            let range = rules.linear_open_marks_usd(balance_usd, short_base, entry_usd, 0.0);
            let fast_usd = rules.liquidation_price_usd(balance_usd + short_base * entry_usd, short_base);
            // The fast way also bounds the level by bankruptcy.
            prop_assert!((range.highest / fast_usd - 1.0).abs() < 1e-12);
        }
    }
}
