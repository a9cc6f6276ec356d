//! `klocal up`: everything, until Ctrl-C.

use std::{
    io::{self, Write},
    path::Path,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::Context;
use clap::Args;
use sam_template::Environment;
use tokio::{
    task::{JoinHandle, JoinSet},
    time::timeout,
};

use super::{
    args::ProtosocketArgs,
    browser,
    log_args::{self, ViewArgs},
    start::{StartArgs, tell_failed_inits},
};
use crate::{
    embedded::{Cache, Embedded, Options, PROTOSOCKET_FLAG, Ports},
    endpoints::Endpoints,
    events::EventBus,
    outcome::{Failure, Outcome},
    output::Output,
    page::PAGE_PATH,
    ports,
    running::Note,
    signals::Signals,
    terminal::{Presenter, Screen, follow::follow, summary::Summary, welcome::Welcome},
    watch::Watch,
};

/// How long the last lines may take to be shown.
const LAST_LINES: Duration = Duration::from_secs(1);

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

    /// Show only what happens to this function; repeatable
    #[arg(long = "function", value_name = "NAME")]
    functions: Vec<String>,

    #[command(flatten)]
    view: ViewArgs,

    /// When everything is ready, open the page in a browser
    #[arg(long)]
    open: bool,

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
        let functions = environment.functions.iter();
        let functions: Vec<_> = functions.map(|one| one.name.as_str()).collect();
        log_args::check(&self.functions, &functions)?;
        let cache = self.start.cache(&project)?;
        let otlp = self.start.otlp.collector()?;
        self.check_ports(cache.as_ref()).await?;
        let bootstraps = self
            .start
            .bootstrap
            .resolve(&environment, &template)
            .await?;
        let started = Instant::now();
        let (events, output, shown) = self.show(functions);
        let options = Options {
            ports: Ports {
                aws: self.aws_port,
                lambda: self.lambda_port,
                cache: self.cache_port,
                cache_protosocket: self.protosocket.cache_protosocket_port,
            },
            events,
            otlp,
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
        // Other commands find it by this.
        let note = Note::leave(&embedded.lambda.url(), &template);
        self.tell_ready(&embedded, &environment)?;
        if self.open {
            browser::open(&format!("{}{PAGE_PATH}", embedded.aws.url()));
        }
        let watched = if self.watch {
            self.watch(&embedded, &environment, &template)?
        } else {
            JoinSet::new()
        };
        signals.interrupted().await;
        drop((watched, note));
        let summary = Summary {
            cold_starts: embedded.cold_starts(),
            ..Summary::default()
        };
        let (board, bus) = (embedded.status.clone(), embedded.events.clone());
        embedded.shut_down().await;
        // A panic in it ends only the showing.
        let _ = timeout(LAST_LINES, shown).await;
        let summary = Summary {
            took: started.elapsed(),
            invocations: bus.invocations(),
            dropped_lines: output.finish(),
            ..summary.with(&board.status())
        };
        eprint!("{}", summary.render(&Screen::stderr()));
        Ok(ExitCode::SUCCESS)
    }

    /// Shows what happens, from now on.
    fn show(&self, functions: Vec<&str>) -> (EventBus, Output, JoinHandle<()>) {
        let view = self.view.view(&self.functions);
        let (output, screen) = if self.json {
            (Output::stderr(), Screen::stderr as fn() -> Screen)
        } else {
            (Output::stdout(), Screen::stdout as fn() -> Screen)
        };
        let events = EventBus::default();
        let presenter = Presenter::new(view, functions);
        let shown = follow(events.subscribe(), presenter, screen, output.clone());
        (events, output, shown)
    }

    /// Says what runs where: to a person on stderr, or to a program on stdout.
    fn tell_ready(&self, embedded: &Embedded, environment: &Environment) -> Result<(), Failure> {
        let region = &self.start.template.region;
        if !self.json {
            let welcome = Welcome::of(embedded, environment, region);
            eprint!("{}", welcome.render(&Screen::stderr()));
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
