//! Receipt handles: which receive of which message of which queue.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::error::{Code, SqsError};

/// What a receipt handle says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Receipt {
    pub queue: u64,
    pub index: u64,
    /// How often the message had been received then, in all queues.
    pub receive: u32,
}

impl Receipt {
    /// The handle, 32 characters.
    #[must_use]
    pub(crate) fn handle(self) -> String {
        let mut bytes = Vec::with_capacity(24);
        bytes.extend_from_slice(&self.queue.to_be_bytes());
        bytes.extend_from_slice(&self.index.to_be_bytes());
        bytes.extend_from_slice(&self.receive.to_be_bytes());
        let checksum = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&checksum.to_be_bytes());
        STANDARD.encode(bytes)
    }

    /// Reads the handle of a message of `queue`.
    ///
    /// # Errors
    ///
    /// `ReceiptHandleIsInvalid` for any other text.
    pub(crate) fn parse(handle: &str, queue: u64) -> Result<Self, SqsError> {
        Self::decode(handle)
            .filter(|receipt| receipt.queue == queue)
            .ok_or_else(|| {
                SqsError::new(
                    Code::ReceiptHandleIsInvalid,
                    format!("The input receipt handle \"{handle}\" is not a valid receipt handle."),
                )
            })
    }

    fn decode(handle: &str) -> Option<Self> {
        let bytes = STANDARD.decode(handle).ok()?;
        let (body, checksum) = bytes.split_last_chunk::<4>()?;
        if crc32fast::hash(body).to_be_bytes() != *checksum {
            return None;
        }
        let (queue, body) = body.split_first_chunk::<8>()?;
        let (index, body) = body.split_first_chunk::<8>()?;
        Some(Self {
            queue: u64::from_be_bytes(*queue),
            index: u64::from_be_bytes(*index),
            receive: u32::from_be_bytes(body.try_into().ok()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Receipt;

    #[test]
    fn a_handle_reads_back_in_its_own_queue_only() {
        let receipt = Receipt {
            queue: 7,
            index: 1_763_853_000_123_456,
            receive: 3,
        };
        let handle = receipt.handle();
        assert_eq!(Receipt::parse(&handle, 7), Ok(receipt));
        Receipt::parse(&handle, 8).unwrap_err();
        Receipt::parse(&handle[1..], 7).unwrap_err();
        Receipt::parse("no handle", 7).unwrap_err();
    }
}
