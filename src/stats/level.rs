//! Percentile levels and values labelled by them.

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::stats::estimate::Estimate;

/// A percentile level, kept in thousandths so that its rank is exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Level {
    /// The level in thousandths, 0 to 1000.
    pub per_mille: u64,
}

/// All levels that files show.
pub const ALL_LEVELS: [Level; 13] = [
    Level::new(1),
    Level::new(5),
    Level::new(10),
    Level::new(50),
    Level::new(100),
    Level::new(250),
    Level::new(500),
    Level::new(750),
    Level::new(900),
    Level::new(950),
    Level::new(990),
    Level::new(995),
    Level::new(999),
];

/// The levels that the terminal report shows.
pub const REPORT_LEVELS: [Level; 10] = [
    Level::new(10),
    Level::new(50),
    Level::new(100),
    Level::new(250),
    Level::new(500),
    Level::new(750),
    Level::new(900),
    Level::new(950),
    Level::new(990),
    Level::new(999),
];

/// The level of value at risk and expected shortfall at 99 %.
pub const LEVEL_99: Level = Level::new(990);

impl Level {
    /// A level in thousandths: `Level::new(995)` is 99.5 %.
    pub const fn new(per_mille: u64) -> Self {
        Self { per_mille }
    }

    /// The level as a fraction.
    pub fn fraction(self) -> f64 {
        self.per_mille as f64 / 1000.0
    }

    /// The key in files: `p0.1`, `p5`, `p99.9`.
    pub fn key(self) -> String {
        let (whole, tenth) = (self.per_mille / 10, self.per_mille % 10);
        if tenth == 0 {
            format!("p{whole}")
        } else {
            format!("p{whole}.{tenth}")
        }
    }
}

/// Estimates by name, in a fixed order; a map in files.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ByName(pub Vec<(String, Estimate)>);

impl ByName {
    /// The estimate of this name.
    pub fn get(&self, name: &str) -> Option<&Estimate> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, estimate)| estimate)
    }
}

impl Serialize for ByName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, estimate) in &self.0 {
            map.serialize_entry(name, estimate)?;
        }
        map.end()
    }
}

/// Anything by name, in a fixed order; a map in files.
#[derive(Debug, Clone, PartialEq)]
pub struct Named<T>(pub Vec<(String, T)>);

impl<T> Named<T> {
    /// What stands under this name.
    pub fn get(&self, name: &str) -> Option<&T> {
        let found = self.0.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value)
    }
}

impl<T: Serialize> Serialize for Named<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_of_the_files() {
        let keys: Vec<String> = ALL_LEVELS.iter().map(|level| level.key()).collect();
        assert_eq!(
            keys.join(" "),
            "p0.1 p0.5 p1 p5 p10 p25 p50 p75 p90 p95 p99 p99.5 p99.9"
        );
    }
}
