//! A poison record: the function fails on it.

use std::{collections::BTreeMap, sync::Arc};

use anyhow::Context;
use aws_wire::DEFAULT_REGION;
use event_source_mapping::{
    destination::FUNCTION_ERROR,
    redrive::{BatchInfo, redrive},
    settings::Settings,
};
use integration_tests::{patience::same, queue::messages};
use local::provision::Provisioner;
use loopback_client::sdk_config;
use sam_template::environment::Queue;
use serde_json::Value;

use crate::{
    endpoint::Running,
    function::{Function, POISON},
    ledger::{Entry, once_and_in_order},
    pipeline::Pipeline,
};

/// The mapping's on-failure destination, if the endpoint offers SQS.
const QUEUE: &str = "discarded-batches";

pub async fn a_poison_record_is_discarded_alone_and_redriven(
    endpoint: &Running,
) -> anyhow::Result<()> {
    let settings = Settings {
        batch_size: 16,
        maximum_retry_attempts: Some(2),
        bisect_batch_on_function_error: true,
        on_failure: Some("arn:aws:sqs:us-east-1:000000000000:discarded-batches".to_owned()),
        ..Settings::default()
    };
    let has_queue = endpoint.endpoint.offers_sqs();
    if has_queue {
        create_queue(endpoint).await?;
    }
    let pipeline = Pipeline::create(endpoint, 2, settings).await?;
    let mut written = pipeline.stream.write(20).await?;
    let poison = pipeline.stream.put(&[POISON]).await?;
    written.extend(pipeline.stream.write(20).await?);
    let function = Arc::new(Function::that_poison_fails());
    let mapping = pipeline.start(&function)?;
    function.has_done(written.len()).await?;
    mapping.stop().await;

    once_and_in_order(&written, &function.done())?;
    let alone = |batch: &Vec<Entry>| *batch == poison;
    let attempts = function.begun().into_iter().filter(alone).count();
    same("attempts with the poison record alone", attempts, 3)?;

    let failures = pipeline.failures();
    let documents = failures.list().await?;
    same("invocation records", documents.len(), 1)?;
    let (id, document) = &documents[0];
    check(document, &poison[0])?;
    if has_queue {
        // The queue gets AWS's document; the folder has the function error too.
        let mut expected = document.clone();
        let error = expected
            .as_object_mut()
            .and_then(|all| all.remove(FUNCTION_ERROR));
        let error = error.context("the invocation record has no function error")?;
        same("error", error["errorMessage"].as_str(), Some("poison"))?;
        let sent = messages(&endpoint.url, QUEUE).await?;
        same("messages in the queue", sent, vec![expected])?;
    }

    let healed = Function::new();
    let info = BatchInfo::of(document)?;
    let source = pipeline.stream.source();
    let delivered = redrive(&source, &healed, &info, DEFAULT_REGION).await?;
    same("records redriven", delivered.len(), 1)?;
    same("redriven records", healed.done(), poison)?;
    failures.put_aside(id).await?;
    same("invocation records left", failures.list().await?.len(), 0)
}

async fn create_queue(endpoint: &Running) -> anyhow::Result<()> {
    let queue = Queue {
        logical_id: "Discarded".to_owned(),
        name: QUEUE.to_owned(),
        attributes: BTreeMap::new(),
    };
    let provisioner = Provisioner::new(&sdk_config(&endpoint.url, DEFAULT_REGION));
    // Twice: an existing queue is not an error.
    for created in [true, false] {
        same("created", provisioner.queue(&queue).await?.created, created)?;
    }
    Ok(())
}

/// Fails unless the invocation record is about this record alone.
fn check(document: &Value, poison: &Entry) -> anyhow::Result<()> {
    let condition = document["requestContext"]["condition"].as_str();
    same("condition", condition, Some("RetryAttemptsExhausted"))?;
    let batch = &document["KinesisBatchInfo"];
    let text = |name: &str| batch[name].as_str().context("no such text");
    same("shard", text("shardId")?, poison.shard.as_str())?;
    for end in ["startSequenceNumber", "endSequenceNumber"] {
        same(end, text(end)?, poison.sequence_number.as_str())?;
    }
    same("batchSize", batch["batchSize"].as_u64(), Some(1))
}
