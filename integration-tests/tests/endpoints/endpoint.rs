//! The endpoints, and their differences from AWS.

use std::path::{Path, PathBuf};

use integration_tests::{
    program::{Program, free_port},
    tool::{Tool, named_or_fetched, succeeds},
};
use local::{aws::apis::AwsApis, ports};
use tokio::process::Command;

/// A Kinesis endpoint that the mapping polls over HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// This project's engine.
    Embedded,
    Moto,
    Ministack,
    KinesisLocal,
}

/// An endpoint's treatment of parent shards after a split or merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resharding {
    /// As in AWS: it closes them, keeps their records, and puts new records into the
    /// children.
    AsInAws,
    /// It removes them with their records.
    DropsParents,
    /// It puts all new records into them, and no record into the children.
    KeepsParents,
}

impl Resharding {
    /// The difference from AWS, and how the scenario allows for it.
    pub fn deviation(self) -> Option<&'static str> {
        match self {
            Self::AsInAws => None,
            Self::DropsParents => Some(
                "a split or merge removes the parent shards with their unread records; \
                 the scenario reshards when every record has been read",
            ),
            Self::KeepsParents => Some(
                "after a split or merge the parent shards stay open and take all records, and the \
                 children stay empty; the scenario checks that every record is delivered once",
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

    /// Whether it offers SQS.
    pub fn offers_sqs(self) -> bool {
        matches!(self, Self::Embedded | Self::Moto | Self::Ministack)
    }

    /// The endpoint's program.
    pub fn tool(self) -> Tool {
        match self {
            Self::Embedded => Tool::Found(PathBuf::new()),
            Self::Moto => self.file("MOTO_SERVER", "moto/bin/moto_server"),
            Self::Ministack => self.file("MINISTACK", "ministack/bin/ministack"),
            Self::KinesisLocal
                if !succeeds(std::process::Command::new("node").arg("--version")) =>
            {
                Tool::Missing("tests of kinesis_local: node is missing".to_owned())
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
            "tests of {}: no {}; run .ci/fetch-tools, or set {variable}=PATH",
            self.name(),
            path.display()
        ))
    }

    /// Starts the endpoint, without any stream.
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
                // It always listens on all addresses of the machine.
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

/// A running endpoint. Dropping it ends its process.
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
    /// Stops the endpoint. Adds the end of its log to a scenario's error.
    pub async fn stop(self, result: anyhow::Result<()>) -> anyhow::Result<()> {
        match self.server {
            Server::Engine(apis) => {
                apis.shut_down().await;
                result
            }
            Server::Program(program) => result.map_err(|error| {
                let log = program.log();
                anyhow::anyhow!("{error:#}\nthe endpoint's last log lines:\n{log}")
            }),
        }
    }
}
