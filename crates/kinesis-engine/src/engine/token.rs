//! Opaque tokens: shard iterators and page tokens.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Serialize, de::DeserializeOwned};

use crate::error::KinesisError;

/// How long an iterator or a page token is valid, milliseconds (API
/// reference, `GetShardIterator` and `ListShards`: 5 minutes).
pub(crate) const LIFETIME: u64 = 5 * 60 * 1000;

/// Writes `content` as a token with a checksum.
///
/// # Errors
///
/// `InternalFailure` if the content cannot be written.
pub(crate) fn seal<T: Serialize>(content: &T) -> Result<String, KinesisError> {
    let mut bytes = vec![0; 4];
    serde_json::to_writer(&mut bytes, content)
        .map_err(|error| KinesisError::Internal(format!("a token cannot be written: {error}")))?;
    let checksum = crc32fast::hash(bytes.get(4..).unwrap_or_default());
    for (field, byte) in bytes.iter_mut().zip(checksum.to_be_bytes()) {
        *field = byte;
    }
    Ok(STANDARD.encode(bytes))
}

/// Reads a token that [`seal`] has written; `None` for anything else.
#[must_use]
pub(crate) fn unseal<T: DeserializeOwned>(token: &str) -> Option<T> {
    let bytes = STANDARD.decode(token).ok()?;
    let (checksum, content) = bytes.split_first_chunk::<4>()?;
    if crc32fast::hash(content).to_be_bytes() != *checksum {
        return None;
    }
    serde_json::from_slice(content).ok()
}

#[cfg(test)]
mod tests {
    use super::{seal, unseal};

    #[test]
    fn a_token_reads_back_and_a_damaged_one_does_not() {
        let token = seal(&("orders", 7)).unwrap();
        assert_eq!(
            unseal::<(String, u64)>(&token),
            Some(("orders".to_owned(), 7))
        );
        let damaged = token.replacen('A', "B", 1);
        for wrong in [
            "",
            "AAAA",
            "not base64!",
            &token[4..],
            &format!("{damaged}AAAA"),
        ] {
            assert_eq!(unseal::<(String, u64)>(wrong), None, "{wrong}");
        }
    }
}
