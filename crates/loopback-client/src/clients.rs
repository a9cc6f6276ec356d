//! HTTP clients, and the configuration of AWS SDKs.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_sdk_ssm::config::SharedHttpClient;
use aws_smithy_http_client::{Builder, tls};

use crate::is_here;

/// An HTTP client for `url`, without a proxy if the URL is on this machine.
#[must_use]
pub fn client(url: &str) -> reqwest::Client {
    if !is_here(url) {
        return reqwest::Client::new();
    }
    // It fails where the default client fails too.
    let client = reqwest::Client::builder().no_proxy().build();
    client.unwrap_or_default()
}

/// The HTTP client of AWS SDKs for an `endpoint` on this machine: the SDKs' own client
/// uses the environment's proxy.
#[must_use]
pub fn sdk_client(endpoint: &str) -> Option<SharedHttpClient> {
    if !is_here(endpoint) {
        return None;
    }
    let tls = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc);
    Some(Builder::new().tls_provider(tls).build_https())
}

/// An SDK configuration for an endpoint on this machine. With its fixed credentials,
/// the SDK neither searches for any nor asks the instance metadata service. It uses no
/// proxy.
#[must_use]
pub fn sdk_config(endpoint: &str, region: &str) -> SdkConfig {
    let credentials = Credentials::new("local", "local", None, None, "local");
    let mut config = SdkConfig::builder();
    config.set_http_client(sdk_client(endpoint));
    config
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(endpoint)
        .region(Region::new(region.to_owned()))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}
