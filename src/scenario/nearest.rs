//! The nearest valid name to a mistyped one.

/// Names at least this alike are offered (Jaro-Winkler, 1 is equal).
const ALIKE: f64 = 0.83;

/// How alike a short name is at least when one letter is wrong or two are swapped.
const ONE_SLIP: f64 = 0.9;

/// Names longer than this, in bytes, are nothing that was meant.
const LONGEST: usize = 200;

/// The candidate most like `name`, if any is alike enough to be what was meant.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > LONGEST {
        return None;
    }
    let lower = name.to_lowercase();
    let mut best: Option<(f64, &str)> = None;
    for candidate in candidates {
        if candidate.len() > LONGEST {
            continue;
        }
        let other = candidate.to_lowercase();
        let is_one_slip = lower.chars().count() >= 3 && strsim::osa_distance(&lower, &other) <= 1;
        let alike =
            strsim::jaro_winkler(&lower, &other).max(if is_one_slip { ONE_SLIP } else { 0.0 });
        if alike >= ALIKE && best.is_none_or(|(so_far, _)| alike > so_far) {
            best = Some((alike, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Names in back quotes, joined by commas, each once.
pub fn quoted<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut list: Vec<String> = Vec::new();
    for name in names {
        let name = format!("`{name}`");
        if !list.contains(&name) {
            list.push(name);
        }
    }
    if list.is_empty() {
        "none".to_owned()
    } else {
        list.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offers_only_what_is_near() {
        let keys = ["level", "target", "every", "delay", "release"];
        assert_eq!(nearest("tagret", keys), Some("target"));
        assert_eq!(nearest("LEVEL", keys), Some("level"));
        assert_eq!(nearest("x", keys), None);
        assert_eq!(nearest("gmb", ["gbm", "jump_diffusion"]), Some("gbm"));
        assert_eq!(nearest("price", keys), None);
        let long = "x".repeat(300);
        assert_eq!(nearest(&long, [long.as_str()]), None);
    }

    #[test]
    fn lists_names() {
        assert_eq!(quoted(["a", "b", "a"]), "`a`, `b`");
        assert_eq!(quoted([]), "none");
    }
}
