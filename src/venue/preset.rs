//! The venues that hedgesim knows, each a dated and sourced data file.

use std::sync::OnceLock;

use crate::venue::preset_file;
use crate::venue::rules::ContractRules;

/// The embedded files by venue name, in the order in which they are listed.
const FILES: [(&str, &str); 2] = [
    ("binance", include_str!("presets/binance.toml")),
    ("bybit", include_str!("presets/bybit.toml")),
];

/// A venue and the contracts it lists.
#[derive(Debug, Clone, PartialEq)]
pub struct VenuePreset {
    /// Name by which scenarios call it, e.g. `binance`.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// Date of the data.
    pub as_of: String,
    /// Its contracts, most traded first.
    pub listings: Vec<ListingPreset>,
}

/// One contract of a venue.
#[derive(Debug, Clone, PartialEq)]
pub struct ListingPreset {
    /// The venue's symbol, e.g. `ETHUSDT`.
    pub listing: String,
    /// The asset it follows, e.g. `ETH`.
    pub underlying: String,
    /// Which kind of contract it is.
    pub kind: ListedKind,
    /// What it is margined and settled in.
    pub settlement: ListedSettlement,
    /// Size of one inverse contract, USD; `None` for a linear one.
    pub contract_size_usd: Option<f64>,
    /// Brackets, fees, liquidation; amounts in USD, of an inverse contract in coins.
    pub rules: ContractRules,
    /// What the venue fixes in the premium formula of the funding rate; `None` for a dated future.
    pub funding: Option<PresetFunding>,
    /// Sentences on numbers that no source, or an old one, stands for. Every run that uses the listing shows them.
    pub assumed: Vec<String>,
    /// Where each number comes from.
    pub provenance: Vec<Provenance>,
    /// The sources, each once, in order of first use.
    pub sources: Vec<Source>,
}

/// Which kind of contract a listing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListedKind {
    /// A perpetual.
    Perpetual,
    /// A future that expires at the end of a quarter.
    Dated,
}

/// What a listing is margined and settled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListedSettlement {
    /// USD (USDT).
    Linear,
    /// The coin of the underlying.
    Inverse,
}

impl ListedKind {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Perpetual => "perpetual",
            Self::Dated => "quarterly future",
        }
    }
}

impl ListedSettlement {
    /// As scenarios write it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Inverse => "inverse",
        }
    }
}

/// What a venue fixes in the premium formula of the funding rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PresetFunding {
    /// Interest term `I` per 8 h.
    pub interest_per_8h: f64,
    /// Half-width of the clamp per 8 h.
    pub damper_per_8h: f64,
    /// Hours between stamps.
    pub interval_hours: f64,
    /// Largest absolute rate per 8 h.
    pub cap_per_8h: f64,
}

/// Where a number of a listing comes from; at least one of the two is there.
#[derive(Debug, Clone, PartialEq)]
pub struct Provenance {
    /// The number by its dotted key, e.g. `fees.taker`.
    pub key: String,
    /// Its source, counted from 0 in [`ListingPreset::sources`].
    pub source: Option<usize>,
    /// What is assumed about it, counted from 0 in [`ListingPreset::assumed`].
    pub assumed: Option<usize>,
}

/// A public source of numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// What it is and where it stands.
    pub citation: String,
    /// Date of its content, or a remark where it has none.
    pub date: String,
}

impl VenuePreset {
    /// A listing by its symbol.
    pub fn listing(&self, name: &str) -> Option<&ListingPreset> {
        self.listings.iter().find(|l| l.listing == name)
    }
}

impl ListingPreset {
    /// The unit of its brackets: `USD`, or the coin.
    pub fn unit(&self) -> &str {
        match self.settlement {
            ListedSettlement::Linear => "USD",
            ListedSettlement::Inverse => &self.underlying,
        }
    }

    /// Where the number with this dotted key comes from.
    pub fn provenance(&self, key: &str) -> Option<&Provenance> {
        self.provenance.iter().find(|p| p.key == key)
    }

    /// What is assumed about the number with this dotted key. A scenario that brings a number of its own leaves the
    /// preset's assumption about it behind.
    pub fn assumed_about(&self, key: &str) -> Option<&str> {
        let index = self.provenance(key)?.assumed?;
        self.assumed.get(index).map(String::as_str)
    }
}

/// A venue by its name.
pub fn find(venue: &str) -> Option<&'static VenuePreset> {
    all().iter().find(|v| v.name == venue)
}

/// Names of all venues.
pub fn names() -> Vec<&'static str> {
    FILES.iter().map(|(name, _)| *name).collect()
}

/// All venues.
pub fn all() -> &'static [VenuePreset] {
    static PRESETS: OnceLock<Vec<VenuePreset>> = OnceLock::new();
    PRESETS.get_or_init(|| FILES.iter().map(|(name, text)| load(name, text)).collect())
}

/// Reads an embedded file. A fault in one is a fault of the program, and the tests below read them all.
fn load(name: &str, text: &str) -> VenuePreset {
    preset_file::parse(name, text)
        .unwrap_or_else(|fault| panic!("the preset of {name} is faulty: {fault}"))
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these values are exact")]
mod tests {
    use super::*;
    use crate::venue::preset_file::keys;
    use crate::venue::rules::{MaintenanceAt, Remainder};

    fn binance(listing: &str) -> &'static ListingPreset {
        find("binance").unwrap().listing(listing).unwrap()
    }

    #[test]
    fn every_venue_loads_and_is_found_by_its_name() {
        assert_eq!(names(), ["binance", "bybit"]);
        for name in names() {
            let venue = find(name).unwrap();
            assert_eq!(venue.name, name);
            assert!(!venue.title.is_empty() && !venue.as_of.is_empty());
        }
        let symbols: Vec<_> = find("binance")
            .unwrap()
            .listings
            .iter()
            .map(|l| l.listing.as_str())
            .collect();
        assert_eq!(
            symbols,
            [
                "BTCUSDT",
                "ETHUSDT",
                "SOLUSDT",
                "ATOMUSDT",
                "IOTXUSDT",
                "BTCUSDT_QUARTER",
                "ETHUSDT_QUARTER",
                "BTCUSD_PERP",
                "ETHUSD_PERP",
                "BTCUSD_QUARTER",
                "ETHUSD_QUARTER"
            ]
        );
        assert!(find("binanc").is_none());
        assert!(find("bybit").unwrap().listing("ETHUSDT").is_none());
    }

    #[test]
    fn brackets_join_without_holes_and_maintenance_is_continuous() {
        for listing in all().iter().flat_map(|v| &v.listings) {
            let brackets = &listing.rules.brackets;
            assert!(brackets[0].floor_usd == 0.0 && brackets[0].deduction_usd == 0.0);
            let mut deduction_usd = 0.0;
            for pair in brackets.windows(2) {
                let (low, high) = (&pair[0], &pair[1]);
                assert!(low.cap_usd == high.floor_usd && high.floor_usd < high.cap_usd);
                assert!(
                    low.rate < high.rate && low.max_leverage > high.max_leverage,
                    "{}",
                    listing.listing
                );
                // The recursion that all venues publish: c_n = c_(n-1) + floor_n (m_n - m_(n-1)).
                deduction_usd += high.floor_usd * (high.rate - low.rate);
                assert!(
                    (deduction_usd - high.deduction_usd).abs() < 1e-6 * (1.0 + high.deduction_usd)
                );
                let below_usd = high.floor_usd * low.rate - low.deduction_usd;
                let above_usd = high.floor_usd * high.rate - high.deduction_usd;
                assert!(
                    (below_usd - above_usd).abs() < 1e-9 * above_usd,
                    "{}",
                    listing.listing
                );
            }
            // Initial margin is at least maintenance margin everywhere.
            for b in brackets {
                assert!(
                    b.rate * b.max_leverage.unwrap() <= 1.0,
                    "{} {b:?}",
                    listing.listing
                );
            }
        }
    }

    #[test]
    fn brackets_are_the_published_ones() {
        let btc = &binance("BTCUSDT").rules;
        assert_eq!((btc.brackets.len(), btc.position_cap_usd()), (12, 1.8e9));
        assert_eq!(btc.brackets[2].rate, 0.0065);
        assert_eq!(btc.brackets[6].deduction_usd, 2_982_000.0);
        let eth = &binance("ETHUSDT").rules;
        let at = eth.bracket_index(175e6);
        assert_eq!(
            (at + 1, eth.brackets[at].max_leverage, eth.brackets[at].rate),
            (8, Some(5.0), 0.1)
        );
        assert_eq!(eth.initial_margin_usd(175e6), 35e6);
        assert!((eth.maintenance_margin_usd(175e6) - (17.5e6 - 9_507_000.0)).abs() < 1e-6);
        assert_eq!(binance("SOLUSDT").rules.position_cap_usd(), 400e6);
        assert_eq!(binance("IOTXUSDT").rules.brackets[6].rate, 0.1667);
        assert_eq!(
            binance("ATOMUSDT").rules.brackets[9].deduction_usd,
            3_841_690.0
        );
        let bybit = &find("bybit").unwrap().listings[0].rules;
        assert_eq!((bybit.brackets.len(), bybit.position_cap_usd()), (20, 80e6));
        assert_eq!(bybit.brackets[19].deduction_usd, 1_482_000.0);
    }

    #[test]
    fn fees_funding_and_liquidation_are_the_published_ones() {
        for (symbol, liquidation_fee_frac, cap_per_8h) in [
            ("BTCUSDT", 0.012, 0.003),
            ("ETHUSDT", 0.015, 0.00375),
            ("SOLUSDT", 0.015, 0.0075),
            ("ATOMUSDT", 0.015, 0.0075),
            ("IOTXUSDT", 0.015, 0.0075),
        ] {
            let listing = binance(symbol);
            let rules = &listing.rules;
            assert_eq!(
                (rules.maker_fee_frac, rules.taker_fee_frac),
                (0.0002, 0.0005)
            );
            assert_eq!(
                (rules.liquidation_fee_frac, rules.fee_in_trigger),
                (liquidation_fee_frac, false)
            );
            assert_eq!(rules.remainder, Remainder::Returned);
            let funding = PresetFunding {
                interest_per_8h: 0.0001,
                damper_per_8h: 0.0005,
                interval_hours: 8.0,
                cap_per_8h,
            };
            assert_eq!(listing.funding, Some(funding));
            assert_eq!(format!("{}USDT", listing.underlying), symbol);
        }
        let bybit = &find("bybit").unwrap().listings[0];
        assert_eq!(
            (bybit.rules.taker_fee_frac, bybit.rules.liquidation_fee_frac),
            (0.00055, 0.0)
        );
        assert_eq!(
            (bybit.rules.remainder, bybit.funding.unwrap().cap_per_8h),
            (Remainder::Forfeited, 0.00333)
        );
    }

    #[test]
    fn quarterly_contracts_have_brackets_of_their_own() {
        for symbol in ["BTCUSDT_QUARTER", "ETHUSDT_QUARTER"] {
            let listing = binance(symbol);
            let rules = &listing.rules;
            assert_eq!(
                (listing.kind, listing.settlement, listing.unit()),
                (ListedKind::Dated, ListedSettlement::Linear, "USD")
            );
            assert_eq!((rules.brackets.len(), rules.position_cap_usd()), (8, 120e6));
            assert_eq!(rules.brackets[7].deduction_usd, 12_461_750.0);
            assert_eq!((rules.delivery_fee_frac, listing.funding), (0.0005, None));
        }
        let fee = |symbol| binance(symbol).rules.liquidation_fee_frac;
        assert_eq!(
            (fee("BTCUSDT_QUARTER"), fee("ETHUSDT_QUARTER")),
            (0.01, 0.015)
        );
    }

    #[test]
    fn inverse_contracts_are_counted_in_coins() {
        for (symbol, kind, size_usd, brackets) in [
            ("BTCUSD_PERP", ListedKind::Perpetual, 100.0, 9),
            ("BTCUSD_QUARTER", ListedKind::Dated, 100.0, 9),
            ("ETHUSD_PERP", ListedKind::Perpetual, 10.0, 9),
            ("ETHUSD_QUARTER", ListedKind::Dated, 10.0, 9),
        ] {
            let listing = binance(symbol);
            assert_eq!(
                (listing.kind, listing.contract_size_usd),
                (kind, Some(size_usd))
            );
            assert_eq!(listing.settlement, ListedSettlement::Inverse);
            assert_eq!(listing.unit(), listing.underlying);
            assert_eq!(listing.rules.brackets.len(), brackets);
            assert_eq!(listing.rules.position_cap_usd(), f64::INFINITY);
            assert_eq!(listing.rules.maintenance_at, MaintenanceAt::Mark);
            assert_eq!(listing.funding.is_some(), kind == ListedKind::Perpetual);
        }
        // The FAQ's own example: 300 BTC stand at 12.5 %, less 11.81 BTC.
        let btc = &binance("BTCUSD_PERP").rules;
        assert_eq!(btc.bracket(300.0).rate, 0.125);
        assert!((btc.maintenance_margin_usd(300.0) - (37.5 - 11.81)).abs() < 1e-12);
        let bybit = find("bybit").unwrap().listing("BTCUSD").unwrap();
        assert_eq!(
            (bybit.contract_size_usd, bybit.rules.position_cap_usd()),
            (Some(1.0), 1_500.0)
        );
        assert_eq!(bybit.rules.initial_margin_usd(150.0), 1.5);
    }

    #[test]
    fn every_number_has_a_source_or_is_marked_assumed() {
        for listing in all().iter().flat_map(|v| &v.listings) {
            let keys = keys(listing.kind, listing.settlement);
            for key in &keys {
                let origin = listing.provenance(key).unwrap();
                assert!(
                    origin.source.is_some() || origin.assumed.is_some(),
                    "{} {key}",
                    listing.listing
                );
                assert!(
                    origin
                        .source
                        .is_none_or(|i| !listing.sources[i].date.is_empty())
                );
                assert!(origin.assumed.is_none_or(|i| listing.assumed[i].len() > 20));
            }
            assert_eq!(listing.provenance.len(), keys.len());
        }
        let fee = binance("BTCUSDT").provenance("fees.liquidation").unwrap();
        assert!(
            fee.source.is_some() && fee.assumed.is_some(),
            "sourced, but old"
        );
        assert!(
            binance("ETHUSDT")
                .provenance("fees.liquidation")
                .unwrap()
                .source
                .is_none()
        );
    }

    #[test]
    fn what_is_assumed_states_the_number_that_is_used() {
        for listing in all().iter().flat_map(|v| &v.listings) {
            let cap_per_8h = listing.funding.map_or(0.0, |funding| funding.cap_per_8h);
            let percents = [
                ("fees.liquidation", listing.rules.liquidation_fee_frac),
                ("funding.cap_per_8h", cap_per_8h),
            ];
            for (key, value) in percents {
                let Some(sentence) = listing.assumed_about(key) else {
                    continue;
                };
                let stated = sentence
                    .split_whitespace()
                    .find_map(|word| word.parse::<f64>().ok());
                let stated_frac = stated.map_or(0.0, |percent| percent / 100.0);
                assert!(
                    (stated_frac - value).abs() < 1e-12,
                    "{}: {sentence}",
                    listing.listing
                );
            }
        }
    }
}
