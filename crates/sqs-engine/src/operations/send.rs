//! `SendMessage` and `SendMessageBatch`.

use std::{collections::BTreeMap, time::Duration};

use aws_wire::format::null_is_default;
use serde::{Deserialize, Serialize};

use super::{Context, batch::Batch, messages::GivenAttributes, required, seconds};
use crate::{
    error::{Code, SqsError},
    message::{AttributeValue, SendMessage, Sent},
    validation,
};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct One {
    queue_url: Option<String>,
    #[serde(flatten)]
    message: Given,
}

/// What a message and an entry of a batch have in common.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Given {
    message_body: Option<String>,
    delay_seconds: Option<i64>,
    #[serde(default, deserialize_with = "null_is_default")]
    message_attributes: GivenAttributes,
    #[serde(default, deserialize_with = "null_is_default")]
    message_system_attributes: GivenAttributes,
    message_deduplication_id: Option<String>,
    message_group_id: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Many {
    queue_url: Option<String>,
    #[serde(default, deserialize_with = "null_is_default")]
    entries: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    #[serde(default, deserialize_with = "null_is_default")]
    id: String,
    #[serde(flatten)]
    message: Given,
}

#[derive(Debug, Serialize)]
pub(super) struct Reply {
    #[serde(rename = "Id", skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(rename = "MD5OfMessageBody")]
    body_md5: String,
    #[serde(
        rename = "MD5OfMessageAttributes",
        skip_serializing_if = "Option::is_none"
    )]
    attributes_md5: Option<String>,
    #[serde(
        rename = "MD5OfMessageSystemAttributes",
        skip_serializing_if = "Option::is_none"
    )]
    system_attributes_md5: Option<String>,
    #[serde(rename = "MessageId")]
    message_id: String,
    #[serde(rename = "SequenceNumber", skip_serializing_if = "Option::is_none")]
    sequence_number: Option<String>,
}

impl Reply {
    fn of(id: Option<String>, sent: Sent) -> Self {
        Self {
            id,
            body_md5: sent.body_md5,
            attributes_md5: sent.attributes_md5,
            system_attributes_md5: sent.system_attributes_md5,
            message_id: sent.message_id.to_string(),
            sequence_number: sent.sequence_number.map(|number| number.to_string()),
        }
    }
}

/// Sends one message.
pub(super) async fn send(context: &Context<'_>, request: One) -> Result<Reply, SqsError> {
    let id = context.queue(request.queue_url.as_deref())?;
    let message = request.message.read()?;
    let sent = context.engine.send(id, vec![message]).await?;
    let sent = sent.into_iter().next();
    let sent = sent.unwrap_or_else(|| Err(SqsError::no_such_queue()))?;
    Ok(Reply::of(None, sent))
}

/// Sends up to ten messages; each succeeds or fails alone.
pub(super) async fn send_batch(
    context: &Context<'_>,
    request: Many,
) -> Result<Batch<Reply>, SqsError> {
    let id = context.queue(request.queue_url.as_deref())?;
    let ids = request.entries.iter().map(|entry| entry.id.as_str());
    validation::batch("SendMessageBatchRequestEntry", ids)?;
    let mut ids = Vec::new();
    let mut messages = Vec::new();
    let mut outcomes = Vec::new();
    for entry in request.entries {
        match entry.message.read() {
            Ok(message) => {
                ids.push(entry.id);
                messages.push(message);
            }
            Err(error) => outcomes.push((entry.id, Err(error))),
        }
    }
    let sent = context.engine.send(id, messages).await?;
    let sent = ids.into_iter().zip(sent).map(|(id, sent)| {
        let reply = sent.map(|sent| Reply::of(Some(id.clone()), sent));
        (id, reply)
    });
    outcomes.extend(sent);
    Ok(Batch::of(outcomes.into_iter()))
}

impl Given {
    fn read(self) -> Result<SendMessage, SqsError> {
        let delay = self.delay_seconds;
        let delay = delay
            .map(|delay| seconds(delay, "DelaySeconds"))
            .transpose()?;
        let attributes = self.message_attributes.into_iter().map(|(name, given)| {
            let attribute = given.read(&name)?;
            Ok((name, attribute))
        });
        Ok(SendMessage {
            body: required(self.message_body, "MessageBody")?,
            delay: delay.map(Duration::from_secs),
            attributes: attributes.collect::<Result<BTreeMap<_, _>, SqsError>>()?,
            trace_header: trace_header(self.message_system_attributes)?,
            group_id: self.message_group_id,
            deduplication_id: self.message_deduplication_id,
        })
    }
}

/// The only system attribute that a request can have (API reference, `SendMessage`).
fn trace_header(given: GivenAttributes) -> Result<Option<String>, SqsError> {
    let mut header = None;
    for (name, given) in given {
        let attribute = given.read(&name)?;
        let AttributeValue::Text(text) = attribute.value else {
            return Err(system_attribute(&name));
        };
        if name != "AWSTraceHeader" || attribute.data_type != "String" || text.is_empty() {
            return Err(system_attribute(&name));
        }
        header = Some(text);
    }
    Ok(header)
}

fn system_attribute(name: &str) -> SqsError {
    SqsError::new(
        Code::InvalidParameterValue,
        format!(
            "The message system attribute '{name}' is invalid: only AWSTraceHeader can be sent, \
             as a non-empty String."
        ),
    )
}
