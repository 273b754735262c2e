//! A market that is told instead of drawn: the same tiles, filled from scripts of prices, basis and funding.
//!
//! Nothing in it is random. What a script leaves alone goes on as the plan's market would without noise: a basis reverts to its mean, a
//! dated future converges, funding follows its rule.

use crate::market::dated::DatedModel;
use crate::market::funding::FundingModel;
use crate::market::model::{MarketModel, MarketState};
use crate::market::tile::{MarketTile, TileJump};
use crate::math::vector::exp;
use crate::outcome::table::LANES;
use crate::plan::types::{ContractKind, Expiry, OuBasis, Plan};

/// What one path's market does.
#[derive(Debug, Clone, PartialEq)]
pub struct Script {
    /// Spot at the end of each step, USD; shape `[assets][steps + 1]`, index 0 is time 0 and the plan's.
    pub spot_usd: Vec<Vec<f64>>,
    /// Moves of a spot at one moment inside a step; they are part of that step's move in [`Self::spot_usd`].
    pub jumps: Vec<ScriptedJump>,
    /// What is added to a perpetual's `ln(F/S)`, or to a dated future's carry per year, at the end of each step; shape `[contracts][steps + 1]`,
    /// 0 at time 0. An option's is not read.
    pub shift: Vec<Vec<f64>>,
    /// Funding rate per 8 hours of a stamp at the end of each step, a fraction of mark notional, positive when longs pay shorts; NaN: by the
    /// contract's own rule. Shape `[contracts][steps + 1]`, index 0 unused.
    pub funding_per_8h: Vec<Vec<f64>>,
    /// Factor on what trades cost beside fees in each step, and on the slippage of a liquidation, >= 1; shape `[steps + 1]`, index 0 unused.
    pub cost_factor: Vec<f64>,
}

/// A jump of one asset on a scripted path.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScriptedJump {
    /// The step in which it falls, counted from 1.
    pub step: usize,
    /// Asset that jumps.
    pub asset: usize,
    /// Moment inside the step, as a fraction of it, in (0, 1].
    pub time_frac: f64,
    /// Jump of the log price.
    pub log_size: f64,
}

impl Script {
    /// Prices that stand still, nothing told.
    pub fn still(plan: &Plan) -> Self {
        let steps = plan.simulation.steps as usize;
        let contracts = plan.market.contracts.len();
        let assets = plan.market.assets.iter();
        Self {
            spot_usd: assets
                .map(|asset| vec![asset.spot_usd; steps + 1])
                .collect(),
            jumps: Vec::new(),
            shift: vec![vec![0.0; steps + 1]; contracts],
            funding_per_8h: vec![vec![f64::NAN; steps + 1]; contracts],
            cost_factor: vec![1.0; steps + 1],
        }
    }

    /// Moves `ln(F/S)` of every future by `log_move` of the step, at whose end it stands so. A dated future that has expired is the spot. One
    /// that rolls at a step's end moves by as much of its carry as moves the next one by `log_move`: its own mark then moves by less.
    pub fn move_basis(&mut self, plan: &Plan, log_move: impl Fn(usize) -> f64) {
        let steps = plan.simulation.steps as usize;
        let step_years = plan.simulation.step_years();
        for (shift, contract) in self.shift.iter_mut().zip(&plan.market.contracts) {
            let dated = match &contract.kind {
                ContractKind::Perpetual { .. } => None,
                ContractKind::Dated(dated) => Some(dated),
                ContractKind::Option(_) => continue,
            };
            let chain = dated.map(|dated| (dated, DatedModel::new(dated, steps, step_years)));
            for (step, shift) in shift.iter_mut().enumerate().skip(1) {
                *shift = match &chain {
                    None => log_move(step),
                    Some((dated, model)) => {
                        let rolls = |expiry: &Expiry| {
                            expiry.roll_step.is_some_and(|roll| roll as usize == step)
                        };
                        let rolled = dated.expiries.iter().position(rolls);
                        let next = rolled.and_then(|rolled| dated.expiries.get(rolled + 1));
                        let next_years = next.map_or(0.0, |e| e.years - step as f64 * step_years);
                        let tenor_years = model.tenor_years(step).max(next_years);
                        if tenor_years > 0.0 {
                            log_move(step) / tenor_years
                        } else {
                            0.0
                        }
                    }
                };
            }
        }
    }
}

/// The plan without anything random in its market: no volatility, drift or jumps, and processes that only revert.
pub fn without_noise(plan: &Plan) -> Plan {
    let mut plan = plan.clone();
    for asset in &mut plan.market.assets {
        asset.volatility_annual = 0.0;
        asset.drift_annual = 0.0;
        asset.jumps = None;
    }
    for contract in &mut plan.market.contracts {
        if let Some(process) = contract.process_mut() {
            process.volatility_annual = 0.0;
        }
    }
    plan
}

/// The scripted market of a plan.
#[derive(Debug, Clone)]
pub struct ScriptedMarket {
    model: MarketModel,
    initial_usd: Vec<f64>,
    contracts: Vec<ScriptedContract>,
    step_years: f64,
}

#[derive(Debug, Clone)]
struct ScriptedContract {
    underlying: usize,
    process: OuBasis,
    dated: Option<DatedModel>,
    funding: FundingModel,
    /// Whether its mark is the spot, whatever the script says.
    is_option: bool,
}

impl ScriptedMarket {
    /// The market of a plan whose noise, if it has any, is left out.
    pub fn new(plan: &Plan) -> Self {
        let plan = without_noise(plan);
        let steps = plan.simulation.steps as usize;
        let step_years = plan.simulation.step_years();
        let contracts = plan.market.contracts.iter();
        Self {
            model: MarketModel::new(&plan),
            initial_usd: plan.market.assets.iter().map(|a| a.spot_usd).collect(),
            contracts: contracts
                .map(|contract| ScriptedContract {
                    underlying: contract.underlying,
                    process: contract.process().copied().unwrap_or(OuBasis::NONE),
                    dated: contract
                        .dated()
                        .map(|dated| DatedModel::new(dated, steps, step_years)),
                    funding: FundingModel::new(&contract.funding()),
                    is_option: contract.option().is_some(),
                })
                .collect(),
            step_years,
        }
    }

    /// The market without noise under the scripts: what ledgers are made for.
    pub fn model(&self) -> &MarketModel {
        &self.model
    }

    /// Fills `tile` with the next steps of the scripts, one a lane; lanes without a script stand still. Returns false after the last step.
    ///
    /// `state` and `tile` were set to time 0 by [`MarketModel::start`] of [`Self::model`].
    ///
    /// # Panics
    /// If there are more scripts than lanes, or a script is shorter than the simulation.
    pub fn advance(
        &self,
        scripts: &[Script],
        state: &mut MarketState,
        tile: &mut MarketTile,
    ) -> bool {
        assert!(scripts.len() <= LANES, "a lane for each script");
        if !self.model.advance(state, tile) {
            return false;
        }
        for (lane, script) in scripts.iter().enumerate() {
            for c in 0..self.contracts.len() {
                self.tell_contract(c, lane, script, tile);
            }
            for k in 0..tile.steps {
                tile.cost_factor[k][lane] = script.cost_factor[tile.first_step + k + 1];
            }
            for (spots, told) in tile.spot_usd.iter_mut().zip(&script.spot_usd) {
                for k in 0..tile.steps {
                    spots[k][lane] = told[tile.first_step + k + 1];
                }
            }
            let ahead = script.jumps.iter();
            for jump in ahead.filter(|jump| jump.step > tile.first_step) {
                let step = jump.step - tile.first_step - 1;
                if step < tile.steps {
                    tile.jumps.push(TileJump {
                        step,
                        asset: jump.asset,
                        lane,
                        time_frac: jump.time_frac,
                        log_size: jump.log_size,
                    });
                }
            }
        }
        tile.sort_jumps();
        true
    }

    /// Marks, carry and funding of one contract on one lane. The tile still holds the marks at spots that stand still.
    fn tell_contract(&self, c: usize, lane: usize, script: &Script, tile: &mut MarketTile) {
        let contract = &self.contracts[c];
        let initial_usd = self.initial_usd[contract.underlying];
        let (shift, told) = (&script.shift[c], &script.spot_usd[contract.underlying]);
        for k in 0..tile.steps {
            let step = tile.first_step + k + 1;
            let mark_usd = &mut tile.mark_usd[c][k + 1][lane];
            if contract.is_option {
                *mark_usd = told[step];
                continue;
            }
            // Without a basis the ratio is 1 to the last bit, and the mark is the spot.
            *mark_usd = told[step] * (*mark_usd / initial_usd);
            if shift[step] != 0.0 {
                let years = contract.dated.as_ref().map(|dated| dated.tenor_years(step));
                *mark_usd *= exp(shift[step] * years.unwrap_or(1.0));
                tile.carry[c][k + 1][lane] += shift[step];
            }
            if tile.is_stamp[c][k] {
                let rate = contract.told_rate(script, c, step, self.step_years);
                if let Some(rate) = rate {
                    tile.funding_rate[c][k][lane] = rate;
                }
            }
        }
    }
}

impl ScriptedContract {
    /// Rate per interval of the stamp at the end of `step` where the script has a say in it.
    fn told_rate(&self, script: &Script, c: usize, step: usize, step_years: f64) -> Option<f64> {
        let per_8h = script.funding_per_8h[c][step];
        let formula = match self.funding {
            FundingModel::None => return None,
            // A constant rate is of 8 hours.
            FundingModel::Constant { rate, .. } => {
                return Some(if per_8h.is_nan() { rate } else { per_8h });
            }
            FundingModel::Premium(formula) => formula,
        };
        if !per_8h.is_nan() {
            return Some(per_8h * formula.interval_factor);
        }
        let shift = &script.shift[c];
        let steps = step - formula.interval_steps..=step;
        if steps.clone().all(|step| shift[step] == 0.0) {
            return None;
        }
        // The average of straight lines between the steps' ends.
        let basis = |step: usize| {
            let reverted = exp(-self.process.reversion_per_year * step as f64 * step_years);
            let (mean, initial) = (self.process.mean, self.process.initial);
            mean + (initial - mean) * reverted + shift[step]
        };
        let halves = steps.map(|at| {
            let is_end = at == step || at + formula.interval_steps == step;
            basis(at) * if is_end { 0.5 } else { 1.0 }
        });
        let average = halves.sum::<f64>() / formula.interval_steps as f64;
        Some(formula.rate(average * formula.interval_factor))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hedge::fixture::eth_treasury;
    use crate::market::tile::TILE_STEPS;
    use crate::plan::types::DatedPlan;

    /// Marks, carries and rates of lane 1 at the end of each step of contract 0.
    fn told(plan: &Plan, script: &Script) -> Vec<[f64; 3]> {
        let market = ScriptedMarket::new(plan);
        let (mut state, mut tile) = (market.model().state(), market.model().tile());
        market.model().start(&mut state, &mut tile, 0);
        let scripts = [Script::still(plan), script.clone()];
        let mut found = Vec::new();
        while market.advance(&scripts, &mut state, &mut tile) {
            for k in 0..tile.steps {
                let mark_usd = tile.mark_usd[0][k + 1][1];
                // A tile begins where the one before it ended, on every lane.
                if k == 0 && !found.is_empty() {
                    let last: &[f64; 3] = &found[found.len() - 1];
                    assert_eq!(tile.mark_usd[0][0][1].to_bits(), last[0].to_bits());
                }
                found.push([
                    mark_usd,
                    tile.carry[0][k + 1][1],
                    tile.funding_rate[0][k][1],
                ]);
            }
        }
        found
    }

    fn near(found: f64, expected: f64) {
        assert!(
            (found - expected).abs() <= 1e-12 * expected.abs().max(1e-3),
            "{found} is not {expected}"
        );
    }

    #[test]
    fn a_perpetual_stands_at_its_basis_beside_the_told_price() {
        let mut plan = eth_treasury();
        plan.simulation.steps = 2 * u32::try_from(TILE_STEPS).unwrap() + 3;
        let mut script = Script::still(&plan);
        for (step, spot_usd) in script.spot_usd[0].iter_mut().enumerate() {
            *spot_usd = 3_500.0 + step as f64;
        }
        script.shift[0][9] = 0.01;
        script.funding_per_8h[0][12] = -0.002;
        let found = told(&plan, &script);
        assert_eq!(found.len(), 19);
        // The usual basis of 2 bps stays where it is; its funding is the interest of 1 bp.
        near(found[0][0], 3_501.0 * 2e-4_f64.exp());
        near(found[0][2], 1e-4);
        near(found[8][0], 3_509.0 * (0.01 + 2e-4_f64).exp());
        near(found[9][0], 3_510.0 * 2e-4_f64.exp());
        // The average premium of the two steps beside the shift is 0.52 %, less the damper, over the cap.
        near(found[8][2], 37.5e-4);
        near(found[9][2], 37.5e-4);
        near(found[10][2], 1e-4);
        near(found[11][2], -0.002);
    }

    #[test]
    fn a_future_stands_at_its_carry_and_is_the_spot_at_its_expiry() {
        let mut plan = eth_treasury();
        plan.simulation.steps = 12;
        let step_years = plan.simulation.step_years();
        plan.market.contracts[0].kind = ContractKind::Dated(DatedPlan {
            carry: OuBasis {
                mean: 0.05,
                initial: 0.05,
                ..OuBasis::NONE
            },
            slope_per_year: 0.0,
            expiries: vec![Expiry {
                years: 10.0 * step_years,
                step: 10,
                roll_step: None,
            }],
        });
        let mut script = Script::still(&plan);
        script.shift[0][4] = 0.5;
        script.shift[0][10] = 0.5;
        let found = told(&plan, &script);
        near(found[3][0], 3_500.0 * (0.55 * 6.0 * step_years).exp());
        near(found[3][1], 0.55);
        near(found[4][0], 3_500.0 * (0.05 * 5.0 * step_years).exp());
        assert_eq!(found[9][0].to_bits(), 3_500.0_f64.to_bits());
    }
}
