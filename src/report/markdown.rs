//! A report as Markdown.

use std::fmt::Write as _;

use crate::report::document::{Block, Document, Item, Table, Tone};

/// Writes a report as Markdown.
pub fn render(document: &Document) -> String {
    let mut text = format!("# {}\n", document.title);
    for section in &document.sections {
        if let Some(heading) = &section.heading {
            push(&mut text, &format!("\n## {heading}\n"));
        }
        for block in &section.blocks {
            text.push('\n');
            match block {
                Block::Paragraph(words) => push(&mut text, &format!("{words}\n")),
                Block::List(items) => items
                    .iter()
                    .for_each(|item| push(&mut text, &item_line(item))),
                Block::Table(table) => push_table(&mut text, table, table.header.len()),
                Block::WordTable(table) => {
                    push_table(&mut text, table, table.header.len() - 1);
                }
            }
        }
    }
    text
}

fn push(text: &mut String, words: &str) {
    text.push_str(words);
}

fn item_line(item: &Item) -> String {
    match item.tone {
        Tone::Plain | Tone::Good => format!("- {}\n", item.text),
        Tone::Warning | Tone::Bad => format!("- **{}**\n", item.text),
    }
}

/// Writes a table whose columns hold words in the first place and from `words_from` on, and figures between.
fn push_table(text: &mut String, table: &Table, words_from: usize) {
    push_row(text, &table.header);
    let rules: Vec<String> = (0..table.header.len())
        .map(|index| {
            if index == 0 || index >= words_from {
                ":---".into()
            } else {
                "---:".into()
            }
        })
        .collect();
    push_row(text, &rules);
    table.rows.iter().for_each(|row| push_row(text, row));
}

fn push_row(text: &mut String, cells: &[String]) {
    let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    // Writing to a string cannot fail.
    let _ = writeln!(text, "| {} |", cells.join(" | "));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::document::Section;

    #[test]
    fn headings_lists_and_tables() {
        let mut table = Table::new(&["what", "value"]);
        table.push(["a|b".into(), "1".into()]);
        let items = vec![
            Item::plain("so"),
            Item {
                tone: Tone::Bad,
                text: "broken".into(),
            },
        ];
        let document = Document {
            title: "T".into(),
            sections: vec![
                Section {
                    heading: None,
                    blocks: vec![Block::Paragraph("words".into())],
                },
                Section::new("H", vec![Block::List(items), Block::Table(table)]),
            ],
        };
        let expected = "# T\n\nwords\n\n## H\n\n- so\n- **broken**\n\n| what | value |\n| :--- | ---: |\n| a\\|b | 1 |\n";
        assert_eq!(render(&document), expected);
    }
}
