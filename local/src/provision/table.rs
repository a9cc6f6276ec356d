//! Tables, their indexes, their expiry and their first items.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{
    KeySchemaElement, StreamSpecification, TableDescription, TimeToLiveSpecification,
    TimeToLiveStatus,
};
use aws_smithy_types::body::SdkBody;
use sam_template::environment::Table;
use serde_json::{Value, json};

use super::{
    ProvisionError, Provisioned, Provisioner,
    indexes::{attributes_with, index_updates, indexes_in, keys, keys_in},
};
use crate::project::seed::SeedTable;

impl Provisioner {
    pub(super) async fn table(
        &self,
        table: &Table,
        update: &impl Fn(&str) -> bool,
    ) -> Result<Provisioned, ProvisionError> {
        let mut done = self.create_table(&table.name, &table.definition).await?;
        let changed = !done.created && update(&done.what);
        if changed {
            self.update_table(table, &mut done).await?;
        }
        let wanted = table.ttl_attribute.as_deref();
        if changed || (done.created && wanted.is_some()) {
            self.expiry(&table.name, wanted, &mut done).await?;
        }
        Ok(done)
    }

    /// The table of `local.toml` that the template does not have. An existing one stays as
    /// it is.
    pub(super) async fn table_with_key(
        &self,
        name: &str,
        key: &str,
    ) -> Result<Provisioned, ProvisionError> {
        let definition = json!({
            "TableName": name,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{ "AttributeName": key, "AttributeType": "S" }],
            "KeySchema": [{ "AttributeName": key, "KeyType": "HASH" }],
        });
        self.create_table(name, &definition).await
    }

    async fn create_table(
        &self,
        name: &str,
        definition: &Value,
    ) -> Result<Provisioned, ProvisionError> {
        let what = format!("table {name}");
        let body = definition.to_string();
        let created = self
            .dynamodb
            .create_table()
            .table_name(name)
            .customize()
            // The template's properties are the request's members, so they replace
            // its body instead of being rebuilt member by member.
            .mutate_request(move |request| {
                request
                    .headers_mut()
                    .insert("content-length", body.len().to_string());
                *request.body_mut() = SdkBody::from(body.as_str());
            })
            .send()
            .await;
        let created = self.created(&what, created, "ResourceInUseException")?;
        Ok(Provisioned {
            what,
            created,
            ..Provisioned::default()
        })
    }

    /// Brings the global secondary indexes and the stream of an existing table to the
    /// template's.
    async fn update_table(
        &self,
        table: &Table,
        done: &mut Provisioned,
    ) -> Result<(), ProvisionError> {
        let described = self.dynamodb.describe_table().table_name(&table.name);
        let described = described.send().await;
        let described = described.map_err(|error| self.failed(&done.what, error))?;
        let Some(found) = described.table() else {
            return Ok(());
        };
        let definition = &table.definition;
        if keys(found.key_schema()) != keys_in(&definition["KeySchema"]) {
            done.kept.push(
                "a table's key cannot be changed; remove the table or the data folder".to_owned(),
            );
            return Ok(());
        }
        let local: BTreeMap<_, _> = found
            .local_secondary_indexes()
            .iter()
            .map(|index| {
                (
                    index.index_name().unwrap_or_default().to_owned(),
                    keys(index.key_schema()),
                )
            })
            .collect();
        if local != indexes_in(&definition["LocalSecondaryIndexes"]) {
            done.kept.push(
                "a table's local secondary indexes cannot be changed; remove the table or the data folder"
                    .to_owned(),
            );
        }
        for (update, told) in index_updates(found, definition, &mut done.kept) {
            let mut body = json!({
                "TableName": table.name,
                "GlobalSecondaryIndexUpdates": [update],
            });
            if let Some(index) = update.get("Create") {
                body["AttributeDefinitions"] = attributes_with(found, definition, index);
            }
            self.change_table(&table.name, body, told, done).await;
        }
        let wanted = &definition["StreamSpecification"];
        let enabled = found
            .stream_specification()
            .is_some_and(StreamSpecification::stream_enabled);
        if wanted.is_object() != enabled {
            let (specification, told) = if enabled {
                (json!({ "StreamEnabled": false }), "stream removed")
            } else {
                (wanted.clone(), "stream added")
            };
            let body = json!({ "TableName": table.name, "StreamSpecification": specification });
            self.change_table(&table.name, body, told.to_owned(), done)
                .await;
        }
        Ok(())
    }

    /// One `UpdateTable`. A refusal is told and does not stop the start.
    async fn change_table(&self, name: &str, body: Value, told: String, done: &mut Provisioned) {
        let body = body.to_string();
        let changed = self
            .dynamodb
            .update_table()
            .table_name(name)
            .customize()
            .mutate_request(move |request| {
                request
                    .headers_mut()
                    .insert("content-length", body.len().to_string());
                *request.body_mut() = SdkBody::from(body.as_str());
            })
            .send()
            .await;
        match changed {
            Ok(_) => done.updated.push(told),
            Err(error) => {
                let reason = event_source_mapping::sdk_error::reason(error);
                done.kept.push(format!("not {told}: {reason}"));
            }
        }
    }

    /// Has the items of a table expire by attribute `wanted`, or never.
    async fn expiry(
        &self,
        name: &str,
        wanted: Option<&str>,
        done: &mut Provisioned,
    ) -> Result<(), ProvisionError> {
        let described = self.dynamodb.describe_time_to_live().table_name(name);
        let described = described.send().await;
        if wanted.is_none() && described.is_err() {
            // An endpoint without expiry.
            return Ok(());
        }
        let described = described.map_err(|error| self.failed(&done.what, error))?;
        let found = described.time_to_live_description().and_then(|ttl| {
            let on = ttl.time_to_live_status() == Some(&TimeToLiveStatus::Enabled);
            ttl.attribute_name().filter(|_| on)
        });
        if found == wanted {
            return Ok(());
        }
        // An attribute is replaced only when the old one is off (UpdateTimeToLive).
        let changes = [(found, false), (wanted, true)];
        for (attribute, enabled) in changes {
            let Some(attribute) = attribute else {
                continue;
            };
            let specification = TimeToLiveSpecification::builder()
                .attribute_name(attribute)
                .enabled(enabled)
                .build()
                .map_err(|error| self.because(&done.what, error.to_string()))?;
            let update = self.dynamodb.update_time_to_live().table_name(name);
            let update = update
                .time_to_live_specification(specification)
                .send()
                .await;
            update.map_err(|error| self.failed(&done.what, error))?;
        }
        if !done.created {
            let shown = |attribute: Option<&str>| attribute.unwrap_or("none").to_owned();
            done.updated
                .push(format!("expiry {} → {}", shown(found), shown(wanted)));
        }
        Ok(())
    }

    /// Puts a table's first items. An existing item stays as it is.
    pub(super) async fn items(&self, table: &SeedTable) -> Result<(), ProvisionError> {
        if table.items.is_empty() {
            return Ok(());
        }
        let what = format!("items of table {}", table.name);
        let described = self.dynamodb.describe_table().table_name(&table.name);
        let described = described.send().await;
        let described = described.map_err(|error| self.failed(&what, error))?;
        let keys = described.table().map(TableDescription::key_schema);
        let key = keys.unwrap_or_default().first();
        let key = key.map_or("", KeySchemaElement::attribute_name);
        for item in &table.items {
            let item = serde_dynamo::to_item(item)
                .map_err(|error| self.because(&what, error.to_string()))?;
            let put = self.dynamodb.put_item().table_name(&table.name);
            let put = put
                .set_item(Some(item))
                .condition_expression("attribute_not_exists(#key)")
                .expression_attribute_names("#key", key)
                .send()
                .await;
            self.created(&what, put, "ConditionalCheckFailedException")?;
        }
        Ok(())
    }
}
