//! `[contracts.NAME]`: a perpetual, a dated future or an option on one asset.

use crate::scenario::checked::{within, word};
use crate::scenario::dated::Dated;
use crate::scenario::draft::ContractDraft;
use crate::scenario::expiry::ExpiryChoice;
use crate::scenario::liquidity::Liquidity;
use crate::scenario::option::EuropeanOption;
use crate::scenario::perpetual::{self, Funding, Perpetual};
use crate::scenario::place::Given;
use crate::scenario::range::Range;
use crate::scenario::reader::{Reader, Requirement};
use crate::scenario::units::{BaseQuantity, Usd, base_quantity, text, usd};
use crate::scenario::venue::read_optional;

/// A contract on one asset.
#[derive(Debug, Clone, PartialEq)]
pub struct Contract {
    /// Its name, the key of its table. Example: `[contracts.eth-perp]`.
    pub name: Given<String>,
    /// The underlying, a name under `[assets]`. Example: `underlying = "ETH"`.
    pub underlying: Given<String>,
    /// A preset venue, or a name under `[venues]`. Example: `venue = "binance"`.
    pub venue: Given<String>,
    /// Which of a preset venue's contracts. Example: `listing = "ETHUSDT"`.
    pub listing: Option<Given<String>>,
    /// What it is margined and settled in: `"linear"` (USD) or `"inverse"` (coin). Optional: the listing's, else `"linear"`.
    pub settlement: Option<Given<Settlement>>,
    /// Size of one inverse contract, above 0 to 1e9 USD. Optional: the listing's. Example: `contract_size_usd = 100`.
    pub contract_size_usd: Option<Given<Usd>>,
    /// Size of one linear contract or option, above 0 to 1e12 base units. Optional: any size. Example: `contract_size = 0.001`.
    pub contract_size: Option<Given<BaseQuantity>>,
    /// What kind of contract it is.
    pub kind: Kind,
    /// What a trade costs beside fee and slippage. Optional: what `[execution]` says.
    pub liquidity: Option<Liquidity>,
}

/// What a contract is settled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settlement {
    /// USD (USDT).
    Linear,
    /// The coin of the underlying.
    Inverse,
}

/// What kind of contract it is, chosen by the name of its table.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "a handful, read once")]
pub enum Kind {
    /// `perpetual.basis`, `perpetual.funding`.
    Perpetual(Perpetual),
    /// `dated = { expiry = "90d" }`.
    Dated(Dated),
    /// `option = { kind = "put", strike = "90%", expiry = "90d", implied_volatility = 0.8 }`.
    Option(EuropeanOption),
}

/// The name of a kind of contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KindChoice {
    /// A perpetual.
    Perpetual,
    /// A dated future.
    Dated,
    /// An option.
    Option,
}

const CONTRACT_SIZE_USD: Range = Range::above(0.0, 1e9, "above 0, up to 1e9 (USD a contract)");
const CONTRACT_SIZE: Range = Range::above(0.0, 1e12, "above 0, up to 1e12 (coins a contract)");

impl Contract {
    /// Reads one contract.
    pub fn read(name: Given<String>, mut table: Reader<'_>) -> Option<Self> {
        let underlying = table.required("underlying", text);
        let venue = table.required("venue", text);
        let listing = table.optional("listing", text);
        let words = &[
            ("linear", Settlement::Linear),
            ("inverse", Settlement::Inverse),
        ];
        let settlement = table.optional("settlement", word(words, &[]));
        let contract_size_usd = table.optional("contract_size_usd", within(usd, CONTRACT_SIZE_USD));
        let contract_size = table.optional("contract_size", within(base_quantity, CONTRACT_SIZE));
        let read = read_kind(&mut table);
        let liquidity = read_optional(&mut table, "liquidity", Liquidity::read);
        let is_unsure = table.is_unsure();
        table.note(|draft| {
            draft.contracts.push(ContractDraft {
                name: name.clone(),
                underlying: underlying.clone(),
                venue: venue.clone(),
                listing: listing
                    .clone()
                    .filter(|given| given.is_some() || !is_unsure),
                kind: read.choice,
                settlement: settlement
                    .clone()
                    .filter(|given| given.is_some() || !is_unsure),
                expiry: read.expiry.clone(),
                funding: read.funding.clone(),
            });
        });
        table.finish();
        Some(Self {
            name,
            underlying: underlying?,
            venue: venue?,
            listing: listing?,
            settlement: settlement?,
            contract_size_usd: contract_size_usd?,
            contract_size: contract_size?,
            kind: read.kind?,
            liquidity: liquidity?,
        })
    }
}

/// What could be read of a contract's kind.
#[derive(Default)]
struct ReadKind {
    choice: Option<KindChoice>,
    kind: Option<Kind>,
    expiry: Option<Given<ExpiryChoice>>,
    #[expect(
        clippy::option_option,
        reason = "not given and not readable are two things"
    )]
    funding: Option<Option<Funding>>,
}

fn read_kind(table: &mut Reader<'_>) -> ReadKind {
    let variants = &["perpetual", "dated", "option"];
    let Some(key) = table.one_of(variants, &[], Requirement::Required) else {
        return ReadKind::default();
    };
    let inner = table.table(key);
    let choice = match key {
        "perpetual" => KindChoice::Perpetual,
        "dated" => KindChoice::Dated,
        _ => KindChoice::Option,
    };
    let mut found = ReadKind {
        choice: Some(choice),
        ..ReadKind::default()
    };
    let Some(inner) = inner else {
        return found;
    };
    match choice {
        KindChoice::Perpetual => {
            let (basis, funding) = perpetual::read(inner);
            found.funding.clone_from(&funding);
            found.kind = basis
                .zip(funding)
                .map(|(basis, funding)| Kind::Perpetual(Perpetual { basis, funding }));
        }
        KindChoice::Dated => {
            let (expiry, dated) = Dated::read(inner);
            found.expiry = expiry;
            found.kind = dated.map(Kind::Dated);
        }
        KindChoice::Option => {
            let (expiry, option) = EuropeanOption::read(inner);
            found.expiry = expiry;
            found.kind = option.map(Kind::Option);
        }
    }
    found
}
