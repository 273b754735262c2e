//! What a key of a summary stands for: which columns of the table, and which statistic of them.

use crate::outcome::column::{Column, Extra};
use crate::outcome::layout::{Layout, date_labels, holding_labels, venues};
use crate::plan::types::Plan;
use crate::stats::attribution::{WORST5, parts};
use crate::stats::level::{ALL_LEVELS, LEVEL_99, Level};
use crate::stats::possible::Possible;

/// Values by path that statistics are taken of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// The column with this storage index.
    Column(usize),
    /// The sum of several.
    Sum(Vec<usize>),
    /// The sum of several with the other sign.
    Cost(Vec<usize>),
    /// Unhedged proceeds per unit.
    UnhedgedPrice,
    /// Day of the first liquidation, on the paths that have one.
    LiquidationDay,
    /// Hedged P&L on the paths with a liquidation.
    HedgedGivenLiquidation,
}

impl Source {
    pub(super) const HEDGED: Self = Self::Column(Column::HedgedPnl as usize);
    pub(super) const UNHEDGED: Self = Self::Column(Column::UnhedgedPnl as usize);

    fn basis_risk() -> Self {
        Self::Sum(vec![
            Column::Tracking as usize,
            Column::FuturesBasis as usize,
        ])
    }
}

/// A statistic of one or two sources.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Statistic {
    /// Mean.
    Mean,
    /// The mean as the pass over whole columns takes it, which sums in another order.
    ColumnMean,
    /// Standard deviation.
    StdDev,
    /// Percentile of the values.
    Gain(Level),
    /// Percentile of their negatives.
    Loss(Level),
    /// The same, a gain counting as a loss of 0.
    LossAtLeastZero(Level),
    /// Expected shortfall.
    Shortfall(Level),
    /// Probability of a value above 0.
    Positive,
    /// Probability of a value below this one.
    Below(f64),
    /// Probability of a value below the other source's.
    BelowOther(Source),
    /// One less the ratio of variances to the other source's.
    VarianceEffectiveness(Source),
    /// One less the ratio of expected shortfalls at 95 % to the other source's.
    ShortfallEffectiveness(Source),
    /// Mean over the worst 5 % of the other source.
    WorstMean(Source),
}

/// The one key that is in no summary: what the trades of the hedge cost on average, their fees, slippage and rolls, USD, at least 0 where
/// nobody pays for being traded with. A summary has it in parts, and not at all their error together.
pub const TRADING_COST: &str = "trading_cost.mean";

/// What a key stands for.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Quantity {
    /// A statistic of the paths.
    Of(Source, Statistic),
    /// A number that no path changes.
    Exact(f64),
    /// What cannot happen: a probability of exactly 0.
    Never,
}

/// Finds what keys of a plan's summary stand for.
pub(super) struct Keys<'a> {
    plan: &'a Plan,
    layout: &'a Layout,
    possible: Possible,
}

impl<'a> Keys<'a> {
    pub(super) fn of(plan: &'a Plan, layout: &'a Layout) -> Self {
        Self {
            plan,
            layout,
            possible: Possible::of(plan),
        }
    }

    /// What an estimate's key stands for; `None` where the plan's summary has no estimate of that name.
    pub(super) fn quantity(&self, key: &str) -> Option<Quantity> {
        if key == TRADING_COST {
            return Some(self.trading_cost());
        }
        if key == "worse_than_unhedged" {
            let below = Statistic::BelowOther(Source::UNHEDGED);
            return Some(event(self.possible.hedge, Source::HEDGED, below));
        }
        let (group, rest) = key.split_once('.')?;
        match group {
            "hedged" => pnl(&Source::HEDGED, rest),
            "unhedged" => pnl(&Source::UNHEDGED, rest),
            "hedge_effectiveness" => {
                let statistic = match rest {
                    "variance" => Statistic::VarianceEffectiveness(Source::UNHEDGED),
                    "es95" => Statistic::ShortfallEffectiveness(Source::UNHEDGED),
                    _ => return None,
                };
                Some(Quantity::Of(Source::HEDGED, statistic))
            }
            "liquidation" => self.liquidation(rest),
            "margin_call" => events(Column::MarginCalls, self.possible.call, rest),
            "unmet_call" if rest == "mean_usd" => Some(column_mean(Column::UnmetCall)),
            "unmet_call" => {
                (rest == "probability").then(|| positive(Column::UnmetCalls, self.possible.top_up))
            }
            "cut_trades" => events(Column::CutTrades, self.possible.cut, rest),
            "collateral" => self.collateral(rest),
            "min_equity" => single(Column::MinEquity, rest),
            "drawdown" => single(Column::MaxDrawdown, rest),
            "effective_price" if rest == "unhedged_mean" => {
                Some(Quantity::Of(Source::UnhedgedPrice, Statistic::Mean))
            }
            "effective_price" => single(Column::EffectivePrice, rest),
            "basis_risk" => self.basis_risk(rest),
            "attribution" => self.attribution(rest),
            "bankruptcy_loss" if rest == "mean" => Some(column_mean(Column::BankruptcyLoss)),
            "bankruptcy_loss" => (rest == "probability")
                .then(|| positive(Column::BankruptcyLoss, self.possible.hedge)),
            "thresholds" => threshold(
                &self.plan.report.thresholds_usd,
                [Source::HEDGED, Source::UNHEDGED],
                rest,
            ),
            "effective_price_below" => threshold(
                &self.plan.report.effective_price_below_usd,
                [
                    Source::Column(Column::EffectivePrice as usize),
                    Source::UnhedgedPrice,
                ],
                rest,
            ),
            _ => self.extra(group, rest),
        }
    }

    fn liquidation(&self, key: &str) -> Option<Quantity> {
        if let Some(level) = key.strip_prefix("day.").and_then(percentile) {
            return Some(Quantity::Of(Source::LiquidationDay, Statistic::Gain(level)));
        }
        match key {
            "mean_day" => Some(Quantity::Of(Source::LiquidationDay, Statistic::Mean)),
            "hedged_given.mean" => Some(Quantity::Of(
                Source::HedgedGivenLiquidation,
                Statistic::Mean,
            )),
            _ => events(Column::Liquidations, self.possible.hedge, key),
        }
    }

    fn collateral(&self, key: &str) -> Option<Quantity> {
        let (which, key) = key.split_once('.')?;
        match which {
            "peak" => single(Column::PeakCollateral, key),
            "required" => single(Column::RequiredCollateral, key),
            "top_up" if key == "probability" => Some(positive(
                Column::TopUp,
                self.possible.top_up || self.possible.reentry,
            )),
            "top_up" => single(Column::TopUp, key),
            _ => None,
        }
    }

    fn basis_risk(&self, key: &str) -> Option<Quantity> {
        let source = Source::basis_risk();
        if key == "loss_probability" {
            return Some(event(self.possible.hedge, source, Statistic::Below(0.0)));
        }
        if let Some(level) = key.strip_prefix("loss_").and_then(percentile) {
            return Some(Quantity::Of(source, Statistic::LossAtLeastZero(level)));
        }
        part(source, key)
    }

    fn attribution(&self, key: &str) -> Option<Quantity> {
        let (which, name) = key.split_once('.')?;
        let parts = parts(self.layout);
        let &(_, column) = parts.iter().find(|(known, _)| *known == name)?;
        let statistic = match which {
            "all" => Statistic::ColumnMean,
            "worst5" => Statistic::WorstMean(Source::HEDGED),
            _ => return None,
        };
        Some(column.map_or(Quantity::Exact(0.0), |column| {
            Quantity::Of(Source::Column(column), statistic)
        }))
    }

    /// Keys of what only some plans store.
    fn extra(&self, group: &str, key: &str) -> Option<Quantity> {
        let (name, inner) = key.split_once('.')?;
        match group {
            "liquidity_at_risk" => match name {
                "total" => single(Column::RequiredCollateral, inner),
                "largest_call_24h" => self.amount(Extra::LargestCall24h, inner),
                "largest_call_7d" => self.amount(Extra::LargestCall7d, inner),
                "cash_in_transit" => self.amount(Extra::CashInTransit, inner),
                _ => None,
            },
            "costs" => match name {
                "entry" => self.amount(Extra::EntryCost, inner),
                "rebalancing" => self.amount(Extra::RebalancingCost, inner),
                "roll" => self.amount(Extra::RollCost, inner),
                "exit" => self.amount(Extra::ExitCost, inner),
                "total" => self.total_cost(inner),
                _ => None,
            },
            "carry" => match name {
                "earned" => self.amount(Extra::Carry, inner),
                "curve" => self.amount(Extra::Curve, inner),
                // Stored with the other costs of rolls, and shown here where something carries.
                "roll_cost" if self.layout.index(Extra::Carry).is_some() => {
                    self.amount(Extra::RollCost, inner)
                }
                _ => None,
            },
            "by_holding" => named(&holding_labels(self.plan), key)
                .and_then(|(j, inner)| self.part(Extra::HoldingPnl(j), inner)),
            "by_hedge" => {
                let numbers: Vec<String> = (1..=self.plan.hedges.len())
                    .map(|number| number.to_string())
                    .collect();
                named(&numbers, key).and_then(|(h, inner)| self.part(Extra::HedgePnl(h), inner))
            }
            "by_account" => self.by_account(key),
            "exposure" => {
                let (venue, key) = named(&venues(self.plan), key)?;
                let (date, key) = named(&date_labels(self.plan), key)?;
                self.amount(Extra::Exposure { venue, date }, key)
            }
            "interim" => {
                let (date, key) = named(&date_labels(self.plan), key)?;
                match key.split_once('.')? {
                    ("hedged", key) => self.part(Extra::InterimHedged(date), key),
                    ("unhedged", key) => self.part(Extra::InterimUnhedged(date), key),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn by_account(&self, key: &str) -> Option<Quantity> {
        let accounts = &self.plan.accounts;
        let names: Vec<&str> = accounts.iter().map(|account| &*account.name).collect();
        let (a, key) = named(&names, key)?;
        match key.split_once('.')? {
            ("liquidation", "probability") => {
                let column = self.layout.index(Extra::AccountLiquidated(a))?;
                Some(Quantity::Of(Source::Column(column), Statistic::Positive))
            }
            ("peak", key) => self.amount(Extra::AccountPeakCollateral(a), key),
            ("pnl", key) => {
                self.layout.index(Extra::HedgePnl(0))?;
                let hedges = self.plan.hedges.iter().enumerate();
                let columns = hedges
                    .filter(|(_, hedge)| hedge.account == a)
                    .filter_map(|(h, _)| self.layout.index(Extra::HedgePnl(h)));
                part(Source::Sum(columns.collect()), key)
            }
            _ => None,
        }
    }

    fn trading_cost(&self) -> Quantity {
        let roll = self.layout.index(Extra::Roll);
        let always = [Column::Fees as usize, Column::Slippage as usize];
        let columns = always.into_iter().chain(roll).collect();
        Quantity::Of(Source::Cost(columns), Statistic::Mean)
    }

    fn total_cost(&self, key: &str) -> Option<Quantity> {
        let purposes = [
            Extra::EntryCost,
            Extra::RebalancingCost,
            Extra::RollCost,
            Extra::ExitCost,
        ];
        let columns: Option<Vec<usize>> = purposes
            .iter()
            .map(|&purpose| self.layout.index(purpose))
            .collect();
        amount(Source::Sum(columns?), key)
    }

    fn amount(&self, extra: Extra, key: &str) -> Option<Quantity> {
        amount(Source::Sum(vec![self.layout.index(extra)?]), key)
    }

    fn part(&self, extra: Extra, key: &str) -> Option<Quantity> {
        part(Source::Sum(vec![self.layout.index(extra)?]), key)
    }
}

/// The probability of what may be impossible.
fn event(is_possible: bool, source: Source, statistic: Statistic) -> Quantity {
    if is_possible {
        Quantity::Of(source, statistic)
    } else {
        Quantity::Never
    }
}

fn positive(column: Column, is_possible: bool) -> Quantity {
    let source = Source::Column(column as usize);
    event(is_possible, source, Statistic::Positive)
}

fn events(column: Column, is_possible: bool, key: &str) -> Option<Quantity> {
    match key {
        "probability" => Some(positive(column, is_possible)),
        "mean_count" => Some(column_mean(column)),
        _ => None,
    }
}

fn column_mean(column: Column) -> Quantity {
    Quantity::Of(Source::Column(column as usize), Statistic::ColumnMean)
}

/// Mean and percentiles of a stored column.
fn single(column: Column, key: &str) -> Option<Quantity> {
    match key {
        "mean" => Some(column_mean(column)),
        _ => percentile(key)
            .map(|level| Quantity::Of(Source::Column(column as usize), Statistic::Gain(level))),
    }
}

/// Mean and percentiles.
fn amount(source: Source, key: &str) -> Option<Quantity> {
    let statistic = match key {
        "mean" => Statistic::Mean,
        _ => Statistic::Gain(percentile(key)?),
    };
    Some(Quantity::Of(source, statistic))
}

/// Mean, standard deviation, expected shortfall and percentiles.
fn part(source: Source, key: &str) -> Option<Quantity> {
    let statistic = match key {
        "std_dev" => Statistic::StdDev,
        "es95" => Statistic::Shortfall(WORST5),
        _ => return amount(source, key),
    };
    Some(Quantity::Of(source, statistic))
}

/// The same, with value at risk.
fn pnl(source: &Source, key: &str) -> Option<Quantity> {
    let statistic = match key {
        "var95" => Statistic::Loss(WORST5),
        "var99" => Statistic::Loss(LEVEL_99),
        "es99" => Statistic::Shortfall(LEVEL_99),
        _ => return part(source.clone(), key),
    };
    Some(Quantity::Of(source.clone(), statistic))
}

fn threshold(bounds: &[f64], sides: [Source; 2], key: &str) -> Option<Quantity> {
    let (index, side) = key.split_once('.')?;
    let bound = *bounds.get(index.parse::<usize>().ok()?)?;
    let [hedged, unhedged] = sides;
    let source = match side {
        "hedged" => hedged,
        "unhedged" => unhedged,
        _ => return None,
    };
    Some(Quantity::Of(source, Statistic::Below(bound)))
}

/// The level of `percentiles.pX`.
fn percentile(key: &str) -> Option<Level> {
    let name = key.strip_prefix("percentiles.")?;
    ALL_LEVELS.into_iter().find(|level| level.key() == name)
}

/// Which of these names the key begins with, and what follows; a name may hold dots itself, so the longest counts.
fn named<'k, S: AsRef<str>>(names: &[S], key: &'k str) -> Option<(usize, &'k str)> {
    let rest = |name: &S| key.strip_prefix(name.as_ref())?.strip_prefix('.');
    let found = names.iter().enumerate();
    let found = found.filter_map(|(index, name)| Some((index, rest(name)?)));
    found.min_by_key(|(_, rest)| rest.len())
}
