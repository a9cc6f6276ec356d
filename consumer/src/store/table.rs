//! DynamoDB, as the table of locations.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    types::{AttributeValue, KeysAndAttributes},
};

use super::{Store, StoreError};
use crate::record::Location;

/// The key attribute.
const KEY: &str = "location";

/// The most keys that one `BatchGetItem` takes.
const MAX_KEYS: usize = 100;

/// How often keys that `BatchGetItem` left out are asked for again, before the
/// records that wait for them are reported and come again later.
const MORE_ROUNDS: usize = 2;

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

    /// Reads up to [`MAX_KEYS`] items into `found`. Keys that DynamoDB leaves out
    /// (`UnprocessedKeys`: throttled, or over 16 MB) are asked for again.
    async fn read_batch(
        &self,
        names: &[&str],
        found: &mut HashMap<String, Item>,
    ) -> Result<(), StoreError> {
        let mut wanted = Some(self.keys(names)?);
        for _ in 0..=MORE_ROUNDS {
            let Some(keys) = wanted.take() else { break };
            let reply = self
                .client
                .batch_get_item()
                .request_items(&self.table, keys)
                .send()
                .await
                .map_err(|error| self.unreadable(format!("{:#}", anyhow::Error::new(error))))?;
            let items = reply.responses.unwrap_or_default().remove(&self.table);
            for item in items.unwrap_or_default() {
                if let Some(Ok(name)) = item.get(KEY).map(AttributeValue::as_s) {
                    found.insert(name.clone(), item);
                }
            }
            let unprocessed = reply.unprocessed_keys.unwrap_or_default();
            wanted = unprocessed.into_values().next();
        }
        match wanted {
            Some(left) => Err(self.unreadable(format!(
                "BatchGetItem left {} of {} keys unprocessed",
                left.keys.len(),
                names.len()
            ))),
            None => Ok(()),
        }
    }

    fn keys(&self, names: &[&str]) -> Result<KeysAndAttributes, StoreError> {
        let key =
            |name: &&str| Item::from([(KEY.to_owned(), AttributeValue::S((*name).to_owned()))]);
        KeysAndAttributes::builder()
            .set_keys(Some(names.iter().map(key).collect()))
            .build()
            .map_err(|error| self.unreadable(error.to_string()))
    }
}

impl Store for LocationTable {
    async fn read(&self, name: &str) -> Result<Option<Location>, StoreError> {
        // DynamoDB refuses an empty key; no item can have it.
        if name.is_empty() {
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

    async fn read_many(&self, names: &[&str]) -> Vec<Result<Option<Location>, StoreError>> {
        let mut found = HashMap::new();
        let mut results = Vec::with_capacity(names.len());
        for names in names.chunks(MAX_KEYS) {
            let mut asked = names.to_vec();
            asked.retain(|name| !name.is_empty());
            let read = match asked[..] {
                [] => Ok(()),
                _ => self.read_batch(&asked, &mut found).await,
            };
            results.extend(names.iter().map(|name| match (found.remove(*name), &read) {
                (Some(item), _) => self.parse(name, item).map(Some),
                (None, Ok(())) => Ok(None),
                // Not found, or not looked for: that is not known.
                (None, Err(error)) => Err(error.clone()),
            }));
        }
        results
    }
}

#[cfg(test)]
mod tests {
    use super::{LocationTable, MAX_KEYS, MORE_ROUNDS};
    use crate::store::{Store, StoreError};
    use aws_sdk_dynamodb::{
        Client, Config,
        config::{BehaviorVersion, Credentials, Region},
    };
    use serde_json::{Value, json};
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
            assert!(taken.len() + left.len() <= MAX_KEYS);
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
        let server = MockServer::start().await;
        Mock::given(header("x-amz-target", "DynamoDB_20120810.BatchGetItem"))
            .respond_with(Reluctant { takes })
            .mount(&server)
            .await;
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("local", "local", None, None, "test"))
            .endpoint_url(server.uri());
        let client = Client::from_conf(config.build());
        (LocationTable::new(client, "Locations"), server)
    }

    async fn requests(server: &MockServer) -> usize {
        server.received_requests().await.unwrap_or_default().len()
    }

    #[tokio::test]
    async fn keys_that_dynamodb_leaves_out_are_asked_for_again() {
        let (table, server) = table(2).await;
        let names = ["Car", "Moon", "House", "Diner", ""];
        let found = table.read_many(&names).await;
        let found: Vec<Option<String>> = found
            .into_iter()
            .map(|read| read.unwrap().map(|item| item.location))
            .collect();
        let expected = [Some("Car"), None, Some("House"), Some("Diner"), None];
        assert_eq!(found, expected.map(|name| name.map(str::to_owned)));
        assert_eq!(requests(&server).await, 2);
    }

    #[tokio::test]
    async fn keys_that_dynamodb_never_takes_are_an_error_and_no_absence() {
        let (table, server) = table(1).await;
        let names = ["Car", "House", "Diner", "Attic"];
        let found = table.read_many(&names).await;
        assert!(found[..3].iter().all(|read| matches!(read, Ok(Some(_)))));
        let Err(StoreError::Unreadable { reason, .. }) = &found[3] else {
            panic!("{:?}", found[3]);
        };
        assert_eq!(reason, "BatchGetItem left 1 of 4 keys unprocessed");
        assert_eq!(requests(&server).await, 1 + MORE_ROUNDS);
    }

    #[tokio::test]
    async fn more_keys_than_one_request_takes_are_several_requests() {
        let (table, server) = table(usize::MAX).await;
        let names: Vec<String> = (0..250).map(|place| format!("place {place}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let found = table.read_many(&names).await;
        for (name, read) in names.iter().zip(found) {
            assert_eq!(read.unwrap().unwrap().location, *name);
        }
        assert_eq!(requests(&server).await, 3);
    }

    #[tokio::test]
    async fn an_empty_name_is_not_asked_for() {
        let (table, server) = table(1).await;
        assert_eq!(table.read_many(&[""]).await, [Ok(None)]);
        assert_eq!(table.read("").await, Ok(None));
        assert_eq!(requests(&server).await, 0);
    }
}
