//! The whole scenario: what the user wrote, read and checked value by value.

use crate::scenario::account::Account;
use crate::scenario::asset::Asset;
use crate::scenario::cause::Cause;
use crate::scenario::contract::Contract;
use crate::scenario::correlation::Correlation;
use crate::scenario::draft::Names;
use crate::scenario::execution::Execution;
use crate::scenario::hedge::Hedge;
use crate::scenario::holding::Holding;
use crate::scenario::limit::Limit;
use crate::scenario::place::Given;
use crate::scenario::reader::Reader;
use crate::scenario::settings::{Financing, ReportSettings};
use crate::scenario::simulation::Simulation;
use crate::scenario::sink::Sink;
use crate::scenario::tree::Table;
use crate::scenario::units::plain_text;
use crate::scenario::venue::{Venue, read_optional};
use crate::scenario::view::View;

/// What the user wrote; each value is valid by itself, their combinations are checked when it becomes a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// What it is about, for reports. Optional. Example: `title = "50,000 ETH, hedged for 90 days"`.
    pub title: Option<Given<String>>,
    /// `[simulation]`: the size and the grid.
    pub simulation: Simulation,
    /// `[assets.NAME]`, at least one.
    pub assets: Vec<Asset>,
    /// `[[correlations]]`, pairs that are not listed have 0.
    pub correlations: Vec<Correlation>,
    /// `[contracts.NAME]`, at least one.
    pub contracts: Vec<Contract>,
    /// `[venues.NAME]`: venues of one's own.
    pub venues: Vec<Venue>,
    /// `[[holdings]]`, at least one, one an asset.
    pub holdings: Vec<Holding>,
    /// `[[hedges]]`, at least one.
    pub hedges: Vec<Hedge>,
    /// `[accounts.NAME]`, at least one.
    pub accounts: Vec<Account>,
    /// `[execution]`.
    pub execution: Option<Execution>,
    /// `[financing]`.
    pub financing: Option<Financing>,
    /// `[report]`.
    pub report: Option<ReportSettings>,
    /// `[[limits]]`.
    pub limits: Vec<Limit>,
    /// `[[views]]`: none, and the model's own probabilities hold.
    pub views: Vec<View>,
}

impl Scenario {
    /// Reads a tree; problems go to the sink, and there is a scenario only if every value could be read.
    pub fn read(tree: &Table, sink: &Sink) -> Option<Self> {
        let mut root = Reader::new(tree, String::new(), None, sink);
        let title = root.optional("title", plain_text);
        let simulation = root.required_table("simulation").and_then(Simulation::read);
        let assets = named(&mut root, "assets", Asset::read);
        let correlations = listed(&mut root, "correlations", Correlation::read);
        let contracts = named(&mut root, "contracts", Contract::read);
        let venues = optional_named(&mut root, "venues", Venue::read);
        let holdings = at_least_one(&mut root, "holdings", Holding::read);
        let hedges = at_least_one(&mut root, "hedges", Hedge::read);
        let accounts = named(&mut root, "accounts", Account::read);
        let execution = read_optional(&mut root, "execution", Execution::read);
        let financing = read_optional(&mut root, "financing", Financing::read);
        let report = read_optional(&mut root, "report", ReportSettings::read);
        let limits = listed(&mut root, "limits", Limit::read);
        let views = listed(&mut root, "views", View::read);
        root.later("regimes");
        let names = Names {
            assets: root.names("assets"),
            contracts: root.names("contracts"),
            venues: root.names("venues"),
            accounts: root.names("accounts"),
        };
        sink.note(|draft| draft.names = names);
        root.finish();
        Some(Self {
            title: title?,
            simulation: simulation?,
            assets: assets?,
            correlations: correlations?,
            contracts: contracts?,
            venues: venues?,
            holdings: holdings?,
            hedges: hedges?,
            accounts: accounts?,
            execution: execution?,
            financing: financing?,
            report: report?,
            limits: limits?,
            views: views?,
        })
    }
}

/// Tables by name, any number.
fn optional_named<'a, T>(
    root: &mut Reader<'a>,
    key: &'static str,
    read: impl Fn(Given<String>, Reader<'a>) -> Option<T>,
) -> Option<Vec<T>> {
    let tables = root.named(key)?;
    let read: Vec<Option<T>> = tables
        .into_iter()
        .map(|(name, table)| read(name, table))
        .collect();
    read.into_iter().collect()
}

/// Tables by name, at least one.
fn named<'a, T>(
    root: &mut Reader<'a>,
    key: &'static str,
    read: impl Fn(Given<String>, Reader<'a>) -> Option<T>,
) -> Option<Vec<T>> {
    if !root.has(key) {
        root.required_table(key);
        return None;
    }
    let tables = root.named(key)?;
    if tables.is_empty() {
        let path = key.to_owned();
        let allowed = "at least one entry, such as [assets.ETH]";
        let allowed = if key == "assets" {
            allowed
        } else {
            "at least one entry"
        };
        root.push(Cause::Empty { path, allowed }.at(root.place_of(key)));
        return None;
    }
    let read: Vec<Option<T>> = tables
        .into_iter()
        .map(|(name, table)| read(name, table))
        .collect();
    read.into_iter().collect()
}

/// A list of tables that may be absent.
fn listed<'a, T>(
    root: &mut Reader<'a>,
    key: &'static str,
    read: impl Fn(Reader<'a>) -> Option<T>,
) -> Option<Vec<T>> {
    let tables = root.list(key, "a list of tables")?;
    let read: Vec<Option<T>> = tables.into_iter().map(read).collect();
    read.into_iter().collect()
}

/// A list of tables, at least one.
fn at_least_one<'a, T>(
    root: &mut Reader<'a>,
    key: &'static str,
    read: impl Fn(Reader<'a>) -> Option<T>,
) -> Option<Vec<T>> {
    if !root.has(key) {
        root.required_table(key);
        return None;
    }
    let tables = root.list(key, "a list of tables")?;
    if tables.is_empty() {
        let path = key.to_owned();
        let allowed = "at least one entry";
        root.push(Cause::Empty { path, allowed }.at(root.place_of(key)));
    }
    let read: Vec<Option<T>> = tables.into_iter().map(read).collect();
    read.into_iter().collect()
}
