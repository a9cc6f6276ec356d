//! Reads a SAM or CloudFormation template: functions, streams, queues, tables, parameters
//! and event source mappings, as they would be deployed.
//!
//! [`load`] reads the file into [`document::Node`]s, which know their lines. A
//! [`scope::Scope`] evaluates intrinsic functions, conditions, parameters and references where
//! a property needs a value. Each supported resource becomes its part of the [`Environment`].
//! What is misspelt or not supported is an error with the line and the nearest name; what has
//! another meaning on this machine is a note.
//!
//! ```
//! use sam_template::{Context, parse};
//!
//! let template = "
//! Resources:
//!   Orders:
//!     Type: AWS::Kinesis::Stream
//!     Properties: { Name: orders, ShardCount: 2 }
//! ";
//! let environment = parse(template, &Context::in_region("us-east-1")).unwrap();
//! assert_eq!(environment.streams[0].name, "orders");
//!
//! let problem = parse(&template.replace("ShardCount", "ShardCuont"), &Context::in_region("us-east-1"));
//! let problem = problem.unwrap_err();
//! assert_eq!(problem.line, 5);
//! assert!(problem.what.contains("did you mean ShardCount?"));
//! ```
//!
//! # What is isolated
//!
//! The crate reads files and changes nothing. Who starts what the template describes is its
//! caller's.

#![warn(unreachable_pub)]

mod conditions;
pub mod context;
pub mod document;
mod dynamic;
pub mod effects;
pub mod environment;
pub mod environment_variables;
mod intrinsics;
pub mod nearest;
pub mod notes;
mod parameters;
pub mod properties;
mod pseudo;
mod references;
mod resources;
mod sam;
pub mod samconfig;
pub mod scope;
mod sections;
mod sub;

use std::path::{Path, PathBuf};

pub use context::Context;
pub use environment::Environment;

/// Why a template cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The file cannot be read.
    #[error("{}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's error.
        reason: std::io::Error,
    },
    /// A line is invalid.
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

/// A problem at a line; [`load`] adds the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The line, from 1.
    pub line: usize,
    /// What the line has, and what is expected.
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

/// Reads the template at `path`.
///
/// # Errors
///
/// The file cannot be read, is not YAML, or has an unsupported property. The
/// error names the resource, the property and the line.
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

/// Parses a template's text.
///
/// # Errors
///
/// As [`load`], without the file.
pub fn parse(text: &str, context: &Context) -> Result<Environment, Problem> {
    let root = document::parse(text)?;
    resources::read(&root, context)
}
