//! What is wrong with a scenario, drawn with the line where it stands.

use std::fmt;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::math::digits::in_thousands;
use crate::scenario::place::{Place, Sources};

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong, with the dotted path and the value, and what is allowed.
    pub message: String,
    /// Where it stands; `None` for the file as a whole.
    pub place: Option<Place>,
    /// The reason or the hint under the underlined text; may be empty.
    pub label: String,
}

/// Everything that is wrong with a scenario; never empty when returned as an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems {
    sources: Sources,
    list: Vec<Problem>,
}

/// Lines are never cut or folded to the terminal: the same text comes out everywhere.
const WIDTH: usize = 100_000;

/// Problems of one text that are drawn; the rest are counted.
const MOST_DRAWN: usize = 20;

impl Problems {
    /// Problems of a scenario, in the order of the text (the file first, then the overrides), each once.
    pub fn new(sources: Sources, mut list: Vec<Problem>) -> Self {
        list.sort_by_key(|problem| problem.place);
        let mut once: Vec<Problem> = Vec::with_capacity(list.len());
        for problem in list {
            let here = once
                .iter()
                .rev()
                .take_while(|other| other.place == problem.place);
            if !here.into_iter().any(|other| *other == problem) {
                once.push(problem);
            }
        }
        Self {
            sources,
            list: once,
        }
    }

    /// The problems, in the order of the text.
    pub fn list(&self) -> &[Problem] {
        &self.list
    }

    /// The texts that their places point into.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// All problems drawn with their lines, then one line that counts them. `styled` adds terminal colours.
    pub fn render(&self, styled: bool) -> String {
        let renderer = if styled {
            Renderer::styled()
        } else {
            Renderer::plain()
        }
        .term_width(WIDTH);
        let mut drawn = String::new();
        let source = |problem: &Problem| problem.place.map(|place| place.source);
        for of_one_text in self.list.chunk_by(|a, b| source(a) == source(b)) {
            for problem in of_one_text.iter().take(MOST_DRAWN) {
                drawn.push_str(&self.draw(&renderer, problem));
                drawn.push_str("\n\n");
            }
            if let Some(more) = of_one_text.len().checked_sub(MOST_DRAWN + 1) {
                let text = format!(
                    "and {} more in this file",
                    in_thousands(&(more + 1).to_string())
                );
                let title = Level::NOTE.primary_title(text);
                drawn.push_str(&renderer.render(&[Group::with_title(title)]));
                drawn.push_str("\n\n");
            }
        }
        let noun = if self.list.len() == 1 {
            "problem"
        } else {
            "problems"
        };
        let count = in_thousands(&self.list.len().to_string());
        let name = printable(&self.sources.name);
        let last = Level::ERROR.primary_title(format!("{count} {noun} in {name}; nothing was run"));
        drawn.push_str(&renderer.render(&[Group::with_title(last)]));
        drawn.push('\n');
        drawn
    }

    fn draw(&self, renderer: &Renderer, problem: &Problem) -> String {
        let title = Level::ERROR.primary_title(printable(&problem.message));
        let Some(place) = problem.place else {
            if problem.label.is_empty() {
                return renderer.render(&[Group::with_title(title)]);
            }
            let label = printable(&problem.label);
            return renderer.render(&[title.element(Level::NOTE.message(label))]);
        };
        let text = self.sources.text(place.source);
        let (start, end) = inside(text, place);
        let cut = line_around(text, start);
        let mut annotation = AnnotationKind::Primary.span(start - cut.start..end - cut.start);
        if !problem.label.is_empty() {
            annotation = annotation.label(printable(&problem.label));
        }
        let snippet = Snippet::source(&text[cut.start..cut.end])
            .line_start(cut.number)
            .path(self.sources.name(place.source).to_owned())
            .annotation(annotation);
        renderer.render(&[title.element(snippet)])
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.render(false).trim_end())
    }
}

impl std::error::Error for Problems {}

/// Control characters of the user's text must not reach the terminal.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() && c != '\n' {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
}

/// The range within the text, on character borders, and of the first line only when it spans several.
fn inside(text: &str, place: Place) -> (usize, usize) {
    let border = |mut at: usize| {
        at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let start = border(place.start);
    let mut end = border(place.end).max(start);
    if let Some(line) = text[start..end].find('\n') {
        end = start + line;
    }
    (start, end)
}

/// A part of a text and the number of its first line.
struct Cut {
    start: usize,
    end: usize,
    number: usize,
}

/// Texts up to this many bytes are drawn from whole.
const SHORT: usize = 100_000;

/// The line around a byte of a long text, which would be looked through for each problem drawn; all of a short text.
fn line_around(text: &str, at: usize) -> Cut {
    if text.len() <= SHORT {
        return Cut {
            start: 0,
            end: text.len(),
            number: 1,
        };
    }
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    Cut {
        start,
        end: text[at..]
            .find('\n')
            .map_or(text.len(), |length| at + length),
        number: text[..start].matches('\n').count() + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(list: Vec<Problem>) -> Problems {
        let sources = Sources {
            name: "scenarios/x.toml".to_owned(),
            text: "title = \"é\"\nmargin_call = { level = 1.2, target = 0.25 }\n".to_owned(),
            overrides: vec!["simulation.step=7h".to_owned()],
            files: Vec::new(),
        };
        Problems::new(sources, list)
    }

    #[test]
    fn what_is_noted_twice_is_told_once() {
        let place = |start| Place {
            source: 0,
            start,
            end: start + 1,
        };
        let problem = |message: &str, start| Problem {
            message: message.to_owned(),
            place: Some(place(start)),
            label: String::new(),
        };
        let noted = [("b", 3), ("a", 1), ("c", 3), ("b", 3), ("b", 4)];
        let told = problems(noted.map(|(message, at)| problem(message, at)).to_vec());
        let told: Vec<&str> = told
            .list()
            .iter()
            .map(|told| told.message.as_str())
            .collect();
        assert_eq!(told, ["a", "b", "c", "b"]);
    }

    #[test]
    fn draws_the_place_and_counts() {
        let two = problems(vec![
            Problem {
                message: "`simulation.step` is 7h; allowed: 8h".to_owned(),
                place: Some(Place {
                    source: 1,
                    start: 16,
                    end: 18,
                }),
                label: "the horizon is 90d".to_owned(),
            },
            Problem {
                message: "`level` is 1.2; allowed: below 1".to_owned(),
                place: Some(Place {
                    source: 0,
                    start: 37,
                    end: 40,
                }),
                label: "a call has to come before".to_owned(),
            },
        ]);
        let expected = "\
error: `level` is 1.2; allowed: below 1
 --> scenarios/x.toml:2:25
  |
2 | margin_call = { level = 1.2, target = 0.25 }
  |                         ^^^ a call has to come before

error: `simulation.step` is 7h; allowed: 8h
 --> --set:1:17
  |
1 | simulation.step=7h
  |                 ^^ the horizon is 90d

error: 2 problems in scenarios/x.toml; nothing was run
";
        assert_eq!(two.render(false), expected);
        assert!(two.render(true).contains("\u{1b}["));
    }

    #[test]
    fn of_one_text_the_first_are_drawn_and_the_rest_counted() {
        let text = "0123456789\n".repeat(20_000);
        let list = (0..2_020).map(|line| Problem {
            message: "wrong".to_owned(),
            place: Some(Place {
                source: 1,
                start: 11 * (line + 10_000),
                end: 11 * (line + 10_000) + 2,
            }),
            label: String::new(),
        });
        let sources = Sources {
            name: "x.toml".to_owned(),
            text: String::new(),
            overrides: Vec::new(),
            files: vec![crate::scenario::place::SourceFile {
                name: "x.csv".to_owned(),
                text,
            }],
        };
        let told = Problems::new(sources, list.collect()).render(false);
        assert_eq!(told.matches("error: wrong\n").count(), 20);
        let first =
            "error: wrong\n     --> x.csv:10001:1\n      |\n10001 | 0123456789\n      | ^^\n\n";
        assert!(told.starts_with(first), "{told}");
        let last = "\n\nnote: and 2,000 more in this file\n\nerror: 2,020 problems in x.toml; nothing was run\n";
        assert!(told.ends_with(last), "{told}");
    }

    #[test]
    fn survives_places_outside_the_text() {
        let odd = problems(vec![Problem {
            message: "odd\u{7}".to_owned(),
            place: Some(Place {
                source: 0,
                start: 10,
                end: 9_999,
            }),
            label: String::new(),
        }]);
        assert!(odd.render(false).contains("odd\u{fffd}"));
    }

    #[test]
    fn a_problem_of_the_whole_file_has_no_line() {
        let whole = problems(vec![Problem {
            message: "cannot read the file".to_owned(),
            place: None,
            label: "no such file".to_owned(),
        }]);
        assert_eq!(
            whole.render(false),
            "error: cannot read the file\n |\n = note: no such file\n\nerror: 1 problem in scenarios/x.toml; nothing was run\n"
        );
    }
}
