//! Paragraphs broken at the width of a page.

use std::fmt::Write as _;

/// Widest line of a terminal report.
pub(crate) const WIDTH: usize = 100;

/// Writes a paragraph after a label, its further lines under its first word.
pub(crate) fn push_paragraph(text: &mut String, label: &str, paragraph: &str) {
    let indent = label.chars().count();
    let mut line = label.to_owned();
    let mut is_empty = true;
    for word in paragraph.split_whitespace() {
        if !is_empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            let _ = writeln!(text, "{line}");
            line = " ".repeat(indent);
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
        is_empty = false;
    }
    let _ = writeln!(text, "{}", line.trim_end());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_at_the_width_and_stand_under_the_first_word() {
        let mut text = String::new();
        push_paragraph(&mut text, "note: ", &["word"; 40].join(" "));
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        // Six for the label, 19 words of four letters after the first with a blank: 6 + 4 + 18 * 5 = 100.
        assert_eq!(lines[0], format!("note: {}", ["word"; 19].join(" ")));
        assert_eq!(lines[1], format!("      {}", ["word"; 19].join(" ")));
        assert_eq!(lines[2], "      word word");
    }

    #[test]
    fn a_word_wider_than_the_page_stays_whole() {
        let mut text = String::new();
        let word = "w".repeat(120);
        push_paragraph(&mut text, "- ", &format!("{word} end"));
        assert_eq!(text, format!("- {word}\n  end\n"));
        text.clear();
        push_paragraph(&mut text, "- ", "");
        assert_eq!(text, "-\n");
    }
}
