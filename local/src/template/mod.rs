//! The SAM template: the one description of what runs here and what deploys.
//!
//! [`load`] reads the file into [`document::Node`]s that know their lines,
//! [`resolve`] works out `!Ref`, `!GetAtt` and `!Sub`, [`resources`] turns each
//! known resource into its part of the [`Environment`].

pub mod document;
pub mod environment;
pub mod properties;
pub mod resolve;
mod resources;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

pub use environment::Environment;

/// What is wrong with a template, and where.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The file cannot be read.
    #[error("template {}: {reason}; name another with --template FILE", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: std::io::Error,
    },
    /// A line of it.
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

/// A problem at a line; [`load`] adds the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there, and what is expected.
    pub what: String,
}

impl Problem {
    /// A problem at `line`.
    pub fn at(line: usize, what: impl Into<String>) -> Self {
        Self {
            line,
            what: what.into(),
        }
    }
}

/// What the template's pseudo parameters stand for.
#[derive(Debug, Clone)]
pub struct Context {
    /// `AWS::Region`.
    pub region: String,
    /// `AWS::AccountId`.
    pub account: String,
    /// Values for the template's `Parameters`, over their defaults.
    pub parameters: BTreeMap<String, String>,
}

/// Reads the template at `path`.
///
/// # Errors
///
/// The file cannot be read, is not YAML, or has something that is not supported
/// here: the error names resource, property and line.
pub fn load(path: &Path, context: &Context) -> Result<Environment, TemplateError> {
    let text = std::fs::read_to_string(path).map_err(|reason| TemplateError::Unreadable {
        path: path.to_owned(),
        reason,
    })?;
    parse(&text, context).map_err(|problem| TemplateError::Invalid {
        path: path.to_owned(),
        line: problem.line,
        problem: problem.what,
    })
}

/// Reads a template's text.
///
/// # Errors
///
/// As [`load`], without the file.
pub fn parse(text: &str, context: &Context) -> Result<Environment, Problem> {
    let root = document::parse(text)?;
    resources::read(&root, context)
}
