//! Constraints of messages and batches (API reference, `SendMessage` and
//! `SendMessageBatch`; developer guide, "Amazon SQS message attributes").

use std::time::Duration;

use crate::{
    engine::attributes::Settings,
    error::{Code, SqsError},
    message::{self, AttributeValue, MessageAttribute, SendMessage},
};

/// Entries of a batch at most (API reference, `TooManyEntriesInBatchRequest`).
pub(crate) const MOST_ENTRIES: usize = 10;
/// Bytes of the messages of a batch together at most (API reference, `SendMessageBatch`).
pub(crate) const MOST_BATCH_BYTES: usize = 1_048_576;
/// Seconds of a visibility timeout at most (API reference, `ChangeMessageVisibility`).
pub(crate) const MOST_VISIBILITY: u64 = 43_200;
/// Seconds of a delay at most (API reference, `SendMessage`, `DelaySeconds`).
const MOST_DELAY: u64 = 900;
/// Message attributes at most (developer guide, "Quotas related to messages").
const MOST_ATTRIBUTES: usize = 10;
/// Characters of an attribute's name or type at most.
const MOST_NAME: usize = 256;
/// Characters of a group or deduplication id at most.
const MOST_ID: usize = 128;
/// Characters of the Id of a batch entry at most.
const MOST_ENTRY_ID: usize = 80;

/// Checks a message for a queue with these settings.
///
/// # Errors
///
/// `MissingParameter`, `InvalidParameterValue`, `InvalidMessageContents`.
pub(crate) fn message(message: &SendMessage, settings: &Settings) -> Result<(), SqsError> {
    if message.body.is_empty() {
        return Err(SqsError::missing("MessageBody"));
    }
    contents(&message.body)?;
    if message.attributes.len() > MOST_ATTRIBUTES {
        return Err(invalid(format!(
            "Number of message attributes [{}] exceeds the allowed maximum [{MOST_ATTRIBUTES}].",
            message.attributes.len()
        )));
    }
    for (name, value) in &message.attributes {
        attribute(name, value)?;
    }
    let size = message::size(&message.body, &message.attributes);
    if size as u64 > settings.max_message {
        return Err(invalid(format!(
            "One or more parameters are invalid. Reason: Message must be shorter than {} bytes.",
            settings.max_message
        )));
    }
    id(message.group_id.as_deref(), "MessageGroupId")?;
    id(
        message.deduplication_id.as_deref(),
        "MessageDeduplicationId",
    )?;
    let wrong_type = "The request include parameter that is not valid for this queue type";
    if let Some(delay) = message.delay {
        let seconds = delay.as_secs();
        if settings.fifo && seconds > 0 {
            return Err(SqsError::parameter(seconds, "DelaySeconds", wrong_type));
        }
        if seconds > MOST_DELAY {
            let reason = format!("DelaySeconds must be >= 0 and <= {MOST_DELAY}.");
            return Err(SqsError::parameter(seconds, "DelaySeconds", reason));
        }
    }
    if settings.fifo {
        if message.group_id.is_none() {
            return Err(SqsError::missing("MessageGroupId"));
        }
        if message.deduplication_id.is_none() && !settings.content_based_deduplication {
            return Err(invalid(
                "The queue should either have ContentBasedDeduplication enabled or \
                 MessageDeduplicationId provided explicitly",
            ));
        }
    } else if let Some(id) = &message.deduplication_id {
        return Err(SqsError::parameter(
            id,
            "MessageDeduplicationId",
            wrong_type,
        ));
    }
    Ok(())
}

/// # Errors
///
/// `InvalidMessageContents` for a character that no message may have.
fn contents(body: &str) -> Result<(), SqsError> {
    // Most bodies have no control character, and U+FFFE and U+FFFF begin with 0xEF.
    let suspicious = |byte: u8| byte < 0x20 || byte == 0xef;
    if !body.bytes().any(suspicious) {
        return Ok(());
    }
    let allowed = |character: &char| {
        matches!(character,
            '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
    };
    match body.chars().find(|character| !allowed(character)) {
        None => Ok(()),
        Some(character) => Err(SqsError::new(
            Code::InvalidMessageContents,
            format!(
                "Invalid binary character '#x{:X}' was found in the message body, the set of \
                 allowed characters is #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | \
                 #x10000 to #x10FFFF",
                u32::from(character)
            ),
        )),
    }
}

fn attribute(name: &str, attribute: &MessageAttribute) -> Result<(), SqsError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    if name.is_empty() || name.len() > MOST_NAME || !name.bytes().all(allowed) {
        return Err(invalid(format!(
            "Message attribute name '{name}' is invalid. It can contain alphanumeric characters, \
             underscores, hyphens and periods, and be 1 to {MOST_NAME} characters long."
        )));
    }
    let lower = name.to_ascii_lowercase();
    if lower.starts_with("aws.") || lower.starts_with("amazon.") {
        return Err(invalid(format!(
            "You can't use message attribute names beginning with 'AWS.' or 'Amazon.', like '{name}'."
        )));
    }
    if name.starts_with('.') || name.ends_with('.') || name.contains("..") {
        return Err(invalid(format!(
            "Message attribute name '{name}' can't start or end with a period, or have successive periods."
        )));
    }
    let data_type = attribute.data_type.as_str();
    if data_type.is_empty() {
        return Err(invalid(format!(
            "The message attribute '{name}' must contain a non-empty message attribute type."
        )));
    }
    if data_type.len() > MOST_NAME {
        return Err(invalid(format!(
            "The type of message attribute '{name}' must be at most {MOST_NAME} characters long."
        )));
    }
    let kind = data_type.split('.').next().unwrap_or_default();
    let fits = match (kind, &attribute.value) {
        ("String" | "Number", AttributeValue::Text(_)) | ("Binary", AttributeValue::Binary(_)) => {
            true
        }
        ("String" | "Number" | "Binary", _) => false,
        _ => {
            return Err(invalid(format!(
                "The message attribute '{name}' has an invalid message attribute type, the set of \
                 supported type prefixes is Binary, Number, and String."
            )));
        }
    };
    if !fits || attribute.value.as_bytes().is_empty() {
        return Err(invalid(format!(
            "The message attribute '{name}' must contain a non-empty message attribute value for \
             message attribute type '{kind}'."
        )));
    }
    match (kind, &attribute.value) {
        ("Number", AttributeValue::Text(text)) if !is_number(text) => Err(invalid(format!(
            "Can't cast the value of message attribute '{name}' to a number."
        ))),
        (_, AttributeValue::Text(text)) => contents(text),
        _ => Ok(()),
    }
}

fn is_number(text: &str) -> bool {
    // `parse` takes "inf" and "nan", which are no numbers here.
    let digits = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
    text.bytes().all(digits) && text.parse::<f64>().is_ok()
}

/// A message group or deduplication id.
fn id(id: Option<&str>, parameter: &str) -> Result<(), SqsError> {
    let Some(id) = id else { return Ok(()) };
    // Alphanumeric characters and punctuation: ASCII without space and controls.
    let allowed = |byte: u8| byte.is_ascii_graphic();
    if (1..=MOST_ID).contains(&id.len()) && id.bytes().all(allowed) {
        return Ok(());
    }
    let reason = format!(
        "{parameter} can only include alphanumeric and punctuation characters. 1 to {MOST_ID} in length."
    );
    Err(SqsError::parameter(id, parameter, reason))
}

/// A visibility timeout of a request.
///
/// # Errors
///
/// `InvalidParameterValue`.
pub(crate) fn visibility(timeout: Duration) -> Result<u64, SqsError> {
    let seconds = timeout.as_secs();
    if seconds <= MOST_VISIBILITY {
        return Ok(seconds);
    }
    let reason = format!(
        "Total VisibilityTimeout for the message is beyond the limit [{MOST_VISIBILITY} seconds]"
    );
    Err(SqsError::parameter(seconds, "VisibilityTimeout", reason))
}

/// Checks the Ids of the entries of a batch called `entry` in messages.
///
/// # Errors
///
/// `EmptyBatchRequest`, `TooManyEntriesInBatchRequest`, `InvalidBatchEntryId`,
/// `BatchEntryIdsNotDistinct`.
pub(crate) fn batch<'a>(
    entry: &str,
    ids: impl ExactSizeIterator<Item = &'a str> + Clone,
) -> Result<(), SqsError> {
    let count = ids.len();
    if count == 0 {
        return Err(SqsError::new(
            Code::EmptyBatchRequest,
            format!("There should be at least one {entry} in the request."),
        ));
    }
    if count > MOST_ENTRIES {
        return Err(SqsError::new(
            Code::TooManyEntriesInBatchRequest,
            format!(
                "Maximum number of entries per request are {MOST_ENTRIES}. You have sent {count}."
            ),
        ));
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let all = ids.clone();
    for (position, id) in ids.enumerate() {
        if id.is_empty() || id.len() > MOST_ENTRY_ID || !id.bytes().all(allowed) {
            return Err(SqsError::new(
                Code::InvalidBatchEntryId,
                "A batch entry id can only contain alphanumeric characters, hyphens and underscores. \
                 It can be at most 80 letters long.",
            ));
        }
        if all.clone().take(position).any(|before| before == id) {
            return Err(SqsError::new(
                Code::BatchEntryIdsNotDistinct,
                format!("Id {id} repeated."),
            ));
        }
    }
    Ok(())
}

fn invalid(message: impl Into<String>) -> SqsError {
    SqsError::new(Code::InvalidParameterValue, message)
}

#[cfg(test)]
mod tests {
    use super::{contents, is_number};

    #[test]
    fn a_body_has_the_characters_of_the_reference_only() {
        contents("tab\t line\n return\r é \u{fffd} \u{10ffff}").unwrap();
        for body in ["\u{0}", "\u{b}", "\u{fffe}", "\u{ffff}"] {
            contents(body).unwrap_err();
        }
    }

    #[test]
    fn numbers_are_decimal() {
        for number in ["0", "-1.5", "1e3", "+7"] {
            assert!(is_number(number), "{number}");
        }
        for other in ["", "inf", "nan", "0x1", "one"] {
            assert!(!is_number(other), "{other}");
        }
    }
}
