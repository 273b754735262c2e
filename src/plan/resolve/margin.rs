//! Whether the venue takes the hedges of an account together: caps by contract, initial margin against the collateral.

use crate::math::black76::black76;
use crate::plan::resolve::links::unit;
use crate::plan::resolve::position::{Notional, amount_in_words, bracket_in_words, over_cap};
use crate::plan::resolve::refusal::Refusal;
use crate::plan::resolve::words::{usd, usd_rounded_up};
use crate::plan::types::{
    AccountPlan, ContractPlan, ContractSettlement, HedgePlan, HoldingPlan, MarketPlan, OpenedHedge,
    OptionKind, OptionPlan, Position, SettlementCurrency,
};
use crate::scenario::account::Account;
use crate::scenario::problem::Problem;
use crate::scenario::sink::Sink;
use crate::scenario::whole::Scenario;
use crate::venue::rules::MaintenanceAt;

/// Everything that is margined.
#[derive(Debug, Clone, Copy)]
pub struct Book<'a> {
    /// The scenario, for names and places.
    pub scenario: &'a Scenario,
    /// The market.
    pub market: &'a MarketPlan,
    /// The holdings.
    pub holdings: &'a [HoldingPlan],
    /// The accounts.
    pub accounts: &'a [AccountPlan],
    /// The hedges.
    pub hedges: &'a [HedgePlan],
}

/// A hedge that is on at time 0, in the currency of its account.
struct Leg<'a> {
    hedge: usize,
    plan: &'a HedgePlan,
    contract: &'a ContractPlan,
    notional: Notional,
    /// Asked to open it; of an `opened` hedge to keep it.
    margin: f64,
    /// Under which it is liquidated.
    maintenance: f64,
    /// Unrealised profit at time 0.
    unrealised: f64,
    /// Paid for a bought option.
    premium: f64,
}

/// Whether the venue takes the hedges of one account; else that is noted.
pub fn is_taken(index: usize, book: Book<'_>, sink: &Sink) -> bool {
    let legs: Vec<Leg<'_>> = book
        .hedges
        .iter()
        .enumerate()
        .filter(|(_, plan)| plan.account == index && !plan.is_absent())
        .map(|(hedge, plan)| Leg::new(hedge, plan, book))
        .collect();
    if legs.is_empty() {
        return true;
    }
    let problems = over_caps(&legs, index, book);
    let problems = if problems.is_empty() {
        under_margin(&legs, index, book).into_iter().collect()
    } else {
        problems
    };
    let is_taken = problems.is_empty();
    for problem in problems {
        sink.push(problem);
    }
    is_taken
}

/// Positions beyond the cap of a contract's largest bracket; several hedges of one contract count together.
fn over_caps(legs: &[Leg<'_>], index: usize, book: Book<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (k, leg) in legs.iter().enumerate() {
        let is_same = |other: &Leg<'_>| {
            other.plan.contract == leg.plan.contract && other.plan.opened.is_none()
        };
        let is_last = !legs[k + 1..].iter().any(is_same);
        if leg.contract.option().is_some() || leg.plan.opened.is_some() || !is_last {
            continue;
        }
        let mut notional = leg.notional.clone();
        let others = legs[..k].iter().filter(|other| is_same(other));
        notional.amount += others.map(|other| other.notional.amount).sum::<f64>();
        let refusal = over_cap(&leg.contract.rules, &notional, &book.accounts[index].venue);
        let place = book.scenario.hedges[leg.hedge].ratio.given.place;
        problems.extend(refusal.map(|refusal| refusal.at(place)));
    }
    problems
}

/// Collateral under what the legs ask, or at the level of their liquidation.
fn under_margin(legs: &[Leg<'_>], index: usize, book: Book<'_>) -> Option<Problem> {
    let account = &book.accounts[index];
    let premium: f64 = legs.iter().map(|leg| leg.premium).sum();
    let unrealised: f64 = legs.iter().map(|leg| leg.unrealised).sum();
    let held = collateral(account, book.market) - premium;
    let equity = held + unrealised;
    if let Some(opened) = legs.iter().find(|leg| leg.plan.opened.is_some()) {
        let trigger: f64 = legs.iter().map(|leg| leg.maintenance).sum();
        if equity <= trigger {
            return Some(already_liquidated(
                legs,
                opened,
                [equity, trigger],
                index,
                book,
            ));
        }
    }
    let is_new = legs.iter().any(|leg| leg.plan.opened.is_none());
    let needed: f64 = legs.iter().map(|leg| leg.margin).sum();
    // An account with nothing but bought options needs no more than their premium.
    if !is_new || equity >= needed {
        return None;
    }
    let given = &book.scenario.accounts[index];
    match legs {
        [leg] if is_usd_alone(given, account) && leg.contract.option().is_none() => {
            let collateral = given.collateral_usd.as_ref()?;
            let refusal = Refusal::UnderInitialMargin {
                path: collateral.path.clone(),
                written: collateral.written.clone(),
                needed: usd_rounded_up(needed),
                notional: leg.notional.words(),
                unit: leg.notional.unit.clone(),
                bracket: bracket_in_words(&leg.contract.rules, leg.notional.amount),
            };
            Some(refusal.at(collateral.place))
        }
        _ => {
            let unit = unit(account.settlement, book.market);
            let refusal = Refusal::AccountUnderMargin {
                path: given.name.path.clone(),
                held: format!("{} {unit}", amount_in_words(equity, &unit)),
                premiums: if premium > 0.0 {
                    format!(
                        " after premiums of {} {unit}",
                        amount_in_words(premium, &unit)
                    )
                } else {
                    String::new()
                },
                needed: format!("{} {unit}", rounded_up(needed, &unit)),
                legs: legs_in_words(legs),
            };
            Some(refusal.at(given.name.place))
        }
    }
}

fn already_liquidated(
    legs: &[Leg<'_>],
    opened: &Leg<'_>,
    [equity, trigger]: [f64; 2],
    index: usize,
    book: Book<'_>,
) -> Problem {
    let given = &book.scenario.accounts[index];
    let unit = unit(book.accounts[index].settlement, book.market);
    let words = |amount: f64| amount_in_words(amount, &unit);
    let refusal = Refusal::AlreadyLiquidated {
        path: format!("{}.opened", book.scenario.hedges[opened.hedge].place.path),
        equity: words(equity),
        trigger: words(trigger),
        unit: unit.clone(),
        bracket: match legs {
            [leg] => bracket_in_words(&leg.contract.rules, leg.notional.amount),
            _ => legs_in_words(legs),
        },
    };
    let place = given
        .collateral_usd
        .as_ref()
        .map_or(given.name.place, |collateral| collateral.place);
    refusal.at(place)
}

/// What margin counts of the collateral at time 0, in the account's currency.
fn collateral(account: &AccountPlan, market: &MarketPlan) -> f64 {
    let coins = account.coins.iter();
    match account.settlement {
        SettlementCurrency::Usd => {
            let value = |asset: usize| market.assets[asset].spot_usd;
            let coins: f64 = coins
                .map(|coins| coins.quantity_base * value(coins.asset) * (1.0 - coins.haircut_frac))
                .sum();
            account.collateral_usd + coins
        }
        SettlementCurrency::Coin { asset } => {
            let coins: f64 = coins.map(|coins| coins.quantity_base).sum();
            coins + account.collateral_usd / market.assets[asset].spot_usd
        }
    }
}

fn is_usd_alone(given: &Account, plan: &AccountPlan) -> bool {
    plan.settlement == SettlementCurrency::Usd
        && given.collateral_usd.is_some()
        && plan.coins.is_empty()
}

fn rounded_up(amount: f64, unit: &str) -> String {
    if unit == "USD" {
        usd_rounded_up(amount)
    } else if amount < 1000.0 {
        amount_in_words((amount * 1e6).ceil() / 1e6, unit)
    } else {
        usd(amount.ceil())
    }
}

fn legs_in_words(legs: &[Leg<'_>]) -> String {
    let words = legs.iter().map(|leg| {
        let notional = format!(
            "{}: {} {}",
            leg.contract.name,
            leg.notional.words(),
            leg.notional.unit
        );
        if leg.contract.option().is_some() {
            let side = match leg.plan.position {
                Position::Short => "written",
                Position::Long => "bought",
            };
            format!("{notional} {side}")
        } else {
            let bracket = bracket_in_words(&leg.contract.rules, leg.notional.amount);
            format!("{notional} in {bracket}")
        }
    });
    words.collect::<Vec<_>>().join("; ")
}

impl<'a> Leg<'a> {
    fn new(hedge: usize, plan: &'a HedgePlan, book: Book<'a>) -> Self {
        let contract = &book.market.contracts[plan.contract];
        let size_base = match plan.opened {
            Some(opened) => opened_base(opened, contract, book),
            None => opening_base(plan, contract, book),
        };
        let notional = Notional::at_start(contract, book.market, size_base);
        let mut leg = Self {
            hedge,
            plan,
            contract,
            notional,
            margin: 0.0,
            maintenance: 0.0,
            unrealised: 0.0,
            premium: 0.0,
        };
        let spot_usd = book.market.assets[contract.underlying].spot_usd;
        match contract.option() {
            Some(option) => leg.margin_option(option, size_base, spot_usd),
            None => leg.margin_future(size_base, spot_usd),
        }
        leg
    }

    fn margin_future(&mut self, size_base: f64, spot_usd: f64) {
        let rules = &self.contract.rules;
        let notional = self.notional.amount;
        let mark_usd = spot_usd * self.contract.initial_basis().exp();
        let Some(opened) = self.plan.opened else {
            self.margin = rules.initial_margin_usd(notional);
            self.maintenance =
                rules.maintenance_margin_usd(notional) + rules.trigger_fee_frac() * notional;
            return;
        };
        let sign = self.plan.position.sign();
        let is_inverse = self.contract.settlement == ContractSettlement::Inverse;
        // An inverse position holds what was sold at its price, in USD of contracts.
        let at_entry = opened.quantity_base;
        self.unrealised = if is_inverse {
            sign * (size_base - at_entry)
        } else {
            sign * size_base * (opened.price_usd - mark_usd)
        };
        let counted = if is_inverse && rules.maintenance_at == MaintenanceAt::Entry {
            at_entry
        } else {
            notional
        };
        self.maintenance =
            rules.maintenance_margin_usd(counted) + rules.trigger_fee_frac() * counted;
        self.margin = self.maintenance;
    }

    fn margin_option(&mut self, option: &OptionPlan, size_base: f64, spot_usd: f64) {
        let OptionPlan {
            kind,
            strike_usd,
            expiry_step: _,
            expiry_years,
            volatility_annual,
            terms,
        } = *option;
        let is_call = kind == OptionKind::Call;
        let deviation = volatility_annual * expiry_years.sqrt();
        let value_usd = black76(is_call, spot_usd, strike_usd, deviation).value;
        // Amounts of a coin account are coins.
        let unit_usd = self.notional.unit_usd;
        match self.plan.position {
            Position::Long => self.premium = size_base * value_usd / unit_usd,
            Position::Short => {
                let out_usd = if is_call {
                    (strike_usd - spot_usd).max(0.0)
                } else {
                    (spot_usd - strike_usd).max(0.0)
                };
                let least_usd = terms.initial_floor_frac * spot_usd;
                let initial_usd = (terms.initial_frac * spot_usd - out_usd).max(least_usd);
                let kept_usd = terms.maintenance_frac
                    * if is_call {
                        spot_usd
                    } else {
                        spot_usd.max(value_usd)
                    };
                // The premium received and the value owed cancel in equity.
                self.margin = size_base * (initial_usd + value_usd) / unit_usd;
                self.maintenance = size_base * (kept_usd + value_usd) / unit_usd;
            }
        }
    }
}

/// The size of a hedge that is on already, base units at the mark of time 0: `U / F_0` of an inverse one.
fn opened_base(opened: OpenedHedge, contract: &ContractPlan, book: Book<'_>) -> f64 {
    if contract.settlement != ContractSettlement::Inverse || contract.option().is_some() {
        return opened.quantity_base;
    }
    let spot_usd = book.market.assets[contract.underlying].spot_usd;
    let mark_usd = spot_usd * contract.initial_basis().exp();
    opened.quantity_base * opened.price_usd / mark_usd
}

/// The size at time 0, base units, from `q H = h X S`, in whole contracts where the hedge says so.
fn opening_base(plan: &HedgePlan, contract: &ContractPlan, book: Book<'_>) -> f64 {
    let holding = &book.holdings[plan.covers];
    let held_usd = book.market.assets[holding.asset].spot_usd;
    let underlying_usd = book.market.assets[contract.underlying].spot_usd;
    // 1 where the held asset is the underlying: then q = h Q to the last bit.
    let prices = held_usd / underlying_usd;
    let size_base = plan.hedge_ratio * holding.followed_base(plan.follows) * prices;
    let (Some(round), Some(size)) = (plan.round, contract.contract_size) else {
        return size_base;
    };
    let is_inverse_future =
        contract.settlement == ContractSettlement::Inverse && contract.option().is_none();
    let in_units = if is_inverse_future {
        underlying_usd * contract.initial_basis().exp()
    } else {
        1.0
    };
    let contracts = size_base * in_units / size;
    round.whole_contracts(contracts) * size / in_units
}
