//! Event-stream messages: the framing of the replies of `SubscribeToShard` and
//! `InvokeWithResponseStream`.
//!
//! `total length u32 | headers length u32 | crc32 of both | headers | payload |
//! crc32 of all before`, big-endian (Smithy, "Amazon Event Stream Specification").

/// The content type of a reply that is made of messages.
pub const CONTENT_TYPE: &str = "application/vnd.amazon.eventstream";

/// The type of a string header.
const STRING: u8 = 7;

/// An event called `event_type`, with a body.
#[must_use]
pub fn event(event_type: &str, content_type: &str, payload: &[u8]) -> Vec<u8> {
    let headers = [
        (":message-type", "event"),
        (":event-type", event_type),
        (":content-type", content_type),
    ];
    message(&headers, payload)
}

/// An exception, which ends the stream.
#[must_use]
pub fn exception(code: &str, content_type: &str, payload: &[u8]) -> Vec<u8> {
    let headers = [
        (":message-type", "exception"),
        (":exception-type", code),
        (":content-type", content_type),
    ];
    message(&headers, payload)
}

fn message(headers: &[(&str, &str)], payload: &[u8]) -> Vec<u8> {
    let mut head = Vec::new();
    for (name, value) in headers {
        head.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
        head.extend_from_slice(name.as_bytes());
        head.push(STRING);
        head.extend_from_slice(&u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes());
        head.extend_from_slice(value.as_bytes());
    }
    let total = 16 + head.len() + payload.len();
    let mut message = Vec::with_capacity(total);
    for length in [total, head.len()] {
        message.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
    }
    message.extend_from_slice(&crc32fast::hash(&message).to_be_bytes());
    message.extend_from_slice(&head);
    message.extend_from_slice(payload);
    message.extend_from_slice(&crc32fast::hash(&message).to_be_bytes());
    message
}

#[cfg(test)]
mod tests {
    use super::message;

    #[test]
    fn an_empty_message_is_the_one_of_the_specification() {
        let expected = [
            0, 0, 0, 16, 0, 0, 0, 0, 0x05, 0xc2, 0x48, 0xeb, 0x7d, 0x98, 0xc8, 0xff,
        ];
        assert_eq!(message(&[], &[]), expected);
    }
}
