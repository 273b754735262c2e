//! Stress tests in words: what a shock is called, and what went wrong in it.

use std::fmt::Write as _;

use crate::report::figure::{Money, futures_text};
use crate::report::number::{percent, plain};
use crate::stress::history::EpisodeResult;
use crate::stress::hypothetical::Shock;
use crate::stress::maintenance::MaintenanceRule;
use crate::stress::moments::Moment;
use crate::stress::outcome::StressOutcome;
use crate::stress::resimulated::{Change, Simulated};
use crate::stress::results::Results;
use crate::stress::reverse::UpDown;

/// A component is worth a word when it costs more than this part of the value held.
const WORTH_A_WORD: f64 = 0.01;

/// What the components of the identity are called, by the names of their columns; those of a liquidation are told on their own. Size and
/// collateral in coins make up for each other in a coin-margined hedge, and are told together.
const CAUSES: [(&[&str], &str); 8] = [
    (
        &["tracking_usd", "collateral_revaluation_usd"],
        "a hedge that did not follow the holding",
    ),
    (&["futures_basis_usd"], "the basis"),
    (&["funding_usd"], "funding"),
    (&["roll_usd"], "rolling"),
    (&["options_usd"], "options"),
    (&["fees_usd"], "fees"),
    (&["slippage_usd"], "slippage"),
    (&["financing_usd"], "financing"),
];

/// Amounts in words, for a programme of a size.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Words {
    pub(crate) money: Money,
    held_usd: f64,
    has_units: bool,
}

impl Words {
    /// Words for results, each amount with its unit.
    pub(crate) fn new(results: &Results) -> Self {
        let held_usd = results.held_usd.max(results.posted_usd);
        Self {
            money: Money::for_value(held_usd),
            held_usd,
            has_units: true,
        }
    }

    /// The same for a table whose heading has the unit.
    pub(crate) fn in_table(self) -> Self {
        Self {
            has_units: false,
            ..self
        }
    }

    fn amount(&self, usd: f64) -> String {
        if self.has_units {
            self.money.text(usd)
        } else {
            self.money.bare(usd)
        }
    }

    /// Whether an amount is worth a word.
    fn counts(&self, usd: f64) -> bool {
        usd.abs() > WORTH_A_WORD * self.held_usd && usd != 0.0
    }

    /// What went wrong, or that nothing did; and whether there was time for all that was to happen.
    pub(crate) fn reason(&self, outcome: &StressOutcome) -> String {
        let mut said = if outcome.is_hedged {
            self.what_went_wrong(outcome)
        } else {
            vec!["no hedge: the holding alone".to_owned()]
        };
        if let Some(cut) = outcome.cut_off {
            said.push(format!(
                "cut off by the horizon after {}",
                part_of(cut.after_days, cut.of_days)
            ));
        }
        said.join("; ")
    }

    fn what_went_wrong(&self, outcome: &StressOutcome) -> Vec<String> {
        let mut said = vec![self.first_words(outcome)];
        if outcome.liquidated {
            let gap_usd = outcome.component("liquidation_gap_usd");
            if self.counts(gap_usd) {
                let verb = if gap_usd < 0.0 { "made" } else { "lost" };
                said.push(format!(
                    "kept open it would have {verb} {} more",
                    self.amount(gap_usd.abs())
                ));
            }
        }
        if let Some(hedged_usd) = outcome.hedged_pnl_if_back_usd {
            said.push(format!(
                "if prices come back: hedged {}",
                self.amount(hedged_usd)
            ));
        }
        let costs = CAUSES.iter().map(|&(names, words)| {
            let parts = names.iter().map(|name| outcome.component(name));
            (parts.sum::<f64>(), words)
        });
        let mut costs: Vec<(f64, &str)> = costs
            .filter(|(usd, _)| *usd < 0.0 && self.counts(*usd))
            .collect();
        costs.sort_by(|a, b| a.0.total_cmp(&b.0));
        for (usd, words) in costs.into_iter().take(2) {
            said.push(format!("{words} cost {}", self.amount(-usd)));
        }
        said
    }

    /// What became of the hedge.
    fn first_words(&self, outcome: &StressOutcome) -> String {
        if let Some(day) = outcome.liquidation_day {
            let cost_usd = -outcome.component("liquidation_usd");
            let cost = if self.counts(cost_usd) && cost_usd > 0.0 {
                format!(" at a cost of {}", self.amount(cost_usd))
            } else {
                String::new()
            };
            return format!("the venue closed the hedge on {}{cost}", day_words(day));
        }
        if outcome.margin_calls > 0.0 {
            let calls = outcome.margin_calls;
            let noun = if calls > 1.0 {
                "margin calls"
            } else {
                "margin call"
            };
            let mut words = format!("held after {} {noun}", plain(calls, 0));
            if outcome.top_up_usd > 0.0 {
                let _ = write!(words, ", {} sent", self.amount(outcome.top_up_usd));
            }
            if outcome.unmet_call_usd > 0.0 {
                let _ = write!(
                    words,
                    ", {} not to be had",
                    self.amount(outcome.unmet_call_usd)
                );
            }
            return words;
        }
        "held without a call".to_owned()
    }

    /// The same for an episode, which also liquidates at other moments than the one that is told.
    pub(crate) fn episode_reason(&self, result: &EpisodeResult, outcome: &StressOutcome) -> String {
        let mut reason = self.reason(outcome);
        if result.liquidating_moments > 0 {
            // Writing to a string cannot fail.
            let _ = write!(
                reason,
                "; begun at {} of {} moments it liquidates, and needs up to {}",
                result.liquidating_moments,
                result.moments,
                self.amount(result.most_cash_needed_usd)
            );
        }
        reason
    }

    /// What a shock does beside its outcome, for those whose point is another.
    pub(crate) fn shock_reason(&self, shock: &Shock, outcome: &StressOutcome) -> String {
        let reason = self.reason(outcome);
        match shock {
            Shock::Maintenance {
                before,
                after,
                options_stay,
                ..
            } => {
                let options = if *options_stay {
                    "; written options as before, for their margin has no brackets"
                } else {
                    ""
                };
                format!(
                    "{reason}; a move that liquidates at once: {} instead of {}{options}",
                    either(after),
                    either(before)
                )
            }
            Shock::Instant { .. } | Shock::Slow { .. } | Shock::Funding { .. } => reason,
        }
    }

    /// What a simulation says.
    pub(crate) fn simulated_reason(&self, simulated: &Simulated) -> String {
        format!(
            "worst outcome in 100 of each; liquidated in {}; the worst 1 % lose {} on average",
            futures_text(&simulated.liquidation, simulated.paths),
            self.amount(simulated.hedged_es99_usd)
        )
    }
}

/// A day, to a tenth.
pub(crate) fn day_words(day: f64) -> String {
    let digits = usize::from((day - day.round()).abs() > 0.05);
    format!("day {}", plain(day, digits))
}

/// A move with its sign.
pub(crate) fn signed(frac: f64) -> String {
    if frac > 0.0 {
        format!("+{}", percent(frac))
    } else {
        percent(frac)
    }
}

/// A move as somebody wrote it: without decimals that are zero.
fn round_move(frac: f64) -> String {
    let rounded = plain(100.0 * frac, 3);
    let short = rounded.trim_end_matches('0').trim_end_matches('.');
    let sign = if frac > 0.0 { "+" } else { "" };
    format!("{sign}{short} %")
}

/// The smallest moves up and down.
pub(crate) fn either(moves: &UpDown) -> String {
    match (moves.up, moves.down) {
        (None, None) => "none".to_owned(),
        (Some(up), None) => signed(up),
        (None, Some(down)) => signed(down),
        (Some(up), Some(down)) => format!("{} or {}", signed(up), signed(down)),
    }
}

/// What a shock is called.
pub(crate) fn shock_name(shock: &Shock) -> String {
    match shock {
        Shock::Instant {
            spot_move,
            basis_move,
        } => {
            let basis = if *basis_move == 0.0 {
                String::new()
            } else {
                format!(", basis {}", round_move(*basis_move))
            };
            format!("spot {}{basis}", round_move(*spot_move))
        }
        Shock::Slow {
            spot_move,
            days,
            can_top_up,
        } => {
            let blocked = if *can_top_up { "" } else { ", no top-up" };
            format!(
                "spot {} in {}{blocked}",
                round_move(*spot_move),
                days_words(*days)
            )
        }
        Shock::Funding { rate_per_8h, days } => format!(
            "funding {} per 8 h against the hedge for {}",
            percent(*rate_per_8h),
            days_words(*days)
        ),
        Shock::Maintenance { rule, .. } => match rule {
            MaintenanceRule::Factor(factor) => format!("maintenance margin x {factor}"),
            MaintenanceRule::NextBracket => "next margin bracket".to_owned(),
        },
    }
}

/// What a simulation is called.
pub(crate) fn change_name(change: Change) -> String {
    match change {
        Change::None => "simulated as it is, p1".to_owned(),
        Change::Volatility(factor) => format!("volatility x {factor}, p1"),
        Change::Correlation(correlation) => format!("correlation {correlation}, p1"),
    }
}

/// When an episode begins.
pub(crate) fn moment_words(moment: &Moment, step_days: f64) -> String {
    if *moment == Moment::START {
        return "the start".to_owned();
    }
    let day = day_words(moment.step as f64 * step_days);
    if moment.drift_log == 0.0 {
        day
    } else {
        format!(
            "{day}, after a drift of {}",
            signed(moment.drift_log.exp_m1())
        )
    }
}

/// A part of a duration and all of it, in whole days or else in hours: `1 of 6 days`, `24 of 43 hours`.
fn part_of(part_days: f64, all_days: f64) -> String {
    let is_whole = |days: f64| (days - days.round()).abs() < 1e-6;
    let (factor, unit) = if is_whole(part_days) && is_whole(all_days) {
        (1.0, "days")
    } else {
        (24.0, "hours")
    };
    let short = |days: f64| {
        let text = plain(factor * days, 1);
        text.strip_suffix(".0").unwrap_or(&text).to_owned()
    };
    format!("{} of {} {unit}", short(part_days), short(all_days))
}

fn days_words(days: f64) -> String {
    let plural = if days.to_bits() == 1.0_f64.to_bits() {
        ""
    } else {
        "s"
    };
    format!("{days} day{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_duration_has_one_unit() {
        assert_eq!(part_of(1.0, 6.0), "1 of 6 days");
        assert_eq!(part_of(1.0, 43.0 / 24.0), "24 of 43 hours");
        assert_eq!(part_of(1.0 / 48.0, 28.0 / 24.0), "0.5 of 28 hours");
    }
}
