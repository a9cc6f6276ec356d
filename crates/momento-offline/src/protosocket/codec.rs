//! Length-delimited protobuf messages.
//!
//! Not `protosocket-prost`: it logs each message, the API key of `Auth` included, and
//! keeps buffers as large as the largest reply.

use bytes::{Buf, Bytes, BytesMut};
use momento_protos::protosocket::cache::{CacheCommand, CacheResponse};
use prost::Message;
use protosocket::{Codec, Decoder, DeserializeError, Encoder};

/// Longest length prefix, bytes: a 64-bit integer in groups of seven bits.
const MAX_PREFIX: usize = 10;

/// Decodes commands and encodes responses.
#[derive(Debug)]
pub(super) struct Messages;

impl Codec for Messages {}

impl Decoder for Messages {
    type Message = CacheCommand;

    fn decode(&mut self, mut buffer: impl Buf) -> Result<(usize, CacheCommand), DeserializeError> {
        let available = buffer.remaining();
        let Ok(length) = prost::decode_length_delimiter(&mut buffer) else {
            return Err(if available < MAX_PREFIX {
                DeserializeError::IncompleteBuffer {
                    next_message_size: available + 1,
                }
            } else {
                DeserializeError::InvalidBuffer
            });
        };
        let framed = (available - buffer.remaining()).saturating_add(length);
        if available < framed {
            return Err(DeserializeError::IncompleteBuffer {
                next_message_size: framed,
            });
        }
        let command = CacheCommand::decode(buffer.take(length));
        let command = command.map_err(|_| DeserializeError::InvalidBuffer)?;
        Ok((framed, command))
    }
}

impl Encoder for Messages {
    type Message = CacheResponse;
    type Serialized = Bytes;

    fn encode(&mut self, response: CacheResponse) -> Bytes {
        let mut buffer = BytesMut::with_capacity(response.encoded_len() + MAX_PREFIX);
        // Cannot fail: the buffer grows.
        let _ = response.encode_length_delimited(&mut buffer);
        buffer.freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::Messages;
    use momento_protos::protosocket::cache::CacheCommand;
    use prost::Message;
    use protosocket::{Decoder, DeserializeError};

    #[test]
    fn a_command_is_decoded_once_it_is_complete() {
        let command = CacheCommand {
            message_id: u64::MAX,
            ..CacheCommand::default()
        };
        let bytes = command.encode_length_delimited_to_vec();
        for end in 0..bytes.len() {
            let decoded = Messages.decode(&bytes[..end]);
            assert!(
                matches!(decoded, Err(DeserializeError::IncompleteBuffer { next_message_size }) if next_message_size > end),
                "{end} bytes"
            );
        }
        let followed = [&bytes[..], &[1, 2]].concat();
        let (length, decoded) = Messages.decode(&followed[..]).unwrap();
        assert_eq!((length, decoded), (bytes.len(), command));
    }

    #[test]
    fn broken_bytes_are_refused() {
        for bytes in [&[255; 11][..], &[1, 255], &[3, 80, 255, 255]] {
            let decoded = Messages.decode(bytes);
            let Err(DeserializeError::InvalidBuffer) = decoded else {
                panic!("{bytes:?}: {decoded:?}");
            };
        }
    }
}
