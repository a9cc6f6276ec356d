use serde_json::{Value, json};

use super::target::{Outcome, Target, checks, holds, same, text};

checks! {
    a_queue_url_ends_with_account_and_name: "API_CreateQueue, QueueUrl",
    the_same_attributes_return_the_queue: "API_CreateQueue",
    different_attributes_are_refused: "API_CreateQueue, QueueNameExists",
    a_queue_name_with_spaces_is_refused: "API_CreateQueue, QueueName",
    a_queue_name_of_81_characters_is_refused: "API_CreateQueue, QueueName",
    a_fifo_queue_needs_its_suffix: "API_CreateQueue, QueueName",
    get_queue_url_finds_a_queue_by_name: "API_GetQueueUrl",
    a_missing_queue_is_not_found: "API_GetQueueUrl, Errors",
    a_deleted_queue_is_not_found: "API_DeleteQueue",
    list_queues_by_prefix_a_page_at_a_time: "API_ListQueues, MaxResults",
    the_defaults_are_those_of_the_reference: "API_CreateQueue, Attributes",
    only_attributes_that_are_asked_for_are_returned: "API_GetQueueAttributes, AttributeNames",
    a_changed_attribute_is_shown: "API_SetQueueAttributes",
    a_timeout_over_twelve_hours_is_refused: "API_SetQueueAttributes, VisibilityTimeout",
    a_message_size_over_one_mebibyte_is_refused: "API_SetQueueAttributes, MaximumMessageSize",
    an_unknown_attribute_is_refused: "API_SetQueueAttributes, Errors",
    a_fifo_attribute_of_a_standard_queue_is_refused: "API_CreateQueue, ContentBasedDeduplication",
    tags_are_added_listed_and_removed: "API_TagQueue",
    an_error_has_the_code_of_the_query_protocol: "Migrating to AWS JSON, x-amzn-query-error",
    a_form_is_answered_in_xml: "API version 2012-11-05, query protocol",
    an_error_of_a_form_is_in_xml: "API version 2012-11-05, query protocol",
    an_unknown_operation_is_refused: "Common errors",
}

const NOT_FOUND: &[&str] = &["QueueDoesNotExist"];
const INVALID: &[&str] = &["InvalidParameterValueException", "InvalidParameterValue"];

async fn a_queue_url_ends_with_account_and_name(target: Target) -> Outcome {
    let url = text(&target.queue().await?.url);
    let mut parts = url.rsplit('/');
    same("the name", parts.next(), Some(target.name.as_str()))?;
    let account = parts.next().unwrap_or_default();
    let digits = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    holds(&format!("{account} is an account"), digits)
}

async fn the_same_attributes_return_the_queue(target: Target) -> Outcome {
    let attributes = json!({"VisibilityTimeout": "60"});
    let first = target.create("", attributes.clone()).await?;
    let second = target.create("", attributes).await?;
    same("QueueUrl", first.url, second.url)
}

async fn different_attributes_are_refused(target: Target) -> Outcome {
    target
        .create("", json!({"VisibilityTimeout": "60"}))
        .await?;
    let request = json!({"QueueName": target.name, "Attributes": {"VisibilityTimeout": "61"}});
    target
        .refused("CreateQueue", request, &["QueueNameExists"])
        .await
}

async fn a_queue_name_with_spaces_is_refused(target: Target) -> Outcome {
    let request = json!({"QueueName": "no spaces"});
    target.refused("CreateQueue", request, INVALID).await
}

async fn a_queue_name_of_81_characters_is_refused(target: Target) -> Outcome {
    let request = json!({"QueueName": "x".repeat(81)});
    target.refused("CreateQueue", request, INVALID).await
}

async fn a_fifo_queue_needs_its_suffix(target: Target) -> Outcome {
    let request = json!({"QueueName": target.name, "Attributes": {"FifoQueue": "true"}});
    target.refused("CreateQueue", request, INVALID).await
}

async fn get_queue_url_finds_a_queue_by_name(target: Target) -> Outcome {
    let queue = target.queue().await?;
    let found = target
        .call("GetQueueUrl", json!({"QueueName": target.name}))
        .await?;
    same("QueueUrl", &found["QueueUrl"], &queue.url)
}

async fn a_missing_queue_is_not_found(target: Target) -> Outcome {
    let request = json!({"QueueName": target.name});
    target.refused("GetQueueUrl", request, NOT_FOUND).await
}

async fn a_deleted_queue_is_not_found(target: Target) -> Outcome {
    let queue = target.queue().await?;
    queue.call("DeleteQueue", json!({})).await?;
    queue
        .refused("SendMessage", json!({"MessageBody": "x"}), NOT_FOUND)
        .await
}

async fn list_queues_by_prefix_a_page_at_a_time(target: Target) -> Outcome {
    for suffix in ["-a", "-b", "-c"] {
        target.create(suffix, json!({})).await?;
    }
    let mut request = json!({"QueueNamePrefix": format!("{}-", target.name), "MaxResults": 2});
    let first = target.call("ListQueues", request.clone()).await?;
    same(
        "the first page",
        first["QueueUrls"].as_array().map(Vec::len),
        Some(2),
    )?;
    request["NextToken"] = first["NextToken"].clone();
    let second = target.call("ListQueues", request).await?;
    same(
        "the second page",
        second["QueueUrls"].as_array().map(Vec::len),
        Some(1),
    )?;
    same("the last token", &second["NextToken"], &Value::Null)
}

async fn the_defaults_are_those_of_the_reference(target: Target) -> Outcome {
    let attributes = target.queue().await?.attributes().await?;
    for (name, value) in [
        ("DelaySeconds", "0"),
        ("MaximumMessageSize", "1048576"),
        ("MessageRetentionPeriod", "345600"),
        ("ReceiveMessageWaitTimeSeconds", "0"),
        ("VisibilityTimeout", "30"),
        ("ApproximateNumberOfMessages", "0"),
    ] {
        same(name, attributes[name].as_str(), Some(value))?;
    }
    let arn = text(&attributes["QueueArn"]);
    let ours = arn.starts_with("arn:aws:sqs:") && arn.ends_with(&format!(":{}", target.name));
    holds(&format!("{arn} is its ARN"), ours)?;
    holds(
        "it has a time of creation",
        attributes["CreatedTimestamp"].is_string(),
    )
}

async fn only_attributes_that_are_asked_for_are_returned(target: Target) -> Outcome {
    let queue = target.queue().await?;
    let one = json!({"AttributeNames": ["QueueArn"]});
    let reply = queue.call("GetQueueAttributes", one).await?;
    same(
        "attributes",
        reply["Attributes"].as_object().map(serde_json::Map::len),
        Some(1),
    )?;
    let none = queue.call("GetQueueAttributes", json!({})).await?;
    same(
        "attributes",
        none["Attributes"]
            .as_object()
            .map_or(0, serde_json::Map::len),
        0,
    )
}

async fn a_changed_attribute_is_shown(target: Target) -> Outcome {
    let queue = target.queue().await?;
    let set = json!({"Attributes": {"DelaySeconds": "5"}});
    queue.call("SetQueueAttributes", set).await?;
    same(
        "DelaySeconds",
        queue.attributes().await?["DelaySeconds"].as_str(),
        Some("5"),
    )
}

async fn a_timeout_over_twelve_hours_is_refused(target: Target) -> Outcome {
    let set = json!({"Attributes": {"VisibilityTimeout": "43201"}});
    let queue = target.queue().await?;
    queue
        .refused("SetQueueAttributes", set, &["InvalidAttributeValue"])
        .await
}

async fn a_message_size_over_one_mebibyte_is_refused(target: Target) -> Outcome {
    let set = json!({"Attributes": {"MaximumMessageSize": "1048577"}});
    let queue = target.queue().await?;
    queue
        .refused("SetQueueAttributes", set, &["InvalidAttributeValue"])
        .await
}

async fn an_unknown_attribute_is_refused(target: Target) -> Outcome {
    let set = json!({"Attributes": {"Colour": "red"}});
    let queue = target.queue().await?;
    queue
        .refused("SetQueueAttributes", set, &["InvalidAttributeName"])
        .await
}

async fn a_fifo_attribute_of_a_standard_queue_is_refused(target: Target) -> Outcome {
    let attributes = json!({"ContentBasedDeduplication": "true"});
    let request = json!({"QueueName": target.name, "Attributes": attributes});
    let codes = ["InvalidAttributeName", "InvalidAttributeValue"];
    target.refused("CreateQueue", request, &codes).await
}

async fn tags_are_added_listed_and_removed(target: Target) -> Outcome {
    let queue = target.queue().await?;
    queue
        .call("TagQueue", json!({"Tags": {"a": "1", "b": "2"}}))
        .await?;
    queue.call("UntagQueue", json!({"TagKeys": ["a"]})).await?;
    let tags = queue.call("ListQueueTags", json!({})).await?;
    same("Tags", &tags["Tags"], &json!({"b": "2"}))
}

async fn an_error_has_the_code_of_the_query_protocol(target: Target) -> Outcome {
    let request = json!({"QueueName": target.name});
    let codes = ["AWS.SimpleQueueService.NonExistentQueue"];
    target.refused("GetQueueUrl", request, &codes).await
}

async fn a_form_is_answered_in_xml(target: Target) -> Outcome {
    let queue = target.queue().await?;
    let url = text(&queue.url);
    let form = [
        ("Action", "SendMessage"),
        ("Version", "2012-11-05"),
        ("QueueUrl", &url),
        ("MessageBody", "a <b>"),
    ];
    let (status, xml) = target.client.form(&form).await?;
    same("the status", status, 200)?;
    holds(&xml, xml.contains("<MD5OfMessageBody>"))?;
    let form = [
        ("Action", "ReceiveMessage"),
        ("Version", "2012-11-05"),
        ("QueueUrl", &url),
        ("AttributeName.1", "All"),
    ];
    let (_, xml) = target.client.form(&form).await?;
    holds(&xml, xml.contains("<Body>a &lt;b&gt;</Body>"))?;
    holds(&xml, xml.contains("<Name>ApproximateReceiveCount</Name>"))
}

async fn an_error_of_a_form_is_in_xml(target: Target) -> Outcome {
    let form = [
        ("Action", "GetQueueUrl"),
        ("Version", "2012-11-05"),
        ("QueueName", &target.name),
    ];
    let (status, xml) = target.client.form(&form).await?;
    same("the status", status, 400)?;
    let code = "<Code>AWS.SimpleQueueService.NonExistentQueue</Code>";
    holds(&xml, xml.contains(code))
}

async fn an_unknown_operation_is_refused(target: Target) -> Outcome {
    match target.client.call("FlyToTheMoon", json!({})).await {
        Err(refused) => holds(
            &refused.codes.join(" "),
            !refused.codes.iter().any(|code| {
                code.contains("500") || code.contains("Internal") || code == "no reply"
            }),
        ),
        Ok(reply) => Err(format!("expected an error, received {reply}")),
    }
}
