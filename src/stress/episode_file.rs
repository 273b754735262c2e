//! How the data file of episodes is read and checked.

use thiserror::Error;

use crate::stress::episode::{BITCOIN, Episode, Episodes, Figure, Leg, Moves};

/// What can be wrong with the data file.
#[derive(Debug, Error)]
pub(super) enum EpisodeFault {
    /// Not its shape.
    #[error(transparent)]
    Shape(#[from] Box<toml::de::Error>),
    /// A number without origin, with two, or of a source that is not listed.
    #[error("{episode}: {what} must name either a source of the list or what is assumed")]
    Unsourced { episode: String, what: String },
    /// A number that cannot be.
    #[error("{episode}: {what}")]
    Impossible { episode: String, what: String },
}

/// Reads the data file.
pub(super) fn parse(text: &str) -> Result<Episodes, EpisodeFault> {
    let all: Episodes = toml::from_str(text).map_err(Box::new)?;
    for episode in &all.episodes {
        check(&all, episode)?;
    }
    Ok(all)
}

fn check(all: &Episodes, episode: &Episode) -> Result<(), EpisodeFault> {
    let is_known = |source: &Option<String>, assumed: &Option<String>| match (source, assumed) {
        (Some(source), None) => all.sources.contains_key(source),
        (None, Some(why)) => !why.is_empty(),
        _ => false,
    };
    let unsourced = |what: &str| EpisodeFault::Unsourced {
        episode: episode.name.clone(),
        what: what.to_owned(),
    };
    let figure = |what: &str, figure: &Figure| {
        let is_fine = is_known(&figure.source, &figure.assumed);
        if is_fine {
            Ok(())
        } else {
            Err(unsourced(what))
        }
    };
    figure("cost_factor", &episode.cost_factor)?;
    let remarks = [&episode.outages, &episode.deleveraging, &episode.remarks];
    for remark in remarks.into_iter().flatten() {
        if !all.sources.contains_key(&remark.source) {
            return Err(unsourced(&remark.text));
        }
    }
    for leg in &episode.legs {
        let figures = [&leg.basis, &leg.carry_annual, &leg.funding_per_8h];
        for given in figures.into_iter().flatten() {
            figure("a figure of a leg", given)?;
        }
        for (coin, moves) in &leg.moves {
            if !is_known(&moves.source, &moves.assumed) {
                return Err(unsourced(coin));
            }
        }
    }
    check_sizes(episode)
}

fn check_sizes(episode: &Episode) -> Result<(), EpisodeFault> {
    let impossible = |what: String| {
        Err(EpisodeFault::Impossible {
            episode: episode.name.clone(),
            what,
        })
    };
    let is_empty = episode.legs.is_empty();
    if is_empty || episode.cost_factor.value < 1.0 {
        return impossible("no leg, or trades that cost less than usual".to_owned());
    }
    for leg in &episode.legs {
        if !is_fine(leg) {
            return impossible(format!("a leg of {} hours is none", leg.hours));
        }
        let has_window = |hours: f64, moves: &Moves| {
            let given = [
                (24.0, moves.day),
                (4.0, moves.four_hours),
                (1.0, moves.hour),
            ];
            given
                .into_iter()
                .any(|(width, worst)| width >= hours && worst.is_some())
        };
        if leg.moves.values().any(|moves| has_window(leg.hours, moves)) {
            return impossible("a window as long as its leg is the leg's total".to_owned());
        }
        if !leg.moves.contains_key(BITCOIN) {
            return impossible(format!("a leg has no {BITCOIN}"));
        }
        let wrong = leg.moves.iter().find(|(_, moves)| !is_possible(moves));
        if let Some((coin, _)) = wrong {
            return impossible(format!("{coin} moves by what no price can"));
        }
    }
    Ok(())
}

fn is_fine(leg: &Leg) -> bool {
    leg.hours.is_finite() && leg.hours > 1.0
}

/// Whether a price stays above 0 and what is worse within less time is no worse than within more.
fn is_possible(moves: &Moves) -> bool {
    let given = [moves.day, moves.four_hours, moves.hour];
    let sizes: Vec<f64> = given.into_iter().flatten().map(f64::abs).collect();
    let all = given.into_iter().flatten().chain([moves.total]);
    let is_basis = moves.basis.is_none_or(|basis| basis.abs() < 0.5);
    is_basis
        && all.clone().all(|x| x.is_finite() && x > -1.0)
        && all.clone().all(|x| x.signum() == moves.total.signum())
        && sizes.windows(2).all(|pair| pair[1] <= pair[0])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stress::episode::all;

    const MINIMAL: &str = r#"
        [sources.book]
        citation = "a book"
        date = "2020"
        [[episodes]]
        name = "2000-01"
        title = "a fall"
        kind = "down"
        from = "2000-01-01"
        to = "2000-01-02"
        cost_factor = { value = 2, assumed = "as a guess" }
        [[episodes.legs]]
        hours = 30
        moves.BTC = { total = -0.5, hour = -0.1, source = "book" }
    "#;

    #[test]
    fn a_number_without_origin_is_refused() {
        assert!(parse(MINIMAL).is_ok());
        for (from, to, message) in [
            (
                r#"hour = -0.1, source = "book""#,
                "hour = -0.1",
                "BTC must name either",
            ),
            (
                r#"source = "book""#,
                r#"source = "no book""#,
                "BTC must name either",
            ),
            (
                r#"assumed = "as a guess""#,
                r#"assumed = """#,
                "cost_factor must name",
            ),
            ("value = 2", "value = 0.5", "cost less than usual"),
            ("total = -0.5", "total = -1.0", "what no price can"),
            ("hour = -0.1", "hour = 0.1", "what no price can"),
            (
                "hour = -0.1",
                "hour = -0.1, day = -0.05",
                "what no price can",
            ),
            ("hours = 30", "hours = 0", "is none"),
            (
                "hour = -0.1",
                "hour = -0.1, basis = 0.9",
                "what no price can",
            ),
            (
                "hours = 30",
                "hours = 24\n        moves.ETH = { total = -0.5, day = -0.5, source = \"book\" }",
                "as long as its leg",
            ),
            ("moves.BTC", "moves.ETH", "has no BTC"),
            ("kind = \"down\"", "kind = \"sideways\"", "unknown variant"),
        ] {
            assert!(MINIMAL.contains(from), "{from}");
            let refused = parse(&MINIMAL.replace(from, to)).unwrap_err().to_string();
            assert!(refused.contains(message), "{from}: {refused}");
        }
    }

    /// The fourteen of the design, each of which went the way it says, and every source is used.
    #[test]
    fn the_embedded_file_is_whole() {
        let all = all();
        let names: Vec<&str> = all.episodes.iter().map(|e| e.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "2019-10", "2020-03", "2021-01", "2021-02", "2021-05", "2021-07", "2022-05",
                "2022-06", "2022-11", "2023-03", "2023-10", "2024-08", "2024-11", "2025-10"
            ]
        );
        let text = include_str!("episodes.toml");
        for source in all.sources.keys() {
            assert!(text.contains(&format!("source = \"{source}\"")), "{source}");
        }
        for episode in &all.episodes {
            assert!(episode.from.starts_with(&episode.name), "{}", episode.name);
            assert!(episode.has("ETH"), "{}", episode.name);
        }
    }
}
