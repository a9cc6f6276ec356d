//! Which calls belong to a record: those whose key occurs in its data.

use crate::page::recorder::CallMade;

/// Where keys are looked for.
pub(crate) struct Haystack(String);

impl Haystack {
    pub(crate) fn of(data: &[u8], partition_key: &str) -> Self {
        Self(format!(
            "{partition_key}\n{}",
            String::from_utf8_lossy(data)
        ))
    }

    /// Of several records.
    pub(crate) fn of_all<'a>(records: impl Iterator<Item = (&'a [u8], &'a str)>) -> Self {
        let all = records.map(|(data, partition_key)| Self::of(data, partition_key).0);
        Self(all.collect::<Vec<_>>().join("\n"))
    }

    /// Whether a call's key occurs; of an item that is put, whether one of its values does.
    pub(crate) fn has_call(&self, call: &CallMade) -> bool {
        let writes = !call.cache && call.operation.contains("Put")
            || call.operation == "BatchWriteItem"
            || call.operation == "Query";
        call.keys.iter().any(|key| {
            let mut values = key.iter().map(|value| self.has(value));
            if writes {
                values.any(|has| has)
            } else {
                // A call whose key was not read belongs to nobody.
                !key.is_empty() && values.all(|has| has)
            }
        })
    }

    /// Whether a key occurs as a word, or the last part of a key such as `order:17`.
    fn has(&self, key: &str) -> bool {
        let last = key.rsplit([':', '#', '/', '|']).next().unwrap_or(key);
        self.has_word(key) || (last.len() < key.len() && self.has_word(last))
    }

    fn has_word(&self, word: &str) -> bool {
        if word.is_empty() {
            return false;
        }
        let is_part = |one: char| one.is_alphanumeric();
        self.0.match_indices(word).any(|(start, _)| {
            let before = self.0[..start].chars().next_back();
            let after = self.0[start + word.len()..].chars().next();
            !before.is_some_and(is_part) && !after.is_some_and(is_part)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Haystack;

    #[test]
    fn a_key_occurs_as_a_word_or_by_its_last_part() {
        let record = Haystack::of(br#"{"order":"A-17","customer":9}"#, "k1");
        for key in ["A-17", "k1", "9", "order:A-17", "t#9"] {
            assert!(record.has(key), "{key}");
        }
        for key in ["A-1", "7", "k", "order:18", "", "order:"] {
            assert!(!record.has(key), "{key}");
        }
    }
}
