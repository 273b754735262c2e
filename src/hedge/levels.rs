//! Marks at which an account is liquidated, called or bankrupt, with several positions and coins in it.
//!
//! The mark of one hedge moves, and with it in proportion everything in its account that stands on the same underlying: its
//! spot, the marks of other futures, options (at today's time to expiry) and coins. What stands on other assets stays.

use crate::hedge::legs::{Positions, is_inverse, margined_notional};
use crate::plan::types::SettlementCurrency;
use crate::venue::level::{OpenRange, Standing};
use crate::venue::rules::MarginBracket;

/// Step of the logarithm in which a level is looked for where there is no closed form; two crossings within one are not seen.
const SCAN: f64 = 1.0 / 256.0;

/// The farthest that is looked, in steps: some 17 million times the mark. A level beyond counts as none.
const FARTHEST: u32 = 4_250;

/// Bisections of a step of the scan: to the last digit.
const BISECTIONS: u32 = 60;

/// What an account has to hold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Requirement {
    /// More than maintenance margin and trigger fee.
    Liquidation,
    /// A margin ratio below this level.
    Call(f64),
    /// An equity above 0.
    Bankruptcy,
}

/// Levels around a mark; `None`: there is none on that side, or none that is nearer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Levels {
    /// The nearer one.
    pub(crate) nearest_usd: Option<f64>,
    /// The one on the other side, if there are two.
    pub(crate) other_usd: Option<f64>,
}

impl Levels {
    fn of(range: OpenRange, mark_usd: f64) -> Self {
        if range.is_empty() || range.highest <= 0.0 {
            return Self {
                nearest_usd: Some(mark_usd),
                other_usd: None,
            };
        }
        let low = (range.lowest > 0.0).then_some(range.lowest);
        let high = range.highest.is_finite().then_some(range.highest);
        let distance = |level: f64| (level / mark_usd).ln().abs();
        let is_passed = |level: Option<f64>| level.is_some_and(|low_usd| low_usd >= mark_usd);
        let low_first = match (low, high) {
            (Some(l), Some(h)) => is_passed(low) || (h > mark_usd && distance(l) < distance(h)),
            (Some(_), None) => true,
            (None, _) => false,
        };
        let (nearest_usd, other_usd) = if low_first { (low, high) } else { (high, low) };
        Self {
            nearest_usd,
            other_usd,
        }
    }
}

impl Positions<'_> {
    /// The mark of a hedge's contract at time 0; of an option the spot of its underlying. USD per base unit.
    pub(crate) fn mark_usd(&self, h: usize) -> f64 {
        let contract = &self.plan.market.contracts[self.plan.hedges[h].contract];
        let spot_usd = self.plan.market.assets[contract.underlying].spot_usd;
        spot_usd * contract.initial_basis().exp()
    }

    /// Levels of a hedge's mark with `more_usd` more in its account, at what a unit of its currency is worth now.
    pub(crate) fn levels(&self, h: usize, requirement: Requirement, more_usd: f64) -> Levels {
        let a = self.plan.hedges[h].account;
        if !self.is_open(a) {
            return Levels {
                nearest_usd: None,
                other_usd: None,
            };
        }
        let more = more_usd / self.accounts[a].rate_usd;
        let range = if self.is_alone(h) {
            self.closed_form(h, requirement, more)
        } else {
            self.searched(h, requirement, more)
        };
        Levels::of(range, self.mark_usd(h))
    }

    /// Whether a hedge is a future that has its account for itself.
    fn is_alone(&self, h: usize) -> bool {
        let hedge = &self.plan.hedges[h];
        let contract = &self.plan.market.contracts[hedge.contract];
        contract.option().is_none()
            && self.legs[h].size != 0.0
            && self.accounts[hedge.account]
                .hedges
                .iter()
                .all(|&other| other == h || self.legs[other].size == 0.0)
    }

    fn closed_form(&self, h: usize, requirement: Requirement, more: f64) -> OpenRange {
        let hedge = &self.plan.hedges[h];
        let contract = &self.plan.market.contracts[hedge.contract];
        let (leg, account) = (&self.legs[h], &self.accounts[hedge.account]);
        let mut standing = Standing {
            cash: account.cash + more,
            exposure: -leg.size,
            size: leg.size.abs(),
        };
        for &(asset, coins) in &account.counted {
            let spot_usd = self.plan.market.assets[asset].spot_usd;
            if asset == contract.underlying {
                standing.exposure += coins * spot_usd / self.mark_usd(h);
            } else {
                standing.cash += coins * spot_usd;
            }
        }
        let mut rules = contract.rules.clone();
        match requirement {
            Requirement::Liquidation => {}
            Requirement::Call(level) => {
                rules.fee_in_trigger = false;
                standing.cash *= level;
                standing.exposure *= level;
            }
            Requirement::Bankruptcy => {
                rules.fee_in_trigger = false;
                rules.brackets = vec![MarginBracket {
                    floor_usd: 0.0,
                    cap_usd: f64::INFINITY,
                    rate: 0.0,
                    deduction_usd: 0.0,
                    max_leverage: None,
                }];
            }
        }
        let at_entry = margined_notional(leg, contract, f64::NAN);
        let range = if at_entry.is_nan() {
            rules.open_range(standing)
        } else {
            {
                let margin =
                    rules.maintenance_margin_usd(at_entry) + rules.trigger_fee_frac() * at_entry;
                rules.open_range_at_fixed_margin(standing, margin)
            }
        };
        if is_inverse(contract) {
            range.inverted()
        } else {
            range
        }
    }

    fn searched(&self, h: usize, requirement: Requirement, more: f64) -> OpenRange {
        let hedge = &self.plan.hedges[h];
        let underlying = self.plan.market.contracts[hedge.contract].underlying;
        let room = |factor: f64| {
            let margin = self.margin(hedge.account, underlying, factor);
            let equity = margin.equity + more;
            match requirement {
                Requirement::Liquidation => equity - margin.maintenance - margin.trigger_fee,
                Requirement::Call(level) => level * equity - margin.maintenance,
                Requirement::Bankruptcy => equity,
            }
        };
        let mark_usd = self.mark_usd(h);
        if room(1.0) <= 0.0 {
            return OpenRange {
                lowest: mark_usd,
                highest: mark_usd,
            };
        }
        OpenRange {
            lowest: first_without_room(&room, -SCAN).map_or(0.0, |factor| mark_usd * factor),
            highest: first_without_room(&room, SCAN)
                .map_or(f64::INFINITY, |factor| mark_usd * factor),
        }
    }

    /// What moves with a hedge's mark: the other contracts of its account on its underlying, and its coins.
    pub(crate) fn moves_together(&self, h: usize) -> Vec<String> {
        let plan = self.plan;
        let hedge = &plan.hedges[h];
        let underlying = plan.market.contracts[hedge.contract].underlying;
        let account = &self.accounts[hedge.account];
        let mut names: Vec<String> = Vec::new();
        for &other in &account.hedges {
            let contract = &plan.market.contracts[plan.hedges[other].contract];
            let is_there = self.legs[other].size != 0.0 && contract.underlying == underlying;
            if other != h && is_there && !names.contains(&contract.name) {
                names.push(contract.name.clone());
            }
        }
        let coin = plan.accounts[hedge.account].settlement != SettlementCurrency::Usd;
        let counted = account
            .counted
            .iter()
            .any(|&(asset, _)| asset == underlying);
        if coin || counted {
            names.push(format!("{} coins", plan.market.assets[underlying].name));
        }
        names
    }
}

/// The first factor from 1 on, in steps of its logarithm, at which there is no room.
fn first_without_room(room: &dyn Fn(f64) -> f64, step: f64) -> Option<f64> {
    let at = |n: u32| f64::from(n) * step;
    let first = (1..=FARTHEST).find(|&n| room(at(n).exp()) <= 0.0)?;
    let (mut inside, mut outside) = (at(first - 1), at(first));
    for _ in 0..BISECTIONS {
        let middle = 0.5 * (inside + outside);
        if room(middle.exp()) <= 0.0 {
            outside = middle;
        } else {
            inside = middle;
        }
    }
    Some(outside.exp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hedge::fixture::eth_treasury;
    use crate::hedge::glance::glance;
    use crate::plan::types::{HedgePlan, MarginMode, Plan, Position};

    /// Two halves of the same short in one account.
    fn in_halves() -> Plan {
        let mut plan = eth_treasury();
        plan.accounts[0].mode = MarginMode::Cross;
        plan.hedges[0].hedge_ratio = 0.5;
        // Brackets are of each position: so that halves ask as much as the whole, one bracket.
        let rules = &mut plan.market.contracts[0].rules;
        rules.brackets.truncate(1);
        rules.brackets[0].cap_usd = f64::INFINITY;
        plan.hedges.push(HedgePlan { ..plan.hedges[0] });
        plan
    }

    fn near(found: Option<f64>, expected: Option<f64>) {
        let (found, expected) = (found.unwrap(), expected.unwrap());
        assert!((found / expected - 1.0).abs() < 1e-12, "{found} {expected}");
    }

    #[test]
    fn what_is_searched_is_what_the_closed_form_says() {
        let halves = in_halves();
        let mut whole = halves.clone();
        whole.hedges.truncate(1);
        whole.hedges[0].hedge_ratio = 1.0;
        assert!(whole.is_plain() && !halves.is_plain());
        let (one, two) = (glance(&whole).remove(0), glance(&halves).remove(1));
        near(two.liquidation_price_usd, one.liquidation_price_usd);
        near(two.bankruptcy_price_usd, one.bankruptcy_price_usd);
        near(two.margin_call_price_usd, one.margin_call_price_usd);
        near(
            two.liquidation_price_with_reserve_usd,
            one.liquidation_price_with_reserve_usd,
        );
        near(two.margin_ratio, one.margin_ratio);
        near(Some(2.0 * two.exit_cost_usd), Some(one.exit_cost_usd));
        near(
            Some(2.0 * two.expected_funding_usd),
            Some(one.expected_funding_usd),
        );
    }

    #[test]
    fn positions_that_offset_each_other_are_never_liquidated() {
        let mut plan = in_halves();
        plan.hedges[1].position = Position::Long;
        plan.accounts[0].collateral_usd = 1e9;
        let hedges = glance(&plan);
        // Nothing is lost on either side; maintenance margin alone grows with the mark.
        let level_usd = hedges[0].liquidation_price_usd.unwrap();
        assert!(level_usd > 100.0 * hedges[0].mark_usd, "{level_usd}");
        assert!(hedges[0].bankruptcy_price_usd.is_none());
    }

    #[test]
    fn the_nearer_of_two_levels_comes_first() {
        let range = OpenRange {
            lowest: 80.0,
            highest: 150.0,
        };
        let levels = Levels::of(range, 100.0);
        assert_eq!(
            (levels.nearest_usd, levels.other_usd),
            (Some(80.0), Some(150.0))
        );
        let levels = Levels::of(range, 140.0);
        assert_eq!(
            (levels.nearest_usd, levels.other_usd),
            (Some(150.0), Some(80.0))
        );
        // Beyond a level already.
        assert_eq!(Levels::of(range, 160.0).nearest_usd, Some(150.0));
        assert_eq!(Levels::of(range, 70.0).nearest_usd, Some(80.0));
        let never = OpenRange {
            lowest: 0.0,
            highest: f64::INFINITY,
        };
        assert_eq!(Levels::of(never, 100.0).nearest_usd, None);
    }
}
