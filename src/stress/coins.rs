//! Whose moves an asset of the scenario takes in an episode.

use crate::plan::types::Plan;
use crate::scenario::nearest::{nearest, quoted};
use crate::stress::episode::{BITCOIN, Episode, known_coins, knows};

/// Assets of a scenario and the coins whose moves they take.
#[derive(Debug, Clone, PartialEq)]
pub struct CoinMap {
    /// By asset: its name, and the coin that stands for it if somebody said so.
    assets: Vec<(String, Option<String>)>,
}

impl CoinMap {
    /// The map of a plan; `given` are pairs of asset and coin.
    ///
    /// # Errors
    /// The message for an asset that the scenario does not have, a coin that no episode knows, or an asset mapped twice.
    pub fn try_new(plan: &Plan, given: &[(String, String)]) -> Result<Self, String> {
        let names = || plan.market.assets.iter().map(|asset| asset.name.as_str());
        let mut assets: Vec<(String, Option<String>)> =
            names().map(|name| (name.to_owned(), None)).collect();
        for (asset, coin) in given {
            let meant = |near: Option<&str>| {
                near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"))
            };
            let Some((_, own)) = assets.iter_mut().find(|(name, _)| name == asset) else {
                return Err(format!(
                    "`--map {asset}={coin}`: the scenario has no asset `{asset}`; it has {}{}",
                    quoted(names()),
                    meant(nearest(asset, names()))
                ));
            };
            if !knows(coin) {
                return Err(format!(
                    "`--map {asset}={coin}`: no episode knows `{coin}`; they know {}{}",
                    quoted(known_coins()),
                    meant(nearest(coin, known_coins()))
                ));
            }
            if own.is_some() {
                return Err(format!("`--map {asset}=...` is given twice"));
            }
            *own = Some(coin.clone());
        }
        Ok(Self { assets })
    }

    /// The coin whose moves each asset takes in an episode: that of the map, or its own name's, or bitcoin's. The second list has the
    /// assets that take bitcoin's because the episode does not know what they should take.
    pub fn coins<'a>(&'a self, episode: &Episode) -> (Vec<&'a str>, Vec<&'a str>) {
        let mut strangers = Vec::new();
        let coins = self.assets.iter().map(|(name, mapped)| {
            let wanted = mapped.as_ref().unwrap_or(name);
            if episode.has(wanted) {
                wanted.as_str()
            } else {
                strangers.push(name.as_str());
                BITCOIN
            }
        });
        let coins = coins.collect();
        (coins, strangers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hedge::fixture::eth_treasury;
    use crate::stress::episode::select;

    fn pair(asset: &str, coin: &str) -> (String, String) {
        (asset.to_owned(), coin.to_owned())
    }

    #[test]
    fn an_asset_takes_its_own_moves_or_those_it_is_given_or_bitcoins() {
        let mut plan = eth_treasury();
        let mut token = plan.market.assets[0].clone();
        token.name = "TOKEN".to_owned();
        plan.market.assets.push(token);
        let episode = select(&["2020-03".to_owned()]).unwrap()[0];
        let map = CoinMap::try_new(&plan, &[]).unwrap();
        assert_eq!(map.coins(episode), (vec!["ETH", "BTC"], vec!["TOKEN"]));
        let map = CoinMap::try_new(&plan, &[pair("TOKEN", "LTC")]).unwrap();
        assert_eq!(map.coins(episode), (vec!["ETH", "LTC"], vec![]));
        // Known to other episodes, not to this one.
        let map = CoinMap::try_new(&plan, &[pair("TOKEN", "SOL")]).unwrap();
        assert_eq!(map.coins(episode), (vec!["ETH", "BTC"], vec!["TOKEN"]));
    }

    #[test]
    fn what_is_not_there_cannot_be_mapped() {
        let plan = eth_treasury();
        for (given, message) in [
            (
                vec![pair("ETX", "BTC")],
                "no asset `ETX`; it has `ETH`; did you mean `ETH`?",
            ),
            (vec![pair("ETH", "SOK")], "no episode knows `SOK`"),
            (
                vec![pair("ETH", "BTC"), pair("ETH", "SOL")],
                "is given twice",
            ),
        ] {
            let refused = CoinMap::try_new(&plan, &given).unwrap_err();
            assert!(refused.contains(message), "{refused}");
        }
    }
}
