//! Grids of scenario values: their points, and which of these are neighbours.

use serde::{Serialize, Serializer};

use crate::choice::axis::{Axis, GridValue};
use crate::choice::grid_error::{GridError, MOST_POINTS, counted};
use crate::scenario::overrides::keys;

/// A point of a grid: its values become overrides in the order of the axes.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// The paths of an axis and what they take, by axis.
    pub values: Vec<(Vec<String>, GridValue)>,
}

impl Point {
    /// Every path with its own value, in the order of the axes.
    pub fn settings(&self) -> impl Iterator<Item = (&str, &GridValue)> {
        self.values.iter().flat_map(|(paths, value)| {
            let paths = paths.iter().enumerate();
            paths.map(|(number, path)| (path.as_str(), value.of_path(number)))
        })
    }

    /// The point as `--set` overrides.
    pub fn overrides(&self) -> Vec<String> {
        self.settings()
            .map(|(path, value)| format!("{path}={}", value.text()))
            .collect()
    }

    /// The point as people read it: `a.b=1, c.d=2`.
    pub fn label(&self) -> String {
        let parts: Vec<String> = self
            .settings()
            .map(|(path, value)| format!("{path}={}", value.label()))
            .collect();
        parts.join(", ")
    }
}

impl Serialize for Point {
    /// A map from path to value, in the order of the axes: the `at` of machine-readable output.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let entries = self.settings();
        serializer.collect_map(entries.map(|(path, value)| (path, value.json())))
    }
}

/// Two points one step apart along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Neighbours {
    /// The point before.
    pub from: usize,
    /// The point one value further along [`Self::axis`].
    pub to: usize,
    /// The axis.
    pub axis: usize,
}

/// The product of axes. Points are counted from 0; the last axis runs fastest.
#[derive(Debug, Clone, PartialEq)]
pub struct Grid {
    axes: Vec<Axis>,
    points: usize,
}

impl Grid {
    /// Reads the arguments of all `--over`.
    ///
    /// # Errors
    /// [`GridError`], at the first thing that is wrong.
    pub fn parse(arguments: &[String]) -> Result<Self, GridError> {
        let axes: Result<Vec<Axis>, GridError> = arguments
            .iter()
            .map(|argument| Axis::parse(argument))
            .collect();
        Self::new(axes?)
    }

    /// The grid of these axes.
    ///
    /// # Errors
    /// If there is no axis, two set the same, or there are more than [`MOST_POINTS`] points.
    pub fn new(axes: Vec<Axis>) -> Result<Self, GridError> {
        if axes.is_empty() {
            return Err(GridError::NoAxis);
        }
        let paths: Vec<&str> = axes
            .iter()
            .flat_map(|axis| axis.paths.iter().map(String::as_str))
            .collect();
        for (index, path) in paths.iter().enumerate() {
            for other in &paths[..index] {
                check_apart(other, path)?;
            }
        }
        let sizes = axes.iter().map(|axis| axis.values.len() as u128);
        let points = sizes.fold(1, u128::saturating_mul);
        match usize::try_from(points) {
            Ok(points) if points <= MOST_POINTS => Ok(Self { axes, points }),
            _ => Err(GridError::TooLarge {
                points: counted(points),
            }),
        }
    }

    /// Its axes.
    pub fn axes(&self) -> &[Axis] {
        &self.axes
    }

    /// Number of points, at least 1.
    pub fn size(&self) -> usize {
        self.points
    }

    /// All points in their order.
    pub fn points(&self) -> impl Iterator<Item = Point> + '_ {
        (0..self.points).map(|index| self.point(index))
    }

    /// One point.
    ///
    /// # Panics
    /// If there is no such point.
    pub fn point(&self, index: usize) -> Point {
        let values = self
            .axes
            .iter()
            .zip(self.places(index))
            .map(|(axis, place)| (axis.paths.clone(), axis.values[place].clone()))
            .collect();
        Point { values }
    }

    /// Index of a point's value on each axis.
    ///
    /// # Panics
    /// If there is no such point.
    pub fn places(&self, index: usize) -> Vec<usize> {
        assert!(index < self.points, "point {index} of {}", self.points);
        let mut rest = index;
        let mut places: Vec<usize> = self
            .axes
            .iter()
            .rev()
            .map(|axis| {
                let place = rest % axis.values.len();
                rest /= axis.values.len();
                place
            })
            .collect();
        places.reverse();
        places
    }

    /// The point with these values, the inverse of [`Self::places`].
    pub fn index(&self, places: &[usize]) -> usize {
        self.axes
            .iter()
            .zip(places)
            .fold(0, |index, (axis, place)| index * axis.values.len() + place)
    }

    /// How many points lie between two neighbours along an axis, the second one counted.
    pub fn stride(&self, axis: usize) -> usize {
        self.axes[axis + 1..]
            .iter()
            .map(|axis| axis.values.len())
            .product()
    }

    /// All pairs of neighbours, in the order of their second point, then of the axes.
    pub fn neighbours(&self) -> Vec<Neighbours> {
        (0..self.points)
            .flat_map(|to| {
                let places = self.places(to);
                places
                    .into_iter()
                    .enumerate()
                    .filter(|(_, place)| *place > 0)
                    .map(move |(axis, _)| Neighbours {
                        from: to - self.stride(axis),
                        to,
                        axis,
                    })
            })
            .collect()
    }
}

fn check_apart(a: &str, b: &str) -> Result<(), GridError> {
    let (Some(of_a), Some(of_b)) = (keys(a), keys(b)) else {
        return Ok(());
    };
    let inside = |inner: &str, outer: &str| GridError::Inside {
        inner: inner.to_owned(),
        outer: outer.to_owned(),
    };
    if of_a == of_b {
        Err(GridError::SamePath { path: b.to_owned() })
    } else if of_a.starts_with(&of_b) {
        Err(inside(a, b))
    } else if of_b.starts_with(&of_a) {
        Err(inside(b, a))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
