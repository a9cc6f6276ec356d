//! Where lines are shown: how wide it is, and whether it has colour.

use std::io::{self, IsTerminal};

use anstream::{AutoStream, ColorChoice};
use anstyle::Style;
use console::Term;

/// Where lines are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Screen {
    /// Columns of a terminal; `None` for a pipe or a file, where lines are whole.
    pub width: Option<usize>,
    /// Whether lines have colour.
    pub colour: bool,
}

impl Screen {
    /// Whole lines without colour.
    pub const PLAIN: Self = Self {
        width: None,
        colour: false,
    };

    /// Standard output as it is now. `NO_COLOR` and `CLICOLOR_FORCE` decide on colour, and
    /// without them whether it is a terminal.
    #[must_use]
    pub fn stdout() -> Self {
        let stdout = io::stdout();
        Self {
            width: width(stdout.is_terminal(), &Term::stdout()),
            colour: AutoStream::choice(&stdout) != ColorChoice::Never,
        }
    }

    /// Standard error as it is now, as [`Screen::stdout`].
    #[must_use]
    pub fn stderr() -> Self {
        let stderr = io::stderr();
        Self {
            width: width(stderr.is_terminal(), &Term::stderr()),
            colour: AutoStream::choice(&stderr) != ColorChoice::Never,
        }
    }

    /// `text` in `style`, where there is colour.
    #[must_use]
    pub fn paint(&self, style: Style, text: &str) -> String {
        if self.colour && style != Style::new() {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }

    /// Whether it has fewer columns than `width`.
    #[must_use]
    pub fn is_narrower_than(&self, width: usize) -> bool {
        self.width.is_some_and(|columns| columns < width)
    }
}

fn width(terminal: bool, term: &Term) -> Option<usize> {
    terminal.then(|| usize::from(term.size().1))
}
