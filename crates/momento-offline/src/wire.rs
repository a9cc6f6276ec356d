//! gRPC framing: a flag byte and a length before each message.

use super::status::{Code, Status};

/// Bytes before a message: one of flags and four of length.
const PREFIX: usize = 5;

/// The message in the body of a unary call.
///
/// # Errors
///
/// The body is not a frame, is compressed, or is truncated.
pub(crate) fn unframe(body: &[u8]) -> Result<&[u8], Status> {
    let broken = |what: &str| Status::new(Code::Internal, format!("gRPC frame: {what}"));
    let Some((prefix, message)) = body.split_at_checked(PREFIX) else {
        return Err(broken("shorter than its prefix"));
    };
    if prefix[0] != 0 {
        return Err(broken(
            "compressed, although compression was not negotiated",
        ));
    }
    let length = u32::from_be_bytes([prefix[1], prefix[2], prefix[3], prefix[4]]) as usize;
    message
        .get(..length)
        .ok_or_else(|| broken("shorter than its length field"))
}

/// Frames `messages` as the body of a reply, in order.
#[must_use]
pub(crate) fn frame(messages: &[Vec<u8>]) -> Vec<u8> {
    let length = messages.iter().map(|message| PREFIX + message.len()).sum();
    let mut body = Vec::with_capacity(length);
    for message in messages {
        // Messages here stay far below the format's limit of 4 GiB.
        let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
        body.push(0);
        body.extend(length.to_be_bytes());
        body.extend(message);
    }
    body
}

#[cfg(test)]
mod tests {
    use super::{frame, unframe};

    #[test]
    fn a_framed_message_is_unframed_unchanged() {
        assert_eq!(unframe(&frame(&[b"message".to_vec()])).unwrap(), b"message");
        assert_eq!(unframe(&frame(&[Vec::new()])).unwrap(), b"");
    }

    #[test]
    fn a_broken_frame_is_refused_without_reading_past_its_end() {
        for body in [&b""[..], &[0, 0, 0], &[0, 0, 0, 0, 9, 1], &[1, 0, 0, 0, 0]] {
            assert!(unframe(body).is_err(), "{body:?}");
        }
    }
}
