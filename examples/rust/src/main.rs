//! Stores each reading of a batch in a table. A record that is not a reading fails alone: it is
//! returned as a batch item failure.

use aws_config::BehaviorVersion;
use aws_lambda_events::{
    event::kinesis::{KinesisEvent, KinesisEventRecord},
    streams::KinesisEventResponse,
};
use aws_sdk_dynamodb::{Client, types::AttributeValue};
use lambda_runtime::{Error, LambdaEvent, service_fn, tracing};
use serde::Deserialize;

#[derive(Deserialize)]
struct Reading {
    sensor: String,
    celsius: f64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
    let (dynamodb, table) = (Client::new(&config), std::env::var("READINGS_TABLE")?);
    let handler = |event: LambdaEvent<KinesisEvent>| handle(&dynamodb, &table, event.payload);
    lambda_runtime::run(service_fn(handler)).await
}

async fn handle(
    dynamodb: &Client,
    table: &str,
    event: KinesisEvent,
) -> Result<KinesisEventResponse, Error> {
    let mut response = KinesisEventResponse::default();
    for record in &event.records {
        if let Err(error) = store(dynamodb, table, record).await {
            let sequence_number = &record.kinesis.sequence_number;
            tracing::error!(%sequence_number, "record failed: {error}");
            response.add_failure(sequence_number);
            // Lambda retries from the first failure: what follows would be stored twice.
            break;
        }
    }
    Ok(response)
}

async fn store(dynamodb: &Client, table: &str, record: &KinesisEventRecord) -> Result<(), Error> {
    let reading: Reading = serde_json::from_slice(&record.kinesis.data)?;
    dynamodb
        .put_item()
        .table_name(table)
        .item("sensor", AttributeValue::S(reading.sensor))
        .item("celsius", AttributeValue::N(reading.celsius.to_string()))
        .send()
        .await?;
    Ok(())
}
