//! Tests of the typed reader.

use toml::de::DeTable;

use super::*;
use crate::scenario::checked::within;
use crate::scenario::range::Range;
use crate::scenario::tree;
use crate::scenario::units::{fraction, text};

fn messages(source: &str, read: impl FnOnce(&mut Reader<'_>)) -> Vec<String> {
    let (parsed, errors) = DeTable::parse_recoverable(source);
    assert!(errors.is_empty());
    let table = tree::table(parsed.get_ref(), source, 0, 0);
    let sink = Sink::default();
    let mut reader = Reader::new(&table, String::new(), None, &sink);
    read(&mut reader);
    reader.finish();
    sink.into_problems()
        .into_iter()
        .map(|p| p.message)
        .collect()
}

#[test]
fn reading_goes_on_after_each_problem() {
    let found = messages("a = 1\nb = 2\ntagret = 0.1\n", |reader| {
        assert!(reader.required("a", text).is_none());
        let range = Range::closed(0.0, 1.0, "0 to 1");
        assert!(reader.optional("b", within(fraction, range)).is_none());
        assert!(reader.required("target", fraction).is_none());
        assert!(reader.required("every", fraction).is_none());
    });
    assert_eq!(
        found,
        [
            "`a` is 1; allowed: a string",
            "`b` is 2; allowed: 0 to 1",
            "the scenario has no key `tagret`; allowed: `a`, `b`, `target`, `every`",
            "the scenario needs `every`",
        ]
    );
}

#[test]
fn variants_are_chosen_by_name() {
    let found = messages("gbm = {}\nheston = {}\n", |reader| {
        assert_eq!(
            reader.one_of(&["gbm", "jumps"], &["heston"], Requirement::Required),
            None
        );
    });
    assert_eq!(
        found,
        [
            "`heston` is not supported yet",
            "the scenario has both `gbm` and `heston`; allowed: one of `gbm`, `jumps`",
        ]
    );
    assert!(
        messages("gbm = {}", |reader| {
            assert_eq!(
                reader.one_of(&["gbm"], &[], Requirement::Required),
                Some("gbm")
            );
        })
        .is_empty()
    );
}
