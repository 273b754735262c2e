//! One axis of a grid: `PATH=FROM:TO:STEP`, `PATH=A,B,C` or `PATH,PATH=(A,B),(C,D)`, read into values that are exact in decimal.

use serde_json::{Number, Value};

use crate::choice::decimal::Decimal;
use crate::choice::grid_error::{GridError, MOST_POINTS, counted};
use crate::scenario::overrides::keys;

/// What a number of a scenario may end in.
const UNITS: [&str; 9] = ["", "%", "bps", "w", "d", "h", "m", "s", "ms"];

/// One value of an axis.
#[derive(Debug, Clone, PartialEq)]
pub struct GridValue {
    text: String,
    number: Option<(Decimal, &'static str)>,
    /// By path of the axis, where each takes its own; else empty.
    parts: Vec<Self>,
}

impl GridValue {
    /// A value as it stands in an override: a number, a number with a unit, a word, or any TOML value.
    pub fn new(text: &str) -> Self {
        let text = text.trim();
        let number = number(text);
        Self {
            text: text.to_owned(),
            number,
            parts: Vec::new(),
        }
    }

    /// A value for each path of an axis.
    fn of_parts(text: &str, parts: Vec<Self>) -> Self {
        Self {
            text: text.to_owned(),
            number: None,
            parts,
        }
    }

    /// What the path of this number takes.
    pub fn of_path(&self, path: usize) -> &Self {
        self.parts.get(path).unwrap_or(self)
    }

    fn of_number(number: Decimal, unit: &'static str) -> Self {
        Self {
            text: format!("{number}{unit}"),
            number: Some((number, unit)),
            parts: Vec::new(),
        }
    }

    /// The value as an override writes it; that of several paths as the option does.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The value as people read it: without the quotes of a TOML string.
    pub fn label(&self) -> &str {
        let bare = |quote: char| {
            self.text
                .strip_prefix(quote)
                .and_then(|rest| rest.strip_suffix(quote))
        };
        bare('"').or_else(|| bare('\'')).unwrap_or(&self.text)
    }

    /// The number without its unit; `None` for anything else.
    pub fn number(&self) -> Option<f64> {
        self.number.map(|(number, _)| number.to_f64())
    }

    /// The value halfway between two numbers of one unit, exactly.
    pub fn halfway(&self, other: &Self) -> Option<Self> {
        let ((a, unit), (b, other_unit)) = (self.number?, other.number?);
        (unit == other_unit).then(|| a.halfway(b).map(|half| Self::of_number(half, unit)))?
    }

    /// A bare number as such, values of several paths as a list, everything else as the text that [`Self::label`] shows.
    pub fn json(&self) -> Value {
        if !self.parts.is_empty() {
            return self.parts.iter().map(Self::json).collect();
        }
        match self.number {
            Some((number, "")) => {
                let whole = number.to_string().parse::<i64>().ok().map(Number::from);
                let any = || Number::from_f64(number.to_f64());
                whole.or_else(any).map_or(Value::Null, Value::Number)
            }
            Some(_) | None => match self.text.as_str() {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                _ => Value::String(self.label().to_owned()),
            },
        }
    }

    /// The same for values that mean the same: 0.5 and 0.50.
    fn key(&self) -> String {
        match self.number {
            Some((number, unit)) => format!("{number}{unit}"),
            None => format!("\"{}", self.label()),
        }
    }
}

/// Paths of the scenario that change together, and the values that they take.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// Dotted paths, as in overrides; at least one.
    pub paths: Vec<String>,
    /// At least one value, each once.
    pub values: Vec<GridValue>,
}

impl Axis {
    /// Reads `PATH=FROM:TO:STEP` (numbers of one unit; TO is included where a step hits it) or `PATH=A,B,C`, whose entries may be ranges, too.
    /// Before the first `=` there may be several paths, between commas: all take the same value, or each its own of an entry `(A,B)`.
    ///
    /// # Errors
    /// [`GridError`], at the first thing that is wrong.
    pub fn parse(argument: &str) -> Result<Self, GridError> {
        let form = || GridError::Form {
            argument: argument.to_owned(),
        };
        let (path, values) = argument.split_once('=').ok_or_else(form)?;
        let (path, written) = (path.trim(), values.trim());
        let paths: Vec<String> = split(path, ',', path)?
            .into_iter()
            .map(|path| path.trim().to_owned())
            .collect();
        if paths.iter().any(|path| keys(path).is_none()) || written.is_empty() {
            return Err(form());
        }
        let mut axis = Self {
            paths,
            values: Vec::new(),
        };
        let path = &axis.name();
        for entry in split(written, ',', path)? {
            let entry = entry.trim();
            if entry.is_empty() {
                return Err(GridError::EmptyValue { path: path.clone() });
            }
            if let Some(inner) = in_brackets(entry) {
                axis.push_parts(entry, inner)?;
                continue;
            }
            let parts = split(entry, ':', path)?;
            if parts.len() == 1 || is_moment(entry) {
                axis.values.push(GridValue::new(entry));
            } else {
                axis.push_range(entry, &parts)?;
            }
            if axis.values.len() > MOST_POINTS {
                return Err(GridError::TooLarge {
                    points: format!("more than {}", counted(MOST_POINTS as u128)),
                });
            }
        }
        axis.give_zero_its_unit();
        // Ranges hold no value twice; lists may.
        if let Some(twice) = axis.first_twice() {
            return Err(GridError::SameValue {
                path: path.clone(),
                value: twice.label().to_owned(),
            });
        }
        Ok(axis)
    }

    /// A bare 0 beside values of which every one has a unit takes that of the first: 0,8h,3d starts at 0h.
    fn give_zero_its_unit(&mut self) {
        let is_bare_zero = |value: &GridValue| {
            let number = value.number.as_ref();
            number.is_some_and(|(number, unit)| number.is_zero() && unit.is_empty())
        };
        let others = self.values.iter().filter(|value| !is_bare_zero(value));
        let units: Option<Vec<&'static str>> = others
            .map(|value| value.number.map(|(_, unit)| unit).filter(|u| !u.is_empty()))
            .collect();
        let Some(&unit) = units.iter().flatten().next() else {
            return;
        };
        for value in self.values.iter_mut().filter(|value| is_bare_zero(value)) {
            if let Some((zero, _)) = value.number {
                *value = GridValue::of_number(zero, unit);
            }
        }
    }

    /// The axis in words: its paths as the option writes them.
    pub fn name(&self) -> String {
        self.paths.join(",")
    }

    /// A short name: its first path.
    pub fn first_path(&self) -> &str {
        self.paths.first().map_or("", String::as_str)
    }

    /// An entry `(A,B)`: as many values as paths.
    fn push_parts(&mut self, entry: &str, inner: &str) -> Result<(), GridError> {
        let path = self.name();
        let mut parts = Vec::new();
        for part in split(inner, ',', &path)? {
            let part = part.trim();
            if part.is_empty() {
                return Err(GridError::EmptyValue { path });
            }
            if split(part, ':', &path)?.len() > 1 && !is_moment(part) {
                return Err(GridError::Range {
                    path,
                    range: part.to_owned(),
                    reason: "in round brackets stand single values, one a path".to_owned(),
                });
            }
            parts.push(GridValue::new(part));
        }
        if parts.len() != self.paths.len() {
            return Err(GridError::Count {
                path,
                entry: entry.to_owned(),
                values: parts.len(),
                paths: self.paths.len(),
            });
        }
        self.values.push(GridValue::of_parts(entry, parts));
        Ok(())
    }

    fn push_range(&mut self, range: &str, parts: &[&str]) -> Result<(), GridError> {
        let name = self.name();
        let malformed = |reason: &str| GridError::Range {
            path: name.clone(),
            range: range.to_owned(),
            reason: reason.to_owned(),
        };
        let empty = |reason: &'static str| GridError::Empty {
            path: name.clone(),
            range: range.to_owned(),
            reason,
        };
        let [from, to, step] = parts else {
            return Err(malformed("a range is FROM:TO:STEP, such as 0:1:0.1"));
        };
        let read = |text: &str| {
            number(text.trim()).ok_or_else(|| {
                let what = text.trim();
                malformed(&format!(
                    "`{what}` is no number with one unit or none, such as 0.25, 25%, 10bps, 12h or 30d, of up to 18 digits"
                ))
            })
        };
        let [from, to, step] = [read(from)?, read(to)?, read(step)?];
        let unit = shared_unit([from, to, step])
            .ok_or_else(|| malformed("FROM, TO and STEP have different units"))?;
        let ([from, to, step], too_long) = ([from.0, to.0, step.0], || {
            malformed("its numbers differ by too many digits")
        });
        if step.is_zero() {
            return Err(empty("STEP is 0"));
        }
        let steps = from.steps_to(to, step).ok_or_else(too_long)?;
        if steps < 0 {
            return Err(empty("STEP leads from FROM away from TO"));
        }
        let points = steps + 1;
        if points > MOST_POINTS as i128 {
            return Err(GridError::TooLarge {
                points: counted(points.unsigned_abs()),
            });
        }
        for index in 0.. {
            if i128::from(index) >= points {
                break;
            }
            let value = from.plus(index, step).ok_or_else(too_long)?;
            self.values.push(GridValue::of_number(value, unit));
        }
        Ok(())
    }

    fn first_twice(&self) -> Option<&GridValue> {
        let key = |value: &GridValue| -> Vec<String> {
            let paths = 0..self.paths.len();
            paths.map(|path| value.of_path(path).key()).collect()
        };
        let mut order: Vec<(Vec<String>, &GridValue)> = self
            .values
            .iter()
            .map(|value| (key(value), value))
            .collect();
        order.sort_by(|a, b| a.0.cmp(&b.0));
        order
            .windows(2)
            .find(|pair| pair[0].0 == pair[1].0)
            .map(|pair| pair[0].1)
    }
}

/// A number with one unit or none.
fn number(text: &str) -> Option<(Decimal, &'static str)> {
    let (number, rest) = Decimal::at_start(text)?;
    let unit = UNITS.iter().find(|unit| **unit == rest.trim_start())?;
    Some((number, unit))
}

/// The unit of three numbers; a bare 0 has any.
fn shared_unit(numbers: [(Decimal, &'static str); 3]) -> Option<&'static str> {
    let mut units = numbers
        .iter()
        .filter(|(number, unit)| !(number.is_zero() && unit.is_empty()))
        .map(|(_, unit)| *unit);
    let first = units.next().unwrap_or("");
    units.all(|unit| unit == first).then_some(first)
}

/// Whether a text with colons is a date with a time, or a time.
fn is_moment(text: &str) -> bool {
    text.parse::<toml::value::Datetime>().is_ok()
}

/// What stands between the round brackets around an entry.
fn in_brackets(entry: &str) -> Option<&str> {
    entry.strip_prefix('(')?.strip_suffix(')')
}

/// The parts of a text between separators outside quotes and brackets.
fn split<'t>(text: &'t str, separator: char, path: &str) -> Result<Vec<&'t str>, GridError> {
    let mut open: Vec<char> = Vec::new();
    let mut parts = Vec::new();
    let mut start = 0;
    let mut is_escaped = false;
    for (at, c) in text.char_indices() {
        let quote = open.last().copied().filter(|c| matches!(c, '"' | '\''));
        match (quote, c) {
            _ if is_escaped => is_escaped = false,
            (Some('"'), '\\') => is_escaped = true,
            (Some(quote), _) => {
                if c == quote {
                    open.pop();
                }
            }
            (None, '"' | '\'' | '[' | '{' | '(') => open.push(c),
            (None, ']' | '}' | ')') => {
                open.pop();
            }
            (None, _) if c == separator && open.is_empty() => {
                parts.push(&text[start..at]);
                start = at + c.len_utf8();
            }
            (None, _) => {}
        }
    }
    if let Some(open) = open.first() {
        return Err(GridError::Open {
            path: path.to_owned(),
            open: *open,
        });
    }
    parts.push(&text[start..]);
    Ok(parts)
}
