//! The memory that a simulation needs, and the memory there is.

use crate::outcome::table::LANES;

/// Bytes a path that the statistics need beside the table.
const STATISTICS_BYTES: u64 = 16;

/// Bytes that so many paths need: their outcomes of so many stored columns and the work of the statistics.
pub fn needed_bytes(paths: u64, columns: usize) -> u64 {
    let whole_blocks = paths.div_ceil(LANES as u64).saturating_mul(LANES as u64);
    whole_blocks.saturating_mul(path_bytes(columns))
}

/// How many paths of so many stored columns a memory holds.
pub fn fitting_paths(bytes: u64, columns: usize) -> u64 {
    bytes / path_bytes(columns) / LANES as u64 * LANES as u64
}

fn path_bytes(columns: usize) -> u64 {
    8 * columns as u64 + STATISTICS_BYTES
}

/// Bytes of memory that can be had without swapping; `None` where the system does not say.
///
/// # Source
/// Linux: `MemAvailable` of proc(5), and the limit `memory.max` of the control group (cgroups(7), version 2).
pub fn available_bytes() -> Option<u64> {
    let machine = std::fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| mem_available(&text));
    let group = std::fs::read_to_string("/sys/fs/cgroup/memory.max")
        .ok()
        .and_then(|text| text.trim().parse().ok());
    machine.into_iter().chain(group).min()
}

/// `MemAvailable` of `/proc/meminfo`, in bytes.
fn mem_available(text: &str) -> Option<u64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_fits_and_a_block_more_does_not() {
        for columns in [26, 60] {
            let bytes = 3_000_000_000;
            let paths = fitting_paths(bytes, columns);
            assert!(needed_bytes(paths, columns) <= bytes);
            assert!(needed_bytes(paths + 1, columns) > bytes);
        }
        assert_eq!(needed_bytes(1, 26), 64 * (26 * 8 + 16));
        assert_eq!(needed_bytes(u64::MAX, 26), u64::MAX);
    }

    #[test]
    fn the_system_says_kibibytes() {
        let text = "MemTotal:       16384000 kB\nMemAvailable:    1000 kB\n";
        assert_eq!(mem_available(text), Some(1_024_000));
        assert_eq!(mem_available("MemTotal: 5 kB\n"), None);
    }
}
