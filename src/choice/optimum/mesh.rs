//! The places between the points of a grid: numeric axes halved so many times, exactly in decimal.

use crate::choice::axis::{Axis, GridValue};
use crate::choice::grid::{Grid, Point};

/// Most halvings of a step: 1/1024 of it.
pub const MOST_ROUNDS: u32 = 10;

/// A place on the mesh: on a numeric axis the number of the finest steps from its smallest value, on any other the number of its value.
pub type Place = Vec<u32>;

/// A grid with its numeric axes refined. Numeric is an axis of two values or more, all numbers of one unit.
#[derive(Debug, Clone)]
pub struct Mesh<'g> {
    grid: &'g Grid,
    rounds: u32,
    /// By axis: the grid's values in ascending order where it is numeric.
    ascending: Vec<Option<Vec<usize>>>,
}

impl<'g> Mesh<'g> {
    /// A mesh whose steps are those of the grid, halved `rounds` times; at most [`MOST_ROUNDS`].
    pub fn new(grid: &'g Grid, rounds: u32) -> Self {
        Self {
            grid,
            rounds: rounds.min(MOST_ROUNDS),
            ascending: grid.axes().iter().map(ascending).collect(),
        }
    }

    /// How often steps are halved.
    pub fn rounds(&self) -> u32 {
        self.rounds
    }

    /// The axes that can be refined.
    pub fn numeric_axes(&self) -> Vec<usize> {
        let is_numeric = |axis: &usize| self.ascending[*axis].is_some();
        (0..self.ascending.len()).filter(is_numeric).collect()
    }

    /// Where a point of the grid lies.
    ///
    /// # Panics
    /// If there is no such point.
    pub fn place_of(&self, point: usize) -> Place {
        let places = self.grid.places(point);
        let of_axis = |(axis, place): (usize, usize)| {
            let position = match &self.ascending[axis] {
                None => place,
                Some(order) => {
                    let rank = order.iter().position(|&other| other == place);
                    rank.unwrap_or(place) << self.rounds
                }
            };
            // A grid has at most 10,000 points: with ten halvings far within 32 bits.
            u32::try_from(position).unwrap_or(u32::MAX)
        };
        places.into_iter().enumerate().map(of_axis).collect()
    }

    /// The point at a place; `None` where it has more digits than a decimal number holds.
    pub fn point(&self, place: &Place) -> Option<Point> {
        let axes = self.grid.axes().iter().enumerate().zip(place);
        let values = axes
            .map(|((index, axis), &position)| {
                Some((axis.paths.clone(), self.value(index, axis, position)?))
            })
            .collect::<Option<Vec<_>>>()?;
        Some(Point { values })
    }

    fn value(&self, index: usize, axis: &Axis, position: u32) -> Option<GridValue> {
        let Some(order) = &self.ascending[index] else {
            return axis.values.get(position as usize).cloned();
        };
        let (step, part) = (position >> self.rounds, position % (1 << self.rounds));
        let at = |rank: u32| Some(axis.values[*order.get(rank as usize)?].clone());
        let mut low = at(step)?;
        if part == 0 {
            return Some(low);
        }
        let mut high = at(step + 1)?;
        for bit in (0..self.rounds).rev() {
            let middle = low.halfway(&high)?;
            let below = part % (1 << (bit + 1));
            if below == 0 {
                break;
            }
            if part >> bit & 1 == 1 {
                low = middle;
            } else {
                high = middle;
            }
        }
        Some(low)
    }

    /// Places around one: up to `reach` steps of 1/2^`round` of the grid's away on each numeric axis, within the grid's bounds. On more than
    /// three numeric axes only those that move one axis or two.
    pub fn around(&self, place: &Place, round: u32, reach: i64) -> Vec<Place> {
        let step = 1_i64 << (self.rounds - round.min(self.rounds));
        let axes = self.numeric_axes();
        let most_moved = if axes.len() > 3 { 2 } else { axes.len() };
        let mut found = vec![(place.clone(), 0)];
        for axis in axes {
            let largest = self.largest(axis);
            let mut moved = Vec::new();
            for (from, count) in &found {
                for steps in (-reach..=reach).filter(|steps| *steps != 0) {
                    let position = i64::from(from[axis]) + steps * step;
                    match u32::try_from(position) {
                        Ok(position) if position <= largest && *count < most_moved => {
                            let mut to = from.clone();
                            to[axis] = position;
                            moved.push((to, count + 1));
                        }
                        _ => {}
                    }
                }
            }
            found.extend(moved);
        }
        found.drain(1..).map(|(place, _)| place).collect()
    }

    /// The last position of an axis.
    pub fn largest(&self, axis: usize) -> u32 {
        let last = self.grid.axes()[axis].values.len() - 1;
        let last = u32::try_from(last).unwrap_or(u32::MAX);
        match self.ascending[axis] {
            Some(_) => last << self.rounds,
            None => last,
        }
    }

    /// Whether two places differ by more than a step of the grid on a numeric axis, or at all on another.
    pub fn are_apart(&self, a: &Place, b: &Place) -> bool {
        let far = |axis: usize| match self.ascending[axis] {
            Some(_) => a[axis].abs_diff(b[axis]) > 1 << self.rounds,
            None => a[axis] != b[axis],
        };
        (0..a.len()).any(far)
    }
}

/// The order of a numeric axis's values; `None` for any other axis.
fn ascending(axis: &Axis) -> Option<Vec<usize>> {
    let mut order: Vec<usize> = (0..axis.values.len()).collect();
    let numbers: Vec<f64> = axis
        .values
        .iter()
        .map(GridValue::number)
        .collect::<Option<_>>()?;
    order.sort_by(|&a, &b| numbers[a].total_cmp(&numbers[b]));
    let is_of_one_unit = |pair: &[usize]| {
        axis.values[pair[0]]
            .halfway(&axis.values[pair[1]])
            .is_some()
    };
    (order.len() > 1 && order.windows(2).all(is_of_one_unit)).then_some(order)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(arguments: &[&str]) -> Grid {
        let owned: Vec<String> = arguments.iter().map(|a| (*a).to_owned()).collect();
        Grid::parse(&owned).unwrap()
    }

    #[test]
    fn values_between_are_exact() {
        let grid = grid(&["a=0.1:0.4:0.1", "v=x,y", "m=10%,30%,20%"]);
        let mesh = Mesh::new(&grid, 3);
        assert_eq!(mesh.numeric_axes(), [0, 2]);
        let label = |place: [u32; 3]| mesh.point(&place.to_vec()).unwrap().label();
        assert_eq!(label([0, 0, 0]), "a=0.1, v=x, m=10%");
        assert_eq!(label([4, 1, 8]), "a=0.15, v=y, m=20%");
        assert_eq!(label([1, 1, 15]), "a=0.1125, v=y, m=28.75%");
        assert_eq!(label([23, 1, 16]), "a=0.3875, v=y, m=30%");
        assert_eq!(label([24, 0, 2]), "a=0.4, v=x, m=12.5%");
        for point in 0..grid.size() {
            let place = mesh.place_of(point);
            assert_eq!(mesh.point(&place), Some(grid.point(point)));
        }
    }

    #[test]
    fn every_position_is_where_it_says() {
        let grid = grid(&["a=0:64:32"]);
        let mesh = Mesh::new(&grid, 5);
        for position in 0..=64 {
            let point = mesh.point(&vec![position]).unwrap();
            assert_eq!(point.values[0].1.number(), Some(f64::from(position)));
        }
    }

    #[test]
    fn neighbours_stay_inside_and_leave_names_alone() {
        let grid = grid(&["a=0:1:0.5", "v=x,y", "m=1:2:1"]);
        let mesh = Mesh::new(&grid, 1);
        // A corner: two numeric axes, three ways to go.
        let corner = mesh.place_of(0);
        let mut found = mesh.around(&corner, 1, 1);
        found.sort();
        assert_eq!(found, [[0, 0, 1], [1, 0, 0], [1, 0, 1]]);
        assert_eq!(mesh.around(&vec![2, 0, 1], 1, 1).len(), 8);
        assert_eq!(mesh.around(&vec![2, 0, 1], 0, 1), [[0, 0, 1], [4, 0, 1]]);
        assert!(mesh.are_apart(&vec![0, 0, 0], &vec![0, 1, 0]));
        assert!(!mesh.are_apart(&vec![0, 0, 0], &vec![2, 0, 2]));
        assert!(mesh.are_apart(&vec![0, 0, 0], &vec![3, 0, 0]));
    }

    #[test]
    fn many_axes_are_moved_two_at_a_time() {
        let grid = grid(&["a=0:2:1", "b=0:2:1", "c=0:2:1", "d=0:2:1"]);
        let mesh = Mesh::new(&grid, 1);
        let middle = vec![2; 4];
        // 2 ways on each of 4 axes, 4 on each of 6 pairs.
        assert_eq!(mesh.around(&middle, 1, 1).len(), 8 + 24);
    }
}
