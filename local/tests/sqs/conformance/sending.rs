use serde_json::{Value, json};

use super::target::{Outcome, Target, bodies, checks, holds, same, text};

checks! {
    the_md5_of_the_body_is_returned: "API_SendMessage, MD5OfMessageBody",
    the_md5_of_the_attributes_is_that_of_the_guide: "Developer guide, MD5 of message attributes",
    the_md5_of_the_trace_header_is_returned: "API_SendMessage, MD5OfMessageSystemAttributes",
    an_empty_body_is_refused: "API_SendMessage, MessageBody",
    a_control_character_is_refused: "API_SendMessage, InvalidMessageContents",
    a_body_of_one_mebibyte_is_taken: "API_SendMessage, MessageBody",
    a_body_over_one_mebibyte_is_refused: "API_SendMessage, MessageBody",
    attributes_count_towards_the_size: "Developer guide, Message quotas",
    eleven_attributes_are_refused: "Developer guide, Message attributes",
    an_attribute_called_aws_is_refused: "Developer guide, Message attributes",
    an_attribute_of_an_unknown_type_is_refused: "Developer guide, Message attributes",
    a_number_has_to_be_one: "Developer guide, Message attributes",
    a_delay_hides_a_message: "API_SendMessage, DelaySeconds",
    a_delay_over_15_minutes_is_refused: "API_SendMessage, DelaySeconds",
    a_deduplication_id_is_for_fifo_queues: "API_SendMessage, MessageDeduplicationId",
    a_standard_queue_takes_a_group: "API_SendMessage, MessageGroupId",
    the_entries_of_a_batch_fail_alone: "API_SendMessageBatch",
    an_empty_batch_is_refused: "API_SendMessageBatch, EmptyBatchRequest",
    a_batch_of_eleven_is_refused: "API_SendMessageBatch, TooManyEntriesInBatchRequest",
    two_entries_with_one_id_are_refused: "API_SendMessageBatch, BatchEntryIdsNotDistinct",
    an_entry_id_with_a_space_is_refused: "API_SendMessageBatch, InvalidBatchEntryId",
    a_batch_over_one_mebibyte_is_refused: "API_SendMessageBatch, BatchRequestTooLong",
}

const INVALID: &[&str] = &["InvalidParameterValueException", "InvalidParameterValue"];

async fn the_md5_of_the_body_is_returned(target: Target) -> Outcome {
    let sent = target.queue().await?.send("hello").await?;
    let expected = "5d41402abc4b2a76b9719d911017c592";
    same(
        "MD5OfMessageBody",
        sent["MD5OfMessageBody"].as_str(),
        Some(expected),
    )
}

async fn the_md5_of_the_attributes_is_that_of_the_guide(target: Target) -> Outcome {
    let attributes = json!({
        "one": {"DataType": "String", "StringValue": "a"},
        "two": {"DataType": "Binary", "BinaryValue": "AQID"},
    });
    let queue = target.queue().await?;
    let message = json!({"MessageBody": "x", "MessageAttributes": attributes});
    let sent = queue.call("SendMessage", message).await?;
    let expected = "a0c4cd9a268b68dbd971af9dcdaf04bd";
    let md5 = sent["MD5OfMessageAttributes"].as_str();
    same("MD5OfMessageAttributes", md5, Some(expected))
}

async fn the_md5_of_the_trace_header_is_returned(target: Target) -> Outcome {
    let header = json!({"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1"}});
    let queue = target.queue().await?;
    let message = json!({"MessageBody": "x", "MessageSystemAttributes": header});
    let sent = queue.call("SendMessage", message).await?;
    let expected = "d6619b3d47b81d3fc72c0db005a70eda";
    let md5 = sent["MD5OfMessageSystemAttributes"].as_str();
    same("MD5OfMessageSystemAttributes", md5, Some(expected))
}

async fn an_empty_body_is_refused(target: Target) -> Outcome {
    let codes = [
        INVALID,
        &["MissingParameter", "MissingRequiredParameterException"],
    ]
    .concat();
    let queue = target.queue().await?;
    queue
        .refused("SendMessage", json!({"MessageBody": ""}), &codes)
        .await
}

async fn a_control_character_is_refused(target: Target) -> Outcome {
    let queue = target.queue().await?;
    let message = json!({"MessageBody": "\u{1}"});
    queue
        .refused("SendMessage", message, &["InvalidMessageContents"])
        .await
}

async fn a_body_of_one_mebibyte_is_taken(target: Target) -> Outcome {
    let queue = target.queue().await?;
    queue.send(&"x".repeat(1_048_576)).await?;
    let received = queue.one().await?;
    same("its length", text(&received["Body"]).len(), 1_048_576)
}

async fn a_body_over_one_mebibyte_is_refused(target: Target) -> Outcome {
    let queue = target.queue().await?;
    let message = json!({"MessageBody": "x".repeat(1_048_577)});
    queue.refused("SendMessage", message, INVALID).await
}

async fn attributes_count_towards_the_size(target: Target) -> Outcome {
    let queue = target
        .create("", json!({"MaximumMessageSize": "1024"}))
        .await?;
    queue.send(&"x".repeat(1024)).await?;
    let attribute = json!({"a": {"DataType": "String", "StringValue": "x"}});
    let message = json!({"MessageBody": "x".repeat(1020), "MessageAttributes": attribute});
    queue.refused("SendMessage", message, INVALID).await
}

/// Whether a message with these attributes is refused.
async fn refused(target: Target, attributes: Value) -> Outcome {
    let queue = target.queue().await?;
    let message = json!({"MessageBody": "x", "MessageAttributes": attributes});
    queue.refused("SendMessage", message, INVALID).await
}

async fn eleven_attributes_are_refused(target: Target) -> Outcome {
    let attribute = |n: u8| {
        (
            n.to_string(),
            json!({"DataType": "String", "StringValue": "x"}),
        )
    };
    let eleven: serde_json::Map<_, _> = (0..11).map(attribute).collect();
    refused(target, Value::Object(eleven)).await
}

async fn an_attribute_called_aws_is_refused(target: Target) -> Outcome {
    refused(
        target,
        json!({"AWS.x": {"DataType": "String", "StringValue": "x"}}),
    )
    .await
}

async fn an_attribute_of_an_unknown_type_is_refused(target: Target) -> Outcome {
    refused(
        target,
        json!({"a": {"DataType": "Text", "StringValue": "x"}}),
    )
    .await
}

async fn a_number_has_to_be_one(target: Target) -> Outcome {
    refused(
        target,
        json!({"a": {"DataType": "Number", "StringValue": "x"}}),
    )
    .await
}

async fn a_delay_hides_a_message(target: Target) -> Outcome {
    let queue = target.queue().await?;
    let message = json!({"MessageBody": "x", "DelaySeconds": 1});
    queue.call("SendMessage", message).await?;
    same(
        "messages at first",
        queue.receive(json!({})).await?.len(),
        0,
    )?;
    queue.one().await.map(|_| ())
}

async fn a_delay_over_15_minutes_is_refused(target: Target) -> Outcome {
    let queue = target.queue().await?;
    let message = json!({"MessageBody": "x", "DelaySeconds": 901});
    queue.refused("SendMessage", message, INVALID).await
}

async fn a_deduplication_id_is_for_fifo_queues(target: Target) -> Outcome {
    let queue = target.queue().await?;
    let message = json!({"MessageBody": "x", "MessageDeduplicationId": "1"});
    queue.refused("SendMessage", message, INVALID).await
}

async fn a_standard_queue_takes_a_group(target: Target) -> Outcome {
    let queue = target.queue().await?;
    queue.send_to("tenant", "x").await?;
    let received = queue.one().await?;
    let group = received["Attributes"]["MessageGroupId"].as_str();
    same("MessageGroupId", group, Some("tenant"))
}

async fn the_entries_of_a_batch_fail_alone(target: Target) -> Outcome {
    let queue = target.queue().await?;
    let entries = json!([
        {"Id": "a", "MessageBody": "one"},
        {"Id": "b", "MessageBody": "two", "DelaySeconds": 901},
        {"Id": "c", "MessageBody": "three"},
    ]);
    let reply = queue
        .call("SendMessageBatch", json!({"Entries": entries}))
        .await?;
    same(
        "the failed one",
        reply["Failed"][0]["Id"].as_str(),
        Some("b"),
    )?;
    same(
        "SenderFault",
        &reply["Failed"][0]["SenderFault"],
        &json!(true),
    )?;
    let mut received = Vec::new();
    while received.len() < 2 {
        received.extend(queue.receive(json!({"WaitTimeSeconds": 5})).await?);
    }
    let mut received = bodies(&received);
    received.sort();
    same("the others", received, ["one", "three"])
}

/// Whether a batch is refused with `code`.
async fn batch_refused(target: Target, entries: Value, code: &str) -> Outcome {
    let queue = target.queue().await?;
    queue
        .refused("SendMessageBatch", json!({"Entries": entries}), &[code])
        .await
}

async fn an_empty_batch_is_refused(target: Target) -> Outcome {
    batch_refused(target, json!([]), "EmptyBatchRequest").await
}

async fn a_batch_of_eleven_is_refused(target: Target) -> Outcome {
    let entry = |n: u8| json!({"Id": n.to_string(), "MessageBody": "x"});
    let eleven: Vec<_> = (0..11).map(entry).collect();
    batch_refused(target, json!(eleven), "TooManyEntriesInBatchRequest").await
}

async fn two_entries_with_one_id_are_refused(target: Target) -> Outcome {
    let entry = json!({"Id": "a", "MessageBody": "x"});
    batch_refused(target, json!([entry, entry]), "BatchEntryIdsNotDistinct").await
}

async fn an_entry_id_with_a_space_is_refused(target: Target) -> Outcome {
    let entry = json!({"Id": "a b", "MessageBody": "x"});
    batch_refused(target, json!([entry]), "InvalidBatchEntryId").await
}

async fn a_batch_over_one_mebibyte_is_refused(target: Target) -> Outcome {
    let entry = |id: &str| json!({"Id": id, "MessageBody": "x".repeat(600_000)});
    let queue = target.queue().await?;
    let entries = json!({"Entries": [entry("a"), entry("b")]});
    queue
        .refused("SendMessageBatch", entries, &["BatchRequestTooLong"])
        .await?;
    holds(
        "nothing was sent",
        queue.receive(json!({})).await?.is_empty(),
    )
}
