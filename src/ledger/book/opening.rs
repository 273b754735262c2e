//! Time 0: what is in the accounts, and the trades that open the hedges.

use crate::ledger::book::option_quote::{
    OptionQuote, option_deviation, option_initial_margin, quote,
};
use crate::ledger::book::policies::{Decision, OptionDeltas, target_size};
use crate::ledger::book::rules::BookRules;
use crate::ledger::book::series::Sums;
use crate::ledger::book::state::{
    AccountState, CreditState, HoldingState, Hot, LegState, NEVER, Order, PathState, Shape,
    SlotState, State, Turnover,
};
use crate::ledger::book::trading::{Conditions, Purpose, costs, new_entry};
use crate::ledger::trades::is_short_of;
use crate::outcome::table::LANES;
use crate::plan::types::{Follows, OpenedHedge, OrderStyle, Plan, Rebalance};

/// One leg at time 0.
struct LegOpening {
    unit: f64,
    taken: f64,
    entry: f64,
    /// What the plan wants in the end.
    target: f64,
    /// What it trades to at time 0.
    planned: f64,
    parts_left: u32,
}

/// Price of a unit of a contract at time 0.
pub(super) fn initial_unit(rules: &BookRules, contract: usize) -> f64 {
    let rule = &rules.contracts[contract];
    initial_quote(rules, contract).map_or_else(
        || rule.unit_price(rule.initial_mark_usd),
        |quote| quote.unit,
    )
}

/// An option at time 0; `None` of a future.
pub(super) fn initial_quote(rules: &BookRules, contract: usize) -> Option<OptionQuote> {
    let rule = &rules.contracts[contract];
    let option = rule.option()?;
    let spot_usd = rules.initial_spots_usd[rule.underlying];
    let deviation = option_deviation(option, 0.0, rules.step_years);
    Some(quote(option, rule.is_inverse, spot_usd, deviation))
}

impl LegOpening {
    fn new(plan: &Plan, rules: &BookRules, l: usize) -> Self {
        let leg = &rules.legs[l];
        let hedge = &rules.hedges[leg.hedge];
        let plan_hedge = &plan.hedges[leg.hedge];
        let contract = &rules.contracts[leg.contract];
        let unit = initial_unit(rules, leg.contract);
        let is_inverse_future = contract.is_inverse && !leg.is_option;
        let is_flat = hedge.alternative == Some(l) || plan_hedge.is_absent();
        let (taken, entry) = match plan_hedge.opened {
            Some(OpenedHedge {
                price_usd,
                quantity_base,
            }) if !is_flat => {
                let short_base = hedge.sign * quantity_base;
                if is_inverse_future {
                    (-short_base * price_usd, 1.0 / price_usd)
                } else {
                    (short_base, price_usd)
                }
            }
            _ => (0.0, unit),
        };
        let spot_usd = rules.initial_spots_usd[hedge.held];
        let underlying_usd = rules.initial_spots_usd[hedge.underlying];
        let (followed_base, _) = rules.schedule.followed(hedge.holding, hedge.follows, 0);
        let options = if hedge.delta_band().is_some() {
            option_deltas(plan, rules, leg.hedge)
        } else {
            OptionDeltas::default()
        };
        let decision = Decision {
            followed_base,
            spot_usd,
            underlying_usd,
            options,
        };
        let exposure_usd = followed_base * spot_usd;
        let wants_trade = !is_flat
            && match (plan_hedge.opened, hedge.rebalance) {
                (None, _) | (Some(_), Rebalance::Every { .. }) => true,
                (Some(_), Rebalance::Never) => false,
                (Some(opened), Rebalance::Band { width } | Rebalance::DeltaBand { width }) => {
                    let quantity_base = if is_inverse_future {
                        opened.quantity_base * opened.price_usd * unit
                    } else {
                        opened.quantity_base
                    };
                    let short_base = hedge.sign * quantity_base + options.short_base;
                    let ratio = short_base * underlying_usd / exposure_usd;
                    (ratio - hedge.sign * hedge.hedge_ratio).abs() > width
                }
            };
        let target = if wants_trade {
            target_size(rules, hedge, l, unit, &decision)
        } else {
            taken
        };
        let parts = match hedge.order.style {
            OrderStyle::Twap { parts } if wants_trade && !leg.is_option => parts,
            _ => 1,
        };
        let planned = if parts > 1 {
            taken + (target - taken) / f64::from(parts)
        } else {
            target
        };
        Self {
            unit,
            taken,
            entry,
            target,
            planned,
            parts_left: parts - 1,
        }
    }

    /// Initial margin of a size.
    fn initial_margin(&self, rules: &BookRules, l: usize, size: f64) -> f64 {
        let contract = &rules.contracts[rules.legs[l].contract];
        if let Some(option) = contract.option() {
            let spot_usd = rules.initial_spots_usd[contract.underlying];
            size.max(0.0) * option_initial_margin(option, contract.is_inverse, spot_usd, self.unit)
        } else {
            let price = if contract.margins_entry {
                new_entry(self.taken, self.entry, size, self.unit)
            } else {
                self.unit
            };
            contract.venue.initial_margin_usd(size.abs() * price)
        }
    }
}

/// What the options on a hedge's holding do at time 0, base units of the hedge's underlying.
fn option_deltas(plan: &Plan, rules: &BookRules, h: usize) -> OptionDeltas {
    let hedge = &rules.hedges[h];
    let mut deltas = OptionDeltas::default();
    for &o in &hedge.option_legs {
        let contract = rules.legs[o].contract;
        if let Some(quote) = initial_quote(rules, contract) {
            let spot_usd = rules.initial_spots_usd[rules.contracts[contract].underlying];
            let prices = spot_usd / rules.initial_spots_usd[hedge.underlying];
            deltas.add(
                LegOpening::new(plan, rules, o).planned * prices,
                quote.delta,
            );
        }
    }
    deltas
}

/// Everything at time 0, on every path alike; also fills in what the rules keep of it.
pub(super) fn open(plan: &Plan, rules: &mut BookRules) -> State {
    {
        let legs: Vec<LegOpening> = (0..rules.legs.len())
            .map(|l| LegOpening::new(plan, rules, l))
            .collect();
        let mut state = empty(rules);
        let mut path = fresh_path();
        post(rules, &mut state, &mut path);
        // Positions that are on already: their profit is part of the account's value now.
        let mut required_usd = 0.0;
        for a in 0..rules.accounts.len() {
            let rate_usd = rules.initial_rate_usd(a);
            let mut value = state.hot.cash[a][0] + state.hot.beyond[a][0];
            let mut need = 0.0;
            for &l in &rules.accounts[a].legs.clone() {
                let leg = &legs[l];
                state.hot.cash[a] = [state.hot.cash[a][0] + leg.taken * leg.entry; LANES];
                state.hot.planned_cash[a] =
                    [state.hot.planned_cash[a][0] + leg.taken * leg.entry; LANES];
                let unrealised = leg.taken * (leg.entry - leg.unit);
                value += unrealised;
                let is_opened = leg.taken != 0.0;
                let first = if is_opened { leg.taken } else { leg.planned };
                need += leg.initial_margin(rules, l, first) - unrealised;
                if rules.legs[l].is_option {
                    // What is bought is paid in money.
                    need += (leg.taken - leg.planned).max(0.0) * leg.unit;
                }
            }
            rules.accounts[a].initial_value_usd = value * rate_usd;
            required_usd += need * rate_usd;
        }
        set_initial_wealth(rules, &state);
        // Options first, then new futures, then the trades of hedges that are on already: these are cut to what margin
        // is left beside the others.
        let mut order: Vec<usize> = (0..legs.len()).collect();
        order.sort_by_key(|&l| (!rules.legs[l].is_option, legs[l].taken != 0.0));
        for (done, &l) in order.iter().enumerate() {
            open_leg(rules, &legs, l, &order[..done], &mut state, &mut path);
        }
        state.hot.required_usd = [if rules.is_hedged { required_usd } else { 0.0 }; LANES];
        spread(rules, &mut state, path);
        state
    }
}

/// Trades one leg at time 0.
fn open_leg(
    rules: &BookRules,
    legs: &[LegOpening],
    l: usize,
    done: &[usize],
    state: &mut State,
    path: &mut PathState,
) {
    let rule = &rules.legs[l];
    let (a, leg) = (rule.account, &legs[l]);
    let contract = &rules.contracts[rule.contract];
    let conditions = Conditions {
        rate_usd: rules.initial_rate_usd(a),
        spot_usd: rules.initial_spots_usd[contract.underlying],
        multiplier: 1.0,
    };
    let planned_costs = costs(rules, l, leg.planned - leg.taken, leg.unit, &conditions);
    // An opening trade that the account cannot margin was refused before; a trade on top of an open hedge is cut.
    let mut held = leg.planned;
    if leg.taken != 0.0 && held.abs() > leg.taken.abs() {
        let allowed = largest_size(rules, legs, l, done, state).max(leg.taken.abs());
        if is_short_of(allowed, held.abs()) {
            held = allowed.copysign(held);
            path.cut_trades += 1;
        }
    }
    let held_costs = costs(rules, l, held - leg.taken, leg.unit, &conditions);
    let hot = &mut state.hot;
    let sums = Sums::at_start(rules, rule.contract, leg.unit);
    hot.size[l] = [held; LANES];
    hot.planned[l] = [leg.planned; LANES];
    hot.entry[l] = [new_entry(leg.taken, leg.entry, held, leg.unit); LANES];
    hot.planned_entry[l] = [new_entry(leg.taken, leg.entry, leg.planned, leg.unit); LANES];
    let (traded, traded_plan) = (held - leg.taken, leg.planned - leg.taken);
    hot.cash[a] = [hot.cash[a][0] + traded * leg.unit - held_costs.sum(); LANES];
    hot.planned_cash[a] =
        [hot.planned_cash[a][0] + traded_plan * leg.unit - planned_costs.sum(); LANES];
    let (fee_usd, away_usd) = (
        held_costs.fee * conditions.rate_usd,
        held_costs.away * conditions.rate_usd,
    );
    path.fees_usd -= fee_usd;
    path.slippage_usd -= away_usd;
    path.costs_usd[Purpose::Entry as usize] += fee_usd + away_usd;
    let state = &mut state.legs[l];
    state.costs_usd = fee_usd + away_usd;
    state.actual.add(held, &sums);
    state.planned.add(leg.planned, &sums);
    if let Some(dated) = rules.contracts[rule.contract].dated() {
        state.entry_carry = dated.carry.initial;
    }
    state.order = Order {
        target: leg.target,
        parts_left: leg.parts_left,
        is_entry: true,
    };
}

/// Largest size, without sign, that a leg's account can margin beside its other legs as they are opened so far.
fn largest_size(
    rules: &BookRules,
    legs: &[LegOpening],
    l: usize,
    done: &[usize],
    state: &State,
) -> f64 {
    let a = rules.legs[l].account;
    let hot = &state.hot;
    let mut free = hot.cash[a][0];
    for &other in &rules.accounts[a].legs {
        // Those that are not open yet are as they were taken.
        let size = if done.contains(&other) {
            hot.size[other][0]
        } else {
            legs[other].taken
        };
        free -= size * legs[other].unit;
        if other != l && size != 0.0 {
            free -= legs[other].initial_margin(rules, other, size);
        }
    }
    if rules.accounts[a].coin.is_none() {
        for s in rules.accounts[a].slots.clone() {
            free += hot.counted[s][0] * rules.initial_spots_usd[rules.slots[s].asset];
        }
    }
    let contract = &rules.contracts[rules.legs[l].contract];
    let allowed = contract.venue.largest_notional_usd(free);
    let leg = &legs[l];
    if contract.margins_entry {
        leg.taken.abs() + (allowed - leg.taken.abs() * leg.entry) / leg.unit
    } else {
        allowed / leg.unit
    }
}

/// Puts collateral and coins into the accounts.
fn post(rules: &BookRules, state: &mut State, path: &mut PathState) {
    for (a, account) in rules.accounts.iter().enumerate() {
        let rate_usd = rules.initial_rate_usd(a);
        let mut posted_usd = account.collateral_usd;
        let mut contributed_usd = account.collateral_usd;
        let mut cash = account.collateral_usd / rate_usd;
        let mut beyond = 0.0;
        for s in account.slots.clone() {
            let slot = &rules.slots[s];
            let value_usd = slot.quantity_base * rules.initial_spots_usd[slot.asset];
            let of_holding = slot.holding.is_some();
            let slot_state = &mut state.slots[s];
            posted_usd += value_usd;
            if of_holding {
                slot_state.posted = slot.quantity_base;
            } else {
                contributed_usd += value_usd;
            }
            if account.coin.is_some() {
                cash += slot.quantity_base;
                beyond -= slot_state.posted;
            } else {
                slot_state.coins = slot.quantity_base;
                state.hot.counted[s] = [slot.quantity_base * slot.counted_frac; LANES];
                let extra = slot_state.coins - slot_state.posted;
                let sum = state.hot.extra[slot.asset][0] + extra;
                state.hot.extra[slot.asset] = [sum; LANES];
                path.coin_turnover_usd += extra * rules.initial_spots_usd[slot.asset];
            }
        }
        state.hot.cash[a] = [cash; LANES];
        state.hot.beyond[a] = [beyond; LANES];
        let account_state = &mut state.accounts[a];
        account_state.reserve_usd = account.reserve_usd;
        account_state.posted_usd = posted_usd;
        account_state.peak_posted_usd = posted_usd;
        path.posted_usd += posted_usd;
        path.peak_posted_usd += posted_usd;
        state.hot.outside_usd = [state.hot.outside_usd[0] + account.reserve_usd; LANES];
        let interest_usd = rules.cost_of_funds_per_step * contributed_usd;
        state.hot.interest_usd = [state.hot.interest_usd[0] + interest_usd; LANES];
    }
}

/// Wealth before the opening trades' costs, and the part of it in bought coins.
fn set_initial_wealth(rules: &mut BookRules, state: &State) {
    let spots = &rules.initial_spots_usd;
    let coins_usd: f64 = state
        .hot
        .extra
        .iter()
        .zip(spots)
        .map(|(extra, spot_usd)| extra[0] * spot_usd)
        .sum();
    let accounts_usd: f64 = rules
        .accounts
        .iter()
        .map(|account| account.initial_value_usd + account.reserve_usd)
        .sum();
    let holdings_usd: f64 = rules
        .holdings
        .iter()
        .map(|holding| holding.initial_value_usd)
        .sum();
    rules.initial_coins_usd = coins_usd;
    rules.initial_wealth_usd = coins_usd + accounts_usd + holdings_usd;
}

/// Copies the first lane's cold state to all, and tells the quiet steps how accounts stand.
fn spread(rules: &BookRules, state: &mut State, path: PathState) {
    let hot = &mut state.hot;
    for (j, holding) in rules.holdings.iter().enumerate() {
        let spot_usd = rules.initial_spots_usd[holding.asset];
        for follows in [Follows::Inventory, Follows::Expected] {
            let (followed, _) = rules.schedule.followed(j, follows, 0);
            hot.turnover_usd[follows as usize][j] = [followed * spot_usd; LANES];
        }
    }
    for (a, account) in rules.accounts.iter().enumerate() {
        let is_open = account.legs.iter().any(|&l| {
            let size = hot.size[l][0];
            size > 0.0 || (size < 0.0 && !rules.legs[l].is_option)
        });
        let call = account.margin_call.filter(|_| is_open);
        hot.open[a] = [if is_open { 1.0 } else { 0.0 }; LANES];
        hot.acts_below[a] = [call.and_then(|call| call.release).unwrap_or(0.0); LANES];
        hot.acts_above[a] = [call.map_or(f64::INFINITY, |call| call.level); LANES];
    }
    let is_working = state.legs[..rules.legs.len()]
        .iter()
        .any(|leg| leg.order.parts_left > 0);
    hot.due_step = [if is_working { 0.0 } else { f64::from(NEVER) }; LANES];
    repeat(&mut state.legs, rules.legs.len());
    repeat(&mut state.accounts, rules.accounts.len());
    repeat(&mut state.slots, rules.slots.len());
    state.paths.fill(path);
}

/// Copies the first `size` items over the rest.
fn repeat<T: Copy>(items: &mut [T], size: usize) {
    for start in (size..items.len()).step_by(size.max(1)) {
        items.copy_within(0..size, start);
    }
}

fn fresh_path() -> PathState {
    PathState {
        fees_usd: 0.0,
        slippage_usd: 0.0,
        roll_usd: 0.0,
        liquidation_usd: 0.0,
        bankruptcy_usd: 0.0,
        costs_usd: [0.0; 4],
        interest_offset_usd: 0.0,
        posted_usd: 0.0,
        peak_posted_usd: 0.0,
        top_up_usd: 0.0,
        unmet_call_usd: 0.0,
        most_in_flight_usd: 0.0,
        coin_turnover_usd: 0.0,
        liquidation_day: f64::NAN,
        liquidations: 0,
        margin_calls: 0,
        unmet_calls: 0,
        cut_trades: 0,
        was_insolvent: false,
    }
}

/// A state of the right shape in which nothing is posted and nothing is open.
fn empty(rules: &BookRules) -> State {
    let (legs, accounts) = (rules.legs.len(), rules.accounts.len());
    let holdings = rules.holdings.len();
    let hot = Hot::new(&Shape {
        legs,
        accounts,
        slots: rules.slots.len(),
        assets: rules.initial_spots_usd.len(),
        hedges: rules.hedges.len(),
        holdings,
    });
    let leg = LegState {
        planned: Turnover::default(),
        actual: Turnover::default(),
        entry_carry: 0.0,
        curve_usd: 0.0,
        costs_usd: 0.0,
        final_size: 0.0,
        order: Order {
            target: 0.0,
            parts_left: 0,
            is_entry: false,
        },
    };
    let account = AccountState {
        is_live: true,
        is_armed: true,
        reserve_usd: 0.0,
        in_flight_usd: 0.0,
        in_flight_coins: 0.0,
        in_flight_cost_usd: 0.0,
        leave_step: NEVER,
        arrival_step: NEVER,
        is_too_late: false,
        reentry_step: NEVER,
        posted_usd: 0.0,
        peak_posted_usd: 0.0,
        liquidations: 0,
        shortfall_usd: 0.0,
    };
    let slot = SlotState {
        coins: 0.0,
        posted: 0.0,
    };
    State {
        hot,
        legs: vec![leg; legs * LANES],
        accounts: vec![account; accounts * LANES],
        slots: vec![slot; rules.slots.len() * LANES],
        credits: vec![CreditState::default(); rules.credits.len() * LANES],
        holdings: vec![HoldingState::default(); holdings * LANES],
        paths: vec![fresh_path(); LANES],
        dates: vec![0.0; LANES * rules.date_steps.len() * (2 + rules.venues)],
    }
}
