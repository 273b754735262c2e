//! A small generator (splitmix64) for random plans.

/// Random numbers of one plan.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// In (0, 1).
    pub fn uniform(&mut self) -> f64 {
        ((self.bits() >> 12) as f64 + 0.5) / (1_u64 << 52) as f64
    }

    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * self.uniform().ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    pub fn range(&mut self, from: f64, to: f64) -> f64 {
        from + (to - from) * self.uniform()
    }

    /// Exactly 0 in one case of four, else in a range.
    pub fn zero_or(&mut self, from: f64, to: f64) -> f64 {
        let value = self.range(from, to);
        if self.chance(0.25) { 0.0 } else { value }
    }

    pub fn chance(&mut self, probability: f64) -> bool {
        self.uniform() < probability
    }

    /// A whole number, both ends included.
    pub fn between(&mut self, from: u32, to: u32) -> u32 {
        from + u32::try_from(self.bits() % u64::from(to - from + 1)).expect("small")
    }

    pub fn index(&mut self, len: usize) -> usize {
        self.between(0, u32::try_from(len).expect("small") - 1) as usize
    }

    pub fn pick<'a, T>(&mut self, menu: &'a [T]) -> &'a T {
        &menu[self.index(menu.len())]
    }
}
