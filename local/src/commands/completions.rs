//! `klocal completions`: the script by which a shell completes commands and flags.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use anyhow::Context;
use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};

use crate::{
    cli::Cli,
    outcome::{Failure, Outcome},
};

/// Print the script by which a shell completes commands and flags.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  klocal completions bash > ~/.local/share/bash-completion/completions/klocal
  klocal completions zsh > ~/.zfunc/_klocal        # with fpath+=~/.zfunc before compinit
  klocal completions fish > ~/.config/fish/completions/klocal.fish")]
pub struct Completions {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

impl Completions {
    /// Prints the script.
    ///
    /// # Errors
    ///
    /// Stdout is closed.
    #[allow(clippy::unused_async, reason = "commands run alike")]
    pub async fn run(self) -> Outcome {
        let mut command = Cli::command();
        let name = command.get_name().to_owned();
        // It panics where it cannot write, and so writes to memory.
        let mut script = Vec::new();
        generate(self.shell, &mut command, name, &mut script);
        io::stdout()
            .write_all(&script)
            .context("writing the script")
            .map_err(Failure::run)?;
        Ok(ExitCode::SUCCESS)
    }
}
