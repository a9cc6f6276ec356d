//! One line in several styles: cut or wrapped on a terminal, whole elsewhere.

use std::fmt::Write;

use anstyle::Style;
use console::measure_text_width;

use super::{Screen, colours::PLAIN};

/// Most lines on a terminal for one that wraps.
const MOST_LINES: usize = 12;

/// Spaces before the further lines of a text in a pipe.
const INDENT: usize = 4;

/// Words in several styles. A line break in a word begins a line of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line {
    words: Vec<(Style, String)>,
    /// Where further lines begin.
    indent: usize,
    /// Words from this one on wrap; `None` where the line is cut.
    wraps: bool,
}

impl Line {
    /// Adds text.
    pub fn push(&mut self, style: Style, text: impl Into<String>) {
        self.words.push((style, text.into()));
    }

    /// Adds text in a column of `width`, and a space.
    pub fn column(&mut self, style: Style, text: &str, width: usize) {
        let gap = width.saturating_sub(measure_text_width(text)) + 1;
        self.push(style, text);
        self.push(PLAIN, " ".repeat(gap));
    }

    /// What follows wraps on a terminal, below its first word, instead of being cut.
    pub fn wrap(&mut self) {
        self.wraps = true;
        self.indent_here();
    }

    /// The further lines of what follows begin here.
    pub fn indent_here(&mut self) {
        let widths = self.words.iter().map(|(_, text)| measure_text_width(text));
        self.indent = widths.sum();
    }

    /// The line as text, with its end.
    #[must_use]
    pub fn render(&self, screen: &Screen) -> String {
        let mut painter = Painter {
            text: String::new(),
            colour: screen.colour,
            style: PLAIN,
            column: 0,
            lines: 1,
        };
        match screen.width {
            None => self.whole(&mut painter),
            Some(width) if self.wraps => self.wrapped(&mut painter, width.max(self.indent + 20)),
            Some(width) => self.cut(&mut painter, width.max(1)),
        }
        painter.finish()
    }

    fn whole(&self, painter: &mut Painter) {
        for (style, text) in &self.words {
            for (number, part) in text.split('\n').enumerate() {
                if number > 0 {
                    painter.new_line(INDENT);
                }
                painter.write(*style, part);
            }
        }
    }

    fn cut(&self, painter: &mut Painter, width: usize) {
        let all: usize = self.words.iter().map(|(_, text)| columns(text)).sum();
        let last = if all > width { width - 1 } else { width };
        for (style, text) in &self.words {
            for character in text.chars() {
                let character = if character == '\n' { ' ' } else { character };
                if painter.column + width_of(character) > last {
                    if all > width {
                        painter.write(*style, "…");
                    }
                    return;
                }
                painter.character(*style, character);
            }
        }
    }

    fn wrapped(&self, painter: &mut Painter, width: usize) {
        for (style, text) in &self.words {
            for (number, part) in text.split('\n').enumerate() {
                if number > 0 && !painter.next_line(self.indent) {
                    return;
                }
                for word in part.split_inclusive(' ') {
                    let fits = painter.column + columns(word.trim_end()) <= width;
                    let begins = painter.column <= self.indent;
                    if !fits && !begins && !painter.next_line(self.indent) {
                        return;
                    }
                    for character in word.chars() {
                        let is_over = painter.column + width_of(character) > width;
                        if is_over && character == ' ' {
                            continue;
                        }
                        if is_over && !painter.next_line(self.indent) {
                            return;
                        }
                        painter.character(*style, character);
                    }
                }
            }
        }
    }
}

fn columns(text: &str) -> usize {
    text.chars().map(width_of).sum()
}

fn width_of(character: char) -> usize {
    if character.is_ascii() {
        return 1;
    }
    measure_text_width(character.encode_utf8(&mut [0; 4]))
}

/// Writes text, and escape codes where the style changes.
struct Painter {
    text: String,
    colour: bool,
    style: Style,
    column: usize,
    lines: usize,
}

impl Painter {
    fn write(&mut self, style: Style, text: &str) {
        text.chars().for_each(|one| self.character(style, one));
    }

    fn character(&mut self, style: Style, character: char) {
        // Spaces look alike in every style.
        if character != ' ' {
            self.change(style);
        }
        self.text.push(character);
        self.column += width_of(character);
    }

    fn change(&mut self, style: Style) {
        if !self.colour || style == self.style {
            return;
        }
        if self.style != PLAIN {
            let _ = write!(self.text, "{:#}", self.style);
        }
        if style != PLAIN {
            let _ = write!(self.text, "{style}");
        }
        self.style = style;
    }

    /// Begins a line, unless there are enough.
    fn next_line(&mut self, indent: usize) -> bool {
        if self.lines == MOST_LINES {
            self.write(self.style, "…");
            return false;
        }
        self.new_line(indent);
        true
    }

    fn new_line(&mut self, indent: usize) {
        self.change(PLAIN);
        self.trim();
        self.text.push('\n');
        self.text.push_str(&" ".repeat(indent));
        self.column = indent;
        self.lines += 1;
    }

    fn trim(&mut self) {
        let end = self.text.trim_end_matches(' ').len();
        self.text.truncate(end);
    }

    fn finish(mut self) -> String {
        self.change(PLAIN);
        self.trim();
        self.text.push('\n');
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::{Line, Screen};
    use crate::terminal::colours::{BAD, DIM, PLAIN};

    fn screen(width: usize) -> Screen {
        Screen {
            width: Some(width),
            colour: false,
        }
    }

    fn line(wraps: bool) -> Line {
        let mut line = Line::default();
        line.column(PLAIN, "f", 3);
        if wraps {
            line.wrap();
        }
        line.push(BAD, "one two three four");
        line.push(DIM, " and a_word_that_is_longer_than_the_screen");
        line
    }

    #[test]
    fn a_line_is_cut_at_the_width_and_whole_in_a_pipe() {
        assert_eq!(line(false).render(&screen(16)), "f   one two thr…\n");
        assert_eq!(
            line(true).render(&Screen::PLAIN),
            "f   one two three four and a_word_that_is_longer_than_the_screen\n"
        );
        let mut exact = Line::default();
        exact.push(PLAIN, "exact");
        assert_eq!(exact.render(&screen(5)), "exact\n");
    }

    #[test]
    fn a_line_wraps_at_words_below_its_first_one() {
        let expected = "\
f   one two three four
    and
    a_word_that_is_longe
    r_than_the_screen
";
        assert_eq!(line(true).render(&screen(24)), expected);
    }

    #[test]
    fn colour_begins_with_a_word_and_ends_with_its_style() {
        let screen = Screen {
            width: Some(20),
            colour: true,
        };
        assert_eq!(
            line(false).render(&screen),
            "f   \u{1b}[31mone two three f…\u{1b}[0m\n"
        );
    }

    #[test]
    fn wide_characters_take_two_columns() {
        let mut line = Line::default();
        line.push(PLAIN, "日本語日本語");
        assert_eq!(line.render(&screen(6)), "日本…\n");
    }
}
