//! Episodes and shocks on the smallest plan, worked out by hand: 10 ETH at 100 USD, fully hedged on 200 USD.

use std::sync::atomic::AtomicBool;

use hedgesim::plan::types::{ContractKind, FundingPlan, OuBasis, Plan, Position};
use hedgesim::stress::history::EpisodeResult;
use hedgesim::stress::hypothetical::{Shock, Shocked, hypothetical};
use hedgesim::stress::maintenance::MaintenanceRule;
use hedgesim::stress::outcome::CutOff;
use hedgesim::stress::results::Results;
use hedgesim::stress::reverse::UpDown;
use hedgesim::stress::settings::Settings;

use crate::common::small_plan::{small_margin_call, small_plan};
use crate::reversed::shown;
use crate::{shipped, stressed};

fn near(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
}

/// One episode of a stress test.
fn episode(plan: &Plan, name: &str) -> EpisodeResult {
    let settings = Settings {
        episodes: vec![name.to_owned()],
        ..Settings::default()
    };
    stressed(plan, settings).episodes.remove(0)
}

/// The shock for which a question is answered with yes.
fn shock(results: &Results, is_it: impl Fn(&Shock) -> bool) -> &Shocked {
    let mut found = results
        .shocks
        .iter()
        .filter(|shocked| is_it(&shocked.shock));
    found.next().expect("a shock of the kind")
}

#[test]
fn a_full_hedge_makes_up_for_a_crash() {
    let result = episode(&small_plan(10), "2020-03");
    // 100 to 44: 560 lost on 10 ETH, made by the short; the basis has gone by the horizon.
    near(result.at_start.unhedged_pnl_usd, -560.0);
    near(result.at_start.hedged_pnl_usd, 0.0);
    assert!(!result.at_start.liquidated);
    near(result.at_start.cash_needed_usd, 0.0);
    near(result.at_start.component("ideal_offset_usd"), 560.0);
    assert_eq!(result.coins, ["ETH"]);
    assert!(result.strangers.is_empty());
}

#[test]
fn a_rally_liquidates_on_the_day_that_passes_the_level() {
    let result = episode(&small_plan(10), "2024-11");
    // ETH rises by 46.4 % in eight days, in bitcoin's shape: the last day is worth ln 1.114 of bitcoin's ln 1.398. Margin is looked at
    // at the ends of days, and equity 1,200 - 10 F meets 10 % of 10 F at 109.09.
    let total = 1.464_f64.ln();
    let last = total * 1.114_f64.ln() / 1.398_f64.ln();
    let price = |day: f64| 100.0 * ((total - last) * day / 7.0).exp();
    let days = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0];
    let day = days.into_iter().find(|&day| price(day) >= 1_200.0 / 11.0);
    let day = day.expect("within a week");
    let outcome = &result.at_start;
    assert_eq!(outcome.liquidation_day, Some(day));
    near(outcome.unhedged_pnl_usd, 464.0);
    near(outcome.hedged_pnl_usd, 464.0 - 10.0 * (price(day) - 100.0));
    // Back at 100 the coins have made nothing, and the loss of the short is there.
    let back_usd = outcome.hedged_pnl_if_back_usd.expect("two days are left");
    near(back_usd, -10.0 * (price(day) - 100.0));
    // At the peak the mark stands 0.1 % over spot: 10 % of the notional, and the loss.
    let mark = 146.4 * 1e-3_f64.exp();
    near(
        outcome.cash_needed_usd,
        0.1 * 10.0 * mark + 10.0 * (mark - 100.0) - 200.0,
    );
}

#[test]
fn an_episode_is_tried_on_every_day_and_the_worst_is_told() {
    let mut plan = small_plan(10);
    plan.hedges[0].hedge_ratio = 0.5;
    // Down by 12.9 % in three days, then up: cut off by the horizon it ends lowest when it begins three days before it.
    let result = episode(&plan, "2023-03");
    assert_eq!((result.worst.step, result.moments), (7, 10));
    near(result.at_worst.unhedged_pnl_usd, -129.0);
    // The basis at the trough, -0.07 %, is there at the horizon: half of the coins are sold short at it.
    let mark = 87.1 * (-7e-4_f64).exp();
    near(
        result.at_worst.hedged_pnl_usd,
        -129.0 + 5.0 * (100.0 - mark),
    );
    near(
        result.at_start.unhedged_pnl_usd,
        10.0 * (87.1 * 1.301 - 100.0),
    );
}

#[test]
fn without_a_hedge_hedged_is_unhedged_to_the_bit() {
    for mut plan in [small_plan(10), shipped("eth-treasury-90d")] {
        plan.hedges[0].hedge_ratio = 0.0;
        plan.simulation.paths = 64;
        let results = stressed(&plan, Settings::default());
        let episodes = results.episodes.iter();
        let told = episodes.flat_map(|result| [&result.at_start, &result.at_worst]);
        for outcome in told.chain(results.shocks.iter().map(|shocked| &shocked.outcome)) {
            assert_eq!(
                outcome.hedged_pnl_usd.to_bits(),
                outcome.unhedged_pnl_usd.to_bits()
            );
            assert!(!outcome.liquidated && !outcome.is_hedged);
            assert_eq!(outcome.cash_needed_usd.to_bits(), 0.0_f64.to_bits());
        }
        assert_eq!(results.reverse.liquidating_move_frac, None);
        assert_eq!(results.episodes.len(), 14);
    }
}

#[test]
fn moves_at_once_are_filled_where_they_land() {
    let settings = Settings {
        spot_moves: vec![0.0, 0.05, 0.15, 0.3, -0.4],
        basis_moves: vec![0.0, 0.09],
        ..Settings::default()
    };
    let results = stressed(&small_plan(10), settings);
    let outcome = |spot: f64, basis: f64| {
        let is_it = |shock: &Shock| {
            *shock
                == Shock::Instant {
                    spot_move: spot,
                    basis_move: basis,
                }
        };
        shock(&results, is_it).outcome.clone()
    };
    near(outcome(0.05, 0.0).hedged_pnl_usd, 0.0);
    assert!(!outcome(0.05, 0.0).liquidated);
    // Filled at 115: 150 lost on the short, 150 made by the coins.
    near(outcome(0.15, 0.0).hedged_pnl_usd, 0.0);
    assert!(outcome(0.15, 0.0).liquidated);
    near(
        outcome(0.15, 0.0).hedged_pnl_if_back_usd.expect("time"),
        -150.0,
    );
    assert_eq!(outcome(0.05, 0.0).hedged_pnl_if_back_usd, None);
    near(outcome(0.15, 0.0).cash_needed_usd, 115.0 + 150.0 - 200.0);
    // The short loses 300, of which the account has 200: the insurance fund bears the rest.
    near(outcome(0.3, 0.0).hedged_pnl_usd, 100.0);
    near(outcome(-0.4, 0.0).hedged_pnl_usd, 0.0);
    near(outcome(-0.4, 0.0).unhedged_pnl_usd, -400.0);
    // The mark alone passes 109.09 and the hedge is closed at it; spot has not moved.
    assert!(outcome(0.0, 0.09).liquidated);
    near(
        outcome(0.0, 0.09).hedged_pnl_usd,
        -1_000.0 * (0.09_f64.exp() - 1.0),
    );
}

#[test]
fn funding_at_its_cap_is_paid_by_a_short_and_by_a_long() {
    for (ratio, sign) in [(1.0, 1.0), (0.5, 1.0)] {
        let mut plan = small_plan(10);
        plan.hedges[0].hedge_ratio = ratio;
        plan.market.contracts[0].kind = ContractKind::Perpetual {
            basis: OuBasis::NONE,
            funding: FundingPlan::PremiumFormula {
                interest_per_8h: 0.0,
                damper_per_8h: 5e-4,
                cap_per_8h: 3e-3,
                interval_hours: 24.0,
                interval_steps: 1,
            },
        };
        let settings = Settings {
            funding_days: 4.0,
            ..Settings::default()
        };
        let results = stressed(&plan, settings);
        let found = shock(&results, |shock| matches!(shock, Shock::Funding { .. }));
        // Four stamps of a day, each of three times 0.3 %.
        near(
            found.outcome.hedged_pnl_usd,
            -sign * ratio * 4.0 * 9e-3 * 1_000.0,
        );
        near(found.outcome.component("funding_usd"), -ratio * 36.0);
        near(found.outcome.unhedged_pnl_usd, 0.0);
    }
}

#[test]
fn without_top_ups_a_slow_rise_liquidates_what_they_would_have_saved() {
    let mut plan = small_plan(10);
    plan.accounts[0].margin_call = Some(small_margin_call(1));
    plan.accounts[0].reserve_usd = 2_000.0;
    let settings = Settings {
        slow_move: 0.3,
        slow_days: 10.0,
        ..Settings::default()
    };
    let results = stressed(&plan, settings);
    let outcome = |up: bool, can: bool| {
        let is_it = |shock: &Shock| matches!(shock, Shock::Slow { spot_move, can_top_up, .. } if (*spot_move > 0.0) == up && *can_top_up == can);
        shock(&results, is_it).outcome.clone()
    };
    let saved = outcome(true, true);
    assert!(!saved.liquidated && saved.margin_calls > 0.0 && saved.top_up_usd > 0.0);
    near(saved.hedged_pnl_usd, 0.0);
    let lost = outcome(true, false);
    assert!(lost.liquidated && lost.top_up_usd == 0.0);
    // The ten days of the move are the whole horizon.
    assert_eq!(lost.hedged_pnl_if_back_usd, None);
    // The same requirement, whatever was sent: 11 times the highest mark, less 1,000, beyond 200.
    near(saved.cash_needed_usd, 11.0 * 130.0 - 1_200.0);
    near(lost.cash_needed_usd, saved.cash_needed_usd);
    assert!(!outcome(false, false).liquidated);
}

#[test]
fn dearer_margin_brings_the_level_nearer() {
    let settings = Settings {
        maintenance_factor: 1.5,
        ..Settings::default()
    };
    let results = stressed(&small_plan(10), settings);
    let found = shock(&results, |shock| matches!(shock, Shock::Maintenance { .. }));
    let Shock::Maintenance { before, after, .. } = found.shock else {
        unreachable!()
    };
    // (1,200 / 10) / 1.1 and / 1.15.
    near(before.up.expect("a level"), 1.2 / 1.1 - 1.0);
    near(after.up.expect("a level"), 1.2 / 1.15 - 1.0);
    assert_eq!((before.down, after.down), (None, None));
    // One bracket has no next one, and this contract no funding.
    // One episode takes eleven days, of which there are ten.
    assert_eq!(results.notes.len(), 4, "{:?}", results.notes);
    assert!(results.notes[1].starts_with("funding at its cap is left out"));
    assert!(results.notes[2].starts_with("the next margin bracket is left out"));
}

/// What liquidates before and after a rule, and whether written options stay as they are.
fn dearer(shocks: &[Shocked], wanted: MaintenanceRule) -> Option<(UpDown, UpDown, bool)> {
    shocks.iter().find_map(|shocked| match shocked.shock {
        Shock::Maintenance {
            rule,
            before,
            after,
            options_stay,
        } if rule == wanted => Some((before, after, options_stay)),
        _ => None,
    })
}

#[test]
fn dearer_margin_is_that_of_written_options_too() {
    let factor = MaintenanceRule::Factor(3.0);
    let shocked = |plan: &Plan, maintenance_factor: f64| {
        let settings = Settings {
            maintenance_factor,
            spot_moves: vec![0.1],
            ..Settings::default()
        };
        hypothetical(plan, &settings, &AtomicBool::new(false)).expect("not interrupted")
    };
    let mut plan = shipped("eth-futures-and-calls");
    // Beside a perpetual, and alone.
    for perpetual_ratio in [0.7, 0.0] {
        plan.hedges[0].hedge_ratio = perpetual_ratio;
        let (shocks, notes) = shocked(&plan, 3.0);
        let (before, after, _) = dearer(&shocks, factor).expect("a row");
        let mut dear = plan.clone();
        for contract in &mut dear.market.contracts {
            for bracket in &mut contract.rules.brackets {
                bracket.rate *= 3.0;
                bracket.deduction_usd *= 3.0;
            }
            if let ContractKind::Option(option) = &mut contract.kind {
                option.terms.maintenance_frac *= 3.0;
            }
        }
        // The levels that `check` shows, of both.
        near(before.smaller().expect("a level"), shown(&plan));
        near(after.smaller().expect("a level"), shown(&dear));
        assert!(after.up < before.up, "{after:?} {before:?}");
        let next = dearer(&shocks, MaintenanceRule::NextBracket);
        let left_out = notes.iter().any(|note| {
            note == "the next margin bracket is left out: the margin of written options has no brackets"
        });
        assert_eq!(next.map(|(.., stay)| stay), (!left_out).then_some(true));
        assert_eq!(left_out, perpetual_ratio == 0.0);
    }
    // Nothing is asked for what is bought, and once is no more than before.
    plan.hedges[1].position = Position::Long;
    let (shocks, notes) = shocked(&plan, 3.0);
    assert_eq!(dearer(&shocks, factor), None);
    let bought = "maintenance margin x 3 is left out: bought options need no margin";
    assert!(notes.iter().any(|note| note == bought), "{notes:?}");
    let (shocks, notes) = shocked(&small_plan(10), 1.0);
    assert_eq!(dearer(&shocks, MaintenanceRule::Factor(1.0)), None);
    let same = "maintenance margin x 1 is left out: it changes nothing";
    assert!(notes.iter().any(|note| note == same), "{notes:?}");
}

#[test]
fn what_the_horizon_cuts_off_is_told() {
    let mut plan = small_plan(2);
    plan.market.contracts[0].kind = ContractKind::Perpetual {
        basis: OuBasis::NONE,
        funding: FundingPlan::Constant {
            rate_per_8h: 1e-4,
            interval_steps: 1,
        },
    };
    let settings = Settings {
        slow_days: 2.0,
        funding_days: 5.0,
        funding_per_8h: Some(1e-3),
        ..Settings::default()
    };
    let results = stressed(&plan, settings);
    let cut = |after_days: f64, of_days: f64| {
        Some(CutOff {
            after_days,
            of_days,
        })
    };
    let episode = |name: &str| {
        let mut found = results.episodes.iter();
        found.find(|r| r.episode.name == name).expect("an episode")
    };
    // 144 hours, and 43.
    assert_eq!(episode("2021-01").at_start.cut_off, cut(2.0, 6.0));
    assert_eq!(episode("2019-10").at_start.cut_off, None);
    let late = episode("2021-01");
    let left = 2.0 - late.worst.step as f64;
    assert_eq!(late.at_worst.cut_off, cut(left, 6.0));
    let slow = shock(&results, |shock| matches!(shock, Shock::Slow { .. }));
    assert_eq!(slow.outcome.cut_off, None);
    let funding = shock(&results, |shock| matches!(shock, Shock::Funding { .. }));
    assert_eq!(funding.outcome.cut_off, cut(2.0, 5.0));
    let note = results.notes.iter();
    let mut note = note.filter(|note| note.starts_with("longer than the horizon"));
    let note = note.next().expect("a note");
    assert!(
        note.contains("2021-01") && !note.contains("2019-10"),
        "{note}"
    );
    // A week of a slow move in two days, and without a hedge as well.
    plan.hedges[0].hedge_ratio = 0.0;
    let results = stressed(&plan, Settings::default());
    let slow = shock(&results, |shock| matches!(shock, Shock::Slow { .. }));
    assert_eq!(slow.outcome.cut_off, cut(2.0, 7.0));
}

#[test]
fn an_asset_that_no_episode_knows_is_told_once() {
    let mut plan = small_plan(10);
    plan.market.assets[0].name = "TOKEN".to_owned();
    let results = stressed(&plan, Settings::default());
    assert!(
        results.notes[0].starts_with("none of the episodes knows how TOKEN moved"),
        "{:?}",
        results.notes
    );
    let black = &results.episodes[1];
    near(black.at_start.unhedged_pnl_usd, -526.0);
    assert_eq!(black.coins, ["BTC"]);
    let settings = Settings {
        episodes: vec!["2020-03".to_owned()],
        map: vec![("TOKEN".to_owned(), "ETH".to_owned())],
        ..Settings::default()
    };
    let mapped = stressed(&plan, settings).episodes.remove(0);
    near(mapped.at_start.unhedged_pnl_usd, -560.0);
    assert!(mapped.strangers.is_empty());
}

/// The page lists every episode with the moves, hours, basis, funding and costs of the data.
#[test]
fn the_page_has_the_numbers_of_the_data() {
    let page = std::fs::read_to_string("docs/STRESS.md").expect("the page");
    let percent = |frac: f64| {
        let sign = if frac > 0.0 { "+" } else { "" };
        format!("{sign}{:.1} %", 100.0 * frac)
    };
    for episode in &hedgesim::stress::episode::all().episodes {
        let start = format!("| `{}` | {} |", episode.name, episode.title);
        let mut lines = page.lines();
        let line = lines.find(|line| line.starts_with(&start)).expect(&start);
        for leg in &episode.legs {
            for coin in ["BTC", "ETH"] {
                let moved = percent(leg.moves[coin].total);
                assert!(line.contains(&moved), "{line}: {coin} {moved}");
            }
            let basis = leg.basis.as_ref().expect("recorded").value;
            let rate = leg.funding_per_8h.as_ref().expect("recorded").value;
            assert!(line.contains(&format!("{:.2} %", 100.0 * basis)), "{line}");
            assert!(line.contains(&format!("{:.3} %", 100.0 * rate)), "{line}");
            assert!(line.contains(&format!("{}", leg.hours)), "{line}");
        }
        assert!(
            line.ends_with(&format!("| x {} |", episode.cost_factor.value)),
            "{line}"
        );
    }
    for source in hedgesim::stress::episode::all().sources.values() {
        assert!(page.contains(&source.citation), "{}", source.citation);
    }
}
