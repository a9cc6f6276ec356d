//! A world in this process.

use std::sync::Arc;

use anyhow::Context;
use local::{
    embedded::{Cache, Embedded, Options},
    project::Project,
    server,
};
use momento_offline::transport::CacheOptions;
use tempfile::TempDir;

use super::{BACKOFF, Builder, CacheControl, SECOND};
use crate::recording_observer::RecordingObserver;

/// Everything in this process.
pub struct EmbeddedWorld {
    embedded: Embedded,
    /// The folder of the file in which the function counts its failures.
    _scratch: TempDir,
}

impl EmbeddedWorld {
    pub async fn start(
        builder: &Builder,
        project: Project,
        observer: &Arc<RecordingObserver>,
    ) -> anyhow::Result<Self> {
        let function = project
            .environment
            .functions
            .first()
            .context("no function")?;
        let first = (function.name.clone(), builder.bootstrap.clone());
        let second = builder.second.then(|| {
            let program = builder.programs.flaky.clone();
            (SECOND.to_owned(), program)
        });
        let bootstraps = [first].into_iter().chain(second).collect();
        let scratch = tempfile::tempdir()?;
        let count = scratch.path().join("failures");
        let mut variables = builder.variables.clone();
        variables.insert(
            "FLAKY_COUNT".to_owned(),
            count.to_str().context("a path in UTF-8")?.to_owned(),
        );
        let lines = observer.clone();
        let embedded = Embedded::start(Options {
            variables,
            observer: observer.clone(),
            log: Arc::new(move |line| lines.line(&line.text)),
            backoff: BACKOFF,
            cache: Some(Cache::Here(CacheOptions {
                transport: builder.transport,
                ..CacheOptions::default()
            })),
            ..Options::new(project, bootstraps)
        })
        .await?;
        Ok(Self {
            embedded,
            _scratch: scratch,
        })
    }

    pub fn endpoint(&self) -> String {
        self.embedded.aws.url()
    }

    pub fn cache(&self) -> anyhow::Result<CacheControl> {
        let cache = self.embedded.cache.as_ref();
        let cache = cache.context("the cache is stopped")?;
        Ok(CacheControl::at(server::url(cache.address())))
    }

    pub fn stop_cache(&mut self) {
        self.embedded.cache = None;
    }

    pub fn store_reads(&self) -> u64 {
        self.embedded.store_reads()
    }

    pub fn key_reads(&self) -> u64 {
        self.embedded.aws.calls.of("SSM", "GetParameter")
    }

    pub fn cold_starts(&self) -> u64 {
        self.embedded.cold_starts()
    }

    pub fn invoke_url(&self, function: &str) -> String {
        let lambda = self.embedded.lambda.url();
        format!("{lambda}/2015-03-31/functions/{function}/invocations")
    }

    pub async fn stop(self) {
        self.embedded.shut_down().await;
    }
}
