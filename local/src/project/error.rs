//! Why a project cannot be used.

use std::path::PathBuf;

use super::TEMPLATES;
use crate::template::TemplateError;

/// What is wrong with a project, and where.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// No template in the folder or above it.
    #[error(
        "no {} in {} or in a folder above it; name a template with --template FILE",
        TEMPLATES.join(", "), folder.display()
    )]
    NoTemplate {
        /// Where the search began.
        folder: PathBuf,
    },
    /// The template.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A file that belongs to the project cannot be read.
    #[error("{}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: std::io::Error,
    },
    /// A line of a file.
    #[error("{}:{line}: {problem}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong there, and what is expected.
        problem: String,
    },
}
