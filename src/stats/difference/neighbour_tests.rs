//! Percentiles of near neighbours: few paths pass them.

use super::*;
use crate::outcome::column::Column;
use crate::outcome::table::OutcomeTable;
use crate::stats::influence::influences;
use crate::stats::sample::tests::normals;
use crate::stats::synthetic::{plan, table};

#[test]
fn a_percentile_of_near_neighbours_is_covered() {
    // On each of 300 samples of 2,000 the second point is the first and a little noise: about one path passes the 1st percentile, often none.
    const PATHS: usize = 2000;
    let plan = plan(PATHS as u64, vec![]);
    let of_values = |values: &[f64]| {
        let mut table = table(PATHS);
        table
            .column_mut(Column::HedgedPnl as usize)
            .copy_from_slice(values);
        influences(&table, &plan, &["hedged.percentiles.p1"])
    };
    // The deviation of the sum is sqrt(1 + 0.02^2), the percentile -2.326347874 of them.
    let truth = -2.326_347_874 * (1.000_4_f64.sqrt() - 1.0);
    let mut covers = 0;
    for seed in 0..300 {
        let values = normals(7000 + seed, PATHS);
        let noise = normals(17_000 + seed, PATHS);
        let near: Vec<f64> = values
            .iter()
            .zip(&noise)
            .map(|(x, z)| x + 0.02 * z)
            .collect();
        let found = difference(&of_values(&values), &of_values(&near));
        let [lower, upper] = found[0].1.ci95.unwrap();
        covers += i32::from((lower..=upper).contains(&truth));
    }
    // 275 is what a 95 % interval covers but once in a thousand reseedings.
    assert!(covers >= 275, "{covers}");
}

#[test]
fn a_percentile_moved_by_one_sum_on_all_paths_has_no_error() {
    let (first, plan) = (table(5000), plan(5000, vec![]));
    let mut second = first.clone();
    let hedged = second.column_mut(Column::HedgedPnl as usize);
    for x in hedged.iter_mut() {
        *x += 1024.0;
    }
    let of = |table: &OutcomeTable| influences(table, &plan, &["hedged.percentiles.p5"]);
    let found = difference(&of(&first), &of(&second))[0].1;
    assert!((found.value.unwrap() - 1024.0).abs() < 1e-6);
    assert!(found.std_error.unwrap() < 1e-6, "{found:?}");
}
