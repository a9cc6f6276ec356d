//! A project: its template, and the `local.toml` in the same folder.
//!
//! The template describes the deployment. [`local_toml`] adds what the function needs
//! on this machine: variables, caches, parameters, tables and their items. Its values
//! may hold placeholders ([`values`]) for what is known only once every part listens.

mod e2e;
pub mod error;
pub mod local_toml;
pub mod seed;
pub mod values;

use std::path::{Path, PathBuf};

use sam_template::{Context, Environment, TemplateError, samconfig};

pub use error::ProjectError;
pub use local_toml::LocalToml;

/// The template's file names, in the order of the search.
pub const TEMPLATES: [&str; 3] = ["template.yaml", "template.yml", "template.json"];

/// A template and the `local.toml` in its folder.
#[derive(Debug, Clone, PartialEq)]
pub struct Project {
    /// The template's file: `CodeUri` is relative to its folder.
    pub template: PathBuf,
    /// The template's resources.
    pub environment: Environment,
    /// The contents of `local.toml`; empty if there is no such file.
    pub local: LocalToml,
}

impl Project {
    /// Reads the template and, if there are any, the `local.toml` and the `samconfig.toml`
    /// in its folder.
    ///
    /// # Errors
    ///
    /// A file cannot be read or has an invalid line.
    pub fn load(template: &Path, context: &Context) -> Result<Self, ProjectError> {
        let context = Context {
            overrides: samconfig::beside(template)?,
            seeded: local_toml::seeded(template),
            ..context.clone()
        };
        let environment = read_template(template, &context)?;
        let local = LocalToml::beside(template, &environment)?;
        Ok(Self {
            template: template.to_owned(),
            environment,
            local,
        })
    }

    /// Reads the template without values for its parameters, in this region.
    ///
    /// # Errors
    ///
    /// As [`Project::load`].
    pub fn in_region(template: &Path, region: &str) -> Result<Self, ProjectError> {
        Self::load(template, &Context::in_region(region))
    }
}

/// Reads a template alone.
///
/// # Errors
///
/// The file cannot be read or has an invalid line.
pub fn read_template(template: &Path, context: &Context) -> Result<Environment, ProjectError> {
    sam_template::load(template, context).map_err(|error| match error {
        TemplateError::Unreadable { path, reason } => {
            ProjectError::UnreadableTemplate { path, reason }
        }
        error @ TemplateError::Invalid { .. } => error.into(),
    })
}

/// Finds the template of the project that `folder` is in: in this folder, or in the
/// nearest folder above it with a template.
///
/// # Errors
///
/// None of these folders has a template.
pub fn find_template(folder: &Path) -> Result<PathBuf, ProjectError> {
    folder
        .ancestors()
        .flat_map(|folder| TEMPLATES.map(|name| folder.join(name)))
        .find(|file| file.is_file())
        .ok_or_else(|| ProjectError::NoTemplate {
            folder: folder.to_owned(),
        })
}
