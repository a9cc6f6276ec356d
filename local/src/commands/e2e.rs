//! `klocal e2e`: the whole pipeline once, checked.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Instant,
};

use anyhow::anyhow;
use clap::{Args, ValueEnum};
use lambda_host::log::{LogLine, LogSink};
use momento_offline::transport::Transport;
use reqwest::Url;

use super::args::{
    BootstrapArgs, CacheChoice, EndpointArgs, Format, InvokeArgs, ServedCacheArgs, TemplateArgs,
};
use crate::{
    e2e::{
        self, Load,
        containers::{Addresses, Containers},
        report::Report,
        site::EmbeddedSite,
        tally::Tally,
    },
    embedded::{Embedded, Options},
    outcome::{Failure, INTERRUPTED, Outcome},
    output::Output,
    project::Project,
    signals::Signals,
    template::{Environment, environment::Mapping},
};

/// Run the whole pipeline once, check every record, and report.
#[derive(Debug, Args)]
pub struct E2e {
    #[command(flatten)]
    template: TemplateArgs,
    #[command(flatten)]
    bootstrap: BootstrapArgs,
    #[command(flatten)]
    cache: ServedCacheArgs,

    /// Records to write, all threads together
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..))]
    records: u64,

    /// Threads that write at the same time
    #[arg(long, value_name = "T", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    threads: u32,

    /// Records per second, all threads together [default: no limit]
    #[arg(long, value_name = "R", allow_negative_numbers = true, value_parser = records_per_second)]
    rate: Option<f64>,

    /// Shards of the stream, instead of the template's number
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u32).range(1..=1000))]
    shards: Option<u32>,

    /// What runs the pipeline
    #[arg(long, value_enum, default_value_t = Backend::Embedded)]
    backend: Backend,

    /// The producer's executable, instead of building it
    #[arg(long, value_name = "PATH")]
    producer: Option<PathBuf>,

    /// Keep state in this folder; without it, state is lost at exit
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,

    /// Show the functions' log lines on stderr
    #[arg(long)]
    show_logs: bool,

    /// Format of the report on stdout
    #[arg(long, value_enum, default_value_t = Format::Text)]
    output: Format,

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

impl E2e {
    /// Runs the pipeline.
    ///
    /// # Errors
    ///
    /// Something cannot be started or built, or the producer fails.
    pub async fn run(self) -> Outcome {
        let mut project = self.template.read()?;
        let mapping = self.mapping(&mut project)?;
        let load = Load {
            producer: self.producer(&project.template).await?,
            records: self.records,
            threads: self.threads,
            rate: self.rate,
        };
        let report = match self.backend {
            Backend::Embedded => self.embedded(project, mapping, &load).await?,
            Backend::Localstack => {
                self.localstack(&project.environment, &mapping, &load)
                    .await?
            }
        };
        self.print(&report).map_err(Failure::run)?;
        Ok(match (report.partial, report.passed()) {
            (true, _) => ExitCode::from(INTERRUPTED),
            (false, true) => ExitCode::SUCCESS,
            (false, false) => ExitCode::FAILURE,
        })
    }

    async fn embedded(
        &self,
        project: Project,
        mapping: Mapping,
        load: &Load,
    ) -> Result<Report, Failure> {
        // Every mapping of the stream gets every record.
        let mappings = project.environment.mappings.iter();
        let mappings = mappings.filter(|one| one.settings.enabled && one.stream == mapping.stream);
        let mappings = mappings.map(|one| one.logical_id.clone());
        let tally = Arc::new(Tally::of(mappings));
        let bootstraps = &self.bootstrap;
        let bootstraps = bootstraps
            .resolve(&project.environment, &project.template)
            .await?;
        let options = Options {
            bootstraps,
            region: self.template.region.clone(),
            cache: self.cache.of_project(&project, Transport::Stub)?,
            data_dir: self.data_dir.clone(),
            log: log(self.show_logs),
            observer: tally.clone(),
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
        };
        let ran = e2e::run(&site, load, &tally, startup, signals.interrupted()).await;
        embedded.shut_down().await;
        ran.map_err(Failure::Run)
    }

    async fn localstack(
        &self,
        environment: &Environment,
        mapping: &Mapping,
        load: &Load,
    ) -> Result<Report, Failure> {
        let tally = Arc::new(Tally::of([mapping.logical_id.clone()]));
        let here = self.cache.choice() != Some(CacheChoice::Momento);
        let addresses = Addresses {
            endpoint: self.containers.endpoint.endpoint_url.clone(),
            invoke: self.containers.invoke.invoke_url.clone(),
            cache: here.then(|| self.containers.cache_url.clone()),
            region: self.template.region.clone(),
        };
        let signals = Signals::listen().map_err(Failure::configuration)?;
        let began = Instant::now();
        let containers = Containers::connect(addresses, environment, mapping, &tally)
            .await
            .map_err(Failure::Configuration)?;
        let startup = began.elapsed();
        let ran = e2e::run(&containers, load, &tally, startup, signals.interrupted()).await;
        containers.disconnect().await;
        ran.map_err(Failure::Run)
    }

    /// The first enabled mapping: the run writes to its stream.
    fn mapping(&self, project: &mut Project) -> Result<Mapping, Failure> {
        let environment = &mut project.environment;
        let mapping = environment
            .mappings
            .iter()
            .find(|mapping| mapping.settings.enabled)
            .cloned()
            .ok_or_else(|| {
                Failure::configuration(anyhow!(
                    "{} has no enabled event source mapping: nothing would process the records",
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

    async fn producer(&self, template: &Path) -> Result<PathBuf, Failure> {
        match &self.producer {
            Some(path) => Ok(path.clone()),
            None => e2e::build_producer(template, self.bootstrap.release)
                .await
                .map_err(Failure::Configuration),
        }
    }

    fn print(&self, report: &Report) -> serde_json::Result<()> {
        match self.output {
            Format::Text => print!("{report}"),
            Format::Json => println!("{}", serde_json::to_string(report)?),
        }
        Ok(())
    }
}

fn records_per_second(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        // As the producer has it.
        Ok(rate) if rate.is_finite() && rate >= 0.001 => Ok(rate),
        _ => Err("expected records per second, 0.001 or more, such as 100".to_owned()),
    }
}

/// Shows the functions' log lines: all of them, or only warnings and errors.
fn log(all: bool) -> LogSink {
    let output = Output::stderr();
    Arc::new(move |line: LogLine| {
        let worth_it = ["\"WARN\"", "\"ERROR\"", " WARN ", " ERROR ", "panicked"];
        if all || worth_it.iter().any(|word| line.text.contains(word)) {
            output.line(format!("{} | {}", line.function, line.text));
        }
    })
}
