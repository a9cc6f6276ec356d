//! What an environment is started with.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use aws_wire::DEFAULT_REGION;
use lambda_host::log::LogLine;
use loopback_client::sdk_config;
use sam_template::Context;

use super::{Environment, Error, Lines};
use crate::{
    bootstraps,
    embedded::{Embedded, Options},
    endpoints::Endpoints,
    project::{Project, find_template},
};

/// The environment of a template, to be started.
#[derive(Debug, Clone)]
#[must_use = "it is not started yet"]
pub struct Builder {
    template: PathBuf,
    parameters: BTreeMap<String, String>,
    bootstraps: BTreeMap<String, PathBuf>,
    variables: BTreeMap<String, String>,
    data_dir: Option<PathBuf>,
}

impl Builder {
    pub(super) fn new(template: PathBuf) -> Self {
        Self {
            template,
            parameters: BTreeMap::new(),
            bootstraps: BTreeMap::new(),
            variables: BTreeMap::new(),
            data_dir: None,
        }
    }

    pub(super) fn of_working_folder() -> Result<Self, Error> {
        let folder = std::env::current_dir().map_err(Error::Folder)?;
        Ok(Self::new(find_template(&folder)?))
    }

    /// A value for a parameter of the template.
    pub fn parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.parameters.insert(name.into(), value.into());
        self
    }

    /// The executable of every function, instead of what `CodeUri` has.
    pub fn bootstrap(self, executable: impl Into<PathBuf>) -> Self {
        self.bootstrap_of("", executable)
    }

    /// The executable of one function.
    pub fn bootstrap_of(
        mut self,
        function: impl Into<String>,
        executable: impl Into<PathBuf>,
    ) -> Self {
        self.bootstraps.insert(function.into(), executable.into());
        self
    }

    /// An environment variable of every function, over those of the template.
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// Keeps state in this folder, for the next environment.
    pub fn data_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.data_dir = Some(folder.into());
        self
    }

    /// Builds the functions, starts everything and waits until it is ready.
    ///
    /// # Errors
    ///
    /// The template has an invalid line, a function cannot be built or does not start, or
    /// another part cannot start.
    pub async fn start(self) -> Result<Environment, Error> {
        let context = Context {
            parameters: self.parameters,
            ..Context::in_region(DEFAULT_REGION)
        };
        let project = Project::load(&self.template, &context)?;
        let template = project.environment.clone();
        let sources = bootstraps::sources(&template.functions, &self.bootstraps, &self.template)?;
        let bootstraps = bootstraps::launches(&sources, false).await?;
        let lines = Lines::default();
        let options = Options {
            bootstraps,
            variables: self.variables,
            data_dir: self.data_dir,
            log: Arc::new(keep(lines.clone())),
            ..Options::new(project, BTreeMap::new())
        };
        let embedded = Embedded::start(options).await?;
        if let Some((function, error)) = embedded.failed_inits.first() {
            return Err(Error::Init {
                function: function.clone(),
                reason: error.message(),
            });
        }
        let sdk = sdk_config(&embedded.aws.url(), DEFAULT_REGION);
        Ok(Environment {
            endpoints: Endpoints::of(&embedded, &template, DEFAULT_REGION),
            kinesis: aws_sdk_kinesis::Client::new(&sdk),
            embedded,
            lines,
        })
    }
}

fn keep(lines: Lines) -> impl Fn(LogLine) + Send + Sync {
    move |line| lines.send_modify(|lines| lines.push(line))
}
