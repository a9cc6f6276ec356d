//! DynamoDB, as the table of locations.

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

/// How often keys that `BatchGetItem` left unprocessed are asked for again. After
/// that the records that need them are reported, and Lambda delivers them again.
const MORE_ROUNDS: u32 = 2;

/// The pause before unprocessed keys are asked for again. It doubles each time:
/// the API reference of `BatchGetItem` asks for exponential back-off.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

type Item = HashMap<String, AttributeValue>;

/// The locations table.
#[derive(Debug, Clone)]
pub struct LocationTable {
    client: Client,
    table: String,
}

impl LocationTable {
    /// The table of that name.
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

    /// Reads up to [`MAX_NAMES`] items into `found`. Keys that DynamoDB leaves
    /// unprocessed (throttled, or over 16 MB) are asked for again.
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

/// The names that DynamoDB did not look for.
fn unprocessed(reply: &BatchGetItemOutput) -> HashSet<&str> {
    let tables = reply.unprocessed_keys.iter().flat_map(HashMap::values);
    let keys = tables.flat_map(KeysAndAttributes::keys);
    keys.filter_map(name_of).collect()
}

fn pause(round: u32) -> Duration {
    FIRST_PAUSE * 2_u32.pow(round)
}

/// Whether DynamoDB takes `name` as a key. It refuses a request for any other,
/// with all other keys in it; and no item can have it.
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

#[cfg(test)]
mod tests {
    use super::{LocationTable, MAX_NAMES, MORE_ROUNDS, pause};
    use crate::{
        metrics::Metrics,
        store::{Read, Store, StoreError, requests::CountRequests},
    };
    use aws_sdk_dynamodb::{
        Client, Config,
        config::{
            BehaviorVersion, Credentials, Region, StalledStreamProtectionConfig,
            timeout::TimeoutConfig,
        },
    };
    use serde_json::{Value, json};
    use std::{collections::HashMap, sync::Arc};
    use tokio::time::Instant;
    use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers::header};

    /// A `BatchGetItem` that leaves out all but the first `takes` keys, and has
    /// an item for each key that it takes but `Moon`.
    struct Reluctant {
        takes: usize,
    }

    impl Respond for Reluctant {
        fn respond(&self, request: &Request) -> ResponseTemplate {
            let request: Value = request.body_json().unwrap();
            let keys = request["RequestItems"]["Locations"]["Keys"].as_array();
            let (taken, left) = keys
                .unwrap()
                .split_at_checked(self.takes)
                .unwrap_or((keys.unwrap(), &[]));
            assert!(taken.len() + left.len() <= MAX_NAMES);
            let too_long = |key: &Value| key["location"]["S"].as_str().unwrap().len() > 2048;
            if taken.iter().chain(left).any(too_long) {
                return ResponseTemplate::new(400).set_body_json(json!({
                    "__type": "com.amazon.coral.validate#ValidationException",
                    "message": "Size of hashkey has exceeded the maximum size limit of2048 bytes",
                }));
            }
            let items: Vec<&Value> = taken
                .iter()
                .filter(|key| key["location"]["S"] != "Moon")
                .collect();
            let unprocessed = match left {
                [] => json!({}),
                left => json!({ "Locations": { "Keys": left } }),
            };
            ResponseTemplate::new(200).set_body_json(json!({
                "Responses": { "Locations": items },
                "UnprocessedKeys": unprocessed,
            }))
        }
    }

    async fn table(takes: usize) -> (LocationTable, MockServer) {
        let (table, server, _) = counted_table(takes).await;
        (table, server)
    }

    async fn counted_table(takes: usize) -> (LocationTable, MockServer, Arc<Metrics>) {
        let metrics = Arc::new(Metrics::default());
        let server = MockServer::start().await;
        Mock::given(header("x-amz-target", "DynamoDB_20120810.BatchGetItem"))
            .respond_with(Reluctant { takes })
            .mount(&server)
            .await;
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("local", "local", None, None, "test"))
            // On a paused clock, waiting for the server would end each timeout.
            .timeout_config(TimeoutConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .interceptor(CountRequests(metrics.clone()))
            .endpoint_url(server.uri());
        let client = Client::from_conf(config.build());
        (LocationTable::new(client, "Locations"), server, metrics)
    }

    async fn requests(server: &MockServer) -> usize {
        server.received_requests().await.unwrap_or_default().len()
    }

    /// Reads `names`, and gives the results in their order.
    async fn read_many(table: &LocationTable, names: &[&str]) -> Vec<Read> {
        let mut found = HashMap::new();
        table.read_many(names, &mut found).await;
        let results = names.iter().map(|name| found.remove(*name).unwrap());
        results.collect()
    }

    #[tokio::test]
    async fn keys_that_dynamodb_leaves_out_are_asked_for_again() {
        let (table, server) = table(2).await;
        let names = ["Car", "Moon", "House", "Diner", ""];
        let found = read_many(&table, &names).await;
        let found: Vec<Option<String>> = found
            .into_iter()
            .map(|read| read.unwrap().map(|item| item.location))
            .collect();
        let expected = [Some("Car"), None, Some("House"), Some("Diner"), None];
        assert_eq!(found, expected.map(|name| name.map(str::to_owned)));
        assert_eq!(requests(&server).await, 2);
    }

    #[tokio::test(start_paused = true)]
    async fn keys_are_asked_for_again_after_a_pause() {
        let (table, server) = table(1).await;
        let began = Instant::now();
        let found = read_many(&table, &["Car", "House", "Diner"]).await;
        assert!(found.iter().all(Result::is_ok), "{found:?}");
        assert_eq!(requests(&server).await, 3);
        // Jitter takes off half of a pause at most.
        assert!(began.elapsed() >= (pause(0) + pause(1)) / 2);
    }

    #[tokio::test]
    async fn keys_that_dynamodb_never_takes_are_an_error_and_no_absence() {
        let (table, server) = table(1).await;
        let names = ["Car", "House", "Diner", "Attic"];
        let found = read_many(&table, &names).await;
        assert!(found[..3].iter().all(|read| matches!(read, Ok(Some(_)))));
        let Err(StoreError::Unreadable { reason, .. }) = &found[3] else {
            panic!("{:?}", found[3]);
        };
        assert_eq!(reason, "BatchGetItem left 1 of 4 keys unprocessed");
        assert_eq!(requests(&server).await, 1 + MORE_ROUNDS as usize);
    }

    #[tokio::test]
    async fn every_request_is_counted() {
        let (table, server, metrics) = counted_table(60).await;
        let names: Vec<String> = (0..250).map(|place| format!("place {place}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        read_many(&table, &names).await;
        // Two for each full hundred, one for the rest.
        assert_eq!(requests(&server).await, 5);
        assert_eq!(metrics.take().store_reads, 5);
    }

    #[tokio::test]
    async fn more_keys_than_one_request_takes_are_several_requests() {
        let (table, server) = table(usize::MAX).await;
        let names: Vec<String> = (0..250).map(|place| format!("place {place}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let found = read_many(&table, &names).await;
        for (name, read) in names.iter().zip(found) {
            assert_eq!(read.unwrap().unwrap().location, *name);
        }
        assert_eq!(requests(&server).await, 3);
    }

    #[tokio::test]
    async fn a_name_that_no_key_can_be_is_not_asked_for_and_fails_no_other() {
        let (table, server) = table(usize::MAX).await;
        let too_long = "x".repeat(2049);
        let found = read_many(&table, &["Car", &too_long, "House"]).await;
        assert!(matches!(found[0], Ok(Some(_))), "{:?}", found[0]);
        assert_eq!(found[1], Ok(None));
        assert!(matches!(found[2], Ok(Some(_))), "{:?}", found[2]);
        assert_eq!(table.read(&too_long).await, Ok(None));
        assert_eq!(requests(&server).await, 1);
    }

    #[tokio::test]
    async fn an_empty_name_is_not_asked_for() {
        let (table, server) = table(1).await;
        assert_eq!(read_many(&table, &[""]).await, [Ok(None)]);
        assert_eq!(table.read("").await, Ok(None));
        assert_eq!(requests(&server).await, 0);
    }
}
