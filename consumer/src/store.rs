//! DynamoDB, as the table of locations.

use std::{collections::HashMap, future::Future};

use aws_sdk_dynamodb::{Client, types::AttributeValue};

use crate::record::Location;

/// Where locations come from when the cache has none.
pub trait Store: Send + Sync {
    /// The item, or none where the table has none of that name.
    fn read(&self, name: &str)
    -> impl Future<Output = Result<Option<Location>, StoreError>> + Send;
}

/// Why a location could not be read. The record is retried.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// DynamoDB could not be asked, or refused.
    #[error("table {table} could not be read: {reason}")]
    Unreadable {
        /// The table's name.
        table: String,
        /// The whole chain of causes.
        reason: String,
    },
    /// The item is not of the form that this function knows.
    #[error("table {table}, item {name:?} is not a location: {reason}")]
    Malformed {
        /// The table's name.
        table: String,
        /// The item's key.
        name: String,
        /// Which attribute, and why.
        reason: String,
    },
}

/// The locations table.
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

    fn parse(
        &self,
        name: &str,
        item: HashMap<String, AttributeValue>,
    ) -> Result<Location, StoreError> {
        serde_dynamo::from_item(item).map_err(|error| StoreError::Malformed {
            table: self.table.clone(),
            name: name.to_owned(),
            reason: error.to_string(),
        })
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
            .key("location", AttributeValue::S(name.to_owned()))
            .send()
            .await
            .map_err(|error| StoreError::Unreadable {
                table: self.table.clone(),
                reason: format!("{:#}", anyhow::Error::new(error)),
            })?;
        reply.item.map(|item| self.parse(name, item)).transpose()
    }
}
