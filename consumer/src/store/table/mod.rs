//! The locations table in DynamoDB.

#[cfg(test)]
mod tests;

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use aws_sdk_dynamodb::{
    Client,
    operation::batch_get_item::BatchGetItemOutput,
    types::{AttributeValue, KeysAndAttributes},
};
use tokio::time::sleep;

use super::{MAX_NAMES, Read, Store, StoreError};
use crate::record::{Location, MAX_LOCATION_BYTES};

/// The key attribute.
const KEY: &str = "location";

/// How often to ask again for keys that `BatchGetItem` left unprocessed. After
/// that, their records are reported as failed, and Lambda delivers them again.
const MORE_ROUNDS: u32 = 2;

/// The first pause before asking again for unprocessed keys. Each further pause is
/// twice as long: the API reference of `BatchGetItem` recommends exponential
/// back-off.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

type Item = HashMap<String, AttributeValue>;

/// The locations table.
#[derive(Debug, Clone)]
pub struct LocationTable {
    client: Client,
    table: String,
}

impl LocationTable {
    /// The table called `table`.
    #[must_use]
    pub fn new(client: Client, table: &str) -> Self {
        Self {
            client,
            table: table.to_owned(),
        }
    }

    fn parse(&self, name: &str, item: Item) -> Result<Location, StoreError> {
        serde_dynamo::from_item(item).map_err(|error| StoreError::Malformed {
            table: self.table.clone(),
            name: name.to_owned(),
            reason: error.to_string(),
        })
    }

    fn unreadable(&self, reason: String) -> StoreError {
        StoreError::Unreadable {
            table: self.table.clone(),
            reason,
        }
    }

    /// Reads up to [`MAX_NAMES`] items into `found`. Asks again for keys that
    /// DynamoDB left unprocessed: it throttled them, or the reply reached 16 MB.
    async fn read_batch(
        &self,
        names: &[&str],
        found: &mut HashMap<String, Read>,
    ) -> Result<(), StoreError> {
        let mut asked = names.to_vec();
        for round in 0..=MORE_ROUNDS {
            if round > 0 {
                let jitter = 0.5 + fastrand::f64() / 2.0;
                sleep(pause(round - 1).mul_f64(jitter)).await;
            }
            let mut reply = self.batch_get_item(&asked).await?;
            let items = reply.responses.as_mut();
            let items = items.and_then(|tables| tables.remove(&self.table));
            for item in items.unwrap_or_default() {
                if let Some(name) = name_of(&item).map(str::to_owned) {
                    let read = self.parse(&name, item).map(Some);
                    found.insert(name, read);
                }
            }
            let left = unprocessed(&reply);
            for name in asked.iter().filter(|name| !left.contains(**name)) {
                found.entry((*name).to_owned()).or_insert(Ok(None));
            }
            asked.retain(|name| left.contains(name));
            if asked.is_empty() {
                return Ok(());
            }
        }
        Err(self.unreadable(format!(
            "BatchGetItem left {} of {} keys unprocessed",
            asked.len(),
            names.len()
        )))
    }

    async fn batch_get_item(&self, names: &[&str]) -> Result<BatchGetItemOutput, StoreError> {
        let key =
            |name: &&str| Item::from([(KEY.to_owned(), AttributeValue::S((*name).to_owned()))]);
        let keys = KeysAndAttributes::builder()
            .set_keys(Some(names.iter().map(key).collect()))
            .build()
            .map_err(|error| self.unreadable(error.to_string()))?;
        self.client
            .batch_get_item()
            .request_items(&self.table, keys)
            .send()
            .await
            .map_err(|error| self.unreadable(format!("{:#}", anyhow::Error::new(error))))
    }
}

/// The name in an item or a key.
fn name_of(item: &Item) -> Option<&str> {
    let name = item.get(KEY)?.as_s().ok()?;
    Some(name)
}

/// The names that DynamoDB left unprocessed.
fn unprocessed(reply: &BatchGetItemOutput) -> HashSet<&str> {
    let tables = reply.unprocessed_keys.iter().flat_map(HashMap::values);
    let keys = tables.flat_map(KeysAndAttributes::keys);
    keys.filter_map(name_of).collect()
}

fn pause(round: u32) -> Duration {
    FIRST_PAUSE * 2_u32.pow(round)
}

/// Whether `name` is a valid key. DynamoDB rejects a whole request that has an
/// invalid key, and no item can have one.
fn can_be_key(name: &str) -> bool {
    (1..=MAX_LOCATION_BYTES).contains(&name.len())
}

impl Store for LocationTable {
    async fn read(&self, name: &str) -> Read {
        if !can_be_key(name) {
            return Ok(None);
        }
        let reply = self
            .client
            .get_item()
            .table_name(&self.table)
            .key(KEY, AttributeValue::S(name.to_owned()))
            .send()
            .await
            .map_err(|error| self.unreadable(format!("{:#}", anyhow::Error::new(error))))?;
        reply.item.map(|item| self.parse(name, item)).transpose()
    }

    async fn read_many(&self, names: &[&str], found: &mut HashMap<String, Read>) {
        let (keys, others): (Vec<&str>, Vec<&str>) =
            names.iter().partition(|name| can_be_key(name));
        found.extend(others.iter().map(|name| ((*name).to_owned(), Ok(None))));
        for keys in keys.chunks(MAX_NAMES) {
            if let Err(error) = self.read_batch(keys, found).await {
                for name in keys {
                    let failed = || Err(error.clone());
                    found.entry((*name).to_owned()).or_insert_with(failed);
                }
            }
        }
    }
}
