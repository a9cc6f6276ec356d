//! The records that `e2e` and `put` write: from flags, or from `local.toml`.

use std::path::PathBuf;

use load_generator::{
    feed::{Feed, Order},
    files::Files,
    shape::Shape,
    template::Template,
};

/// Where records come from, and how they differ from it.
#[derive(Debug, Clone, PartialEq)]
pub struct Records {
    /// Where they come from.
    pub source: Source,
    /// Their partition keys, their size, and the share that is malformed.
    pub shape: Shape,
}

/// Where records come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file with a JSON document and placeholders: records without end.
    Template(PathBuf),
    /// JSON lines, or a folder of files.
    Files(Files),
}

/// Why there are no records.
#[derive(Debug, thiserror::Error)]
pub enum RecordsError {
    /// The template cannot be read.
    #[error("record template {}: {reason}", path.display())]
    Unreadable {
        /// The template.
        path: PathBuf,
        /// The system's error.
        reason: std::io::Error,
    },
    /// The template has an invalid line.
    #[error("{}:{reason}", path.display())]
    Template {
        /// The template.
        path: PathBuf,
        /// The line and its problem.
        reason: load_generator::template::TemplateError,
    },
    /// The file or folder does not exist.
    #[error("records {}: {reason}", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// The system's error.
        reason: std::io::Error,
    },
    /// A template has no timing.
    #[error("records of a template have no recorded time\nhint: play a file of `klocal capture`")]
    NotRecorded,
}

impl Records {
    /// Whether there is no end to them.
    #[must_use]
    pub fn are_endless(&self) -> bool {
        matches!(self.source, Source::Template(_))
    }

    /// The records, in this order.
    ///
    /// # Errors
    ///
    /// A file cannot be read, or the template has an invalid line.
    pub fn feed(&self, seed: u64, order: Order) -> Result<Feed, RecordsError> {
        let shape = self.shape.clone();
        match &self.source {
            Source::Template(_) if order == Order::AsRecorded => Err(RecordsError::NotRecorded),
            Source::Template(path) => {
                let text = std::fs::read_to_string(path);
                let text = text.map_err(|reason| RecordsError::Unreadable {
                    path: path.clone(),
                    reason,
                })?;
                let template = Template::parse(&text, shape.partition_key.as_deref());
                let template = template.map_err(|reason| RecordsError::Template {
                    path: path.clone(),
                    reason,
                })?;
                Ok(Feed::of_template(template, shape, seed))
            }
            Source::Files(files) => {
                if let Files::Path(path) = files {
                    std::fs::metadata(path).map_err(|reason| RecordsError::Missing {
                        path: path.clone(),
                        reason,
                    })?;
                }
                Ok(Feed::of_files(files.clone(), shape, seed, order))
            }
        }
    }
}

/// A JSON pointer (RFC 6901) to something inside a document.
///
/// # Errors
///
/// It does not begin with a slash.
pub fn pointer(text: &str) -> Result<String, String> {
    if text.starts_with('/') {
        Ok(text.to_owned())
    } else {
        Err("expected a JSON pointer, such as /orderId".to_owned())
    }
}

/// A share such as `1%`, as a number from 0 to 1.
///
/// # Errors
///
/// It is no percentage.
pub fn share(text: &str) -> Result<f64, String> {
    let percent = text.strip_suffix('%').and_then(|text| text.parse().ok());
    match percent {
        Some(percent) if (0.0..=100.0).contains(&percent) => Ok(percent / 100.0),
        _ => Err("expected a share of the records, such as 1%".to_owned()),
    }
}
