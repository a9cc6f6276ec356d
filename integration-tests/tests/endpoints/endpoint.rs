//! The endpoints, and what each of them does otherwise than AWS.

use std::path::{Path, PathBuf};

use integration_tests::{
    program::{Program, free_port},
    tool::{Tool, named_or_fetched, succeeds},
};
use local::{aws::apis::AwsApis, ports};
use tokio::process::Command;

/// A Kinesis that is asked over HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// This project's engine.
    Embedded,
    Moto,
    Ministack,
    KinesisLocal,
}

/// What becomes of the parents where shards are split or merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resharding {
    /// They are closed, their records are kept, new ones go to the children.
    AsInAws,
    /// They are removed with their records.
    DropsParents,
    /// They go on taking records; the children get none.
    KeepsParents,
}

impl Resharding {
    /// What is otherwise than in AWS, and what the scenario does about it.
    pub fn deviation(self) -> Option<&'static str> {
        match self {
            Self::AsInAws => None,
            Self::DropsParents => Some(
                "a shard that is split or merged is removed with the records that nobody has read; \
                 the scenario reshards when all are read",
            ),
            Self::KeepsParents => Some(
                "a shard that is split or merged never ends and goes on taking all records, its \
                 children get none; the scenario shows that none is lost or delivered twice",
            ),
        }
    }
}

impl Endpoint {
    pub const ALL: [Self; 4] = [
        Self::Embedded,
        Self::Moto,
        Self::Ministack,
        Self::KinesisLocal,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Moto => "moto",
            Self::Ministack => "ministack",
            Self::KinesisLocal => "kinesis_local",
        }
    }

    pub fn resharding(self) -> Resharding {
        match self {
            Self::Embedded | Self::KinesisLocal => Resharding::AsInAws,
            Self::Ministack => Resharding::DropsParents,
            Self::Moto => Resharding::KeepsParents,
        }
    }

    /// Whether it has queues.
    pub fn offers_sqs(self) -> bool {
        matches!(self, Self::Moto | Self::Ministack)
    }

    /// The program that it is.
    pub fn tool(self) -> Tool {
        match self {
            Self::Embedded => Tool::Found(PathBuf::new()),
            Self::Moto => self.file("MOTO_SERVER", "moto/bin/moto_server"),
            Self::Ministack => self.file("MINISTACK", "ministack/bin/ministack"),
            Self::KinesisLocal
                if !succeeds(std::process::Command::new("node").arg("--version")) =>
            {
                Tool::Missing("the tests of kinesis_local: there is no node".to_owned())
            }
            Self::KinesisLocal => self.file(
                "KINESIS_LOCAL",
                "kinesis-local/node_modules/kinesis-local/main.js",
            ),
        }
    }

    fn file(self, variable: &str, fetched: &str) -> Tool {
        let path = named_or_fetched(variable, fetched);
        if path.is_file() {
            return Tool::Found(path);
        }
        Tool::Missing(format!(
            "the tests of {}: no {}; .ci/fetch-tools fetches it, or {variable}=PATH names one",
            self.name(),
            path.display()
        ))
    }

    /// Starts it, with nothing in it.
    pub async fn start(self, program: &Path) -> anyhow::Result<Running> {
        let (port, server) = if self == Self::Embedded {
            let listener = ports::listen([127, 0, 0, 1].into(), 0, "--port").await?;
            let port = listener.local_addr()?.port();
            let apis = AwsApis::start(listener, kinesis_engine::Options::default()).await?;
            (port, Server::Engine(apis))
        } else {
            let port = free_port()?;
            let command = self.command(program, port)?;
            let program = Program::start(self.name(), command, port).await?;
            (port, Server::Program(Box::new(program)))
        };
        Ok(Running {
            endpoint: self,
            url: format!("http://127.0.0.1:{port}"),
            server,
        })
    }

    fn command(self, program: &Path, port: u16) -> anyhow::Result<Command> {
        let port = port.to_string();
        let mut command = Command::new(program);
        match self {
            Self::Embedded => {}
            Self::Moto => {
                command.args(["--host", "127.0.0.1", "--port", &port]);
            }
            Self::Ministack => {
                command
                    .env("BIND_HOST", "127.0.0.1")
                    .env("GATEWAY_PORT", port);
            }
            Self::KinesisLocal => {
                // It listens on all of the machine's addresses, whatever it is told.
                command = Command::new("node");
                command
                    .arg(program)
                    .env("KINESIS_MOCK_PLAIN_PORT", port)
                    .env("KINESIS_MOCK_TLS_PORT", free_port()?.to_string())
                    .env(
                        "KINESIS_MOCK_CERT_PATH",
                        program.with_file_name("server.json"),
                    );
                for change in ["CREATE_STREAM", "SPLIT_SHARD", "MERGE_SHARDS"] {
                    command.env(format!("{change}_DURATION"), "20ms");
                }
            }
        }
        Ok(command)
    }
}

/// An endpoint that runs. Its process ends with this.
pub struct Running {
    pub endpoint: Endpoint,
    pub url: String,
    server: Server,
}

enum Server {
    Engine(AwsApis),
    Program(Box<Program>),
}

impl Running {
    /// Ends it; what a scenario that failed says gets the end of its log.
    pub async fn stop(self, result: anyhow::Result<()>) -> anyhow::Result<()> {
        match self.server {
            Server::Engine(apis) => {
                apis.shut_down().await;
                result
            }
            Server::Program(program) => result.map_err(|error| {
                let log = program.log();
                anyhow::anyhow!("{error:#}\nthe end of its log:\n{log}")
            }),
        }
    }
}
