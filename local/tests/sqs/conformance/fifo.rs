use serde_json::{Value, json};

use super::target::{Outcome, Target, bodies, checks, holds, same, text};

checks! {
    a_fifo_queue_wants_a_group: "API_SendMessage, MessageGroupId",
    a_fifo_queue_wants_a_way_to_deduplicate: "API_SendMessage, MessageDeduplicationId",
    a_fifo_queue_takes_no_delay_of_a_message: "API_SendMessage, DelaySeconds",
    messages_of_a_group_come_in_order: "API_ReceiveMessage, MessageGroupId",
    a_group_is_locked_while_a_message_of_it_is_in_flight: "API_ReceiveMessage, ReceiveRequestAttemptId",
    another_group_is_not_locked: "API_SendMessage, MessageGroupId",
    a_message_that_is_visible_again_comes_first: "Developer guide, FIFO delivery logic",
    sequence_numbers_of_twenty_digits_grow: "API_SendMessage, SequenceNumber",
    the_same_deduplication_id_is_delivered_once: "API_SendMessage, MessageDeduplicationId",
    a_duplicate_has_the_id_of_the_first: "API_SendMessage, MessageDeduplicationId",
    the_same_body_is_delivered_once: "API_CreateQueue, ContentBasedDeduplication",
    a_deduplication_id_overrides_the_body: "API_SendMessage, MessageDeduplicationId",
    a_deleted_message_is_still_a_duplicate: "API_SendMessage, MessageDeduplicationId",
    deduplication_can_be_by_group: "API_CreateQueue, DeduplicationScope",
    the_same_attempt_receives_the_same_messages: "API_ReceiveMessage, ReceiveRequestAttemptId",
    an_expired_receipt_handle_is_refused: "Developer guide, FIFO exactly-once processing",
    fifo_attributes_have_defaults: "API_GetQueueAttributes, FifoQueue",
    a_high_throughput_limit_needs_deduplication_by_group: "API_CreateQueue, FifoThroughputLimit",
}

const INVALID: &[&str] = &["InvalidParameterValueException", "InvalidParameterValue"];

async fn a_fifo_queue_wants_a_group(target: Target) -> Outcome {
    let codes = [
        INVALID,
        &["MissingParameter", "MissingRequiredParameterException"],
    ]
    .concat();
    let queue = target.fifo().await?;
    queue
        .refused("SendMessage", json!({"MessageBody": "x"}), &codes)
        .await
}

async fn a_fifo_queue_wants_a_way_to_deduplicate(target: Target) -> Outcome {
    let queue = target.create(".fifo", json!({"FifoQueue": "true"})).await?;
    let message = json!({"MessageBody": "x", "MessageGroupId": "a"});
    queue.refused("SendMessage", message, INVALID).await
}

async fn a_fifo_queue_takes_no_delay_of_a_message(target: Target) -> Outcome {
    let queue = target.fifo().await?;
    let message = json!({"MessageBody": "x", "MessageGroupId": "a", "DelaySeconds": 1});
    queue.refused("SendMessage", message, INVALID).await
}

async fn messages_of_a_group_come_in_order(target: Target) -> Outcome {
    let queue = target.fifo().await?;
    let sent: Vec<String> = (0..30).map(|n| n.to_string()).collect();
    for body in &sent {
        queue.send_to("a", body).await?;
    }
    let mut received = Vec::new();
    while received.len() < sent.len() {
        let some = queue.receive(json!({"WaitTimeSeconds": 5})).await?;
        holds("messages come", !some.is_empty())?;
        for message in &some {
            queue.delete(message).await?;
        }
        received.extend(bodies(&some));
    }
    same("bodies", received, sent)
}

async fn a_group_is_locked_while_a_message_of_it_is_in_flight(target: Target) -> Outcome {
    let queue = target.fifo().await?;
    queue.send_to("a", "1").await?;
    queue.send_to("a", "2").await?;
    let first = queue.one().await?;
    same(
        "messages meanwhile",
        queue.receive(json!({})).await?.len(),
        0,
    )?;
    queue.delete(&first).await?;
    same("Body", queue.one().await?["Body"].as_str(), Some("2"))
}

async fn another_group_is_not_locked(target: Target) -> Outcome {
    let queue = target.fifo().await?;
    queue.send_to("a", "a").await?;
    queue.send_to("b", "b").await?;
    let both = [queue.one().await?, queue.one().await?];
    let mut both = bodies(&both);
    both.sort();
    same("bodies", both, ["a", "b"])
}

async fn a_message_that_is_visible_again_comes_first(target: Target) -> Outcome {
    let queue = target.fifo().await?;
    queue.send_to("a", "1").await?;
    queue.send_to("a", "2").await?;
    let first = queue.one().await?;
    let change = json!({"ReceiptHandle": first["ReceiptHandle"], "VisibilityTimeout": 0});
    queue.call("ChangeMessageVisibility", change).await?;
    same("Body", queue.one().await?["Body"].as_str(), Some("1"))
}

async fn sequence_numbers_of_twenty_digits_grow(target: Target) -> Outcome {
    let queue = target.fifo().await?;
    let mut last = String::new();
    for n in 0..20 {
        let sent = queue.send_to("a", &n.to_string()).await?;
        let number = text(&sent["SequenceNumber"]);
        let digits = number.len() == 20 && number.bytes().all(|byte| byte.is_ascii_digit());
        holds(&format!("{number} has twenty digits"), digits)?;
        holds(&format!("{number} is higher than {last}"), number > last)?;
        last = number;
    }
    Ok(())
}

fn with_id(id: &str, group: &str, body: &str) -> Value {
    json!({"MessageBody": body, "MessageGroupId": group, "MessageDeduplicationId": id})
}

async fn the_same_deduplication_id_is_delivered_once(target: Target) -> Outcome {
    let queue = target.fifo().await?;
    queue
        .call("SendMessage", with_id("1", "a", "first"))
        .await?;
    queue
        .call("SendMessage", with_id("1", "b", "second"))
        .await?;
    let received = queue.receive(json!({"WaitTimeSeconds": 2})).await?;
    same("bodies", bodies(&received), ["first"])
}

async fn a_duplicate_has_the_id_of_the_first(target: Target) -> Outcome {
    let queue = target.fifo().await?;
    let first = queue.call("SendMessage", with_id("1", "a", "x")).await?;
    let second = queue.call("SendMessage", with_id("1", "a", "x")).await?;
    same("MessageId", &second["MessageId"], &first["MessageId"])
}

async fn the_same_body_is_delivered_once(target: Target) -> Outcome {
    let queue = target.fifo().await?;
    for _ in 0..2 {
        queue.send_to("a", "same").await?;
    }
    same(
        "messages",
        queue.receive(json!({"WaitTimeSeconds": 2})).await?.len(),
        1,
    )
}

async fn a_deduplication_id_overrides_the_body(target: Target) -> Outcome {
    let queue = target.fifo().await?;
    for id in ["1", "2"] {
        queue.call("SendMessage", with_id(id, "a", "same")).await?;
    }
    same(
        "messages",
        queue.receive(json!({"WaitTimeSeconds": 2})).await?.len(),
        2,
    )
}

async fn a_deleted_message_is_still_a_duplicate(target: Target) -> Outcome {
    let queue = target.fifo().await?;
    queue.send_to("a", "same").await?;
    let received = queue.one().await?;
    queue.delete(&received).await?;
    queue.send_to("a", "same").await?;
    same(
        "messages",
        queue.receive(json!({"WaitTimeSeconds": 1})).await?.len(),
        0,
    )
}

async fn deduplication_can_be_by_group(target: Target) -> Outcome {
    let attributes = json!({"FifoQueue": "true", "DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId"});
    let queue = target.create(".fifo", attributes).await?;
    for group in ["a", "b", "a"] {
        queue.call("SendMessage", with_id("1", group, "x")).await?;
    }
    same(
        "messages",
        queue.receive(json!({"WaitTimeSeconds": 2})).await?.len(),
        2,
    )
}

async fn the_same_attempt_receives_the_same_messages(target: Target) -> Outcome {
    let queue = target.fifo().await?;
    queue.send_to("a", "1").await?;
    let attempt = json!({"ReceiveRequestAttemptId": "attempt"});
    let first = queue.receive(attempt.clone()).await?;
    let again = queue.receive(attempt).await?;
    same("messages", first.len(), 1)?;
    let handle = |messages: &[Value]| messages.first().map(|one| text(&one["ReceiptHandle"]));
    same("ReceiptHandle", handle(&again), handle(&first))
}

async fn an_expired_receipt_handle_is_refused(target: Target) -> Outcome {
    let attributes =
        json!({"FifoQueue": "true", "ContentBasedDeduplication": "true", "VisibilityTimeout": "1"});
    let queue = target.create(".fifo", attributes).await?;
    queue.send_to("a", "1").await?;
    let first = queue.one().await?;
    // It comes again once the timeout has ended.
    queue.one().await?;
    let delete = json!({"ReceiptHandle": first["ReceiptHandle"]});
    let codes = [INVALID, &["ReceiptHandleIsInvalid"]].concat();
    queue.refused("DeleteMessage", delete, &codes).await
}

async fn fifo_attributes_have_defaults(target: Target) -> Outcome {
    let queue = target.create(".fifo", json!({"FifoQueue": "true"})).await?;
    let attributes = queue.attributes().await?;
    for (name, value) in [
        ("FifoQueue", "true"),
        ("ContentBasedDeduplication", "false"),
        ("DeduplicationScope", "queue"),
        ("FifoThroughputLimit", "perQueue"),
    ] {
        same(name, attributes[name].as_str(), Some(value))?;
    }
    Ok(())
}

async fn a_high_throughput_limit_needs_deduplication_by_group(target: Target) -> Outcome {
    let attributes = json!({"FifoQueue": "true", "FifoThroughputLimit": "perMessageGroupId"});
    let request = json!({"QueueName": format!("{}.fifo", target.name), "Attributes": attributes});
    let codes = [INVALID, &["InvalidAttributeValue"]].concat();
    target.refused("CreateQueue", request, &codes).await
}
