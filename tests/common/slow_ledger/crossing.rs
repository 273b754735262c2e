//! Stage 2: whether the mark reached the liquidation level between two step ends, and where it is filled.

use hedgesim::engine::tape::WithinStep;
use hedgesim::plan::types::Crossing;

use super::Ledger;
use super::liquidation::Fill;

impl Ledger<'_> {
    /// Liquidates if the level was reached inside the step. Returns the fill and the short that was closed.
    pub fn stage_2_crossing(&mut self) -> Option<Fill> {
        if self.actual.short_base == 0.0 {
            return None;
        }
        let fill_usd = match self.plan.simulation.crossing {
            Crossing::Bridge => self.bridge().fill_usd(),
            Crossing::Endpoints => self
                .is_beyond_level(self.mark_usd())
                .then(|| self.mark_usd()),
        }?;
        Some(self.liquidate(fill_usd))
    }

    fn bridge(&self) -> StepBridge<'_> {
        let contract = self.hedge.contract;
        let cash_usd = self.balance_usd + self.actual.short_base * self.actual.entry_usd;
        StepBridge {
            level_usd: self
                .rules
                .liquidation_price_usd(cash_usd, self.actual.short_base),
            start_usd: self.mark_before_usd(),
            end_usd: self.mark_usd(),
            step_variance: self.tape.step_variance[contract],
            within: &self.tape.within[contract][self.step as usize],
        }
    }
}

/// The mark inside one step: its ends, its jumps, and the random numbers between them.
pub struct StepBridge<'a> {
    pub level_usd: f64,
    pub start_usd: f64,
    pub end_usd: f64,
    /// Variance of the diffusive part of `ln F` over the step.
    pub step_variance: f64,
    pub within: &'a WithinStep,
}

impl StepBridge<'_> {
    /// Where the liquidation is filled, or `None` if the level was not reached.
    pub fn fill_usd(&self) -> Option<f64> {
        if self.start_usd >= self.level_usd {
            return Some(self.start_usd);
        }
        let diffusion_at_jumps = self.diffusion_at_jumps();
        let mut segment_start_usd = self.start_usd;
        let mut segment_start_frac = 0.0;
        let mut jumped = 0.0;
        for (index, jump) in self.within.jumps.iter().enumerate() {
            let segment_end_usd = self.start_usd * (diffusion_at_jumps[index] + jumped).exp();
            let length_frac = jump.time_frac - segment_start_frac;
            if self.segment_crosses(index, segment_start_usd, segment_end_usd, length_frac) {
                return Some(self.level_usd);
            }
            jumped += jump.log_size;
            let landing_usd = self.start_usd * (diffusion_at_jumps[index] + jumped).exp();
            if landing_usd >= self.level_usd {
                return Some(landing_usd);
            }
            segment_start_usd = landing_usd;
            segment_start_frac = jump.time_frac;
        }
        let last = self.within.jumps.len();
        self.segment_crosses(
            last,
            segment_start_usd,
            self.end_usd,
            1.0 - segment_start_frac,
        )
        .then_some(self.level_usd)
    }

    /// Where the diffusive part of `ln(F / F at the start)` stands at each jump, given where it ends.
    fn diffusion_at_jumps(&self) -> Vec<f64> {
        let jumps = &self.within.jumps;
        let total_jump: f64 = jumps.iter().map(|jump| jump.log_size).sum();
        let end = (self.end_usd / self.start_usd).ln() - total_jump;
        let mut anchors = Vec::new();
        let (mut time_before, mut diffusion_before) = (0.0, 0.0);
        for (jump, normal) in jumps.iter().zip(&self.within.anchor_normals) {
            let time_left = 1.0 - time_before;
            let diffusion = if time_left > 0.0 {
                let elapsed = jump.time_frac - time_before;
                let mean = diffusion_before + elapsed / time_left * (end - diffusion_before);
                let variance = self.step_variance * elapsed * (1.0 - jump.time_frac) / time_left;
                mean + variance.sqrt() * normal
            } else {
                end
            };
            anchors.push(diffusion);
            (time_before, diffusion_before) = (jump.time_frac, diffusion);
        }
        anchors
    }

    /// Whether the diffusion reaches the level in one segment, which starts under it.
    fn segment_crosses(
        &self,
        segment: usize,
        start_usd: f64,
        end_usd: f64,
        length_frac: f64,
    ) -> bool {
        if end_usd >= self.level_usd {
            return true;
        }
        let variance = self.step_variance * length_frac;
        if variance <= 0.0 {
            return false;
        }
        let distances = (self.level_usd / start_usd).ln() * (self.level_usd / end_usd).ln();
        self.within.bridge_uniforms[segment] < (-2.0 * distances / variance).exp()
    }
}
