//! Tests that need a program which some machines lack.

use std::{
    env,
    future::Future,
    path::{Path, PathBuf},
    pin::Pin,
    process::{Command, Stdio},
};

use libtest_mimic::{Failed, Trial};

use crate::runtime::runtime;

/// A program, or the reason why it is missing.
#[derive(Debug, Clone)]
pub enum Tool {
    /// The program's path.
    Found(PathBuf),
    /// The reason why the program is missing.
    Missing(String),
}

/// A running test.
pub type Run = Pin<Box<dyn Future<Output = anyhow::Result<()>>>>;

impl Tool {
    /// Prints why the program's tests are ignored, if they are.
    pub fn tell_if_missing(&self) {
        if let Self::Missing(why) = self {
            eprintln!("ignored: {why}");
        }
    }
}

/// A test that needs `tool`. It is ignored if the tool is missing.
pub fn trial(
    name: impl Into<String>,
    tool: &Tool,
    run: impl FnOnce(PathBuf) -> Run + Send + 'static,
) -> Trial {
    let tool = tool.clone();
    let missing = matches!(tool, Tool::Missing(_));
    let run = move || match tool {
        Tool::Found(path) => runtime()
            .and_then(|runtime| runtime.block_on(run(path)))
            .map_err(|error| Failed::from(format!("{error:#}"))),
        Tool::Missing(why) => Err(Failed::from(why)),
    };
    Trial::test(name, run).with_ignored_flag(missing)
}

/// The path in the environment variable, or else that of the program that
/// `.ci/fetch-tools` installs.
#[must_use]
pub fn named_or_fetched(variable: &str, fetched: &str) -> PathBuf {
    match env::var_os(variable) {
        Some(path) => path.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../target/tools")
            .join(fetched),
    }
}

/// Whether a command runs and exits with code 0.
pub fn succeeds(command: &mut Command) -> bool {
    let silent = command.stdout(Stdio::null()).stderr(Stdio::null());
    silent.status().is_ok_and(|status| status.success())
}
