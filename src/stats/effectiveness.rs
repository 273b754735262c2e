//! Hedge effectiveness: how much of the unhedged risk is gone.

use serde::Serialize;

use crate::stats::estimate::Estimate;
use crate::stats::moments::Spread;
use crate::stats::sample::Sample;
use crate::stats::tail::LossTail;

/// What is known of one side, hedged or unhedged.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// P&L by path, USD.
    pub pnl_usd: &'a Sample<'a>,
    /// Its mean and deviation.
    pub spread: &'a Spread,
    /// Its worst 5 %.
    pub worst5: &'a LossTail,
}

/// One less the ratio of hedged to unhedged risk; 1 is a perfect hedge, 0 none, negative one that adds risk.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct HedgeEffectiveness {
    /// In variance; undefined where the unhedged variance is 0.
    pub variance: Estimate,
    /// In expected shortfall at 95 %; undefined where the unhedged shortfall is not a loss.
    pub es95: Estimate,
}

/// Hedge effectiveness with standard errors by the delta method.
///
/// With the ratio `R = h / u` of two estimates of the same paths, the influence of a path on `R` is
/// `(IF_h - R IF_u) / u`, where `IF` is `(x - m)^2 - v` for a variance and [`LossTail::influence`] for a shortfall. So the
/// dependence of the two sides is accounted for. There is no error where that of either shortfall cannot be told.
pub fn hedge_effectiveness(hedged: &Side, unhedged: &Side) -> HedgeEffectiveness {
    let samples = [hedged.pnl_usd, unhedged.pnl_usd];
    HedgeEffectiveness {
        variance: variance_effectiveness(samples, &[*hedged.spread, *unhedged.spread]),
        es95: shortfall_effectiveness(samples, &[*hedged.worst5, *unhedged.worst5]),
    }
}

/// [`HedgeEffectiveness::variance`] of hedged and unhedged P&L.
pub(super) fn variance_effectiveness(pnl_usd: [&Sample; 2], spreads: &[Spread; 2]) -> Estimate {
    let risks = spreads.map(|spread| spread.variance);
    let [hedged, unhedged] = spreads;
    one_less_ratio(pnl_usd, risks, |x, y| {
        [hedged.variance_influence(x), unhedged.variance_influence(y)]
    })
}

/// [`HedgeEffectiveness::es95`] of hedged and unhedged P&L.
pub(super) fn shortfall_effectiveness(pnl_usd: [&Sample; 2], worst5: &[LossTail; 2]) -> Estimate {
    let risks = worst5.map(|tail| tail.shortfall());
    let [hedged, unhedged] = worst5;
    let told = one_less_ratio(pnl_usd, risks, |x, y| {
        [hedged.influence(x), unhedged.influence(y)]
    });
    let is_told = worst5.iter().all(LossTail::is_told);
    match told.value {
        // Without a hedge nothing is removed, whatever the tail.
        Some(value) if !is_told && pnl_usd[0].values() != pnl_usd[1].values() => {
            Estimate::normal(value, f64::NAN)
        }
        _ => told,
    }
}

fn one_less_ratio(
    [hedged, unhedged]: [&Sample; 2],
    [risk, unhedged_risk]: [f64; 2],
    influence: impl Fn(f64, f64) -> [f64; 2] + Sync,
) -> Estimate {
    if unhedged_risk.is_nan() || unhedged_risk <= 0.0 {
        return Estimate::UNDEFINED;
    }
    let ratio = risk / unhedged_risk;
    let unhedged_pnl_usd = unhedged.values();
    let [square] = hedged.sum(|x, w, path| {
        let [h, u] = influence(x, unhedged_pnl_usd[path]);
        let term = w * (h - ratio * u) / unhedged_risk;
        [term * term]
    });
    let square = hedged.square(square, |x, path| {
        let [h, u] = influence(x, unhedged_pnl_usd[path]);
        (h - ratio * u) / unhedged_risk
    });
    let std_error = if hedged.len() < 2 {
        f64::NAN
    } else {
        square.sqrt() / hedged.weight_sum()
    };
    Estimate::normal(1.0 - ratio, std_error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::level::Level;
    use crate::stats::moments::spread;
    use crate::stats::quantile::Percentiles;
    use crate::stats::sample::tests::normals;

    fn effectiveness(hedged: Vec<f64>, unhedged: Vec<f64>) -> HedgeEffectiveness {
        let level = Level::new(950);
        let [hedged, unhedged] = [hedged, unhedged].map(|values| Sample::new(values, None));
        let parts = |sample: &Sample| {
            (
                spread(sample),
                LossTail::new(sample, &Percentiles::new(sample, &[], &[level]), level),
            )
        };
        let ((h_spread, h_tail), (u_spread, u_tail)) = (parts(&hedged), parts(&unhedged));
        hedge_effectiveness(
            &Side {
                pnl_usd: &hedged,
                spread: &h_spread,
                worst5: &h_tail,
            },
            &Side {
                pnl_usd: &unhedged,
                spread: &u_spread,
                worst5: &u_tail,
            },
        )
    }

    #[test]
    fn no_hedge_is_exactly_zero() {
        let values = normals(2, 1000);
        let found = effectiveness(values.clone(), values);
        assert_eq!(found.variance, Estimate::exact(0.0));
        assert_eq!(found.es95, Estimate::exact(0.0));
    }

    #[test]
    fn nothing_to_hedge_is_undefined() {
        let found = effectiveness(vec![1.0, -1.0], vec![0.0, 0.0]);
        assert_eq!(found.variance, Estimate::UNDEFINED);
        assert_eq!(found.es95, Estimate::UNDEFINED);
    }

    #[test]
    fn a_tail_too_small_has_no_error() {
        let found = effectiveness(normals(5, 60), normals(6, 60));
        assert!(found.variance.std_error > Some(0.0));
        assert!(found.es95.value.is_some());
        assert_eq!((found.es95.std_error, found.es95.ci95), (None, None));
        // What is not hedged at all is known in any sample.
        assert_eq!(
            effectiveness(normals(5, 60), normals(5, 60)).es95,
            Estimate::exact(0.0)
        );
    }

    #[test]
    fn independent_residual() {
        // u = z1, h = 0.3 z2: effectiveness 0.91 in variance, with R = 0.09 and s.e. R sqrt(2 (2/n)) = 0.18 / sqrt(n);
        // 0.7 in shortfall. Bounds: 4.892 standard errors.
        let n = 200_000;
        let hedged = normals(31, n).iter().map(|z| 0.3 * z).collect();
        let found = effectiveness(hedged, normals(32, n));
        let std_error = 0.18 / (n as f64).sqrt();
        assert!((found.variance.value.unwrap() - 0.91).abs() < 4.892 * std_error);
        assert!((found.variance.std_error.unwrap() / std_error - 1.0).abs() < 0.02);
        // Each shortfall has s.e. sqrt(6.079 / n), so R = 0.3 has 0.3 sqrt(2 * 6.079 / n) / 2.0627.
        let std_error = 0.3 * (2.0 * 6.079_049_931_38 / n as f64).sqrt() / 2.062_712_807_507_123;
        assert!((found.es95.value.unwrap() - 0.7).abs() < 4.892 * std_error);
        assert!((found.es95.std_error.unwrap() / std_error - 1.0).abs() < 0.03);
    }
}
