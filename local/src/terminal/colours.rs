//! The few styles that lines have. They are the terminal's own sixteen colours, which
//! its user has chosen.

use anstyle::{AnsiColor, Style};

/// Text without a style.
pub const PLAIN: Style = Style::new();
/// What is rarely read.
pub const DIM: Style = Style::new().dimmed();
/// What stands out.
pub const BOLD: Style = Style::new().bold();
/// A success.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// What may go wrong.
pub const WARNING: Style = AnsiColor::Yellow.on_default();
/// A failure.
pub const BAD: Style = AnsiColor::Red.on_default();
/// A failure's own words.
pub const BAD_BOLD: Style = AnsiColor::Red.on_default().bold();
/// A name.
pub const NAME: Style = AnsiColor::Cyan.on_default();
/// A function's information.
pub const INFORMATION: Style = AnsiColor::Blue.on_default();
