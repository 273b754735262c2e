//! What plans of one market share of each tile beside the market itself.

use crate::engine::ledgers::{BlockLedger, LedgerRules};
use crate::ledger::shared_walk::SharedWalk;
use crate::market::tile::MarketTile;

/// Plans that look at a tile before any of them works through its eventful lanes: the processor goes on with one while it waits for
/// another.
const ABREAST: usize = 8;

/// The walks that plain plans share, by contract.
#[derive(Debug, Clone)]
pub(super) struct SharedWalks {
    /// Each with a plan that is a member.
    walks: Vec<(usize, SharedWalk)>,
    /// By plan: its walk.
    of_plans: Vec<Option<usize>>,
}

impl SharedWalks {
    /// No plan shares a walk.
    pub(super) fn none(rules: &[LedgerRules]) -> Self {
        Self {
            walks: Vec::new(),
            of_plans: vec![None; rules.len()],
        }
    }

    /// Plain plans share walks.
    pub(super) fn of(rules: &[LedgerRules]) -> Self {
        let mut all = Self::none(rules);
        for (index, rules_of_plan) in rules.iter().enumerate() {
            let LedgerRules::Plain(plain) = rules_of_plan else {
                continue;
            };
            if !SharedWalk::is_shared(plain, plain) {
                continue;
            }
            let known = all.walks.iter().position(|&(member, _)| {
                matches!(&rules[member], LedgerRules::Plain(other) if SharedWalk::is_shared(other, plain))
            });
            let walk = known.unwrap_or(all.walks.len());
            if known.is_none() {
                all.walks.push((index, SharedWalk::new()));
            }
            all.of_plans[index] = Some(walk);
        }
        all
    }

    /// Has the ledgers of all plans react to a tile.
    pub(super) fn react(
        &mut self,
        rules: &[LedgerRules],
        ledgers: &mut [BlockLedger<'_>],
        tile: &MarketTile,
    ) {
        let Self { walks, of_plans } = self;
        for (member, walk) in walks.iter_mut() {
            if let LedgerRules::Plain(plain) = &rules[*member] {
                walk.fill(plain, tile);
            }
        }
        let groups = ledgers.chunks_mut(ABREAST);
        for (ledgers, of_plans) in groups.zip(of_plans.chunks(ABREAST)) {
            let mut left = [0; ABREAST];
            for ((ledger, walk), left) in ledgers.iter_mut().zip(of_plans).zip(&mut left) {
                *left = ledger.advance_along(tile, walk.map(|walk| &walks[walk].1));
            }
            for ((ledger, walk), left) in ledgers.iter_mut().zip(of_plans).zip(left) {
                if left != 0 {
                    ledger.settle_along(left, tile, walk.map(|walk| &mut walks[walk].1));
                }
            }
        }
    }
}
