//! `ReceiveMessage`.

use std::{collections::BTreeMap, time::Duration};

use aws_wire::format::null_is_default;
use serde::{Deserialize, Serialize, ser::SerializeStruct as _};

use super::{Context, messages::ShownAttribute, seconds};
use crate::{
    digest,
    error::{Code, SqsError},
    message::{MessageAttribute, Receive, Received},
};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Request {
    queue_url: Option<String>,
    /// The older name of `MessageSystemAttributeNames`.
    #[serde(default, deserialize_with = "null_is_default")]
    attribute_names: Vec<String>,
    #[serde(default, deserialize_with = "null_is_default")]
    message_system_attribute_names: Vec<String>,
    #[serde(default, deserialize_with = "null_is_default")]
    message_attribute_names: Vec<String>,
    max_number_of_messages: Option<i64>,
    visibility_timeout: Option<i64>,
    wait_time_seconds: Option<i64>,
    receive_request_attempt_id: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Reply {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    messages: Vec<Message>,
}

/// A message with what of it was asked for.
#[derive(Debug)]
struct Message {
    received: Received,
    system_attributes: BTreeMap<&'static str, String>,
    /// The names of the message attributes to show.
    attributes: Vec<String>,
}

/// Receives messages, and waits for them.
pub(super) async fn receive(context: &Context<'_>, request: Request) -> Result<Reply, SqsError> {
    let id = context.queue(request.queue_url.as_deref())?;
    let asked = [
        request.attribute_names,
        request.message_system_attribute_names,
    ]
    .concat();
    check_names(&asked)?;
    let duration = |value: Option<i64>, parameter| match value {
        Some(value) => seconds(value, parameter).map(|value| Some(Duration::from_secs(value))),
        None => Ok(None),
    };
    let max = request.max_number_of_messages.unwrap_or(1);
    let receive = Receive {
        max_messages: usize::try_from(max).unwrap_or(0),
        wait: duration(request.wait_time_seconds, "WaitTimeSeconds")?,
        visibility_timeout: duration(request.visibility_timeout, "VisibilityTimeout")?,
        attempt_id: request.receive_request_attempt_id,
    };
    let received = context.engine.receive(id, &receive).await?;
    let account = &context.engine.options.account;
    let messages = received.into_iter().map(|received| Message {
        system_attributes: system_attributes(&received, &asked, account),
        attributes: matching(
            &received.message.attributes,
            &request.message_attribute_names,
        ),
        received,
    });
    Ok(Reply {
        messages: messages.collect(),
    })
}

/// The system attributes that a request can ask for (API reference, `ReceiveMessage`).
const SYSTEM_ATTRIBUTES: &[&str] = &[
    "AWSTraceHeader",
    "All",
    "ApproximateFirstReceiveTimestamp",
    "ApproximateReceiveCount",
    "DeadLetterQueueSourceArn",
    "MessageDeduplicationId",
    "MessageGroupId",
    "SenderId",
    "SentTimestamp",
    "SequenceNumber",
    // Of no meaning for a message, but listed there.
    "SqsManagedSseEnabled",
];

fn check_names(asked: &[String]) -> Result<(), SqsError> {
    let unknown = asked
        .iter()
        .find(|name| !SYSTEM_ATTRIBUTES.contains(&name.as_str()));
    match unknown {
        Some(name) => Err(SqsError::new(
            Code::InvalidAttributeName,
            format!("Unknown Attribute {name}."),
        )),
        None => Ok(()),
    }
}

fn system_attributes(
    received: &Received,
    asked: &[String],
    account: &str,
) -> BTreeMap<&'static str, String> {
    if asked.is_empty() {
        return BTreeMap::new();
    }
    let message = &received.message;
    let text = |text: &Option<std::sync::Arc<str>>| text.as_deref().map(str::to_owned);
    let sequence_number = received.sequence_number.map(|number| number.to_string());
    // A standard queue shows no deduplication id.
    let deduplication_id = text(&message.deduplication_id);
    let all = [
        ("AWSTraceHeader", message.trace_header.clone()),
        (
            "ApproximateFirstReceiveTimestamp",
            Some(received.first_received.to_string()),
        ),
        (
            "ApproximateReceiveCount",
            Some(received.receive_count.to_string()),
        ),
        (
            "DeadLetterQueueSourceArn",
            text(&received.dead_letter_source),
        ),
        ("MessageDeduplicationId", deduplication_id),
        ("MessageGroupId", text(&message.group_id)),
        ("SenderId", Some(account.to_owned())),
        ("SentTimestamp", Some(received.sent.to_string())),
        ("SequenceNumber", sequence_number),
    ];
    let every = asked.iter().any(|name| name == "All");
    let wanted = |name: &str| every || asked.iter().any(|asked| asked == name);
    all.into_iter()
        .filter(|(name, _)| wanted(name))
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

/// The attributes that a request asks for: by name, by prefix (`bar.*`), or all of them
/// (`All` or `.*`).
fn matching(attributes: &BTreeMap<String, MessageAttribute>, asked: &[String]) -> Vec<String> {
    let wanted = |name: &&String| {
        asked.iter().any(|asked| {
            let prefix = asked.strip_suffix(".*");
            asked == "All"
                || asked == *name
                || prefix.is_some_and(|prefix| prefix.is_empty() || name.starts_with(prefix))
        })
    };
    attributes.keys().filter(wanted).cloned().collect()
}

impl Serialize for Message {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let message = &*self.received.message;
        let shown = || {
            let names = self.attributes.iter();
            names.filter_map(|name| message.attributes.get_key_value(name))
        };
        let mut fields = serializer.serialize_struct("Message", 7)?;
        if !self.system_attributes.is_empty() {
            fields.serialize_field("Attributes", &self.system_attributes)?;
        }
        fields.serialize_field("Body", &*message.body)?;
        fields.serialize_field("MD5OfBody", &message.body_md5())?;
        if !self.attributes.is_empty() {
            let attributes = shown().map(|(name, value)| (name, ShownAttribute::from(value)));
            let attributes: BTreeMap<_, _> = attributes.collect();
            fields.serialize_field("MD5OfMessageAttributes", &digest::attributes(shown()))?;
            fields.serialize_field("MessageAttributes", &attributes)?;
        }
        fields.serialize_field("MessageId", &message.id.to_string())?;
        fields.serialize_field("ReceiptHandle", &self.received.receipt_handle)?;
        fields.end()
    }
}
