//! Which of several views contradict each other.

/// A view that cannot be had, and the fewest before it because of which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Conflict {
    /// The first view that cannot be had with all those before it.
    pub(super) view: usize,
    /// The views before it without any of which it could be had; empty if it cannot be had at all.
    pub(super) others: Vec<usize>,
}

/// Finds the first of `count` views that cannot be had with those before it, and takes out of those one after the other what is not
/// needed for that. `can_hold` says whether a set of views, ascending, can be had; the set of all cannot.
pub(super) fn conflict(count: usize, can_hold: impl Fn(&[usize]) -> bool) -> Conflict {
    let last = count.saturating_sub(1);
    let view = (0..last)
        .find(|&view| !can_hold(&(0..=view).collect::<Vec<_>>()))
        .unwrap_or(last);
    let mut others: Vec<usize> = (0..view).collect();
    for other in 0..view {
        let fewer: Vec<usize> = others.iter().copied().filter(|&o| o != other).collect();
        let with_view: Vec<usize> = fewer.iter().copied().chain([view]).collect();
        if !can_hold(&with_view) {
            others = fewer;
        }
    }
    Conflict { view, others }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fewest_that_contradict_are_named() {
        // Views 1 and 3 cannot be had together, 4 not with 0 and 2.
        let can_hold = |set: &[usize]| {
            let has = |view| set.contains(&view);
            !(has(1) && has(3) || has(0) && has(2) && has(4))
        };
        let found = |view, others: &[usize]| Conflict {
            view,
            others: others.to_vec(),
        };
        assert_eq!(conflict(5, can_hold), found(3, &[1]));
        let only_three = |set: &[usize]| !([0, 2, 4].iter().all(|view| set.contains(view)));
        assert_eq!(conflict(5, only_three), found(4, &[0, 2]));
        assert_eq!(conflict(1, |_| false), found(0, &[]));
        assert_eq!(conflict(3, |set| !set.contains(&1)), found(1, &[]));
    }
}
