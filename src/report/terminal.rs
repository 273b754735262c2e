//! A report for a terminal of 100 columns; plain text unless told to style it.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use comfy_table::{CellAlignment, ContentArrangement, LineStyle, TableStyle};

use crate::report::document::{Block, Document, Item, Section, Table, Tone};

/// Columns of text.
const WIDTH: usize = 100;

/// Draws a report.
///
/// `styled` adds colour and weight by escape sequences; without it there are none, whatever the terminal.
pub fn render(document: &Document, styled: bool) -> String {
    let mut text = String::new();
    let paint = Paint { styled };
    line(&mut text, &paint.with(Style::new().bold(), &document.title));
    line(
        &mut text,
        &"=".repeat(document.title.chars().count().min(WIDTH)),
    );
    for section in &document.sections {
        text.push('\n');
        draw_section(&mut text, section, paint);
    }
    text
}

#[derive(Debug, Clone, Copy)]
struct Paint {
    styled: bool,
}

impl Paint {
    fn with(self, style: Style, text: &str) -> String {
        if self.styled {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }

    fn tone(self, tone: Tone, text: &str) -> String {
        let style = match tone {
            Tone::Plain => return text.to_owned(),
            Tone::Good => AnsiColor::Green.on_default(),
            Tone::Warning => AnsiColor::Yellow.on_default(),
            Tone::Bad => AnsiColor::Red.on_default().bold(),
        };
        self.with(style, text)
    }
}

/// Appends a line without trailing blanks.
fn line(text: &mut String, content: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{}", content.trim_end());
}

fn draw_section(text: &mut String, section: &Section, paint: Paint) {
    if let Some(heading) = &section.heading {
        line(text, &paint.with(Style::new().bold(), heading));
        line(
            text,
            &paint.with(
                Style::new().dimmed(),
                &"-".repeat(heading.chars().count().min(WIDTH)),
            ),
        );
    }
    for (index, block) in section.blocks.iter().enumerate() {
        if index > 0 {
            text.push('\n');
        }
        match block {
            Block::Paragraph(words) => wrap(words, WIDTH)
                .iter()
                .for_each(|words| line(text, words)),
            Block::List(items) => items.iter().for_each(|item| draw_item(text, item, paint)),
            Block::Table(table) => draw_table(text, table, paint, table.header.len()),
            Block::WordTable(table) => draw_table(text, table, paint, table.header.len() - 1),
        }
    }
}

fn draw_item(text: &mut String, item: &Item, paint: Paint) {
    for (index, words) in wrap(&item.text, WIDTH - 2).iter().enumerate() {
        let lead = if index == 0 { "- " } else { "  " };
        line(text, &format!("{lead}{}", paint.tone(item.tone, words)));
    }
}

/// Draws a table whose columns hold words in the first place and from `words_from` on, and figures between.
fn draw_table(text: &mut String, table: &Table, paint: Paint, words_from: usize) {
    let mut drawing = comfy_table::Table::new();
    drawing
        .load_style(TableStyle::new().header_separator(LineStyle::none().fill('-').junction('-')));
    #[expect(clippy::cast_possible_truncation, reason = "100")]
    drawing
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(WIDTH as u16);
    drawing.set_header(&table.header);
    drawing.add_rows(&table.rows);
    for (index, column) in drawing.column_iter_mut().enumerate() {
        column.set_cell_alignment(if index == 0 || index >= words_from {
            CellAlignment::Left
        } else {
            CellAlignment::Right
        });
        column.set_padding((u16::from(index > 0), 1));
    }
    for (index, row) in drawing.lines().enumerate() {
        let row = row.trim_end();
        line(
            text,
            &if index == 0 {
                paint.with(Style::new().bold(), row)
            } else {
                row.to_owned()
            },
        );
    }
}

/// Breaks text at blanks into lines of at most `width` characters.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let Some(last) = lines.last_mut() else {
            continue;
        };
        if last.is_empty() {
            last.push_str(word);
        } else if last.chars().count() + 1 + word.chars().count() <= width {
            last.push(' ');
            last.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::types::{Comparison, LimitPlan};
    use crate::report::content::document;
    use crate::stats::summarise::{Detail, RunInfo, summarise};
    use crate::stats::synthetic::{general_plan, general_table, plan, table};

    fn example() -> Document {
        example_of(50_000.0)
    }

    fn example_of(quantity_base: f64) -> Document {
        let limit = |text: &str, path: &str, bound| LimitPlan {
            text: text.into(),
            path: path.into(),
            comparison: Comparison::AtMost,
            bound,
        };
        let limits = vec![
            limit(
                "liquidation.probability <= 30%",
                "liquidation.probability",
                0.3,
            ),
            limit("hedged.es95 <= 1000000", "hedged.es95", 1e6),
            limit(
                "margin_call.probability <= 0.345",
                "margin_call.probability",
                0.345,
            ),
        ];
        let mut plan = plan(20_000, limits);
        plan.holdings[0].quantity_base = quantity_base;
        document(
            &summarise(&table(20_000), &plan, Detail::Report, &RunInfo::default()),
            &plan,
        )
    }

    #[test]
    fn golden() {
        snapbox::assert_data_eq!(
            render(&example(), false),
            snapbox::file!["golden/terminal.txt"].raw()
        );
    }

    /// Two holdings, three hedges, two accounts, two dates; amounts in single dollars where the inventory is small.
    fn general(quantity_base: f64) -> Document {
        let mut plan = general_plan(20_000);
        plan.holdings[0].quantity_base = quantity_base;
        if quantity_base < 1.0 {
            plan.holdings[1].quantity_base = quantity_base;
        }
        let table = general_table(20_000);
        document(
            &summarise(&table, &plan, Detail::Report, &RunInfo::default()),
            &plan,
        )
    }

    #[test]
    fn golden_of_several_hedges() {
        snapbox::assert_data_eq!(
            render(&general(50_000.0), false),
            snapbox::file!["golden/terminal-several.txt"].raw()
        );
    }

    #[test]
    fn plain_and_no_wider_than_the_terminal() {
        // The second shows the same large amounts in single dollars, which have to wrap.
        for document in [
            example(),
            example_of(1000.0),
            general(50_000.0),
            general(0.5),
        ] {
            let text = render(&document, false);
            assert!(!text.contains('\u{1b}'));
            for line in text.lines() {
                assert!(line.chars().count() <= WIDTH, "{line}");
                assert_eq!(line.trim_end(), line);
            }
        }
    }

    #[test]
    fn styles_change_no_words() {
        let mut plain = String::new();
        let mut rest = render(&example(), true);
        assert!(rest.contains('\u{1b}'));
        while let Some(start) = rest.find('\u{1b}') {
            plain.push_str(&rest[..start]);
            let end = start + rest[start..].find('m').unwrap() + 1;
            rest = rest[end..].to_owned();
        }
        plain.push_str(&rest);
        assert_eq!(plain, render(&example(), false));
    }
}
