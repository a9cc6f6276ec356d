//! The scenarios, on every backend that this machine can run (`E2E_BACKEND`). Each
//! scenario has a development environment of its own.

mod backend;
mod cleanup;
mod docker;
mod recording_observer;
mod scenarios;
mod world;

use std::{path::Path, process::ExitCode, thread};

use anyhow::Context;
use backend::{Backend, Candidate};
use consumer::config::Protocol;
use docker::Images;
use integration_tests::runtime::runtime;
use libtest_mimic::{Arguments, Failed, Trial};
use scenarios::Scenario;
use tokio::sync::oneshot;
use world::Programs;

fn main() -> ExitCode {
    match run_until_interrupted() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The scenarios run on a thread of their own: whatever becomes of them, this
/// one removes their containers.
fn run_until_interrupted() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::from_args();
    let images = Images::from_environment();
    let candidates = backend::candidates(&images)?;
    let runs = |backend| move |one: &Candidate| one.backend == backend && one.missing.is_none();
    if !candidates.iter().any(runs(Backend::Localstack)) {
        return run(&arguments, images, &candidates);
    }
    let (done, ended) = oneshot::channel();
    let ended = runtime()?.block_on(async {
        let interruption = cleanup::interruption()?;
        cleanup::remove_leftovers();
        thread::spawn(move || done.send(run(&arguments, images, &candidates)));
        tokio::select! {
            biased;
            code = interruption => Ok(code.into()),
            ended = ended => ended.context("the scenarios panicked").flatten(),
        }
    });
    cleanup::remove_own();
    ended
}

fn run(
    arguments: &Arguments,
    images: Images,
    candidates: &[Candidate],
) -> anyhow::Result<ExitCode> {
    let programs = build(images)?;
    let mut trials = Vec::new();
    for Candidate { backend, missing } in candidates {
        if let Some(missing) = missing {
            eprintln!("{backend}: ignored: {missing}");
        }
        let scenarios = scenarios::all().into_iter();
        trials.extend(
            scenarios
                .filter(|scenario| scenario.on.includes(*backend))
                .map(|scenario| trial(*backend, scenario, missing.clone(), &programs)),
        );
    }
    Ok(libtest_mimic::run(arguments, trials).exit_code())
}

/// A scenario on a backend. If something is `missing`, the test is ignored; run with
/// `--ignored`, it fails with that reason.
fn trial(
    backend: Backend,
    scenario: Scenario,
    missing: Option<String>,
    programs: &Programs,
) -> Trial {
    let programs = programs.clone();
    let ignored = missing.is_some();
    let name = match scenario.protocol {
        Protocol::Grpc => format!("{backend}::{}", scenario.name),
        Protocol::Protosocket => format!("{backend}::protosocket::{}", scenario.name),
    };
    Trial::test(name, move || {
        if let Some(missing) = missing {
            return Err(Failed::from(missing));
        }
        runtime()
            .and_then(|runtime| {
                let programs = programs.on(backend, scenario.protocol);
                runtime.block_on((scenario.run)(programs))
            })
            .map_err(|error| Failed::from(format!("{error:#}")))
    })
    .with_ignored_flag(ignored)
}

/// Builds the programs. Cargo does not build them for these tests: they belong to other
/// packages.
fn build(images: Images) -> anyhow::Result<Programs> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("this package has no workspace around it")?;
    let runtime = runtime()?;
    let build = |binary| runtime.block_on(local::cargo_build::build(workspace, binary, false));
    Ok(Programs {
        bootstrap: build("bootstrap")?,
        local: build("klocal")?,
        producer: build("producer")?,
        flaky: env!("CARGO_BIN_EXE_flaky").into(),
        template: workspace.join("template.yaml"),
        images,
        backend: Backend::Embedded,
        protocol: Protocol::Grpc,
    })
}
