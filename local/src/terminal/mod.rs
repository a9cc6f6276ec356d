//! What a person sees while an environment runs: a line for each event, in colour on a
//! terminal and plain in a pipe.
//!
//! [`Presenter`] turns events into text and has neither clock nor terminal of its own;
//! [`follow::follow`] runs it beside the pipeline.

pub mod colours;
mod counted;
mod describe;
pub mod follow;
mod line;
mod log_line;
mod merged;
mod metrics_line;
mod order;
mod pace;
mod panics;
mod plain_line;
mod presenter;
mod screen;
pub mod summary;
pub mod units;
mod view;
pub mod welcome;

pub use line::Line;
pub use log_line::{Fields, LogText, parse};
pub use presenter::Presenter;
pub use screen::Screen;
pub use view::{Level, Logs, View};
