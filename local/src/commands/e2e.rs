//! `klocal e2e`: the whole pipeline once, checked.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    process::ExitCode,
    sync::{Arc, OnceLock},
    time::Instant,
};

use anyhow::anyhow;
use clap::{Args, ValueEnum};
use lambda_host::log::{LogLine, LogSink};
use momento_offline::transport::Transport;
use reqwest::Url;
use sam_template::{Environment, environment::Mapping};

use super::{
    args::{
        BootstrapArgs, CacheChoice, EndpointArgs, InvokeArgs, KinesisArgs, ServedCacheArgs,
        TemplateArgs,
    },
    e2e_load::E2eLoadArgs,
    e2e_results::{Ran, ResultArgs},
    otlp_args::OtlpArgs,
};
use crate::{
    e2e::{
        self, Load, Puts,
        conditions::Condition,
        containers::{Addresses, Containers},
        error_lines::ErrorLines,
        html::Setup,
        report::Report,
        site::EmbeddedSite,
        tally::Tally,
    },
    embedded::{Embedded, Options},
    otlp::Collector,
    outcome::{Failure, INTERRUPTED, Outcome},
    output::Output,
    page::Recording,
    project::Project,
    signals::Signals,
};

/// Run the whole pipeline once, check every record, and report.
#[derive(Debug, Args)]
#[command(after_help = "\
Names in conditions: lost, discarded, refused, failed, filtered, retries, processed (numbers,
or shares such as discarded<1%), produced, throughput (records/s), p50, p90, p99, max,
invoke.p50, invoke.p90, invoke.p99, invoke.max, start (times), cache.get, cache.hit,
cache.miss, cache.set, cache.error, store.reads, invocations, cold_starts, throttled (with
--enforce-limits). Operators: < <= > >= =. Without a condition of their own, lost, discarded and
refused have to be 0.

Exit codes: 0 every condition is met, 1 one is not, 2 bad arguments or configuration,
130 interrupted.")]
pub struct E2e {
    #[command(flatten)]
    template: TemplateArgs,
    #[command(flatten)]
    bootstrap: BootstrapArgs,
    #[command(flatten)]
    cache: ServedCacheArgs,
    #[command(flatten)]
    kinesis: KinesisArgs,

    #[command(flatten)]
    load: E2eLoadArgs,

    /// The stream to write to [default: that of the first enabled mapping]
    #[arg(long, value_name = "NAME")]
    stream: Option<String>,

    /// Shards of the stream, instead of the template's number
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u32).range(1..=1000))]
    shards: Option<u32>,

    /// A condition that the run has to meet, such as p99<20ms or cache.hit>90%; repeatable
    #[arg(long = "expect", value_name = "CONDITION")]
    conditions: Vec<Condition>,

    /// What runs the pipeline
    #[arg(long, value_enum, default_value_t = Backend::Embedded)]
    backend: Backend,

    /// Keep state in this folder; without it, state is lost at exit
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,

    /// Show the functions' log lines on stderr
    #[arg(long)]
    show_logs: bool,

    #[command(flatten)]
    otlp: OtlpArgs,

    #[command(flatten)]
    results: ResultArgs,

    // Last: its heading would be that of every flag after it.
    #[command(flatten)]
    containers: ContainerArgs,
}

/// The values of `--backend`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Backend {
    /// Everything in this process.
    Embedded,
    /// The containers of `just up`; the mapping is in this process, with a
    /// stream of its own.
    Localstack,
}

/// Where `--backend localstack` finds the containers.
#[derive(Debug, Args)]
#[command(next_help_heading = "With --backend localstack")]
struct ContainerArgs {
    #[command(flatten)]
    endpoint: EndpointArgs,
    #[command(flatten)]
    invoke: InvokeArgs,

    /// The cache's URL
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    cache_url: Url,
}

/// What a run counts, the log lines that explain a failure, and its course.
struct Seen {
    tally: Arc<Tally>,
    errors: Arc<ErrorLines>,
    recording: OnceLock<Recording>,
}

impl E2e {
    /// Runs the pipeline.
    ///
    /// # Errors
    ///
    /// Something cannot be started or built, there are no records, or none is written.
    pub async fn run(self) -> Outcome {
        let mut project = self.template.read()?;
        let mapping = self.mapping(&mut project)?;
        self.check_backend()?;
        let otlp = self.otlp.collector()?;
        let puts = self
            .results
            .records_out
            .is_some()
            .then(Arc::<Puts>::default);
        let load = self.load.load(&project.local, puts.clone())?;
        let results = self.results.open()?;
        let seen = Seen {
            tally: Arc::new(Tally::of(self.mappings(&project.environment, &mapping))),
            errors: Arc::default(),
            recording: OnceLock::new(),
        };
        let template = project.template.display().to_string();
        let command: Vec<String> = std::env::args().skip(1).collect();
        let setup = Setup::of(&mapping, template, format!("klocal {}", command.join(" ")));
        let report = match self.backend {
            Backend::Embedded => {
                let otlp = otlp.as_ref();
                self.embedded(project, mapping, &load, &seen, otlp).await?
            }
            Backend::Localstack => {
                let environment = &project.environment;
                self.localstack(environment, &mapping, &load, &seen).await?
            }
        };
        let report = report.judged(&self.conditions).explained_by(&seen.errors);
        results.write(&Ran {
            report: &report,
            tally: &seen.tally,
            puts: puts.as_deref(),
            setup: &setup,
            recording: seen.recording.get(),
        })?;
        Ok(match (report.partial, report.passed) {
            (true, _) => ExitCode::from(INTERRUPTED),
            (false, true) => ExitCode::SUCCESS,
            (false, false) => ExitCode::FAILURE,
        })
    }

    /// Refuses flags that say what happens in this process, where the containers run the
    /// pipeline.
    fn check_backend(&self) -> Result<(), Failure> {
        if self.backend == Backend::Embedded {
            return Ok(());
        }
        let flag = [
            (self.otlp.is_given(), "--otlp"),
            (self.kinesis.enforce_limits, "--enforce-limits"),
        ];
        match flag.iter().find(|(is_given, _)| *is_given) {
            None => Ok(()),
            Some((_, flag)) => Err(Failure::configuration(anyhow!(
                "{flag} needs --backend embedded: it is about what happens in this process\nhint: leave out one of the two"
            ))),
        }
    }

    /// The mappings that get the run's records. With containers there is one, of a stream
    /// of its own.
    fn mappings(&self, environment: &Environment, mapping: &Mapping) -> Vec<String> {
        if self.backend == Backend::Localstack {
            return vec![mapping.logical_id.clone()];
        }
        let mappings = environment.mappings.iter();
        let mappings = mappings.filter(|one| one.settings.enabled && one.stream == mapping.stream);
        mappings.map(|one| one.logical_id.clone()).collect()
    }

    async fn embedded(
        &self,
        project: Project,
        mapping: Mapping,
        load: &Load,
        seen: &Seen,
        otlp: Option<&Collector>,
    ) -> Result<Report, Failure> {
        let bootstraps = &self.bootstrap;
        let bootstraps = bootstraps
            .resolve(&project.environment, &project.template)
            .await?;
        let options = Options {
            bootstraps,
            region: self.template.region.clone(),
            cache: self.cache.of_project(&project, Transport::Stub)?,
            kinesis: self.kinesis.options(),
            data_dir: self.data_dir.clone(),
            log: log(self.show_logs, seen.errors.clone()),
            observer: seen.tally.clone(),
            otlp: otlp.cloned(),
            ..Options::new(project, BTreeMap::new())
        };
        let began = Instant::now();
        let mut signals = Signals::listen().map_err(Failure::configuration)?;
        let embedded = tokio::select! {
            started = Embedded::start(options) => started.map_err(Failure::configuration)?,
            _ = signals.next() => return Ok(Report::interrupted("embedded")),
        };
        let startup = began.elapsed();
        if let Some((function, error)) = embedded.failed_inits.first() {
            let error = anyhow!("function {function} does not start: {}", error.message());
            embedded.shut_down().await;
            return Err(Failure::configuration(error));
        }
        let site = EmbeddedSite {
            embedded: &embedded,
            stream: mapping.stream,
            has_limits: self.kinesis.enforce_limits,
        };
        let is_recorded = self.results.html.is_some();
        if is_recorded {
            embedded.page.record_run();
        }
        let ran = e2e::run(&site, load, &seen.tally, startup, signals.interrupted()).await;
        if is_recorded {
            let _ = seen.recording.set(embedded.page.recording().await);
        }
        embedded.shut_down().await;
        ran.map_err(Failure::Run)
    }

    async fn localstack(
        &self,
        environment: &Environment,
        mapping: &Mapping,
        load: &Load,
        seen: &Seen,
    ) -> Result<Report, Failure> {
        let here = self.cache.choice() != Some(CacheChoice::Momento);
        let addresses = Addresses {
            endpoint: self.containers.endpoint.endpoint_url.clone(),
            invoke: self.containers.invoke.invoke_url.clone(),
            cache: here.then(|| self.containers.cache_url.clone()),
            region: self.template.region.clone(),
        };
        let signals = Signals::listen().map_err(Failure::configuration)?;
        let began = Instant::now();
        let containers = Containers::connect(addresses, environment, mapping, &seen.tally)
            .await
            .map_err(Failure::Configuration)?;
        let startup = began.elapsed();
        let ran = e2e::run(
            &containers,
            load,
            &seen.tally,
            startup,
            signals.interrupted(),
        )
        .await;
        containers.disconnect().await;
        ran.map_err(Failure::Run)
    }

    /// The first enabled mapping, of `--stream` if it is given: the run writes to its stream.
    fn mapping(&self, project: &mut Project) -> Result<Mapping, Failure> {
        let environment = &mut project.environment;
        let wanted = |mapping: &&Mapping| {
            let stream = self.stream.as_ref();
            mapping.settings.enabled && stream.is_none_or(|stream| *stream == mapping.stream)
        };
        let mapping = environment.mappings.iter().find(wanted).cloned();
        let mapping = mapping.ok_or_else(|| {
            let of_stream = match &self.stream {
                Some(stream) => format!(" of stream {stream}"),
                None => String::new(),
            };
            Failure::configuration(anyhow!(
                "{} has no enabled event source mapping{of_stream}: nothing would process the records",
                project.template.display()
            ))
        })?;
        for stream in &mut environment.streams {
            if stream.name == mapping.stream && self.shards.is_some() {
                stream.shards = self.shards;
            }
        }
        Ok(mapping)
    }
}

/// Shows the functions' log lines: all of them, or only warnings and errors. Keeps the
/// errors.
fn log(all: bool, errors: Arc<ErrorLines>) -> LogSink {
    let output = Output::stderr();
    Arc::new(move |line: LogLine| {
        if errors.take(&line.text) || all {
            output.line(format!("{} | {}", line.function, line.text));
        }
    })
}
