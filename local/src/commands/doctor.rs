//! `klocal doctor`: what this machine has, and what each missing tool would enable.

use std::{
    net::{IpAddr, Ipv4Addr},
    process::{ExitCode, Stdio},
    time::Duration,
};

use clap::Args;
use tokio::{process::Command, time::timeout};

use super::{args::PROTOSOCKET_PORT, table::render};
use crate::{
    embedded::PROTOSOCKET_FLAG,
    outcome::{Failure, Outcome},
    ports,
};

/// How long a program may take to print its version.
const PATIENCE: Duration = Duration::from_secs(5);

/// Check this machine: tools, ports, and what each missing one is for.
#[derive(Debug, Args)]
pub struct Doctor {}

/// A program, how to ask for its version, and what it is for.
struct Tool {
    name: &'static str,
    command: &'static [&'static str],
    needed: bool,
    purpose: &'static str,
}

const TOOLS: [Tool; 7] = [
    Tool {
        name: "cargo",
        command: &["cargo", "--version"],
        needed: true,
        purpose: "builds the function and everything here",
    },
    Tool {
        name: "C compiler",
        command: &["cc", "--version"],
        needed: true,
        purpose: "builds SQLite and the TLS libraries",
    },
    Tool {
        name: "just",
        command: &["just", "--version"],
        needed: false,
        purpose: "runs the short commands of the justfile",
    },
    Tool {
        name: "aws",
        command: &["aws", "--version"],
        needed: false,
        purpose: "looks into streams, tables and parameters",
    },
    Tool {
        name: "Docker engine",
        command: &["docker", "version", "--format", "{{.Server.Version}}"],
        needed: false,
        purpose: "runs the same pipeline in containers",
    },
    Tool {
        name: "cargo-lambda",
        command: &["cargo-lambda", "lambda", "--version"],
        needed: false,
        purpose: "builds for AWS: sam build, just deploy",
    },
    Tool {
        name: "sam",
        command: &["sam", "--version"],
        needed: false,
        purpose: "deploys the template to AWS",
    },
];

/// The default ports of `klocal up`.
const PORTS: [(u16, &str, &str); 4] = [
    (4566, "--aws-port", "AWS APIs"),
    (9000, "--lambda-port", "Lambda Invoke API"),
    (8080, "--cache-port", "cache"),
    (PROTOSOCKET_PORT, PROTOSOCKET_FLAG, "cache over protosocket"),
];

impl Doctor {
    /// Checks the tools and the ports, and prints a table.
    ///
    /// # Errors
    ///
    /// A required tool is missing.
    pub async fn run(self) -> Outcome {
        let mut rows = Vec::new();
        let mut missing = Vec::new();
        for tool in &TOOLS {
            let version = version(tool.command).await;
            if version.is_none() && tool.needed {
                missing.push(tool.name);
            }
            let (mark, state) = match (version, tool.needed) {
                (Some(version), _) => ("ok", version),
                (None, true) => ("MISSING", "not found".to_owned()),
                (None, false) => ("-", "not found".to_owned()),
            };
            rows.push([
                mark.to_owned(),
                tool.name.to_owned(),
                state,
                tool.purpose.to_owned(),
            ]);
        }
        for (port, flag, purpose) in PORTS {
            let free = ports::listen(IpAddr::V4(Ipv4Addr::LOCALHOST), port, flag).await;
            let (mark, state) = match free {
                Ok(_) => ("ok", "free".to_owned()),
                // In a table the hint stays in the line.
                Err(error) => ("-", error.to_string().replace("\nhint: ", "; ")),
            };
            rows.push([
                mark.to_owned(),
                format!("port {port}"),
                state,
                purpose.to_owned(),
            ]);
        }
        print!("{}", render(&rows));
        if missing.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
        Err(Failure::configuration(anyhow::anyhow!(
            "required tools are missing: {}",
            missing.join(", ")
        )))
    }
}

/// The first line of a program's version; `None` if the program does not run.
async fn version(command: &[&str]) -> Option<String> {
    let (program, arguments) = command.split_first()?;
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = timeout(PATIENCE, output).await.ok()?.ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().next().unwrap_or("").trim().to_owned();
    (output.status.success() && !line.is_empty()).then_some(line)
}
