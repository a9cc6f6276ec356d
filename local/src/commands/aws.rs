//! `klocal aws`: the AWS APIs alone.

use std::{path::PathBuf, process::ExitCode};

use aws_wire::DEFAULT_REGION;
use clap::Args;
use durable_files::private;

use super::args::{HostArgs, KinesisArgs};
use crate::{
    aws::apis::AwsApis,
    outcome::{Failure, Outcome},
    ports,
    signals::Signals,
};

/// Serve the AWS APIs on one port: Kinesis, DynamoDB, SQS, SSM, Logs, STS.
#[derive(Debug, Args)]
pub struct Aws {
    #[command(flatten)]
    kinesis: KinesisArgs,
    #[command(flatten)]
    host: HostArgs,

    /// Port to listen on; 0: any free one
    #[arg(long = "port", value_name = "PORT", default_value_t = 4566)]
    port: u16,

    /// The region of all ARNs
    #[arg(long, env = "AWS_REGION", value_name = "REGION", default_value = DEFAULT_REGION)]
    region: String,

    /// Keep state in this folder; without it, state is lost at exit
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

impl Aws {
    /// Serves until it is interrupted.
    ///
    /// # Errors
    ///
    /// The port is taken, or the data cannot be opened.
    pub async fn run(self) -> Outcome {
        let listener = ports::listen(self.host.host, self.port, "--port")
            .await
            .map_err(Failure::configuration)?;
        if let Some(data) = &self.data_dir {
            private::folder(data).map_err(Failure::configuration)?;
        }
        let allowed = self.host.allowed();
        let options = kinesis_engine::Options {
            region: self.region,
            data_dir: self.data_dir,
            ..self.kinesis.options()
        };
        let aws = AwsApis::start_for(listener, options, &allowed)
            .await
            .map_err(Failure::configuration)?;
        let signals = Signals::listen().map_err(Failure::configuration)?;
        eprintln!("AWS APIs at {}", aws.url());
        eprintln!("Ctrl-C stops them");
        signals.interrupted().await;
        aws.shut_down().await;
        Ok(ExitCode::SUCCESS)
    }
}
