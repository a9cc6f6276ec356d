use serde_json::{Value, json};

use super::target::{Outcome, Target, checks, holds, same, text};

checks! {
    a_message_comes_back_as_it_was_sent: "API_ReceiveMessage",
    attributes_are_returned_by_name_and_prefix: "API_ReceiveMessage, MessageAttributeNames",
    nothing_is_returned_that_was_not_asked_for: "API_ReceiveMessage, MessageAttributeNames",
    the_md5_is_that_of_the_returned_attributes: "API_Message, MD5OfMessageAttributes",
    system_attributes_are_returned: "API_ReceiveMessage, MessageSystemAttributeNames",
    an_unknown_system_attribute_is_refused: "API_ReceiveMessage, Errors",
    a_received_message_is_invisible_for_its_timeout: "API_ReceiveMessage, VisibilityTimeout",
    at_most_so_many_messages_are_returned: "API_ReceiveMessage, MaxNumberOfMessages",
    more_than_ten_messages_are_refused: "API_ReceiveMessage, MaxNumberOfMessages",
    zero_messages_are_refused: "API_ReceiveMessage, MaxNumberOfMessages",
    a_wait_over_20_seconds_is_refused: "API_ReceiveMessage, WaitTimeSeconds",
    a_receive_that_waits_gets_a_later_message: "API_ReceiveMessage, WaitTimeSeconds",
    the_queue_s_wait_holds_where_the_request_has_none: "API_SetQueueAttributes, ReceiveMessageWaitTimeSeconds",
    a_visibility_of_zero_returns_a_message_at_once: "API_ChangeMessageVisibility",
    a_visibility_over_twelve_hours_is_refused: "API_ChangeMessageVisibility, VisibilityTimeout",
    the_visibility_of_a_visible_message_cannot_be_changed: "API_ChangeMessageVisibility, MessageNotInflight",
    a_malformed_receipt_handle_is_refused: "API_DeleteMessage, ReceiptHandleIsInvalid",
    a_deleted_message_is_gone: "API_DeleteMessage",
    a_message_can_be_deleted_twice: "API_DeleteMessage",
    every_receive_has_a_handle_of_its_own: "API_DeleteMessage, ReceiptHandle",
    the_deletions_of_a_batch_fail_alone: "API_DeleteMessageBatch",
    messages_are_counted_by_state: "API_GetQueueAttributes, ApproximateNumberOfMessages",
    a_purge_deletes_every_message: "API_PurgeQueue",
}

const INVALID: &[&str] = &["InvalidParameterValueException", "InvalidParameterValue"];

async fn a_message_comes_back_as_it_was_sent(target: Target) -> Outcome {
    let queue = target.queue().await?;
    let body = "é\u{1F600} \"quoted\" <b>\n\t";
    let sent = queue.send(body).await?;
    let received = queue.one().await?;
    same("Body", received["Body"].as_str(), Some(body))?;
    same("MessageId", &received["MessageId"], &sent["MessageId"])?;
    same(
        "MD5OfBody",
        &received["MD5OfBody"],
        &sent["MD5OfMessageBody"],
    )
}

fn message() -> Value {
    json!({"MessageBody": "x", "MessageAttributes": {
        "one": {"DataType": "String", "StringValue": "a"},
        "bar.x": {"DataType": "Binary", "BinaryValue": "AQID"},
        "bar.y": {"DataType": "Number", "StringValue": "1"},
    }})
}

async fn attributes_are_returned_by_name_and_prefix(target: Target) -> Outcome {
    let queue = target.queue().await?;
    queue.call("SendMessage", message()).await?;
    for (asked, names) in [
        (json!(["one"]), vec!["one"]),
        (json!(["bar.*"]), vec!["bar.x", "bar.y"]),
        (json!(["All"]), vec!["bar.x", "bar.y", "one"]),
        (json!([".*"]), vec!["bar.x", "bar.y", "one"]),
    ] {
        let request = json!({"MessageAttributeNames": asked, "VisibilityTimeout": 0});
        let received = queue.receive(request).await?;
        let attributes = received.first().map(|one| &one["MessageAttributes"]);
        let found = attributes.and_then(Value::as_object);
        let found: Vec<_> = found.into_iter().flat_map(serde_json::Map::keys).collect();
        same(&format!("attributes for {asked}"), found, names)?;
    }
    Ok(())
}

async fn nothing_is_returned_that_was_not_asked_for(target: Target) -> Outcome {
    let queue = target.queue().await?;
    queue.call("SendMessage", message()).await?;
    let received = queue.receive(json!({"WaitTimeSeconds": 5})).await?;
    let one = received.first().cloned().unwrap_or_default();
    same("MessageAttributes", &one["MessageAttributes"], &Value::Null)?;
    same("Attributes", &one["Attributes"], &Value::Null)
}

async fn the_md5_is_that_of_the_returned_attributes(target: Target) -> Outcome {
    let queue = target.queue().await?;
    let sent = queue.call("SendMessage", message()).await?;
    let all = json!({"MessageAttributeNames": ["All"], "VisibilityTimeout": 0});
    let all = queue.receive(all).await?;
    let md5 = |received: &[Value]| {
        received
            .first()
            .map(|one| one["MD5OfMessageAttributes"].clone())
    };
    same(
        "of all",
        md5(&all),
        Some(sent["MD5OfMessageAttributes"].clone()),
    )?;
    let one = queue
        .receive(json!({"MessageAttributeNames": ["one"]}))
        .await?;
    let expected = "413b73902b786945990a835e465283f5";
    same("of one", md5(&one), Some(json!(expected)))
}

async fn system_attributes_are_returned(target: Target) -> Outcome {
    let queue = target.queue().await?;
    let header = json!({"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1"}});
    let message = json!({"MessageBody": "x", "MessageSystemAttributes": header});
    queue.call("SendMessage", message).await?;
    let received = queue
        .receive(json!({"MessageSystemAttributeNames": ["All"]}))
        .await?;
    let one = received.first().cloned().unwrap_or_default();
    let attributes = &one["Attributes"];
    same(
        "ApproximateReceiveCount",
        attributes["ApproximateReceiveCount"].as_str(),
        Some("1"),
    )?;
    same(
        "AWSTraceHeader",
        attributes["AWSTraceHeader"].as_str(),
        Some("Root=1"),
    )?;
    holds("SenderId", attributes["SenderId"].is_string())?;
    for time in ["SentTimestamp", "ApproximateFirstReceiveTimestamp"] {
        let millis = text(&attributes[time]);
        holds(
            &format!("{time} {millis} has milliseconds"),
            millis.len() == 13,
        )?;
    }
    Ok(())
}

async fn an_unknown_system_attribute_is_refused(target: Target) -> Outcome {
    let queue = target.queue().await?;
    let request = json!({"AttributeNames": ["Colour"]});
    let codes = [INVALID, &["InvalidAttributeName"]].concat();
    queue.refused("ReceiveMessage", request, &codes).await
}

async fn a_received_message_is_invisible_for_its_timeout(target: Target) -> Outcome {
    let queue = target.create("", json!({"VisibilityTimeout": "1"})).await?;
    queue.send("x").await?;
    let first = queue.one().await?;
    same(
        "messages meanwhile",
        queue.receive(json!({})).await?.len(),
        0,
    )?;
    let second = queue.one().await?;
    same("MessageId", &second["MessageId"], &first["MessageId"])?;
    let count = second["Attributes"]["ApproximateReceiveCount"].as_str();
    same("ApproximateReceiveCount", count, Some("2"))
}

async fn at_most_so_many_messages_are_returned(target: Target) -> Outcome {
    let queue = target.queue().await?;
    for body in ["a", "b", "c"] {
        queue.send(body).await?;
    }
    let two = queue.receive(json!({"MaxNumberOfMessages": 2})).await?;
    holds("at most two", two.len() <= 2)?;
    let reply = queue.call("ReceiveMessage", json!({})).await?;
    holds(
        "one by default",
        reply["Messages"].as_array().map_or(0, Vec::len) <= 1,
    )
}

/// Whether a receive with these parameters is refused.
async fn refused(target: Target, request: Value) -> Outcome {
    let queue = target.queue().await?;
    queue.refused("ReceiveMessage", request, INVALID).await
}

async fn more_than_ten_messages_are_refused(target: Target) -> Outcome {
    refused(target, json!({"MaxNumberOfMessages": 11})).await
}

async fn zero_messages_are_refused(target: Target) -> Outcome {
    refused(target, json!({"MaxNumberOfMessages": 0})).await
}

async fn a_wait_over_20_seconds_is_refused(target: Target) -> Outcome {
    refused(target, json!({"WaitTimeSeconds": 21})).await
}

async fn a_receive_that_waits_gets_a_later_message(target: Target) -> Outcome {
    let queue = target.queue().await?;
    let (received, sent) = tokio::join!(queue.one(), queue.send("later"));
    sent?;
    same("Body", received?["Body"].as_str(), Some("later"))
}

async fn the_queue_s_wait_holds_where_the_request_has_none(target: Target) -> Outcome {
    let queue = target
        .create("", json!({"ReceiveMessageWaitTimeSeconds": "10"}))
        .await?;
    let delayed = json!({"MessageBody": "x", "DelaySeconds": 1});
    queue.call("SendMessage", delayed).await?;
    same("messages", queue.receive(json!({})).await?.len(), 1)
}

async fn a_visibility_of_zero_returns_a_message_at_once(target: Target) -> Outcome {
    let queue = target.queue().await?;
    queue.send("x").await?;
    let received = queue.one().await?;
    let change = json!({"ReceiptHandle": received["ReceiptHandle"], "VisibilityTimeout": 0});
    queue.call("ChangeMessageVisibility", change).await?;
    same("messages", queue.receive(json!({})).await?.len(), 1)
}

async fn a_visibility_over_twelve_hours_is_refused(target: Target) -> Outcome {
    let queue = target.queue().await?;
    queue.send("x").await?;
    let received = queue.one().await?;
    let change = json!({"ReceiptHandle": received["ReceiptHandle"], "VisibilityTimeout": 43_201});
    queue
        .refused("ChangeMessageVisibility", change, INVALID)
        .await
}

async fn the_visibility_of_a_visible_message_cannot_be_changed(target: Target) -> Outcome {
    let queue = target.queue().await?;
    queue.send("x").await?;
    let received = queue.one().await?;
    let change =
        |timeout| json!({"ReceiptHandle": received["ReceiptHandle"], "VisibilityTimeout": timeout});
    queue.call("ChangeMessageVisibility", change(0)).await?;
    queue
        .refused(
            "ChangeMessageVisibility",
            change(10),
            &["MessageNotInflight"],
        )
        .await
}

async fn a_malformed_receipt_handle_is_refused(target: Target) -> Outcome {
    let queue = target.queue().await?;
    let delete = json!({"ReceiptHandle": "none"});
    queue
        .refused("DeleteMessage", delete, &["ReceiptHandleIsInvalid"])
        .await
}

async fn a_deleted_message_is_gone(target: Target) -> Outcome {
    let queue = target.create("", json!({"VisibilityTimeout": "1"})).await?;
    queue.send("x").await?;
    let received = queue.one().await?;
    queue.delete(&received).await?;
    same(
        "messages",
        queue.receive(json!({"WaitTimeSeconds": 2})).await?.len(),
        0,
    )
}

async fn a_message_can_be_deleted_twice(target: Target) -> Outcome {
    let queue = target.queue().await?;
    queue.send("x").await?;
    let received = queue.one().await?;
    queue.delete(&received).await?;
    queue.delete(&received).await.map(|_| ())
}

async fn every_receive_has_a_handle_of_its_own(target: Target) -> Outcome {
    let queue = target.create("", json!({"VisibilityTimeout": "1"})).await?;
    queue.send("x").await?;
    let (first, second) = (queue.one().await?, queue.one().await?);
    holds(
        "the handles differ",
        first["ReceiptHandle"] != second["ReceiptHandle"],
    )?;
    queue.delete(&second).await.map(|_| ())
}

async fn the_deletions_of_a_batch_fail_alone(target: Target) -> Outcome {
    let queue = target.queue().await?;
    queue.send("x").await?;
    let received = queue.one().await?;
    let entries = json!([
        {"Id": "a", "ReceiptHandle": received["ReceiptHandle"]},
        {"Id": "b", "ReceiptHandle": "none"},
    ]);
    let reply = queue
        .call("DeleteMessageBatch", json!({"Entries": entries}))
        .await?;
    same("Successful", &reply["Successful"], &json!([{"Id": "a"}]))?;
    same("Failed", reply["Failed"][0]["Id"].as_str(), Some("b"))?;
    same(
        "Code",
        reply["Failed"][0]["Code"].as_str(),
        Some("ReceiptHandleIsInvalid"),
    )
}

async fn messages_are_counted_by_state(target: Target) -> Outcome {
    let queue = target.queue().await?;
    queue.send("in flight").await?;
    queue.one().await?;
    queue.send("ready").await?;
    let delayed = json!({"MessageBody": "delayed", "DelaySeconds": 60});
    queue.call("SendMessage", delayed).await?;
    let attributes = queue.attributes().await?;
    for name in ["", "Delayed", "NotVisible"] {
        let name = format!("ApproximateNumberOfMessages{name}");
        same(&name, attributes[&name].as_str(), Some("1"))?;
    }
    Ok(())
}

async fn a_purge_deletes_every_message(target: Target) -> Outcome {
    let queue = target.queue().await?;
    for body in ["a", "b", "c"] {
        queue.send(body).await?;
    }
    queue.one().await?;
    queue.call("PurgeQueue", json!({})).await?;
    let attributes = queue.attributes().await?;
    let count = |name: &str| text(&attributes[name]);
    same("ready", count("ApproximateNumberOfMessages"), "0")?;
    same(
        "in flight",
        count("ApproximateNumberOfMessagesNotVisible"),
        "0",
    )
}
