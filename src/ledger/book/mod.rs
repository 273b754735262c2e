//! The general ledger: any number of holdings, hedges and accounts, every contract and every policy.
//!
//! `docs/POLICIES.md` is its specification. Positions are kept in a form that is the same for all contracts (`rules`): a size and
//! the price of a unit in the currency of the account. A tile's prices in that form (`series`) are worked out for all lanes at
//! once, and so is a step in which nothing happens to a lane (`screen`, and for each account `quiet_single` or `quiet_account`), or
//! up to the trades that happen on every path. `doubt` looks closer at lanes that come near a liquidation; `lane` takes those in
//! which something happens through the order of events, and `transfers` is a shorter way for those in which only money travels.

mod account_rule;
mod bridges;
mod calls;
mod contract_rule;
mod contract_series;
mod crossing;
mod doubt;
mod ending;
mod expiry;
mod funds;
mod inventory;
mod kernels;
mod lane;
pub mod ledger;
mod liquidation;
mod margin;
mod opening;
mod option_quote;
mod passes;
mod policies;
mod quiet_account;
mod quiet_future;
mod quiet_lane;
mod quiet_leg;
mod quiet_linear;
mod quiet_single;
mod quiet_steps;
mod quiet_totals;
mod ranges;
mod record;
mod row;
pub mod rules;
mod schedule;
mod screen;
mod series;
pub mod standing;
mod state;
mod trading;
mod transfers;
mod unit_step;
mod walk;
mod windows;
