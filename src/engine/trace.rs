//! One path alone, from the same random numbers: its market and its account, step by step.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::engine::ledgers::LedgerRules;
use crate::engine::tape::{Jump, Tape, WithinStep};
use crate::engine::trace_book::BookRecorder;
use crate::ledger::account::Standing;
use crate::ledger::book::ledger::Book;
use crate::ledger::book::rules::BookRules;
use crate::ledger::book::standing::BookStanding;
use crate::ledger::crossing::CrossingDraws;
use crate::ledger::event::{LedgerEvent, Told};
use crate::ledger::programme::{Follower, Programme};
use crate::ledger::rules::ProgrammeRules;
use crate::market::model::MarketModel;
use crate::market::tile::MarketTile;
use crate::outcome::layout::Layout;
use crate::outcome::table::{LANES, OutcomeTable};
use crate::plan::types::Plan;

/// One path's whole story.
#[derive(Debug, Clone)]
pub struct Trace {
    /// The path.
    pub path: u64,
    /// Its market.
    pub tape: Tape,
    /// Its account at time 0 and at the end of each step; empty unless the plan is plain.
    pub steps: Vec<StepRecord>,
    /// All its holdings, hedges and accounts at time 0 and at the end of each step; empty if the plan is plain.
    pub book: Vec<BookStep>,
    /// Outcomes of the path's block; the path is row [`Self::row`].
    pub block: OutcomeTable,
    /// Row of the path in `block`.
    pub row: usize,
}

/// The account at the end of one step. Money in USD, sizes in base units.
#[derive(Debug, Clone, PartialEq)]
pub struct StepRecord {
    /// Step, from 0 (time 0).
    pub step: usize,
    /// Inventory.
    pub quantity_base: f64,
    /// Actual short.
    pub short_base: f64,
    /// Planned short.
    pub planned_short_base: f64,
    /// Equity of the account.
    pub equity_usd: f64,
    /// Maintenance margin.
    pub maintenance_margin_usd: f64,
    /// Mark that liquidates; infinite if none does.
    pub liquidation_price_usd: f64,
    /// Cash outside the venue.
    pub reserve_usd: f64,
    /// Money under way.
    pub in_flight_usd: f64,
    /// Funding received so far.
    pub funding_usd: f64,
    /// What happened in the step.
    pub events: Vec<LedgerEvent>,
}

/// All holdings, hedges and accounts of a path at the end of one step.
#[derive(Debug, Clone, PartialEq)]
pub struct BookStep {
    /// Step, from 0 (time 0).
    pub step: usize,
    /// How everything stands after the step's events.
    pub standing: BookStanding,
    /// What happened in the step, in its order.
    pub events: Vec<Told>,
}

/// Collects one lane's records.
struct Recorder<'a> {
    rules: &'a ProgrammeRules,
    lane: usize,
    /// Mark of the lane at each step of the tile being worked on.
    marks_usd: Vec<f64>,
    first_step: usize,
    steps: Vec<StepRecord>,
}

impl Recorder<'_> {
    fn record(
        &mut self,
        step: usize,
        quantity_base: f64,
        account: &Standing,
        mark_usd: f64,
        events: Vec<LedgerEvent>,
    ) {
        let venue = &self.rules.venue;
        let &Standing {
            short_base,
            cash_usd,
            ..
        } = account;
        let is_over = step == self.rules.steps;
        self.steps.push(StepRecord {
            step,
            quantity_base: if is_over { 0.0 } else { quantity_base },
            short_base,
            planned_short_base: if is_over {
                0.0
            } else {
                account.planned_short_base
            },
            equity_usd: cash_usd - short_base * mark_usd,
            maintenance_margin_usd: venue.maintenance_margin_usd(short_base * mark_usd),
            liquidation_price_usd: if short_base > 0.0 {
                venue.liquidation_price_usd(cash_usd, short_base)
            } else {
                f64::INFINITY
            },
            reserve_usd: account.reserve_usd,
            in_flight_usd: account.in_flight_usd,
            funding_usd: account.funding_usd,
            events,
        });
    }
}

impl Follower for Recorder<'_> {
    fn lane(&self) -> usize {
        self.lane
    }

    fn step_ended(
        &mut self,
        step: usize,
        quantity_base: f64,
        account: &Standing,
        events: Vec<LedgerEvent>,
    ) {
        let mark_usd = self.marks_usd[step - self.first_step];
        self.record(step, quantity_base, account, mark_usd, events);
    }
}

/// Runs path `path` of a plan again, alone.
///
/// The numbers are those of a whole run, to the last digit.
///
/// # Panics
/// Never: nobody asks it to stop.
pub fn trace(plan: &Plan, path: u64) -> Trace {
    #[expect(clippy::expect_used, reason = "the flag is never set")]
    trace_watched(plan, path, &AtomicBool::new(false)).expect("not interrupted")
}

/// Like [`trace()`]; `None` once `stop` is set.
pub fn trace_watched(plan: &Plan, path: u64, stop: &AtomicBool) -> Option<Trace> {
    let market = MarketModel::new(plan);
    match LedgerRules::new(plan, &market) {
        LedgerRules::Plain(rules) => trace_plain(plan, &market, &rules, path, stop),
        LedgerRules::General(rules) => trace_general(plan, &market, &rules, path, stop),
    }
}

/// A path of the main job's lanes.
fn trace_plain(
    plan: &Plan,
    market: &MarketModel,
    rules: &ProgrammeRules,
    path: u64,
    stop: &AtomicBool,
) -> Option<Trace> {
    let contract = rules.contract;
    let lane = lane_of(path);
    let (mut state, mut tile) = (market.state(), market.tile());
    let mut programme = Programme::new(rules, market.streams());
    market.start(&mut state, &mut tile, path - lane as u64);
    programme.start();
    let mut tape = empty_tape(plan, market);
    let mut recorder = Recorder {
        rules,
        lane,
        marks_usd: Vec::new(),
        first_step: 0,
        steps: Vec::new(),
    };
    recorder.record(
        0,
        rules.quantity_base,
        &programme.standing(lane),
        market.initial_mark_usd(contract),
        Vec::new(),
    );
    while market.advance(&mut state, &mut tile) {
        if stop.load(Ordering::Relaxed) {
            return None;
        }
        extend_tape(&mut tape, plan, market, &tile, lane);
        recorder.first_step = tile.first_step;
        recorder.marks_usd = tile.mark_usd[contract]
            .iter()
            .map(|marks| marks[lane])
            .collect();
        programme.advance(&tile, Some(&mut recorder));
    }
    let block = finished(plan, |rows| programme.finish(&tile, rows));
    Some(Trace {
        path,
        tape,
        steps: recorder.steps,
        book: Vec::new(),
        block,
        row: lane,
    })
}

/// A path of the general ledger.
fn trace_general(
    plan: &Plan,
    market: &MarketModel,
    rules: &BookRules,
    path: u64,
    stop: &AtomicBool,
) -> Option<Trace> {
    let lane = lane_of(path);
    let (mut state, mut tile) = (market.state(), market.tile());
    let mut book = Book::new(rules, market.streams());
    market.start(&mut state, &mut tile, path - lane as u64);
    book.start();
    let mut tape = empty_tape(plan, market);
    let mut recorder = BookRecorder {
        lane,
        steps: vec![BookStep {
            step: 0,
            standing: book.standing_at_start(lane),
            events: Vec::new(),
        }],
    };
    while market.advance(&mut state, &mut tile) {
        if stop.load(Ordering::Relaxed) {
            return None;
        }
        extend_tape(&mut tape, plan, market, &tile, lane);
        book.advance(&tile, Some(&mut recorder));
    }
    let block = finished(plan, |rows| book.finish(&tile, rows));
    Some(Trace {
        path,
        tape,
        steps: Vec::new(),
        book: recorder.steps,
        block,
        row: lane,
    })
}

/// The table of one block.
fn finished(plan: &Plan, finish: impl FnOnce(&mut [f64])) -> OutcomeTable {
    let mut block = OutcomeTable::new(LANES, Layout::of(plan));
    let mut rows = vec![0.0; block.columns() * LANES];
    finish(&mut rows);
    for mut part in block.parts_mut(1) {
        part.put_block(0, &rows);
    }
    block
}

#[expect(clippy::cast_possible_truncation, reason = "below the number of lanes")]
fn lane_of(path: u64) -> usize {
    (path % LANES as u64) as usize
}

/// A number of a step or a contract; a plan counts its steps in `u32`.
#[expect(clippy::cast_possible_truncation, reason = "steps and contracts fit")]
fn small(count: usize) -> u32 {
    count as u32
}

fn empty_tape(plan: &Plan, market: &MarketModel) -> Tape {
    let contracts = plan.market.contracts.len();
    Tape {
        spot_usd: (0..plan.market.assets.len())
            .map(|a| vec![market.initial_spot_usd(a)])
            .collect(),
        mark_usd: (0..contracts)
            .map(|c| vec![market.initial_mark_usd(c)])
            .collect(),
        funding_rate: vec![vec![0.0]; contracts],
        carry: initial_carries(plan),
        jumps: vec![vec![Vec::new()]; plan.market.assets.len()],
        within: vec![vec![WithinStep::default()]; contracts],
        step_variance: (0..contracts).map(|c| market.step_variance(c)).collect(),
    }
}

fn extend_tape(tape: &mut Tape, plan: &Plan, market: &MarketModel, tile: &MarketTile, lane: usize) {
    for k in 0..tile.steps {
        for (series, spots) in tape.spot_usd.iter_mut().zip(&tile.spot_usd) {
            series.push(spots[k][lane]);
        }
        for (asset, steps) in tape.jumps.iter_mut().enumerate() {
            steps.push(jumps_of(tile, k, asset, lane));
        }
        for (c, contract) in plan.market.contracts.iter().enumerate() {
            if contract.dated().is_some() {
                tape.carry[c].push(tile.carry[c][k + 1][lane]);
            }
            tape.mark_usd[c].push(tile.mark_usd[c][k + 1][lane]);
            let rate = if tile.is_stamp[c][k] {
                tile.funding_rate[c][k][lane]
            } else {
                0.0
            };
            tape.funding_rate[c].push(rate);
            let draws = CrossingDraws {
                streams: market.streams(),
                path: tile.first_path + lane as u64,
                step: small(tile.first_step + k),
                contract: small(c),
            };
            let jumps = jumps_of(tile, k, contract.underlying, lane);
            tape.within[c].push(WithinStep {
                anchor_normals: (0..jumps.len()).map(|j| draws.anchor_normal(j)).collect(),
                bridge_uniforms: (0..=jumps.len()).map(|s| draws.bridge_uniform(s)).collect(),
                jumps,
            });
        }
    }
}

/// Carry of each dated contract at time 0.
fn initial_carries(plan: &Plan) -> Vec<Vec<f64>> {
    let contracts = plan.market.contracts.iter();
    contracts
        .map(|contract| contract.dated().map(|dated| dated.carry.initial))
        .map(|carry| carry.into_iter().collect())
        .collect()
}

/// Jumps of one asset on one lane in one step of a tile.
fn jumps_of(tile: &MarketTile, k: usize, asset: usize, lane: usize) -> Vec<Jump> {
    tile.lane_jumps(k, asset, lane)
        .iter()
        .map(|jump| Jump {
            time_frac: jump.time_frac,
            log_size: jump.log_size,
        })
        .collect()
}
