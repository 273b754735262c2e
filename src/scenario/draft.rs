//! What could be read of a scenario, whole or not: enough for the checks that need only parts of it.

use crate::scenario::asset::Jumps;
use crate::scenario::calendar::Moment;
use crate::scenario::contract::{KindChoice, Settlement};
use crate::scenario::expiry::ExpiryChoice;
use crate::scenario::holding::Sale;
use crate::scenario::perpetual::Funding;
use crate::scenario::place::Given;
use crate::scenario::units::{BaseQuantity, Fraction, Span};
use crate::scenario::venue::Bracket;

/// What could be read of a scenario. `None` is what could not be read, and what is not there though it must be.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    /// `simulation.horizon`.
    pub horizon: Option<Given<Span>>,
    /// `simulation.step`.
    pub step: Option<Given<Span>>,
    /// `simulation.start`; `Some(None)` if none is given.
    pub start: Option<Option<Given<Moment>>>,
    /// The names that tables give.
    pub names: Names,
    /// Durations that have to be a multiple of the step.
    pub times: Vec<Given<Span>>,
    /// Durations that have to be a multiple of the step and may be 0.
    pub delays: Vec<Given<Span>>,
    /// Dates of sales: on the grid, below the horizon.
    pub sale_dates: Vec<Given<Span>>,
    /// Quantities held, each with its schedule of sales.
    pub schedules: Vec<(Given<BaseQuantity>, Vec<Sale>)>,
    /// Drifts.
    pub drifts: Vec<Given<Fraction>>,
    /// Jumps.
    pub jumps: Vec<Jumps>,
    /// Pairs of assets that have a correlation.
    pub pairs: Vec<(Given<String>, Given<String>)>,
    /// `[contracts.NAME]`.
    pub contracts: Vec<ContractDraft>,
    /// Brackets of the scenario's own venues.
    pub brackets: Vec<Vec<Bracket>>,
    /// The assets of `[[holdings]]`.
    pub holdings: Vec<Option<Given<String>>>,
    /// `[[hedges]]`.
    pub hedges: Vec<HedgeDraft>,
    /// `[accounts.NAME]`.
    pub accounts: Vec<AccountDraft>,
    /// Dates of the report: on the grid, up to the horizon.
    pub report_dates: Vec<Given<Span>>,
    /// Assets of collateral.
    pub coins: Vec<Given<String>>,
    /// Assets that views are about.
    pub view_assets: Vec<Given<String>>,
    /// Contracts that a hedge may switch to.
    pub switches: Vec<Given<String>>,
    /// Margin calls.
    pub margin_calls: Vec<MarginCallDraft>,
}

/// Names that tables give; `None` where there may be more than could be read.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// Under `[assets]`.
    pub assets: Option<Vec<String>>,
    /// Under `[contracts]`.
    pub contracts: Option<Vec<String>>,
    /// Under `[venues]`.
    pub venues: Option<Vec<String>>,
    /// Under `[accounts]`.
    pub accounts: Option<Vec<String>>,
}

/// What could be read of a contract.
#[derive(Debug, Clone)]
pub struct ContractDraft {
    /// Its name.
    pub name: Given<String>,
    /// Its underlying.
    pub underlying: Option<Given<String>>,
    /// Its venue.
    pub venue: Option<Given<String>>,
    /// Its listing; `Some(None)` if it surely has none.
    pub listing: Option<Option<Given<String>>>,
    /// Which kind of contract it is.
    pub kind: Option<KindChoice>,
    /// Its settlement; `Some(None)` if surely none is given.
    pub settlement: Option<Option<Given<Settlement>>>,
    /// When it expires.
    pub expiry: Option<Given<ExpiryChoice>>,
    /// Its funding; `Some(None)` if surely none is given, `None` also if it is no perpetual.
    pub funding: Option<Option<Funding>>,
}

/// What could be read of a hedge: the names in it.
#[derive(Debug, Clone)]
pub struct HedgeDraft {
    /// The contract.
    pub contract: Option<Given<String>>,
    /// The account.
    pub account: Option<Given<String>>,
    /// The held asset.
    pub covers: Option<Given<String>>,
}

/// What could be read of an account.
#[derive(Debug, Clone)]
pub struct AccountDraft {
    /// Its name.
    pub name: Given<String>,
    /// Its venue.
    pub venue: Option<Given<String>>,
}

/// What could be read of a margin call: the ratios, which descend.
#[derive(Debug, Clone)]
pub struct MarginCallDraft {
    /// Where it starts.
    pub level: Option<Given<Fraction>>,
    /// What it restores.
    pub target: Option<Given<Fraction>>,
    /// Below this, excess goes back.
    pub release: Option<Given<Fraction>>,
}
