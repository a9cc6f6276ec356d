//! Momento offline under the real Momento SDK, as in a test: no account, no network.
//!
//!     cargo run -p momento-offline --example cache

use std::{error::Error, time::Duration};

use momento::{CacheClient, CredentialProvider, cache::GetResponse, cache::configurations};
use momento_offline::{
    fake_api_key,
    faults::{Fault, FaultRule},
    status::Code,
    transport::{CacheOptions, Served},
};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // The cache, on a free port.
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let cache = Served::start(CacheOptions::default(), listener, ["sessions"]).await?;

    // The SDK: only the endpoint differs from production.
    let credentials = CredentialProvider::from_disposable_token(fake_api_key())?
        .insecure_endpoint_override(&format!("http://{}", cache.address()));
    let client = CacheClient::builder()
        .default_ttl(Duration::from_mins(1))
        .configuration(configurations::Laptop::latest())
        .credential_provider(credentials)
        .build_and_connect()
        .await?;

    client.set("sessions", "user-1", "signed in").await?;
    let session = client.get("sessions", "user-1").await?;
    assert_eq!(String::try_from(session)?, "signed in");
    assert_eq!(client.get("sessions", "user-2").await?, GetResponse::Miss);

    // The next get fails, as when the service is unavailable.
    let outage = FaultRule::from(Fault::error(Code::Unavailable)).calls(["Get"]);
    cache.keyspace().faults.set(outage.count(1))?;
    assert!(client.get("sessions", "user-1").await.is_err());
    assert!(client.get("sessions", "user-1").await.is_ok());

    let counts = cache.status().counts;
    println!(
        "{} hits, {} miss, {} error",
        counts.hit, counts.miss, counts.error
    );
    assert_eq!((counts.hit, counts.miss, counts.error), (2, 1, 1));
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_example_runs_to_its_end() -> Result<(), Box<dyn std::error::Error>> {
        super::main()
    }
}
