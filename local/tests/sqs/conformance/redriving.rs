use serde_json::{Value, json};

use super::target::{Outcome, Queue, Target, checks, holds, same, text};

checks! {
    a_message_received_too_often_goes_to_the_dead_letter_queue: "API_SetQueueAttributes, RedrivePolicy",
    a_dead_letter_names_its_source: "API_ReceiveMessage, DeadLetterQueueSourceArn",
    a_dead_letter_keeps_its_id_and_time: "Developer guide, Dead-letter queue retention",
    a_dead_letter_queue_has_to_exist: "API_SetQueueAttributes, RedrivePolicy",
    a_dead_letter_queue_has_the_type_of_its_source: "API_SetQueueAttributes, RedrivePolicy",
    a_dead_letter_queue_can_deny_its_sources: "API_SetQueueAttributes, RedriveAllowPolicy",
    a_redrive_policy_is_shown: "API_GetQueueAttributes, RedrivePolicy",
    the_sources_of_a_dead_letter_queue_are_listed: "API_ListDeadLetterSourceQueues",
    dead_letters_are_moved_back: "API_StartMessageMoveTask",
    a_redriven_message_is_a_new_one: "Developer guide, Dead-letter queue redrive",
    a_finished_task_is_listed_as_completed: "API_ListMessageMoveTasks",
    only_a_dead_letter_queue_can_be_moved_from: "API_StartMessageMoveTask, SourceArn",
    a_running_task_is_the_only_one_and_can_be_cancelled: "API_CancelMessageMoveTask",
}

const INVALID: &[&str] = &[
    "InvalidParameterValueException",
    "InvalidParameterValue",
    "InvalidAttributeValue",
];

fn policy(arn: &str, receives: u32) -> Value {
    let policy = json!({"deadLetterTargetArn": arn, "maxReceiveCount": receives});
    json!({"RedrivePolicy": policy.to_string(), "VisibilityTimeout": "1"})
}

/// A queue and its dead-letter queue, to which messages go after one receive.
async fn with_dead_letters(target: &Target) -> Result<(Queue, Queue), String> {
    let dead = target.create("-dead", json!({})).await?;
    let queue = target.create("", policy(&dead.arn().await?, 1)).await?;
    Ok((queue, dead))
}

/// Sends a message and makes a dead letter of it; returns it as it was received.
async fn kill(queue: &Queue, dead: &Queue) -> Result<(Value, Value), String> {
    queue.send("poison").await?;
    let received = queue.one().await?;
    let again = queue.receive(json!({"WaitTimeSeconds": 3})).await?;
    same("messages after the last receive", again.len(), 0)?;
    let letter = dead.one().await?;
    Ok((received, letter))
}

async fn a_message_received_too_often_goes_to_the_dead_letter_queue(target: Target) -> Outcome {
    let (queue, dead) = with_dead_letters(&target).await?;
    let (_, letter) = kill(&queue, &dead).await?;
    same("Body", letter["Body"].as_str(), Some("poison"))
}

async fn a_dead_letter_names_its_source(target: Target) -> Outcome {
    let (queue, dead) = with_dead_letters(&target).await?;
    let (_, letter) = kill(&queue, &dead).await?;
    let source = letter["Attributes"]["DeadLetterQueueSourceArn"].as_str();
    same(
        "DeadLetterQueueSourceArn",
        source,
        Some(queue.arn().await?.as_str()),
    )
}

async fn a_dead_letter_keeps_its_id_and_time(target: Target) -> Outcome {
    let (queue, dead) = with_dead_letters(&target).await?;
    let (received, letter) = kill(&queue, &dead).await?;
    same("MessageId", &letter["MessageId"], &received["MessageId"])?;
    let sent = |message: &Value| text(&message["Attributes"]["SentTimestamp"]);
    same("SentTimestamp", sent(&letter), sent(&received))
}

async fn a_dead_letter_queue_has_to_exist(target: Target) -> Outcome {
    let queue = target.queue().await?;
    let arn = format!("{}-missing", queue.arn().await?);
    let set = json!({"Attributes": policy(&arn, 1)});
    let codes = [INVALID, &["QueueDoesNotExist"]].concat();
    queue.refused("SetQueueAttributes", set, &codes).await
}

async fn a_dead_letter_queue_has_the_type_of_its_source(target: Target) -> Outcome {
    let dead = target
        .create("-dead.fifo", json!({"FifoQueue": "true"}))
        .await?;
    let queue = target.queue().await?;
    let set = json!({"Attributes": policy(&dead.arn().await?, 1)});
    queue.refused("SetQueueAttributes", set, INVALID).await
}

async fn a_dead_letter_queue_can_deny_its_sources(target: Target) -> Outcome {
    let deny = json!({"redrivePermission": "denyAll"}).to_string();
    let dead = target
        .create("-dead", json!({"RedriveAllowPolicy": deny}))
        .await?;
    let queue = target.queue().await?;
    let set = json!({"Attributes": policy(&dead.arn().await?, 1)});
    queue.refused("SetQueueAttributes", set, INVALID).await
}

async fn a_redrive_policy_is_shown(target: Target) -> Outcome {
    let (queue, dead) = with_dead_letters(&target).await?;
    let shown = text(&queue.attributes().await?["RedrivePolicy"]);
    let shown: Value = serde_json::from_str(&shown).map_err(|error| error.to_string())?;
    same(
        "deadLetterTargetArn",
        text(&shown["deadLetterTargetArn"]),
        dead.arn().await?,
    )?;
    same("maxReceiveCount", &shown["maxReceiveCount"], &json!(1))
}

async fn the_sources_of_a_dead_letter_queue_are_listed(target: Target) -> Outcome {
    let (queue, dead) = with_dead_letters(&target).await?;
    let sources = dead.call("ListDeadLetterSourceQueues", json!({})).await?;
    same("queueUrls", &sources["queueUrls"], &json!([queue.url]))
}

/// Moves what is in the dead-letter queue back, and returns the message.
async fn move_back(target: &Target, queue: &Queue, dead: &Queue) -> Result<(Value, Value), String> {
    let (received, letter) = kill(queue, dead).await?;
    let visible = json!({"ReceiptHandle": letter["ReceiptHandle"], "VisibilityTimeout": 0});
    dead.call("ChangeMessageVisibility", visible).await?;
    let start = json!({"SourceArn": dead.arn().await?});
    target.call("StartMessageMoveTask", start).await?;
    Ok((received, queue.one().await?))
}

async fn dead_letters_are_moved_back(target: Target) -> Outcome {
    let (queue, dead) = with_dead_letters(&target).await?;
    let (_, moved) = move_back(&target, &queue, &dead).await?;
    same("Body", moved["Body"].as_str(), Some("poison"))
}

async fn a_redriven_message_is_a_new_one(target: Target) -> Outcome {
    let (queue, dead) = with_dead_letters(&target).await?;
    let (received, moved) = move_back(&target, &queue, &dead).await?;
    holds("its id is new", received["MessageId"] != moved["MessageId"])?;
    let count = moved["Attributes"]["ApproximateReceiveCount"].as_str();
    same("ApproximateReceiveCount", count, Some("1"))
}

async fn a_finished_task_is_listed_as_completed(target: Target) -> Outcome {
    let (queue, dead) = with_dead_letters(&target).await?;
    move_back(&target, &queue, &dead).await?;
    let list = json!({"SourceArn": dead.arn().await?});
    loop {
        let tasks = target.call("ListMessageMoveTasks", list.clone()).await?;
        let task = &tasks["Results"][0];
        if task["Status"] != "RUNNING" {
            same("Status", task["Status"].as_str(), Some("COMPLETED"))?;
            let moved = task["ApproximateNumberOfMessagesMoved"].as_u64();
            same("ApproximateNumberOfMessagesMoved", moved, Some(1))?;
            return same("TaskHandle", &task["TaskHandle"], &Value::Null);
        }
    }
}

async fn only_a_dead_letter_queue_can_be_moved_from(target: Target) -> Outcome {
    let queue = target.queue().await?;
    let start = json!({"SourceArn": queue.arn().await?});
    target.refused("StartMessageMoveTask", start, INVALID).await
}

async fn a_running_task_is_the_only_one_and_can_be_cancelled(target: Target) -> Outcome {
    let (queue, dead) = with_dead_letters(&target).await?;
    for n in 0..10 {
        dead.send(&n.to_string()).await?;
    }
    let start = json!({"SourceArn": dead.arn().await?, "DestinationArn": queue.arn().await?, "MaxNumberOfMessagesPerSecond": 1});
    let started = target.call("StartMessageMoveTask", start.clone()).await?;
    let codes = [
        "UnsupportedOperation",
        "AWS.SimpleQueueService.UnsupportedOperation",
    ];
    target
        .refused("StartMessageMoveTask", start, &codes)
        .await?;
    let cancel = json!({"TaskHandle": started["TaskHandle"]});
    let cancelled = target.call("CancelMessageMoveTask", cancel).await?;
    holds(
        "it says how many were moved",
        cancelled["ApproximateNumberOfMessagesMoved"].is_u64(),
    )
}
