//! Every form of a view arrives in the plan: as a table, as an override, in words.

use hedgesim::plan::read::parse;
use hedgesim::plan::resolve::resolve;
use hedgesim::plan::views::{SpotSide, ViewBound, ViewedQuantity, ViewsPlan};

const FULL: &str = include_str!("data/full.toml");

fn views(text: &str, overrides: &[&str]) -> ViewsPlan {
    let overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
    let whole = format!("{FULL}\n{text}");
    let loaded = parse("full.toml", &whole, &overrides).unwrap_or_else(|why| panic!("{why}"));
    let plan = resolve(&loaded).unwrap_or_else(|why| panic!("{why}"));
    plan.report.views
}

const fn bound(at_least: Option<f64>, at_most: Option<f64>) -> ViewBound {
    ViewBound { at_least, at_most }
}

/// The assets of the scenario in its order.
const ETH: usize = 0;
const BTC: usize = 1;

const fn mean() -> ViewedQuantity {
    ViewedQuantity::Mean { asset: ETH }
}

const fn probability(side: SpotSide) -> ViewedQuantity {
    ViewedQuantity::Probability {
        asset: BTC,
        side,
        level_usd: 50_000.0,
    }
}

const fn quantile() -> ViewedQuantity {
    ViewedQuantity::Quantile {
        asset: ETH,
        level_frac: 0.05,
        price_usd: 2_000.0,
    }
}

#[test]
fn every_form_means_the_same_as_a_table_and_in_words() {
    let order = ViewedQuantity::ReturnDifference {
        higher: ETH,
        lower: BTC,
    };
    let together = ViewedQuantity::Correlation {
        first: ETH,
        second: BTC,
    };
    let log = ViewedQuantity::MeanLogReturn { asset: ETH };
    for (table, words, quantity, held, text) in [
        (
            "asset = \"ETH\"\nmean_usd = 4_000",
            "mean ETH = 4_000",
            mean(),
            ViewBound::exactly(4_000.0),
            "mean of ETH = 4,000 USD",
        ),
        (
            "asset = \"ETH\"\nmean_usd = { at_least = 3_000 }",
            "mean ETH >= 3000",
            mean(),
            bound(Some(3_000.0), None),
            "mean of ETH >= 3,000 USD",
        ),
        (
            "asset = \"ETH\"\nmean_log_return = { at_most = \"5%\" }",
            "mean log ETH <= 5%",
            log,
            bound(None, Some(0.05)),
            "mean log return of ETH <= 0.05",
        ),
        (
            "asset = \"BTC\"\nprobability = { above_usd = 50_000, is = \"30%\" }",
            "BTC > 50_000: 30%",
            probability(SpotSide::Above),
            ViewBound::exactly(0.3),
            "probability of BTC above 50,000 USD = 30 %",
        ),
        (
            "asset = \"BTC\"\nprobability = { below_usd = 50_000, at_most = 0.3 }",
            "BTC < 50_000: <= 30%",
            probability(SpotSide::Below),
            bound(None, Some(0.3)),
            "probability of BTC below 50,000 USD <= 30 %",
        ),
        (
            "asset = \"ETH\"\nquantile = { p = \"5%\", value_usd = 2_000 }",
            "ETH p5 = 2_000",
            quantile(),
            ViewBound::exactly(0.05),
            "5 % quantile of ETH = 2,000 USD",
        ),
        // A higher quantile: less of the weight at or below the price.
        (
            "asset = \"ETH\"\nquantile = { p = \"5%\", at_least_usd = 2_000 }",
            "ETH p5 >= 2_000",
            quantile(),
            bound(None, Some(0.05)),
            "5 % quantile of ETH >= 2,000 USD",
        ),
        (
            "asset = \"ETH\"\nquantile = { p = 0.05, at_most_usd = 2_000 }",
            "ETH p5 <= 2_000",
            quantile(),
            bound(Some(0.05), None),
            "5 % quantile of ETH <= 2,000 USD",
        ),
        (
            "ordering = { higher = \"ETH\", lower = \"BTC\" }",
            "ETH > BTC",
            order,
            bound(Some(0.0), None),
            "expected return of ETH >= that of BTC",
        ),
        (
            "ordering = { higher = \"ETH\", lower = \"BTC\", by = \"2%\" }",
            "BTC <= ETH - 2%",
            order,
            bound(Some(0.02), None),
            "expected return of ETH >= that of BTC + 2 %",
        ),
        (
            "correlation = { between = [\"ETH\", \"BTC\"], at_least = 0.9 }",
            "corr ETH BTC >= 0.9",
            together,
            bound(Some(0.9), None),
            "correlation of ETH and BTC >= 0.9",
        ),
    ] {
        let of_table = views(&format!("[[views]]\n{table}\n"), &[]);
        let [view] = &of_table.list[..] else {
            panic!("one view: {of_table:?}");
        };
        assert_eq!((view.quantity, view.bound), (quantity, held), "{table}");
        assert_eq!((view.text.as_str(), view.path.as_str()), (text, "views.0"));
        let in_words = views(&format!("[[views]]\nexpect = \"{words}\"\n"), &[]);
        assert_eq!(in_words, of_table, "{words}");
        let appended = format!("views.+={{ expect = \"{words}\" }}");
        assert_eq!(views("", &[&appended]), of_table, "{appended}");
    }
}

#[test]
fn overrides_change_views_and_add_to_them() {
    let table = "[[views]]\nasset = \"ETH\"\nmean_usd = { at_least = 3_000, at_most = 5_000 }\n";
    let found = views(table, &["views.0.mean_usd.at_least=3_500"]);
    assert_eq!(found.list[0].bound, bound(Some(3_500.0), Some(5_000.0)));
    // Another kind of view takes the place of the first.
    let found = views(
        table,
        &["views.0.quantile={ p = \"5%\", value_usd = 2_000 }"],
    );
    assert_eq!(found.list[0].quantity, quantile());
    // New ones come behind, in their order, and can be whole or be filled key by key.
    let found = views(
        table,
        &[
            "views.+={ expect = \"corr ETH BTC = 0.9\" }",
            "views.+.expect=mean BTC <= 60000",
            "views.2.expect=mean BTC <= 70000",
        ],
    );
    let paths: Vec<&str> = found.list.iter().map(|view| view.path.as_str()).collect();
    assert_eq!(paths, ["views.0", "views.1", "views.2"]);
    assert_eq!(found.list[2].text, "mean of BTC <= 70,000 USD");
    // None at all, and how few effective paths are allowed.
    let found = views("", &[]);
    assert!(found.is_empty());
    assert_eq!(
        found.least_effective_frac.to_bits(),
        ViewsPlan::LEAST_EFFECTIVE_FRAC.to_bits()
    );
    let found = views(table, &["report.views_least_effective=\"5%\"", "views=[]"]);
    assert!(found.is_empty());
    assert_eq!(found.least_effective_frac.to_bits(), 0.05f64.to_bits());
}
