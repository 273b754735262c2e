//! The correlation matrix of the assets: complete, and positive semidefinite.

use crate::math::correlation::{is_positive_semidefinite, nearest_correlation, offending_pairs};
use crate::plan::resolve::refusal::{Refusal, noted_index};
use crate::plan::resolve::setting::Setting;
use crate::plan::resolve::words::short;
use crate::scenario::correlation::Correlation;
use crate::scenario::place::{Given, Place};
use crate::scenario::sink::Sink;

/// The matrix row by row; pairs that are not listed have 0.
pub fn matrix(correlations: &[Correlation], setting: &Setting<'_>) -> Option<Vec<f64>> {
    let (names, sink) = (setting.asset_names(), setting.sink);
    let n = names.len();
    let mut matrix = vec![0.0; n * n];
    for i in 0..n {
        matrix[i * n + i] = 1.0;
    }
    let given = correlations
        .iter()
        .map(|Correlation { first, second, .. }| (first, second));
    let indices = pairs(given, &names, sink)?;
    let mut listed: Vec<((usize, usize), Place)> = Vec::new();
    for ((i, j), Correlation { value, .. }) in indices.into_iter().zip(correlations) {
        listed.push(((i, j), value.place));
        matrix[i * n + j] = value.value.0;
        matrix[j * n + i] = value.value.0;
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

/// The indices of pairs of assets, the smaller first; `None` where a problem was noted.
pub fn pairs<'g>(
    given: impl Iterator<Item = (&'g Given<String>, &'g Given<String>)>,
    names: &[&str],
    sink: &Sink,
) -> Option<Vec<(usize, usize)>> {
    let mut pairs = Vec::new();
    let mut is_complete = true;
    for (first, second) in given {
        let Some(pair) = pair(first, second, names, sink) else {
            is_complete = false;
            continue;
        };
        if pairs.contains(&pair) {
            let refusal = Refusal::PairTwice {
                first: first.value.clone(),
                second: second.value.clone(),
            };
            sink.push(refusal.at(second.place));
            is_complete = false;
        }
        pairs.push(pair);
    }
    is_complete.then_some(pairs)
}

fn pair(
    first: &Given<String>,
    second: &Given<String>,
    names: &[&str],
    sink: &Sink,
) -> Option<(usize, usize)> {
    let find = |given| noted_index(given, names, "under [assets]", sink);
    let (i, j) = (find(first), find(second));
    let (i, j) = (i?, j?);
    if i == j {
        let reason = "an asset has correlation 1 with itself";
        let allowed = "another asset than the first";
        sink.push(Refusal::does_not_fit(second, allowed, reason));
        return None;
    }
    Some((i.min(j), i.max(j)))
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
