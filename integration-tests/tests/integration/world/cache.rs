//! Reads the cache's counts and sets its faults over HTTP, in the same way on every
//! backend.

use anyhow::Context;
use momento_offline::{
    admin::{CacheStatus, FAULTS_PATH, STATUS_PATH},
    counters::Counts,
    faults::FaultPlan,
};
use reqwest::{Client, Response};

/// The cache at a URL.
#[derive(Debug, Clone)]
pub struct CacheControl {
    url: String,
    client: Client,
}

impl CacheControl {
    pub fn at(url: String) -> Self {
        Self {
            url,
            client: Client::new(),
        }
    }

    /// The cache's counts of calls so far.
    pub async fn counts(&self) -> anyhow::Result<Counts> {
        let asked = self.client.get(format!("{}{STATUS_PATH}", self.url));
        let status: CacheStatus = done(asked.send().await?).await?.json().await?;
        Ok(status.counts)
    }

    /// Sets the cache's faults.
    pub async fn fault(&self, plan: impl Into<FaultPlan>) -> anyhow::Result<()> {
        let plan = plan.into();
        let set = self.client.put(format!("{}{FAULTS_PATH}", self.url));
        done(set.json(&plan).send().await?).await?;
        Ok(())
    }

    /// Removes all faults.
    pub async fn no_fault(&self) -> anyhow::Result<()> {
        let cleared = self.client.delete(format!("{}{FAULTS_PATH}", self.url));
        done(cleared.send().await?).await?;
        Ok(())
    }

    /// Sets `key` to `value` for an hour.
    pub async fn set(&self, cache: &str, key: &str, value: &[u8]) -> anyhow::Result<()> {
        let set = self.client.put(format!("{}/cache/{cache}", self.url));
        let set = set
            .query(&[("key", key), ("ttl_seconds", "3600")])
            .header("authorization", "any")
            .body(value.to_vec());
        done(set.send().await?).await?;
        Ok(())
    }
}

async fn done(response: Response) -> anyhow::Result<Response> {
    if response.status().is_success() {
        return Ok(response);
    }
    let status = response.status();
    let text = response.text().await.context("reading an error reply")?;
    anyhow::bail!("the cache returned {status}: {text}")
}
