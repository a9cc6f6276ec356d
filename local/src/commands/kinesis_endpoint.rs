//! The Kinesis endpoint of `put` and `capture`.

use aws_config::{BehaviorVersion, Region};
use aws_sdk_kinesis::{Client, config::Builder};
use aws_wire::DEFAULT_REGION;
use clap::Args;
use loopback_client::sdk_config;

use super::args::AWS_APIS;

/// `--endpoint-url` for AWS itself.
const AWS: &str = "aws";

/// Any Kinesis endpoint.
#[derive(Debug, Clone, Args)]
pub struct KinesisEndpointArgs {
    /// The AWS endpoint; aws is AWS itself, with your own credentials
    #[arg(
        long,
        env = "AWS_ENDPOINT_URL",
        value_name = "URL",
        default_value = AWS_APIS
    )]
    pub endpoint_url: String,

    /// The region [default: your AWS configuration's, or us-east-1]
    #[arg(long, env = "AWS_REGION", value_name = "REGION")]
    pub region: Option<String>,
}

impl KinesisEndpointArgs {
    /// A client. An endpoint on this machine gets made-up credentials, and any other the
    /// user's own.
    pub(super) async fn client(&self) -> Client {
        let region = self.region.as_deref();
        if self.endpoint_url != AWS && loopback_client::is_here(&self.endpoint_url) {
            let region = region.unwrap_or(DEFAULT_REGION);
            return Client::new(&sdk_config(&self.endpoint_url, region));
        }
        let mut loader = aws_config::defaults(BehaviorVersion::latest());
        if let Some(region) = region {
            loader = loader.region(Region::new(region.to_owned()));
        }
        let config = loader.load().await;
        let region = config.region().map_or(DEFAULT_REGION, Region::as_ref);
        // Spelled out, since AWS_ENDPOINT_URL may lead to another one.
        let url = match self.endpoint_url.as_str() {
            AWS => format!("https://kinesis.{region}.amazonaws.com"),
            url => url.to_owned(),
        };
        let region = Region::new(region.to_owned());
        let builder = Builder::from(&config).region(region).endpoint_url(url);
        Client::from_conf(builder.build())
    }
}
