//! Why a project cannot be used.

use std::path::PathBuf;

use sam_template::TemplateError;

use super::TEMPLATES;

/// Why a project cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// Neither the folder nor any folder above it has a template.
    #[error(
        "no template ({}) in {} or any folder above it\nhint: name a template with `--template FILE`",
        TEMPLATES.join(", "), folder.display()
    )]
    NoTemplate {
        /// The folder where the search began.
        folder: PathBuf,
    },
    /// The template cannot be read.
    #[error("template {}: {reason}\nhint: name another with `--template FILE`", path.display())]
    UnreadableTemplate {
        /// The file.
        path: PathBuf,
        /// The system's error.
        reason: std::io::Error,
    },
    /// The template cannot be used.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A file of the project cannot be read.
    #[error("{}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's error.
        reason: std::io::Error,
    },
    /// A line of a file is invalid.
    #[error("{}:{line}: {problem}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What the line has, and what is expected.
        problem: String,
    },
}
