//! Paths without chance, whose every column is worked out by hand: signs, costs, the order of payments.

use hedgesim::outcome::column::Column;

use crate::common::scenario_text::{PLAIN, Run, run};

/// A price that only drifts; 64 paths that must all be the same.
fn certain(settings: &str) -> Run {
    let found = run(
        PLAIN,
        &format!("simulation.paths=64\nassets.X.model.gbm.volatility=0.0\n{settings}"),
    );
    for column in 0..found.table.columns() {
        let first = found.table.value(0, column);
        assert!(
            found
                .table
                .values_at(column)
                .all(|x| x.to_bits() == first.to_bits()),
            "column {column}"
        );
    }
    found
}

fn assert_usd(found: &Run, expected: &[(Column, f64)]) {
    for &(column, usd) in expected {
        let value = found.table.value(0, column as usize);
        assert!(
            (value - usd).abs() < 1e-9,
            "{column:?}: {value} is not {usd}"
        );
    }
}

/// Spot after `days` at this drift.
fn spot(drift_annual: f64, days: f64) -> f64 {
    100.0 * (drift_annual * days / 365.0).exp()
}

#[test]
fn a_full_hedge_of_a_falling_price_gains_what_the_holding_loses() {
    let end = spot(-2.0, 30.0);
    let found = certain("assets.X.model.gbm.drift=-2.0");
    assert_usd(
        &found,
        &[
            (Column::UnhedgedPnl, end - 100.0),
            (Column::IdealOffset, 100.0 - end),
            (Column::Tracking, 0.0),
            (Column::HedgedPnl, 0.0),
            (Column::MaxDrawdown, 0.0),
            (Column::EffectivePrice, 100.0),
            (Column::PeakCollateral, 20.0),
        ],
    );
    let half = certain("assets.X.model.gbm.drift=-2.0\nhedges.0.ratio.fixed=0.5");
    let loss = 0.5 * (end - 100.0);
    assert_usd(
        &half,
        &[
            (Column::HedgedPnl, loss),
            // Time 0 is no watching moment: the peak is that of the first day's end.
            (Column::MaxDrawdown, 0.5 * (spot(-2.0, 1.0) - end)),
            (Column::EffectivePrice, 100.0 + loss),
        ],
    );
}

/// A future above spot falls to it: a short gains the difference. One below costs it. A ratio of 1 is one coin: the
/// short is sized on the spot of the contract's underlying, not on its mark.
#[test]
fn a_short_gains_in_contango() {
    for initial in [0.01, -0.01_f64] {
        let left = initial * (-100.0 * 30.0 / 365.0_f64).exp();
        let gain = 100.0 * (initial.exp() - left.exp());
        let found = certain(&format!(
            "contracts.perp.perpetual.basis.ou={{ mean = 0.0, initial = {initial}, volatility = 0.0, reversion_per_year = 100 }}"
        ));
        assert!(gain * initial > 0.0);
        let coins = found.table.value(0, Column::FuturesBasis as usize) / gain;
        assert!((coins - 1.0).abs() < 1e-9, "{coins} coins short");
        assert_usd(
            &found,
            &[(Column::HedgedPnl, gain), (Column::Tracking, 0.0)],
        );
    }
}

/// Longs pay shorts while the future stands above spot; the damper brings a premium of 10 bps to 5.
#[test]
fn a_short_receives_funding_on_a_premium() {
    for (premium, rate) in [(0.001, 0.0005), (-0.001, -0.0005), (0.0003, 0.0001)] {
        let found = certain(&format!(
            "simulation.step=\"8h\"
             contracts.perp.perpetual.basis.ou={{ mean = {premium}, initial = {premium}, volatility = 0.0, reversion_per_year = 100 }}
             contracts.perp.perpetual.funding.premium_formula={{ interest_per_8h = 1e-4, damper = 5e-4, interval = \"8h\" }}"
        ));
        let usd = 90.0 * rate * 100.0 * f64::exp(premium);
        assert_usd(&found, &[(Column::Funding, usd), (Column::HedgedPnl, usd)]);
    }
}

/// Fees and slippage of both trades, interest on the collateral, each with its sign.
#[test]
fn costs_are_charged_once_and_with_their_sign() {
    let end = spot(-1.0, 30.0);
    let found = certain(
        "assets.X.model.gbm.drift=-1.0
         venues.plain.fees.taker=0.001
         execution.slippage=0.002
         financing.cost_of_funds_annual=0.1",
    );
    assert_usd(
        &found,
        &[
            // Of the notional at the mark, which slippage does not worsen here.
            (Column::Fees, -0.001 * (100.0 + end)),
            (Column::Slippage, -0.002 * (100.0 + end)),
            (Column::Financing, -0.1 * 20.0 * 30.0 / 365.0),
            (Column::UnhedgedPnl, end * 0.998 - 100.0),
            (Column::IdealOffset, 100.0 - end),
        ],
    );
}

/// A price that rises through the level: bought back at the level, slippage first, then the fee on the worsened
/// notional, then the rest returned or kept; the short that was planned goes on losing in the gap.
#[test]
fn a_liquidation_by_hand() {
    let (level, end) = (120.0 / 1.005, spot(4.0, 30.0));
    assert!(end > level);
    let (slippage, fee) = (0.01, 0.005);
    for remainder in ["returned", "forfeited"] {
        let found = certain(&format!(
            "assets.X.model.gbm.drift=4.0
             venues.plain.fees.liquidation={fee}
             venues.plain.liquidation.remainder=\"{remainder}\"
             accounts.main.liquidation.slippage={slippage}"
        ));
        let worsened = level * (1.0 + slippage);
        let after_slippage = 120.0 - worsened;
        // Equity at the level is 0.597: slippage of 1.194 leaves less than nothing, the fee 0.603 more.
        let loss = (fee * worsened - after_slippage).max(0.0);
        assert!(loss > 0.0);
        let costs = -slippage * level - fee * worsened + loss;
        assert_usd(
            &found,
            &[
                (Column::BankruptcyLoss, loss),
                (Column::Liquidation, costs),
                (Column::LiquidationGap, end - level),
                (Column::HedgedPnl, end - 100.0 - 20.0),
                (Column::Liquidations, 1.0),
            ],
        );
    }
    let cheap = "assets.X.model.gbm.drift=4.0";
    let returned = certain(cheap);
    let equity = 120.0 - level;
    let day = (365.0 / 4.0 * (level / 100.0).ln()).ceil();
    assert_usd(
        &returned,
        &[
            (Column::Liquidation, 0.0),
            (Column::HedgedPnl, end - level),
            (Column::LiquidationDay, day),
            (Column::MinEquity, equity),
            (Column::MaxMarginRatio, 1.0),
        ],
    );
    let kept = certain(&format!(
        "{cheap}\nvenues.plain.liquidation.remainder=\"forfeited\""
    ));
    assert_usd(
        &kept,
        &[
            (Column::Liquidation, -equity),
            (Column::HedgedPnl, end - level - equity),
            (Column::BankruptcyLoss, 0.0),
        ],
    );
}

/// A call by hand: at the end of the first day whose margin ratio is at the level, as much as brings it to the target.
#[test]
fn a_margin_call_by_hand() {
    let found = certain(
        "assets.X.model.gbm.drift=2.0
         accounts.main.reserve_usd=100
         accounts.main.margin_call={ level = 0.04, target = 0.02, every = \"1d\", delay = \"0d\" }",
    );
    let mut cash_usd = 120.0;
    let (mut sent_usd, mut calls) = (0.0, 0.0);
    for day in 1..30 {
        let mark = spot(2.0, f64::from(day));
        let maintenance = 0.005 * mark;
        if maintenance / (cash_usd - mark) >= 0.04 {
            let ask = maintenance / 0.02 - (cash_usd - mark);
            cash_usd += ask;
            sent_usd += ask;
            calls += 1.0;
        }
    }
    assert!(calls > 0.0);
    assert_usd(
        &found,
        &[
            (Column::MarginCalls, calls),
            (Column::TopUp, sent_usd),
            (Column::PeakCollateral, 20.0 + sent_usd),
            (Column::UnmetCalls, 0.0),
            (Column::HedgedPnl, 0.0),
            (Column::Liquidations, 0.0),
        ],
    );
}

/// Thirds sold after 10, 20 and 30 days, each with its share of the hedge.
#[test]
fn sales_take_their_share_of_the_hedge() {
    let found = certain(
        "assets.X.model.gbm.drift=-1.0
         holdings.0.quantity=3
         accounts.main.collateral_usd=60
         hedges.0.ratio.fixed=0.5
         holdings.0.sell.evenly={ every = \"10d\" }",
    );
    let proceeds: f64 = [10.0, 20.0, 30.0].iter().map(|&d| spot(-1.0, d)).sum();
    let pnl = proceeds - 300.0;
    assert_usd(
        &found,
        &[
            (Column::UnhedgedPnl, pnl),
            (Column::IdealOffset, -0.5 * pnl),
            (Column::HedgedPnl, 0.5 * pnl),
            (Column::EffectivePrice, 100.0 + 0.5 * pnl / 3.0),
        ],
    );
}
