//! What `up` and `exec` start, and how.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use clap::Args;
use momento_offline::transport::Transport;

use super::{
    args::{
        BootstrapArgs, HostArgs, IdleArgs, KinesisArgs, RetryArgs, ServedCacheArgs, TemplateArgs,
    },
    otlp_args::OtlpArgs,
};
use crate::{
    bootstraps::Launch,
    embedded::{Cache, Embedded, Options},
    outcome::Failure,
    project::Project,
};

/// The development environment of a project.
#[derive(Debug, Args)]
pub struct StartArgs {
    #[command(flatten)]
    pub(super) template: TemplateArgs,
    #[command(flatten)]
    pub(super) bootstrap: BootstrapArgs,
    #[command(flatten)]
    cache: ServedCacheArgs,
    #[command(flatten)]
    kinesis: KinesisArgs,
    #[command(flatten)]
    pub(super) host: HostArgs,
    #[command(flatten)]
    idle: IdleArgs,
    #[command(flatten)]
    retry: RetryArgs,
    #[command(flatten)]
    pub(super) otlp: OtlpArgs,

    /// Keep state in this folder; without it, state is lost at exit
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

impl StartArgs {
    /// The cache that the flags choose, if there is one.
    pub(super) fn cache(&self, project: &Project) -> Result<Option<Cache>, Failure> {
        self.cache.of_project(project, Transport::Server)
    }

    /// The folder that keeps state.
    pub(super) fn data_dir(&self) -> Option<&Path> {
        self.data_dir.as_deref()
    }

    /// As the flags say, on free ports.
    pub(super) fn options(
        &self,
        project: Project,
        cache: Option<Cache>,
        bootstraps: BTreeMap<String, Launch>,
    ) -> Options {
        Options {
            bootstraps,
            host: self.host.host,
            allowed_hosts: self.host.allowed(),
            region: self.template.region.clone(),
            kinesis: self.kinesis.options(),
            cache,
            data_dir: self.data_dir.clone(),
            idle_timeout: self.idle.timeout(),
            backoff: self.retry.retry_wait,
            ..Options::new(project, BTreeMap::new())
        }
    }
}

/// Says which functions do not start; `again` is when they are tried again.
pub(super) fn tell_failed_inits(embedded: &Embedded, again: &str) {
    for (function, error) in &embedded.failed_inits {
        eprintln!(
            "error: function {function} does not start: {}",
            error.message()
        );
        eprintln!("hint: everything else is served; its next record starts it again{again}");
    }
}
