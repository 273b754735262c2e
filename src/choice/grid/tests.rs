//! Axes, points and neighbours of grids, and what is refused.

use super::*;
use proptest::prelude::*;

fn texts(argument: &str) -> Vec<String> {
    let axis = Axis::parse(argument).unwrap_or_else(|error| panic!("{argument}: {error}"));
    axis.values
        .iter()
        .map(|value| value.text().to_owned())
        .collect()
}

fn refusal(arguments: &[&str]) -> String {
    let owned: Vec<String> = arguments.iter().map(|a| (*a).to_owned()).collect();
    Grid::parse(&owned).unwrap_err().to_string()
}

#[test]
fn ranges_are_decimal_and_keep_their_unit() {
    assert_eq!(texts("a.b=0.1:0.3:0.1"), ["0.1", "0.2", "0.3"]);
    assert_eq!(texts("a=0:1:0.3"), ["0", "0.3", "0.6", "0.9"]);
    assert_eq!(texts("a=1:0:-0.5"), ["1", "0.5", "0"]);
    assert_eq!(texts("a=0:30%:10%"), ["0%", "10%", "20%", "30%"]);
    assert_eq!(texts("a=4h:12h:4h"), ["4h", "8h", "12h"]);
    assert_eq!(
        texts("a=1e7:2e7:0.5e7"),
        ["10000000", "15000000", "20000000"]
    );
    assert_eq!(texts("a=5:5:1"), ["5"]);
    assert_eq!(texts("a = 1 : 2 : 1 "), ["1", "2"]);
    assert_eq!(texts("a=-1bps:1bps:1bps"), ["-1bps", "0bps", "1bps"]);
    assert_eq!(texts("a=1:10_000:1").len(), MOST_POINTS);
}

#[test]
fn lists_hold_any_values() {
    assert_eq!(texts("a=1,2.50,3%"), ["1", "2.50", "3%"]);
    assert_eq!(texts("a=binance,\"by,bit\""), ["binance", "\"by,bit\""]);
    assert_eq!(texts("a=0,0.5:1:0.25"), ["0", "0.5", "0.75", "1"]);
    assert_eq!(
        texts("hedges.0.ratio={ fixed = 1 },{ beta = {}, x = [1,2] }"),
        ["{ fixed = 1 }", "{ beta = {}, x = [1,2] }"]
    );
    assert_eq!(
        texts("start=2026-01-01T00:00:00Z,2026-02-01T08:00:00Z").len(),
        2
    );
    assert_eq!(texts("a=1h30m"), ["1h30m"]);
    assert_eq!(texts("a=\"1:2:3\""), ["\"1:2:3\""]);
}

#[test]
fn values_are_shown_and_written_for_machines() {
    let value = GridValue::new;
    assert_eq!(value("0.50").json(), serde_json::json!(0.5));
    assert_eq!(value("60_000").json(), serde_json::json!(60_000));
    assert_eq!(value("10%").json(), serde_json::json!("10%"));
    assert_eq!(value("\"8h\"").json(), serde_json::json!("8h"));
    assert_eq!(value("true").json(), serde_json::json!(true));
    assert_eq!(value("bybit").label(), "bybit");
    let half = value("10%").halfway(&value("15%")).unwrap();
    assert_eq!(half.text(), "12.5%");
    assert_eq!(value("10%").halfway(&value("15")), None);
    assert_eq!(value("x").halfway(&value("15")), None);
    assert_eq!(
        value("0.1").number().map(f64::to_bits),
        Some(0.1_f64.to_bits())
    );
}

#[test]
fn points_run_along_the_last_axis_first() {
    let grid = Grid::parse(&["a=0,1".to_owned(), "b.c=x,y,z".to_owned()]).unwrap();
    assert_eq!(grid.size(), 6);
    let labels: Vec<String> = grid.points().map(|point| point.label()).collect();
    assert_eq!(labels[0], "a=0, b.c=x");
    assert_eq!(labels[4], "a=1, b.c=y");
    assert_eq!(grid.point(5).overrides(), ["a=1", "b.c=z"]);
    assert_eq!(
        serde_json::to_value(grid.point(5)).unwrap(),
        serde_json::json!({ "a": 1, "b.c": "z" })
    );
    for index in 0..6 {
        assert_eq!(grid.index(&grid.places(index)), index);
    }
    let pairs: Vec<(usize, usize, usize)> = grid
        .neighbours()
        .iter()
        .map(|pair| (pair.from, pair.to, pair.axis))
        .collect();
    assert_eq!(
        pairs,
        [
            (0, 1, 1),
            (1, 2, 1),
            (0, 3, 0),
            (1, 4, 0),
            (3, 4, 1),
            (2, 5, 0),
            (4, 5, 1)
        ]
    );
}

#[test]
fn an_axis_may_set_several_paths() {
    let grid = Grid::parse(&["a.v, b.v=x,y".to_owned(), "c=0,1".to_owned()]).unwrap();
    assert_eq!(grid.size(), 4);
    let point = grid.point(2);
    assert_eq!(point.overrides(), ["a.v=y", "b.v=y", "c=0"]);
    assert_eq!(point.label(), "a.v=y, b.v=y, c=0");
    assert_eq!(
        serde_json::to_value(&point).unwrap(),
        serde_json::json!({ "a.v": "y", "b.v": "y", "c": 0 })
    );
    // Ranges set all of them, and a comma in quotes is none between paths.
    let grid = Grid::parse(&["a.\"x,y\",b=0:1:0.5".to_owned()]).unwrap();
    assert_eq!(grid.axes()[0].paths, ["a.\"x,y\"", "b"]);
    assert_eq!(grid.point(1).overrides(), ["a.\"x,y\"=0.5", "b=0.5"]);
}

#[test]
fn an_axis_may_give_each_path_its_own_value() {
    let over = "l,v,m=(BTCUSDT, binance, {a = [1,2]}),(\"B,C)\",bybit,0.50),z";
    let grid = Grid::parse(&[over.to_owned()]).unwrap();
    assert_eq!(grid.size(), 3);
    assert_eq!(
        grid.point(0).overrides(),
        ["l=BTCUSDT", "v=binance", "m={a = [1,2]}"]
    );
    assert_eq!(
        serde_json::to_value(grid.point(1)).unwrap(),
        serde_json::json!({ "l": "B,C)", "v": "bybit", "m": 0.5 })
    );
    assert_eq!(grid.point(2).overrides(), ["l=z", "v=z", "m=z"]);
    assert_eq!(
        grid.axes()[0].values[1].json(),
        serde_json::json!(["B,C)", "bybit", 0.5])
    );
    assert_eq!(grid.axes()[0].values[0].number(), None);
}

#[test]
fn each_mistake_has_its_message() {
    for (arguments, expected) in [
        (
            &[][..],
            "a grid needs `--over PATH=FROM:TO:STEP` at least once",
        ),
        (
            &["a"],
            "`--over a` is not of the form PATH=FROM:TO:STEP or PATH=A,B,C",
        ),
        (
            &["a,=1"],
            "`--over a,=1` is not of the form PATH=FROM:TO:STEP or PATH=A,B,C; several paths stand before the `=`",
        ),
        (
            &["a,b=(1,2),(3)"],
            "`(3)` of `--over a,b` has 1 value for 2 paths; allowed: one value a path, or one without brackets for all",
        ),
        (
            &["a=(1,2)"],
            "`(1,2)` of `--over a` has 2 values for 1 path",
        ),
        (&["a,b=(1,)"], "`--over a,b` has an empty value in its list"),
        (&["a,b=(1,2"], "`--over a,b` has a value with an open ("),
        (
            &["a,b=(0:1:0.5,x)"],
            "in round brackets stand single values, one a path",
        ),
        (
            &["a,b=(1,2),(1.0,2)"],
            "`--over a,b` has the value (1,2) twice",
        ),
        (&["a,b=1,(1,1)"], "twice"),
        (&["a,a=1"], "`--over a` is given twice"),
        (
            &["a.b,a=1"],
            "`--over a.b` sets a part of what `--over a` sets",
        ),
        (&["a,b=1", "b=2"], "`--over b` is given twice"),
        (&["a="], "`--over a=` is not of the form"),
        (&["=1"], "`--over =1` is not of the form"),
        (
            &["a=0:1"],
            "`0:1` of `--over a` is no range: a range is FROM:TO:STEP, such as 0:1:0.1",
        ),
        (&["a=0:1:0.1:2"], "a range is FROM:TO:STEP"),
        (&["a=0:x:1"], "`x` is no number with one unit or none"),
        (
            &["a=0:1h30m:1h"],
            "`1h30m` is no number with one unit or none",
        ),
        (&["a=0:nan:1"], "`nan` is no number"),
        (&["a=1h:2d:1h"], "FROM, TO and STEP have different units"),
        (&["a=1:2%:1%"], "FROM, TO and STEP have different units"),
        (&["a=0:1:0"], "`0:1:0` of `--over a` is empty: STEP is 0"),
        (
            &["a=1:0:0.1"],
            "`1:0:0.1` of `--over a` is empty: STEP leads from FROM away from TO",
        ),
        (&["a=0:1:-0.1"], "STEP leads from FROM away from TO"),
        (&["a=1,,2"], "`--over a` has an empty value in its list"),
        (&["a=1,[2"], "`--over a` has a value with an open ["),
        (&["a=\"x"], "open \""),
        (&["a=0.5,0.50"], "`--over a` has the value 0.5 twice"),
        (&["a=0:1:0.5,0.5"], "`--over a` has the value 0.5 twice"),
        (&["a=x,\"x\""], "has the value x twice"),
        (&["a.b=1", "a.\"b\"=2"], "`--over a.\"b\"` is given twice"),
        (
            &["a={ b = 1 }", "a.b=2"],
            "`--over a.b` sets a part of what `--over a` sets",
        ),
        (
            &["a.b=1", "a={ b = 1 }"],
            "`--over a.b` sets a part of what `--over a` sets",
        ),
        (
            &["a=0:1e9:1"],
            "the grid has 1,000,000,001 points; allowed: up to 10,000",
        ),
        (
            &["a=0:1e18:0.000000000000000001e-18"],
            "of `--over a` is no range: its numbers differ by too many digits",
        ),
        (
            &["a=1:1000:1", "b=1:1000:1", "c=1:1000:1"],
            "the grid has 1,000,000,000 points; allowed: up to 10,000",
        ),
    ] {
        let message = refusal(arguments);
        assert!(message.contains(expected), "{arguments:?}: {message}");
    }
}

proptest! {
    /// Value i is FROM + i STEP as whole numbers of the last decimal say, and TO is the last where a step hits it.
    #[test]
    fn values_are_from_plus_whole_steps(
        from in -5_000_i64..5_000,
        step in 1_i64..500,
        count in 0_i64..50,
        beyond in 0_i64..500,
        places in 0_u32..6,
    ) {
        let beyond = beyond % step;
        let text = |units: i64| {
            let scale = 10_i64.pow(places);
            let sign = if units < 0 { "-" } else { "" };
            let (whole, rest) = (units.abs() / scale, units.abs() % scale);
            format!("{sign}{whole}.{rest:0>width$}", width = places.max(1) as usize)
        };
        let to = from + count * step + beyond;
        let argument = format!("a={}:{}:{}", text(from), text(to), text(step));
        let axis = Axis::parse(&argument).unwrap();
        prop_assert_eq!(axis.values.len(), usize::try_from(count + 1).unwrap());
        for (i, value) in axis.values.iter().enumerate() {
            let expected: f64 = text(from + i64::try_from(i).unwrap() * step).parse().unwrap();
            prop_assert_eq!(value.number().unwrap().to_bits(), (expected + 0.0).to_bits());
        }
    }
}
