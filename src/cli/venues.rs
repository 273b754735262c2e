//! `hedgesim venues`: the presets with their brackets, sources and dates.

use hedgesim::report::venues::{render, render_json};
use hedgesim::scenario::nearest::{nearest, quoted};
use hedgesim::venue::preset::{VenuePreset, all, find, names};

use crate::cli::arguments::{PlainFormat, Venues};
use crate::cli::failure::Failure;
use crate::cli::output::print;

/// Runs the command.
pub(crate) fn venues(arguments: &Venues) -> Result<(), Failure> {
    let venues: Vec<&VenuePreset> = match &arguments.venue {
        None => all().iter().collect(),
        Some(name) => vec![find(name).ok_or_else(|| unknown("venue", name, names()))?],
    };
    let listing = arguments.listing.as_deref();
    if let Some(symbol) = listing
        && venues.iter().all(|venue| venue.listing(symbol).is_none())
    {
        let listings = venues.iter().flat_map(|venue| &venue.listings);
        let known = listings.map(|listing| listing.listing.as_str());
        return Err(unknown("listing", symbol, known));
    }
    let has_details = arguments.venue.is_some() || listing.is_some();
    print(&match arguments.format {
        PlainFormat::Text => render(&venues, listing, has_details),
        PlainFormat::Json => render_json(&venues, listing),
    })
}

fn unknown<'a>(what: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> Failure {
    let known: Vec<&str> = known.into_iter().collect();
    let hint = nearest(name, known.iter().copied())
        .map_or(String::new(), |near| format!("; did you mean `{near}`?"));
    Failure::refused(&format!(
        "no {what} `{name}`; known: {}{hint}",
        quoted(known)
    ))
}
