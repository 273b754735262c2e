//! The influences of points whose neighbours are still to come, held no longer than that.

use crate::choice::grid::Neighbours;
use crate::stats::difference::differences;
use crate::stats::influence::Influences;
use crate::stats::level::ByName;

/// The influences of points whose neighbours are still to come.
#[derive(Debug)]
pub(super) struct Frontier {
    /// By point: its pairs of neighbours, as indices.
    pairs_of: Vec<Vec<usize>>,
    pairs: Vec<Neighbours>,
    held: Vec<Option<Influences>>,
    /// By point: pairs whose other point is still to come.
    open: Vec<usize>,
}

impl Frontier {
    /// Nothing held, of so many points.
    pub(super) fn new(points: usize, pairs: &[Neighbours]) -> Self {
        let mut pairs_of = vec![Vec::new(); points];
        for (index, pair) in pairs.iter().enumerate() {
            pairs_of[pair.from].push(index);
            pairs_of[pair.to].push(index);
        }
        Self {
            open: pairs_of.iter().map(Vec::len).collect(),
            pairs_of,
            pairs: pairs.to_vec(),
            held: vec![None; points],
        }
    }

    /// The most points that are held at one time when all of a pass come at once.
    pub(super) fn most_held(&self, passes: &[Vec<usize>]) -> usize {
        let mut open = self.open.clone();
        let mut is_there = vec![false; open.len()];
        let (mut held, mut most) = (0, 0);
        for pass in passes {
            most = most.max(held + pass.len());
            for &point in pass {
                is_there[point] = true;
                held += 1;
                let mut closed = 0;
                for other in self.others(point).filter(|&(_, other)| is_there[other]) {
                    open[point] -= 1;
                    open[other.1] -= 1;
                    closed += usize::from(open[other.1] == 0);
                }
                closed += usize::from(open[point] == 0);
                held -= closed;
            }
        }
        most
    }

    /// Takes the influences of points; returns the differences of all pairs that are complete with them, by pair, and lets go of what no
    /// pair needs any more.
    pub(super) fn enter(&mut self, points: Vec<(usize, Influences)>) -> Vec<(usize, ByName)> {
        let mut complete = Vec::new();
        for (point, influences) in points {
            self.held[point] = Some(influences);
            let others: Vec<(usize, usize)> = self.others(point).collect();
            for (pair, other) in others {
                if self.held[other].is_some() {
                    self.open[point] -= 1;
                    self.open[other] -= 1;
                    complete.push(pair);
                }
            }
        }
        let (mut sides, mut places) = (Vec::new(), vec![None; self.held.len()]);
        for (place, influences) in places.iter_mut().zip(&self.held) {
            if let Some(influences) = influences {
                *place = Some(sides.len());
                sides.push(influences);
            }
        }
        let pairs: Vec<[usize; 2]> = complete
            .iter()
            .filter_map(|&pair| {
                let Neighbours { from, to, .. } = self.pairs[pair];
                Some([places[from]?, places[to]?])
            })
            .collect();
        let found = differences(&sides, &pairs);
        for (held, open) in self.held.iter_mut().zip(&self.open) {
            if *open == 0 {
                *held = None;
            }
        }
        complete
            .into_iter()
            .zip(found.into_iter().map(ByName))
            .collect()
    }

    /// Lets go of the tables of the points that are held.
    pub(super) fn let_go(&mut self) {
        self.held.iter_mut().flatten().for_each(Influences::let_go);
    }

    /// The pairs of a point with their other points.
    fn others(&self, point: usize) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.pairs_of[point].iter().map(move |&index| {
            let pair = self.pairs[index];
            let other = if pair.from == point {
                pair.to
            } else {
                pair.from
            };
            (index, other)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choice::grid::Grid;

    #[test]
    fn a_line_holds_a_pass_and_one_more_and_a_plane_a_row() {
        let line = Grid::parse(&["a=1:20:1".to_owned()]).unwrap();
        let frontier = Frontier::new(line.size(), &line.neighbours());
        let one_by_one: Vec<Vec<usize>> = (0..20).map(|point| vec![point]).collect();
        assert_eq!(frontier.most_held(&one_by_one), 2);
        assert_eq!(frontier.most_held(&[(0..20).collect()]), 20);
        let plane = Grid::parse(&["a=1:5:1".to_owned(), "b=1:7:1".to_owned()]).unwrap();
        let frontier = Frontier::new(plane.size(), &plane.neighbours());
        let one_by_one: Vec<Vec<usize>> = (0..35).map(|point| vec![point]).collect();
        assert_eq!(frontier.most_held(&one_by_one), 8);
        let point = Grid::parse(&["a=1".to_owned()]).unwrap();
        let frontier = Frontier::new(1, &point.neighbours());
        assert_eq!(frontier.most_held(&[vec![0]]), 1);
    }
}
