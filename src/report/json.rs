//! The summary as JSON, the same text on standard output and in `summary.json`.

use crate::stats::summary::Summary;

/// Pretty JSON with a line break at its end.
pub fn render(summary: &Summary) -> String {
    // A summary is plain data with text keys, which always converts.
    let mut text = serde_json::to_string_pretty(summary).unwrap_or_default();
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::summarise::{Detail, RunInfo, summarise};
    use crate::stats::synthetic::{plan, table};

    #[test]
    fn estimates_have_three_keys_and_the_order_is_fixed() {
        let summary = summarise(
            &table(200),
            &plan(200, vec![]),
            Detail::Everything,
            &RunInfo::default(),
        );
        let text = render(&summary);
        assert!(text.starts_with("{\n  \"format\": 1,\n"));
        let values: serde_json::Value = serde_json::from_str(&text).unwrap();
        let mean = values["hedged"]["mean"].as_object().unwrap();
        assert_eq!(
            mean.keys().collect::<Vec<_>>(),
            ["ci95", "std_error", "value"]
        );
        // 200 paths say nothing about the ends of the 0.1 % quantile.
        assert!(values["hedged"]["percentiles"]["p0.1"]["ci95"].is_null());
        assert!(values["hedged"]["percentiles"]["p50"]["ci95"][1].is_number());
    }
}
