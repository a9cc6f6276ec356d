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
            || &*call.operation == "BatchWriteItem"
            || &*call.operation == "Query";
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

/// Calls that differ in their times alone. Other records of the batch may have the same key,
/// and which call is of which record is not known: a journey has them as one step.
pub(crate) struct Calls<'a> {
    pub(crate) call: &'a CallMade,
    /// How many they are.
    pub(crate) times: usize,
    /// When the first one began, milliseconds since 1970.
    pub(crate) began: f64,
    /// When the last one ended.
    pub(crate) ended: f64,
}

/// Such calls together, in the order of the first of each.
pub(crate) fn together<'a>(calls: impl Iterator<Item = &'a CallMade>) -> Vec<Calls<'a>> {
    let mut all: Vec<Calls<'_>> = Vec::new();
    for call in calls {
        let began = call.ended - call.duration_ms;
        match all.iter_mut().find(|one| one.call.is_like(call)) {
            Some(like) => {
                like.times += 1;
                like.began = like.began.min(began);
                like.ended = like.ended.max(call.ended);
            }
            None => all.push(Calls {
                call,
                times: 1,
                began,
                ended: call.ended,
            }),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::{CallMade, Haystack, together};

    #[test]
    fn calls_that_differ_in_their_times_alone_are_together() {
        let call = |key: &str, ended, duration_ms| CallMade {
            ended,
            duration_ms,
            cache: true,
            name: "c".into(),
            operation: "Get".into(),
            keys: vec![vec![key.to_owned()]],
            outcome: None,
            ok: true,
        };
        let calls = [
            call("a", 5.0, 2.0),
            call("b", 6.0, 1.0),
            call("a", 9.0, 7.0),
        ];
        let groups = together(calls.iter());
        let seen = groups
            .iter()
            .map(|one| (&*one.call.keys[0][0], one.times, one.began, one.ended));
        assert_eq!(
            seen.collect::<Vec<_>>(),
            [("a", 2, 2.0, 9.0), ("b", 1, 5.0, 6.0)]
        );
    }

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
