//! `[e2e]` in `local.toml`: the records that `klocal e2e` writes.

use std::path::{Path, PathBuf};

use load_generator::{files::Files, shape::Shape};
use serde::Deserialize;
use toml::Spanned;

use crate::records::{Records, Source, pointer, share};

/// The section.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct E2eSection {
    records: Spanned<RecordsSection>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordsSection {
    template: Option<PathBuf>,
    file: Option<PathBuf>,
    partition_key: Option<Spanned<String>>,
    size: Option<usize>,
    malformed: Option<Spanned<String>>,
}

/// A problem, and where it begins.
pub(super) type Problem = (std::ops::Range<usize>, String);

impl E2eSection {
    /// The records. Their files are in the folder of `local_toml`.
    pub(super) fn records(self, local_toml: &Path) -> Result<Records, Problem> {
        let span = self.records.span();
        let section = self.records.into_inner();
        let source = match (section.template, section.file) {
            (Some(template), None) => Source::Template(local_toml.with_file_name(template)),
            (None, Some(file)) => Source::Files(Files::Path(local_toml.with_file_name(file))),
            _ => {
                let problem = "records has one of template and file, such as { template = \"seed/record.json\" }";
                return Err((span, problem.to_owned()));
            }
        };
        Ok(Records {
            source,
            shape: Shape {
                partition_key: parsed("partition_key", section.partition_key, pointer)?,
                size: section.size.unwrap_or(0),
                malformed: parsed("malformed", section.malformed, share)?.unwrap_or(0.0),
            },
        })
    }
}

fn parsed<T>(
    key: &str,
    value: Option<Spanned<String>>,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<Option<T>, Problem> {
    let Some(value) = value else { return Ok(None) };
    match parse(value.get_ref()) {
        Ok(parsed) => Ok(Some(parsed)),
        Err(expected) => Err((
            value.span(),
            format!("{key} is {:?}; {expected}", value.get_ref()),
        )),
    }
}
