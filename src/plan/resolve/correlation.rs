//! The correlation matrix of the assets: complete, and positive semidefinite.

use crate::math::correlation::{is_positive_semidefinite, nearest_correlation, offending_pairs};
use crate::plan::resolve::refusal::Refusal;
use crate::plan::resolve::setting::Setting;
use crate::plan::resolve::words::short;
use crate::scenario::correlation::Correlation;
use crate::scenario::place::Place;

/// The matrix row by row; pairs that are not listed have 0.
pub fn matrix(correlations: &[Correlation], setting: &Setting<'_>) -> Option<Vec<f64>> {
    let (names, sink) = (setting.asset_names(), setting.sink);
    let n = names.len();
    let mut matrix = vec![0.0; n * n];
    for i in 0..n {
        matrix[i * n + i] = 1.0;
    }
    let mut listed: Vec<((usize, usize), Place)> = Vec::new();
    let mut is_complete = true;
    for correlation in correlations {
        let Some((i, j)) = pair(correlation, setting) else {
            is_complete = false;
            continue;
        };
        let Correlation {
            first,
            second,
            value,
        } = correlation;
        if listed.iter().any(|(pair, _)| *pair == (i.min(j), i.max(j))) {
            let (first, second) = (first.value.clone(), second.value.clone());
            sink.push(Refusal::PairTwice { first, second }.at(correlation.second.place));
            is_complete = false;
            continue;
        }
        listed.push(((i.min(j), i.max(j)), value.place));
        matrix[i * n + j] = value.value.0;
        matrix[j * n + i] = value.value.0;
    }
    if !is_complete {
        return None;
    }
    if is_positive_semidefinite(&matrix, n) {
        return Some(matrix);
    }
    let nearest = nearest_correlation(&matrix, n);
    if setting.grid.repair_correlations {
        setting.notes.add(format!(
            "The correlations written are not positive semidefinite; the nearest correlation matrix was taken: {}.",
            in_words(&nearest, &names, &all_pairs(n))
        ));
        return Some(nearest);
    }
    let involved = offending_pairs(&matrix, n);
    let place = listed
        .iter()
        .filter(|(pair, _)| involved.contains(pair))
        .chain(&listed)
        .map(|(_, place)| *place)
        .next()?;
    let refusal = Refusal::NotPositiveSemidefinite {
        entries: in_words(&matrix, &names, &involved),
        nearest: in_words(&nearest, &names, &all_pairs(n)),
    };
    sink.push(refusal.at(place));
    None
}

fn pair(correlation: &Correlation, setting: &Setting<'_>) -> Option<(usize, usize)> {
    let i = setting.asset_index(&correlation.first);
    let j = setting.asset_index(&correlation.second);
    let (i, j) = (i?, j?);
    if i == j {
        let reason = "an asset has correlation 1 with itself";
        setting.sink.push(Refusal::does_not_fit(
            &correlation.second,
            "another asset than the first",
            reason,
        ));
        return None;
    }
    Some((i, j))
}

fn all_pairs(n: usize) -> Vec<(usize, usize)> {
    (0..n)
        .flat_map(|i| (i + 1..n).map(move |j| (i, j)))
        .collect()
}

fn in_words(matrix: &[f64], names: &[&str], pairs: &[(usize, usize)]) -> String {
    let entry = |&(i, j): &(usize, usize)| {
        format!(
            "{}-{} {}",
            names[i],
            names[j],
            short(matrix[i * names.len() + j])
        )
    };
    pairs.iter().map(entry).collect::<Vec<_>>().join(", ")
}
