//! Where one path stands at a step's end, for whoever follows it.

use crate::ledger::book::crossing::level;
use crate::ledger::book::margin::future_margin;
use crate::ledger::book::rules::BookRules;
use crate::ledger::book::series::Series;
use crate::ledger::book::state::State;
use crate::market::tile::MarketTile;

/// One path at the end of a step, after its events.
#[derive(Debug, Clone, PartialEq)]
pub struct BookStanding {
    /// Inventory of each holding as planned, base units; coins that were lost or sold early are not taken off.
    pub inventory_base: Vec<f64>,
    /// Of each holding, coins sold early that the plan has not sold since.
    pub sold_early_base: Vec<f64>,
    /// Each hedge.
    pub hedges: Vec<HedgeStanding>,
    /// Each account.
    pub accounts: Vec<AccountStanding>,
    /// Funding received so far by all hedges, USD.
    pub funding_usd: f64,
}

/// One hedge. Sizes are positive short, in base units, those of an inverse contract at its mark.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HedgeStanding {
    /// Actual size.
    pub short_base: f64,
    /// Planned size.
    pub planned_base: f64,
    /// Mark of its contract, or value of its option, USD.
    pub mark_usd: f64,
    /// Index of the contract that it is in.
    pub contract: usize,
    /// Mark that liquidates it where nothing else is in its account, USD; infinite if none does or if there is more.
    pub liquidation_price_usd: f64,
}

/// One account, in its currency unless said.
#[derive(Debug, Clone, PartialEq)]
pub struct AccountStanding {
    /// Equity.
    pub equity: f64,
    /// Maintenance margin.
    pub maintenance_margin: f64,
    /// Value of a unit of its currency, USD.
    pub rate_usd: f64,
    /// Cash outside the venue, USD.
    pub reserve_usd: f64,
    /// Money under way, USD.
    pub in_flight_usd: f64,
    /// What is drawn from its credit lines, USD.
    pub credit_usd: f64,
    /// Coins at the venue beside the balance, as the plan lists them; empty for an account kept in a coin.
    pub coins_base: Vec<f64>,
}

/// Prices of one path at one moment.
struct Moment<'a> {
    step: usize,
    /// Price of a unit of each leg.
    unit: &'a dyn Fn(usize) -> f64,
    option_margin: &'a dyn Fn(usize) -> f64,
    spot_usd: &'a dyn Fn(usize) -> f64,
    funding_usd: &'a dyn Fn() -> f64,
}

/// Where a lane stands after the events of step `k` of a tile.
pub(super) fn standing(
    rules: &BookRules,
    state: &State,
    series: &Series,
    tile: &MarketTile,
    k: usize,
    lane: usize,
) -> BookStanding {
    let step = tile.first_step + k + 1;
    let moment = Moment {
        step,
        unit: &|l| {
            let contract = rules.legs[l].contract;
            if rules.contracts[contract].is_rolled(step) {
                series.unit_after(contract, k, lane)
            } else {
                series.unit_at_end(tile, contract, k)[lane]
            }
        },
        option_margin: &|l| series.option_margin(rules.legs[l].contract, k + 1)[0][lane],
        spot_usd: &|asset| tile.spot_usd[asset][k][lane],
        funding_usd: &|| {
            let legs = rules.legs.iter().enumerate();
            legs.map(|(l, leg)| {
                let sums = series.sums(rules, tile, leg.contract, k, lane);
                let turnover = &state.legs[lane * rules.legs.len() + l].actual;
                // At the horizon the size is kept apart.
                let size = if step == rules.steps {
                    state.legs[lane * rules.legs.len() + l].final_size
                } else {
                    state.hot.size[l][lane]
                };
                size * sums.funding_usd - turnover.funding_usd
            })
            .sum()
        },
    };
    at(rules, state, lane, &moment)
}

/// Where a lane stands at time 0.
pub(super) fn standing_at_start(rules: &BookRules, state: &State, lane: usize) -> BookStanding {
    let quotes =
        |l: usize| crate::ledger::book::opening::initial_quote(rules, rules.legs[l].contract);
    let moment = Moment {
        step: 0,
        unit: &|l| crate::ledger::book::opening::initial_unit(rules, rules.legs[l].contract),
        option_margin: &|l| quotes(l).map_or(0.0, |quote| quote.maintenance),
        spot_usd: &|asset| rules.initial_spots_usd[asset],
        funding_usd: &|| 0.0,
    };
    at(rules, state, lane, &moment)
}

fn at(rules: &BookRules, state: &State, lane: usize, moment: &Moment<'_>) -> BookStanding {
    let hot = &state.hot;
    let holdings = 0..rules.holdings.len();
    let hedges = rules.hedges.iter().enumerate().map(|(h, hedge)| {
        let l = match hedge.alternative {
            Some(alternative) if hot.switched[h][lane] != 0.0 => alternative,
            _ => hedge.leg,
        };
        let leg = &rules.legs[l];
        let contract = &rules.contracts[leg.contract];
        let unit = (moment.unit)(l);
        let spot_usd = (moment.spot_usd)(contract.underlying);
        let (scale, mark_usd) = match (contract.is_inverse, leg.is_option) {
            (false, _) => (1.0, unit),
            (true, false) => (-unit, 1.0 / unit),
            (true, true) => (1.0, unit * spot_usd),
        };
        HedgeStanding {
            short_base: hot.size[l][lane] * scale,
            planned_base: hot.planned[l][lane] * scale,
            mark_usd,
            contract: leg.contract,
            liquidation_price_usd: liquidation_price_usd(rules, state, lane, l),
        }
    });
    let accounts = rules.accounts.iter().enumerate().map(|(a, account)| {
        let mut equity = hot.cash[a][lane];
        let mut maintenance_margin = 0.0;
        for &l in &account.legs {
            let (size, unit) = (hot.size[l][lane], (moment.unit)(l));
            equity -= size * unit;
            if rules.legs[l].is_option {
                maintenance_margin += size.max(0.0) * (moment.option_margin)(l);
            } else {
                let contract = &rules.contracts[rules.legs[l].contract];
                maintenance_margin += future_margin(contract, size, unit, hot.entry[l][lane]).0;
            }
        }
        if account.coin.is_none() {
            for s in account.slots.clone() {
                equity += hot.counted[s][lane] * (moment.spot_usd)(rules.slots[s].asset);
            }
        }
        let rate_usd = account.coin.map_or(1.0, |asset| (moment.spot_usd)(asset));
        let cold = &state.accounts[lane * rules.accounts.len() + a];
        AccountStanding {
            equity,
            maintenance_margin,
            rate_usd,
            reserve_usd: cold.reserve_usd,
            in_flight_usd: cold.in_flight_usd + cold.in_flight_coins * rate_usd,
            credit_usd: account
                .credits
                .clone()
                .map(|c| state.credits[lane * rules.credits.len() + c].drawn_usd)
                .sum(),
            coins_base: account
                .slots
                .clone()
                .filter(|_| account.coin.is_none())
                .map(|s| state.slots[lane * rules.slots.len() + s].coins)
                .collect(),
        }
    });
    BookStanding {
        inventory_base: holdings
            .map(|j| rules.schedule.after_base(j, moment.step))
            .collect(),
        sold_early_base: (0..rules.holdings.len())
            .map(|j| state.holdings[lane * rules.holdings.len() + j].early_base)
            .collect(),
        hedges: hedges.collect(),
        accounts: accounts.collect(),
        funding_usd: (moment.funding_usd)(),
    }
}

/// Mark that liquidates a leg whose account holds nothing else that moves.
fn liquidation_price_usd(rules: &BookRules, state: &State, lane: usize, l: usize) -> f64 {
    let leg = &rules.legs[l];
    let account = &rules.accounts[leg.account];
    let hot = &state.hot;
    let size = hot.size[l][lane];
    let is_alone = account
        .legs
        .iter()
        .all(|&other| other == l || hot.size[other][lane] == 0.0)
        && (account.coin.is_some() || account.slots.clone().all(|s| hot.counted[s][lane] == 0.0));
    if size == 0.0 || leg.is_option || !is_alone {
        return f64::INFINITY;
    }
    let contract = &rules.contracts[leg.contract];
    let unit = level(
        contract,
        hot.cash[leg.account][lane],
        size,
        hot.entry[l][lane],
    );
    if contract.is_inverse {
        1.0 / unit
    } else {
        unit
    }
}
