//! Tests of overrides.

use super::*;

fn apply(text: &str, arguments: &[&str]) -> String {
    let mut document: DocumentMut = text.parse().unwrap();
    for (index, argument) in arguments.iter().enumerate() {
        Override::parse(argument, index + 1)
            .unwrap()
            .apply(&mut document)
            .unwrap();
    }
    document.to_string()
}

fn refused(text: &str, argument: &str) -> String {
    let mut document: DocumentMut = text.parse().unwrap();
    let outcome = Override::parse(argument, 1).and_then(|o| o.apply(&mut document));
    outcome.unwrap_err().message
}

#[test]
fn values_are_replaced_and_comments_stay() {
    let text = "# top\n[simulation]\nhorizon = \"90d\" # long\npaths = 10\n";
    assert_eq!(
        apply(text, &["simulation.horizon=30d", "simulation.paths=20_000"]),
        "# top\n[simulation]\nhorizon = \"30d\" # long\npaths = 20_000\n"
    );
}

#[test]
fn a_variant_replaces_the_one_in_the_file() {
    let text =
        "[assets.ETH]\nspot_usd = 1\nmodel.jump_diffusion = { volatility = 0.6, kou = {} }\n";
    assert_eq!(
        apply(text, &["assets.ETH.model.gbm={volatility=0.5}"]),
        "[assets.ETH]\nspot_usd = 1\nmodel.gbm = {volatility=0.5}\n"
    );
    assert_eq!(
        apply(text, &["assets.ETH.model.jump_diffusion.merton={mean=0.1}"]),
        "[assets.ETH]\nspot_usd = 1\nmodel.jump_diffusion = { volatility = 0.6, merton = {mean=0.1}}\n"
    );
    let hedges = "[[hedges]]\nratio.fixed = 1.0\nrebalance.never = {}\n";
    assert_eq!(
        apply(
            hedges,
            &["hedges.0.rebalance.every=7d", "hedges.0.ratio.fixed=0"]
        ),
        "[[hedges]]\nratio.fixed = 0\nrebalance.every = \"7d\"\n"
    );
}

#[test]
fn new_tables_are_made() {
    for argument in [
        "execution.slippage=3bps",
        "accounts.main.liquidation.then.reenter.after=2d",
        "venues.own.fees.taker=1bps",
    ] {
        let text = "[accounts.main]\nvenue = \"x\"\n";
        let after = apply(text, &[argument]);
        let parsed: DocumentMut = after.parse().unwrap();
        let (path, value) = argument.split_once('=').unwrap();
        let mut item = parsed.as_item();
        for key in path.split('.') {
            item = item.get(key).unwrap();
        }
        assert_eq!(item.as_str(), Some(value), "{after}");
    }
}

#[test]
fn paths_that_lead_nowhere_are_refused() {
    let text = "a = 1\n[[hedges]]\nx = 1\n";
    assert_eq!(
        refused(text, "hedges.1.x=2"),
        "the override's path `hedges.1` leads nowhere: `hedges` has 1 entry, counted from 0"
    );
    assert_eq!(
        refused(text, "hedges.x=2"),
        "the override's path `hedges.x` leads nowhere: `hedges` is a list: its entries are counted from 0"
    );
    assert_eq!(
        refused(text, "a.b=2"),
        "the override's path `a.b` leads nowhere: `a` is a value, not a table"
    );
    assert_eq!(
        refused(text, "nothing"),
        "the override `nothing` is not of the form path=value"
    );
    assert_eq!(
        refused(text, "a..b=1"),
        "the override `a..b=1` is not of the form path=value"
    );
}

#[test]
fn a_key_of_another_model_is_told_and_nothing_else() {
    let text = "[assets.ETH]\nmodel.jump_diffusion = { volatility = 0.6, kou = {} }\n";
    let document: DocumentMut = text.parse().unwrap();
    let told = |argument: &str| {
        let parsed = Override::parse(argument, 1).unwrap();
        parsed.replaced_model(&document)
    };
    assert_eq!(
        told("assets.ETH.model.gbm.volatility=0.5").unwrap(),
        "The override of assets.ETH.model.gbm.volatility takes gbm for the model of ETH in the place of the scenario's jump_diffusion, \
         none of whose settings counts."
    );
    // A whole model is meant, and a key of the same one replaces nothing.
    assert_eq!(told("assets.ETH.model.gbm={ volatility = 0.5 }"), None);
    assert_eq!(told("assets.ETH.model.jump_diffusion.volatility=0.5"), None);
    assert_eq!(told("assets.BTC.model.gbm.volatility=0.5"), None);
    assert_eq!(told("assets.ETH.spot_usd=5"), None);
}
