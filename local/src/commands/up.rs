//! `klocal up`: everything, until Ctrl-C.

use std::{
    io::{self, Write},
    path::Path,
    process::ExitCode,
    sync::Arc,
};

use anyhow::Context;
use clap::Args;
use tokio::task::JoinSet;

use super::{
    args::ProtosocketArgs,
    function_log::is_metrics,
    start::{StartArgs, tell_failed_inits},
    table::render,
};
use crate::{
    embedded::{Cache, Embedded, Options, PROTOSOCKET_FLAG, Ports},
    endpoints::Endpoints,
    outcome::{Failure, Outcome},
    output::Output,
    ports, server,
    signals::Signals,
    template::Environment,
    watch::Watch,
};

/// Run everything in the template until Ctrl-C.
#[derive(Debug, Args)]
pub struct Up {
    #[command(flatten)]
    start: StartArgs,

    /// Port of the AWS APIs; 0: any free one
    #[arg(long, value_name = "PORT", default_value_t = 4566)]
    aws_port: u16,

    /// Port of the Lambda Invoke API; 0: any free one
    #[arg(long, value_name = "PORT", default_value_t = 9000)]
    lambda_port: u16,

    /// Port of the cache; 0: any free one
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    cache_port: u16,

    #[command(flatten)]
    protosocket: ProtosocketArgs,

    /// Rebuild and restart a function when its source changes; a build that fails
    /// keeps the running one
    #[arg(long)]
    watch: bool,

    /// Show metrics too: log lines in CloudWatch's Embedded Metric Format
    #[arg(long)]
    show_metrics: bool,

    /// When everything is ready, print one line of JSON with every endpoint to stdout; what
    /// the functions print goes to stderr
    #[arg(long)]
    json: bool,
}

impl Up {
    /// Runs until it is interrupted.
    ///
    /// # Errors
    ///
    /// Something cannot be started.
    pub async fn run(self) -> Outcome {
        let project = self.start.template.read()?;
        let (environment, template) = (project.environment.clone(), project.template.clone());
        let cache = self.start.cache(&project)?;
        self.check_ports(cache.as_ref()).await?;
        let bootstraps = self
            .start
            .bootstrap
            .resolve(&environment, &template)
            .await?;
        let metrics = self.show_metrics;
        let output = if self.json {
            Output::stderr()
        } else {
            Output::stdout()
        };
        let options = Options {
            ports: Ports {
                aws: self.aws_port,
                lambda: self.lambda_port,
                cache: self.cache_port,
                cache_protosocket: self.protosocket.cache_protosocket_port,
            },
            log: {
                let output = output.clone();
                Arc::new(move |line| {
                    if metrics || !is_metrics(&line.text) {
                        output.line(format!("{} | {}", line.function, line.text));
                    }
                })
            },
            ..self.start.options(project, cache, bootstraps)
        };
        let mut signals = Signals::listen().map_err(Failure::configuration)?;
        let embedded = tokio::select! {
            started = Embedded::start(options) => started.map_err(Failure::configuration)?,
            _ = signals.next() => return Ok(ExitCode::from(crate::outcome::INTERRUPTED)),
        };
        let again = if self.watch {
            ", and when its source changes"
        } else {
            ""
        };
        tell_failed_inits(&embedded, again);
        self.tell_ready(&embedded, &environment)?;
        let watched = if self.watch {
            self.watch(&embedded, &environment, &template)?
        } else {
            JoinSet::new()
        };
        signals.interrupted().await;
        drop(watched);
        embedded.shut_down().await;
        let dropped = output.finish();
        if dropped > 0 {
            eprintln!(
                "warning: {dropped} lines of the functions were dropped: stdout was not read in time"
            );
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Says what runs where: to a person on stderr, or to a program on stdout.
    fn tell_ready(&self, embedded: &Embedded, environment: &Environment) -> Result<(), Failure> {
        let region = &self.start.template.region;
        if !self.json {
            eprint!("{}", welcome(embedded, environment, region));
            return Ok(());
        }
        let endpoints = Endpoints::of(embedded, environment, region);
        let line = serde_json::to_string(&endpoints).map_err(Failure::run)?;
        let mut stdout = io::stdout().lock();
        writeln!(stdout, "{line}")
            .and_then(|()| stdout.flush())
            .context("writing the endpoints")
            .map_err(Failure::run)
    }

    /// Fails if a port is taken, before anything is built.
    async fn check_ports(&self, cache: Option<&Cache>) -> Result<(), Failure> {
        let mut ports = vec![
            (self.aws_port, "--aws-port"),
            (self.lambda_port, "--lambda-port"),
        ];
        if cache.is_some_and(|cache| !cache.is_momento()) {
            ports.push((self.cache_port, "--cache-port"));
            ports.push((self.protosocket.cache_protosocket_port, PROTOSOCKET_FLAG));
        }
        for (port, flag) in ports {
            let free = ports::listen(self.start.host.host, port, flag).await;
            free.map_err(Failure::configuration)?;
        }
        Ok(())
    }

    /// Follows the source of every function, until the tasks are dropped.
    fn watch(
        &self,
        embedded: &Embedded,
        environment: &Environment,
        template: &Path,
    ) -> Result<JoinSet<()>, Failure> {
        let mut tasks = JoinSet::new();
        for (name, source) in self.start.bootstrap.sources(environment, template)? {
            if let Some(function) = embedded.functions.get(&name) {
                let watch = Watch::new(function.clone(), source, self.start.bootstrap.release)
                    .map_err(Failure::configuration)?;
                let watch = watch.ignoring(self.start.data_dir());
                tasks.spawn(watch.run(|news| eprintln!("{news}")));
            }
        }
        Ok(tasks)
    }
}

/// What runs where, and what to type next.
fn welcome(embedded: &Embedded, environment: &Environment, region: &str) -> String {
    let took = |part: &str| {
        let lap = embedded.timings.iter().find(|(name, _)| *name == part);
        lap.map_or(String::new(), |(_, took)| {
            format!("{} ms", took.as_millis())
        })
    };
    let aws = embedded.aws.url();
    let mut rows = vec![[
        "AWS APIs".to_owned(),
        aws.clone(),
        took("AWS APIs"),
        "Kinesis, DynamoDB, SSM".to_owned(),
    ]];
    for name in embedded.functions.keys() {
        rows.push([
            "Lambda".to_owned(),
            format!(
                "{}/2015-03-31/functions/{name}/invocations",
                embedded.lambda.url()
            ),
            took("functions"),
            name.clone(),
        ]);
    }
    if let Some(cache) = &embedded.cache {
        rows.push([
            "Cache".to_owned(),
            server::url(cache.address()),
            took("cache"),
            format!("Momento {}, gRPC and HTTP", cache.transport().name()),
        ]);
        if let Some(address) = cache.protosocket_address() {
            rows.push([
                "Cache".to_owned(),
                server::reached(address).to_string(),
                took("cache"),
                "Momento, protosocket".to_owned(),
            ]);
        }
    }
    for mapping in &environment.mappings {
        rows.push([
            "Mapping".to_owned(),
            format!("{} → {}", mapping.stream, mapping.function),
            took("event source mappings"),
            mapping.logical_id.clone(),
        ]);
    }
    let mut text = format!("\n{}", render(&rows));
    let absent = not_run_here(environment);
    if !absent.is_empty() {
        text.extend(["\n  Not here: ", &absent.join(", "), "\n"]);
    }
    text.push_str(&told_once(embedded, environment));
    if let Some(stream) = environment.streams.first() {
        text.push_str(&next_steps(&aws, region, &stream.name));
    }
    text
}

/// What the template has that means something else here, and what changed since the last
/// start with the data folder.
fn told_once(embedded: &Embedded, environment: &Environment) -> String {
    let mut text = String::new();
    if !environment.notes.0.is_empty() {
        text.push_str("\n  With another meaning here:");
    }
    for line in environment.notes.lines() {
        text.extend(["\n    ", &line]);
    }
    for resource in &embedded.provisioned {
        if !resource.updated.is_empty() {
            text.extend([
                "\n  Since the last start: ",
                &resource.what,
                " ",
                &resource.state(),
            ]);
        }
        for warning in resource.warnings() {
            text.extend(["\n  ", &warning]);
        }
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

/// What the template has beyond what one process offers.
fn not_run_here(environment: &Environment) -> Vec<String> {
    let queues = environment
        .queues
        .iter()
        .map(|queue| format!("{} (AWS::SQS::Queue)", queue.logical_id));
    let others = environment
        .skipped
        .iter()
        .map(|skipped| format!("{} ({})", skipped.logical_id, skipped.resource_type));
    queues.chain(others).collect()
}

fn next_steps(aws: &str, region: &str, stream: &str) -> String {
    format!(
        "
In another terminal:

  export AWS_ENDPOINT_URL={aws} AWS_DEFAULT_REGION={region} AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local
  aws kinesis put-record --stream-name {stream} --partition-key 1 --cli-binary-format raw-in-base64-out --data '{{}}'
  cargo local status

Ctrl-C stops everything. What the function prints shows below.

"
    )
}
