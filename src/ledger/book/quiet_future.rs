//! An account with one future over one step, or several at once, in all lanes: what it comes to where nothing happens, and where
//! more may happen.

#![expect(clippy::needless_bitwise_bool, reason = "lane loops without branches")]
#![expect(clippy::needless_range_loop, reason = "lane loops")]
#![expect(
    clippy::inline_always,
    reason = "lane loops are compiled for each SIMD level, and what they call with them"
)]

use multiversion::multiversion;

use crate::ledger::book::quiet_account::{Doubts, LANE_BITS};
use crate::ledger::book::quiet_leg::padded;
use crate::ledger::book::quiet_linear::{Kind, walk_shorts};
use crate::ledger::book::quiet_totals::Totals;
use crate::ledger::calm::{MarginLine, larger, smaller};
use crate::market::tile::LaneArray;
use crate::outcome::table::LANES;

/// No size is above 0: levels lie under the unit.
const DOWN: u8 = 0;
/// Sizes have either sign.
pub(super) const BOTH: u8 = 1;

/// What one step is to a future and its account in every lane.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct StepTerms {
    /// Factor by which a bridge may go beyond its ends, and its inverse.
    pub(super) clearance: [f64; 2],
    /// Factor by which the plan's mark is moved against it, and its inverse.
    pub(super) shift: [f64; 2],
    /// Whether a hedger with a margin policy looks at the end.
    pub(super) is_looked_at: bool,
}

impl StepTerms {
    /// Terms from the two factors.
    pub(super) fn new(clearance: f64, shift: f64, is_looked_at: bool) -> Self {
        Self {
            clearance: [clearance, 1.0 / clearance],
            shift: [shift, 1.0 / shift],
            is_looked_at,
        }
    }
}

/// One lane's future and account when a step begins; prices are those of a unit, money is in the account's currency.
#[derive(Debug, Clone, Copy)]
pub(super) struct Position {
    pub(super) size: f64,
    pub(super) planned: f64,
    pub(super) cash: f64,
    pub(super) planned_cash: f64,
    /// Margin ratios under and from which the hedger who looks acts.
    pub(super) acts: [f64; 2],
}

/// One lane's prices over a step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Prices {
    /// Unit at the end.
    pub(super) end: f64,
    /// Funding of a size of 1.
    pub(super) stamp: f64,
}

/// What a quiet step comes to in one lane.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct StepEnd {
    /// Whether anything is open.
    pub(super) is_open: bool,
    pub(super) equity: f64,
    pub(super) maintenance: f64,
    /// Liquidation fee where it counts in the trigger.
    pub(super) trigger_fee: f64,
    /// What the plan needs.
    pub(super) need: f64,
    pub(super) cash: f64,
    pub(super) planned_cash: f64,
    /// Whether it is liquidated at the end.
    pub(super) is_over: bool,
    /// Whether it is, or the hedger acts.
    pub(super) acts: bool,
}

/// Maintenance margin as the largest of the lines; 0 of nothing.
#[inline(always)]
pub(super) fn maintenance(lines: &[MarginLine], notional: f64) -> f64 {
    let mut most = 0.0;
    for line in lines {
        most = larger(notional.mul_add(line.rate, -line.deduction_usd), most);
    }
    most
}

/// What a quiet step comes to. `fee` is the trigger's; `SIDE`: [`DOWN`] or [`BOTH`].
#[inline(always)]
pub(super) fn quiet_step<const SIDE: u8>(
    terms: &StepTerms,
    (lines, fee): (&[MarginLine], f64),
    position: &Position,
    prices: &Prices,
) -> StepEnd {
    let Position {
        size,
        planned,
        cash,
        planned_cash,
        acts: [acts_below, acts_above],
    } = *position;
    let Prices { end, stamp } = *prices;
    let held = size.abs();
    let is_open = size != 0.0;
    let margined_now = held * end;
    let margin = maintenance(lines, margined_now);
    let trigger = fee.mul_add(margined_now, margin);
    let paid = size * stamp;
    let equity = (cash - size * end) + paid;
    let is_beyond = (margin < acts_below * equity) | (margin >= acts_above * equity);
    let is_over = equity - trigger <= 0.0;

    let is_up = SIDE == BOTH && planned > 0.0;
    let moved = end * terms.shift[usize::from(!is_up)];
    let margined = planned.abs() * moved;
    let asked = fee.mul_add(margined, maintenance(lines, margined));
    let made = planned_cash + planned * stamp;
    StepEnd {
        is_open,
        equity,
        maintenance: margin,
        trigger_fee: fee * margined_now,
        need: (asked + planned * moved) - made,
        cash: cash + paid,
        planned_cash: made,
        is_over: is_open & is_over,
        acts: is_open & (is_over | (is_beyond & terms.is_looked_at)),
    }
}

/// Whether a size under 0 may have reached its liquidation inside a step.
#[inline(always)]
fn is_near_below(
    clearance: f64,
    (lines, fee): (&[MarginLine], f64),
    position: &Position,
    (start, end): (f64, f64),
) -> bool {
    let Position { size, cash, .. } = *position;
    let worst = smaller(start, end) * clearance;
    let margined = size.abs() * worst;
    let trigger = fee.mul_add(margined, maintenance(lines, margined));
    (size != 0.0) & (cash - size * worst - trigger <= 0.0)
}

/// One account with one future over `K` steps in a row, two or four: with more, too many lanes have something in them. Rows are of all lanes.
pub(super) struct FutureSteps<'a, const K: usize> {
    pub(super) size: &'a LaneArray,
    pub(super) planned: &'a LaneArray,
    pub(super) cash: &'a LaneArray,
    pub(super) planned_cash: &'a LaneArray,
    pub(super) acts_below: &'a LaneArray,
    pub(super) acts_above: &'a LaneArray,
    /// The book's largest margin ratio so far: maintenance margin and equity there.
    pub(super) worst_maintenance: &'a LaneArray,
    pub(super) worst_equity: &'a LaneArray,
    /// Unit at the first step's start.
    pub(super) start: &'a LaneArray,
    /// Unit at each step's end.
    pub(super) ends: &'a [LaneArray; K],
    /// Funding of a size of 1.
    pub(super) stamps: [&'a LaneArray; K],
    pub(super) terms: &'a [StepTerms; K],
    pub(super) trigger_fee_frac: f64,
    /// Of a coin account.
    pub(super) coin: Option<CoinSteps<'a, K>>,
}

/// A coin account's coin over the steps.
#[derive(Clone, Copy)]
pub(super) struct CoinSteps<'a, const K: usize> {
    /// Coins on their way.
    pub(super) beyond: &'a LaneArray,
    /// The coin's price at the first step's start, USD.
    pub(super) start_usd: &'a LaneArray,
    /// The same at each step's end.
    pub(super) ends_usd: &'a [LaneArray; K],
    /// Its price at time 0, USD, at which the requirement is told.
    pub(super) initial_usd: f64,
    /// Collateral revaluation so far.
    pub(super) revaluation_usd: &'a LaneArray,
}

/// What one account comes to after some quiet steps. Shape of each: `[LANES]`.
#[derive(Debug, Clone)]
pub(super) struct AccountEnd {
    /// Whether funding is paid; if not, the cash of a short in USD stays as it was.
    pub(super) is_paid: bool,
    pub(super) cash: LaneArray,
    pub(super) planned_cash: LaneArray,
    /// Of a coin account, collateral revaluation so far.
    pub(super) revaluation_usd: LaneArray,
    /// Smallest equity, USD.
    pub(super) min_equity_usd: LaneArray,
    /// Maintenance margin at the largest margin ratio, that of the book so far included.
    pub(super) worst_maintenance: LaneArray,
    /// Of a coin account, equity there; of one in USD it is the smallest.
    pub(super) worst_equity: LaneArray,
    /// Of a short in USD, the notional that liquidates it with its least cash of the steps, or one a hair nearer.
    pub(super) level_notional_usd: LaneArray,
    /// Its largest notional at the steps' ends and at the first one's start.
    pub(super) most_notional_usd: LaneArray,
}

/// Works out some steps of an account with shorts of a linear contract or, kept in coins, of an inverse one, and returns the lanes
/// in which they may not be quiet. There are [`MOST_LINES`] at most.
pub(super) fn walk_future<const K: usize>(
    steps: &FutureSteps<'_, K>,
    lines: &[MarginLine],
    kind: Kind,
    end: &mut AccountEnd,
    totals: &mut Totals<K>,
) -> Doubts {
    match lines.len() {
        1 => walk_padded::<K, 1>(steps, lines, kind, end, totals),
        2 => walk_padded::<K, 2>(steps, lines, kind, end, totals),
        3 | 4 => walk_padded::<K, 4>(steps, lines, kind, end, totals),
        _ => walk_padded::<K, MOST_LINES>(steps, lines, kind, end, totals),
    }
}

/// The most lines of a walk.
pub(super) const MOST_LINES: usize = 12;

/// [`walk_future`] with up to `N` lines; further ones repeat the last.
fn walk_padded<const K: usize, const N: usize>(
    steps: &FutureSteps<'_, K>,
    lines: &[MarginLine],
    kind: Kind,
    end: &mut AccountEnd,
    totals: &mut Totals<K>,
) -> Doubts {
    match &steps.coin {
        None => walk_shorts::<K, N>(steps, lines, kind, end, totals),
        Some(coin) => walk_inverse::<K, N>(steps, coin, &padded(lines), end, totals),
    }
}

/// One lane's short of an inverse contract on its way through the steps.
struct InverseWalk {
    position: Position,
    start: f64,
    start_usd: f64,
    least_usd: f64,
    worst_maintenance: f64,
    worst_equity: f64,
    revaluation_usd: f64,
    is_near: bool,
    acts: bool,
}

impl InverseWalk {
    /// Walks the `k`-th step.
    #[inline(always)]
    fn step<const K: usize, const N: usize>(
        &mut self,
        (lane, k): (usize, usize),
        steps: &FutureSteps<'_, K>,
        coin: &CoinSteps<'_, K>,
        lines: &[MarginLine; N],
        totals: &mut Totals<K>,
    ) {
        let prices = Prices {
            end: steps.ends[k][lane],
            stamp: steps.stamps[k][lane],
        };
        let margin_rules = (&lines[..], steps.trigger_fee_frac);
        let end = quiet_step::<DOWN>(&steps.terms[k], margin_rules, &self.position, &prices);
        let clearance = steps.terms[k].clearance[1];
        self.is_near |= is_near_below(
            clearance,
            margin_rules,
            &self.position,
            (self.start, prices.end),
        );
        self.acts |= end.acts;
        // What is not open is in no record.
        let equity = if end.is_open {
            end.equity
        } else {
            f64::INFINITY
        };
        let (margin, worst) = (self.worst_maintenance, self.worst_equity);
        let is_worse = end.maintenance * worst > margin * equity;
        self.worst_maintenance = if is_worse { end.maintenance } else { margin };
        self.worst_equity = if is_worse { equity } else { worst };
        let (beyond, rate_usd) = (coin.beyond[lane], coin.ends_usd[k][lane]);
        self.least_usd = smaller(equity * rate_usd, self.least_usd);
        let needed_usd = &mut totals.needed_usd[k][lane];
        *needed_usd = end.need.mul_add(coin.initial_usd, *needed_usd);
        let wealth_usd = &mut totals.wealth_usd[k][lane];
        *wealth_usd = (end.equity + beyond).mul_add(rate_usd, *wealth_usd);
        let coins = (self.position.cash - self.position.size * self.start) + beyond;
        self.revaluation_usd += coins * (rate_usd - self.start_usd);
        self.start_usd = rate_usd;
        self.start = prices.end;
        self.position.cash = end.cash;
        self.position.planned_cash = end.planned_cash;
    }
}

/// Shorts of an inverse contract.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
fn walk_inverse<const K: usize, const N: usize>(
    steps: &FutureSteps<'_, K>,
    coin: &CoinSteps<'_, K>,
    lines: &[MarginLine; N],
    account_end: &mut AccountEnd,
    totals: &mut Totals<K>,
) -> Doubts {
    let (mut near, mut acts) = (0, 0);
    for lane in 0..LANES {
        let mut walk = InverseWalk {
            position: Position {
                size: steps.size[lane],
                planned: steps.planned[lane],
                cash: steps.cash[lane],
                planned_cash: steps.planned_cash[lane],
                acts: [steps.acts_below[lane], steps.acts_above[lane]],
            },
            start: steps.start[lane],
            start_usd: coin.start_usd[lane],
            least_usd: f64::INFINITY,
            worst_maintenance: steps.worst_maintenance[lane],
            worst_equity: steps.worst_equity[lane],
            revaluation_usd: coin.revaluation_usd[lane],
            is_near: false,
            acts: false,
        };
        walk.step((lane, 0), steps, coin, lines, totals);
        walk.step((lane, 1), steps, coin, lines, totals);
        if K > 2 {
            walk.step((lane, 2), steps, coin, lines, totals);
            walk.step((lane, 3), steps, coin, lines, totals);
        }
        near |= if walk.is_near { LANE_BITS[lane] } else { 0 };
        acts |= if walk.acts { LANE_BITS[lane] } else { 0 };
        account_end.cash[lane] = walk.position.cash;
        account_end.planned_cash[lane] = walk.position.planned_cash;
        account_end.revaluation_usd[lane] = walk.revaluation_usd;
        account_end.min_equity_usd[lane] = walk.least_usd;
        account_end.worst_maintenance[lane] = walk.worst_maintenance;
        account_end.worst_equity[lane] = walk.worst_equity;
    }
    Doubts { near, acts }
}
