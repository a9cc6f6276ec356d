//! One list of scenarios, each on an environment of its own, on every backend
//! that this machine can run.

mod patience;
mod scenarios;
mod witness;
mod world;

use std::{path::Path, process::ExitCode};

use anyhow::Context;
use libtest_mimic::{Arguments, Failed, Trial};
use world::Programs;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let programs = match build() {
        Ok(programs) => programs,
        Err(error) => {
            eprintln!("error: {error:#}");
            return ExitCode::FAILURE;
        }
    };
    let trials = scenarios::all()
        .into_iter()
        .map(|scenario| {
            let programs = programs.clone();
            let name = format!("embedded::{}", scenario.name);
            Trial::test(name, move || {
                runtime()
                    .and_then(|runtime| runtime.block_on((scenario.run)(programs)))
                    .map_err(|error| Failed::from(format!("{error:#}")))
            })
        })
        .collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// The consumer is a program and not a library of this package, so cargo does
/// not build it for these tests by itself.
fn build() -> anyhow::Result<Programs> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("this package has no workspace around it")?;
    let bootstrap =
        runtime()?.block_on(local::cargo_build::build(workspace, "bootstrap", false))?;
    Ok(Programs {
        bootstrap,
        flaky: env!("CARGO_BIN_EXE_flaky").into(),
        template: workspace.join("template.yaml"),
    })
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("starting a runtime")
}
