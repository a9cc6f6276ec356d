//! What is done to every record: its partition key, its size, and whether it is spoilt.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

/// How records differ from what their source has.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Shape {
    /// A JSON pointer (RFC 6901) to the partition key. Without it, a recorded record keeps
    /// its own key, and any other gets a random one.
    pub partition_key: Option<String>,
    /// Shorter records get this many bytes: spaces after the document, which every JSON
    /// parser skips.
    pub size: usize,
    /// The share of records that are cut in half, 0 to 1: no JSON parser takes them.
    pub malformed: f64,
}

impl Shape {
    /// The partition key of a document, by the pointer.
    pub(crate) fn key_in(pointer: &str, data: &[u8]) -> Option<String> {
        let document: Value = serde_json::from_slice(data).ok()?;
        match document.pointer(pointer)? {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// Pads the data, and spoils it if its turn has come.
    pub(crate) fn apply(&self, data: &mut Vec<u8>, random: &mut ChaCha8Rng) {
        if self.malformed > 0.0 && random.random_bool(self.malformed.min(1.0)) {
            spoil(data);
        }
        if data.len() < self.size {
            data.resize(self.size, b' ');
        }
    }
}

/// A random partition key: spreads records evenly over the shards.
pub(crate) fn random_key(random: &mut ChaCha8Rng) -> String {
    format!("{:016x}", random.random::<u64>())
}

/// Cuts a document in half, so that it is not JSON.
fn spoil(data: &mut Vec<u8>) {
    data.truncate(data.len() / 2);
    // Half of a number may be one too.
    if serde_json::from_slice::<serde::de::IgnoredAny>(data).is_ok() {
        data.insert(0, b'{');
    }
}

#[cfg(test)]
mod tests {
    use super::Shape;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use serde::de::IgnoredAny;

    #[test]
    fn a_malformed_record_is_not_json_and_has_its_size() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let shape = Shape {
            size: 20,
            malformed: 1.0,
            ..Shape::default()
        };
        for document in ["{\"a\":1}", "[1,2]", "1234", "\"text\"", "{}", "1"] {
            let mut data = document.as_bytes().to_vec();
            shape.apply(&mut data, &mut random);
            assert_eq!(data.len(), 20);
            let parsed = serde_json::from_slice::<IgnoredAny>(&data);
            assert!(parsed.is_err(), "{document}");
        }
    }

    #[test]
    fn a_padded_document_is_still_the_same_document() {
        let mut data = b"{\"a\":1}".to_vec();
        let shape = Shape {
            size: 100,
            ..Shape::default()
        };
        shape.apply(&mut data, &mut ChaCha8Rng::seed_from_u64(1));
        assert_eq!(data.len(), 100);
        let document: serde_json::Value = serde_json::from_slice(&data).unwrap();
        assert_eq!(document, serde_json::json!({ "a": 1 }));
        assert_eq!(Shape::key_in("/a", &data).as_deref(), Some("1"));
    }
}
