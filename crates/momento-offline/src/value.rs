//! Values of items: a scalar, or one of the four collections.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet, VecDeque},
};

use super::status::{Code, Status};

/// Bytes of a key or value.
pub(crate) type Blob = Vec<u8>;

/// An item's value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// Plain bytes.
    Scalar(Blob),
    /// Values by field.
    Dictionary(Dictionary),
    /// Distinct elements.
    Set(Set),
    /// Values with scores.
    SortedSet(SortedSet),
    /// Values in order.
    List(List),
}

impl Value {
    /// Size, bytes, as it counts against a cache's capacity.
    #[must_use]
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Scalar(value) => value.len(),
            Self::Dictionary(dictionary) => dictionary.bytes,
            Self::Set(set) => set.bytes,
            Self::SortedSet(set) => set.bytes,
            Self::List(list) => list.bytes,
        }
    }

    /// Name of the value's type, for messages.
    #[must_use]
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Scalar(_) => Blob::KIND,
            Self::Dictionary(_) => Dictionary::KIND,
            Self::Set(_) => Set::KIND,
            Self::SortedSet(_) => SortedSet::KIND,
            Self::List(_) => List::KIND,
        }
    }

    /// The value as a `K`.
    ///
    /// # Errors
    ///
    /// The value is of another type.
    pub(crate) fn expect<K: Kind>(&mut self) -> Result<&mut K, Status> {
        let held = self.kind();
        K::of(self).ok_or_else(|| {
            let what = format!("the item is a {held}; the call expects a {}", K::KIND);
            Status::new(Code::FailedPrecondition, what)
        })
    }
}

/// A type of value.
pub(crate) trait Kind: Default {
    /// Name of the type.
    const KIND: &'static str;

    /// The value, if it is of this type.
    fn of(value: &mut Value) -> Option<&mut Self>;

    /// Wraps it as an item's value.
    fn into_value(self) -> Value;

    /// Whether it is an empty collection, which the cache removes.
    fn is_gone(&self) -> bool;
}

macro_rules! kind {
    ($type:ty, $variant:ident, $name:literal, $gone:expr) => {
        impl Kind for $type {
            const KIND: &'static str = $name;

            fn of(value: &mut Value) -> Option<&mut Self> {
                match value {
                    Value::$variant(inner) => Some(inner),
                    _ => None,
                }
            }

            fn into_value(self) -> Value {
                Value::$variant(self)
            }

            fn is_gone(&self) -> bool {
                let gone: fn(&Self) -> bool = $gone;
                gone(self)
            }
        }
    };
}

kind!(Blob, Scalar, "scalar", |_| false);
kind!(Dictionary, Dictionary, "dictionary", |d| d
    .fields
    .is_empty());
kind!(Set, Set, "set", |s| s.elements.is_empty());
kind!(SortedSet, SortedSet, "sorted set", |s| s.scores.is_empty());
kind!(List, List, "list", |l| l.values.is_empty());

/// A dictionary: values by field.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Dictionary {
    fields: BTreeMap<Blob, Blob>,
    bytes: usize,
}

impl Dictionary {
    /// Sets a field.
    pub(crate) fn insert(&mut self, field: Blob, value: Blob) {
        let key = field.len();
        self.bytes += key + value.len();
        if let Some(old) = self.fields.insert(field, value) {
            self.bytes -= key + old.len();
        }
    }

    /// Removes a field.
    pub(crate) fn remove(&mut self, field: &[u8]) {
        if let Some(old) = self.fields.remove(field) {
            self.bytes -= field.len() + old.len();
        }
    }

    /// The value of a field.
    #[must_use]
    pub(crate) fn get(&self, field: &[u8]) -> Option<&Blob> {
        self.fields.get(field)
    }

    /// All fields.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Blob, &Blob)> {
        self.fields.iter()
    }

    /// Number of fields.
    #[must_use]
    pub(crate) fn len(&self) -> usize {
        self.fields.len()
    }
}

/// A set: distinct elements.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Set {
    elements: BTreeSet<Blob>,
    bytes: usize,
}

impl Set {
    /// Adds an element.
    pub(crate) fn insert(&mut self, element: Blob) {
        let bytes = element.len();
        if self.elements.insert(element) {
            self.bytes += bytes;
        }
    }

    /// Removes an element.
    pub(crate) fn remove(&mut self, element: &[u8]) {
        if self.elements.remove(element) {
            self.bytes -= element.len();
        }
    }

    /// Whether the set has this element.
    #[must_use]
    pub(crate) fn contains(&self, element: &[u8]) -> bool {
        self.elements.contains(element)
    }

    /// All elements.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Blob> {
        self.elements.iter()
    }

    /// Number of elements.
    #[must_use]
    pub(crate) fn len(&self) -> usize {
        self.elements.len()
    }
}

/// A score, ordered. Never NaN.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Score(f64);

impl Eq for Score {}

impl Ord for Score {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Score {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A sorted set: values by score, equal scores by the values' bytes.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct SortedSet {
    scores: BTreeMap<Blob, f64>,
    order: BTreeSet<(Score, Blob)>,
    bytes: usize,
}

impl SortedSet {
    /// Sets the score of a value.
    ///
    /// # Errors
    ///
    /// The score is not a number.
    pub(crate) fn insert(&mut self, value: Blob, score: f64) -> Result<(), Status> {
        if score.is_nan() {
            return Err(Status::invalid("a score is not a number"));
        }
        // Negative zero equals zero.
        let score = if score == 0.0 { 0.0 } else { score };
        self.remove(&value);
        self.bytes += value.len() + size_of::<f64>();
        self.order.insert((Score(score), value.clone()));
        self.scores.insert(value, score);
        Ok(())
    }

    /// Removes a value.
    pub(crate) fn remove(&mut self, value: &[u8]) {
        if let Some((value, score)) = self.scores.remove_entry(value) {
            self.bytes -= value.len() + size_of::<f64>();
            self.order.remove(&(Score(score), value));
        }
    }

    /// The score of a value.
    #[must_use]
    pub(crate) fn score(&self, value: &[u8]) -> Option<f64> {
        self.scores.get(value).copied()
    }

    /// Rank of a value: the number of values before it.
    #[must_use]
    pub(crate) fn rank(&self, value: &[u8]) -> Option<usize> {
        let score = self.score(value)?;
        Some(self.order.range(..(Score(score), value.to_vec())).count())
    }

    /// All values, lowest score first.
    #[must_use]
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (&Blob, f64)> {
        self.order.iter().map(|(score, value)| (value, score.0))
    }

    /// Number of values.
    #[must_use]
    pub(crate) fn len(&self) -> usize {
        self.scores.len()
    }

    /// Whether it is empty.
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        self.scores.is_empty()
    }
}

/// A list: values in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct List {
    values: VecDeque<Blob>,
    bytes: usize,
}

impl List {
    /// Adds a value at the front.
    pub(crate) fn push_front(&mut self, value: Blob) {
        self.bytes += value.len();
        self.values.push_front(value);
    }

    /// Adds a value at the back.
    pub(crate) fn push_back(&mut self, value: Blob) {
        self.bytes += value.len();
        self.values.push_back(value);
    }

    /// Removes the first value.
    pub(crate) fn pop_front(&mut self) -> Option<Blob> {
        let value = self.values.pop_front()?;
        self.bytes -= value.len();
        Some(value)
    }

    /// Removes the last value.
    pub(crate) fn pop_back(&mut self) -> Option<Blob> {
        let value = self.values.pop_back()?;
        self.bytes -= value.len();
        Some(value)
    }

    /// Removes the values for which `keep`, given index and value, is false.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(usize, &Blob) -> bool) {
        let mut index = 0;
        self.values.retain(|value| {
            index += 1;
            keep(index - 1, value)
        });
        self.bytes = self.values.iter().map(Vec::len).sum();
    }

    /// All values, from the front.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Blob> {
        self.values.iter()
    }

    /// Number of values.
    #[must_use]
    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }
}

#[cfg(test)]
mod tests {
    use super::{Dictionary, List, Set, SortedSet};

    #[test]
    fn the_size_of_a_collection_follows_its_elements() {
        let mut dictionary = Dictionary::default();
        dictionary.insert(b"field".to_vec(), b"value".to_vec());
        dictionary.insert(b"field".to_vec(), b"v".to_vec());
        assert_eq!(dictionary.bytes, 6);
        dictionary.remove(b"field");
        dictionary.remove(b"field");
        assert_eq!(dictionary.bytes, 0);

        let mut set = Set::default();
        set.insert(b"ab".to_vec());
        set.insert(b"ab".to_vec());
        assert_eq!(set.bytes, 2);
        set.remove(b"ab");
        set.remove(b"ab");
        assert_eq!(set.bytes, 0);

        let mut list = List::default();
        list.push_back(b"ab".to_vec());
        list.push_front(b"c".to_vec());
        list.retain(|position, _| position == 0);
        assert_eq!(list.bytes, 1);
        list.pop_back();
        assert_eq!(list.bytes, 0);
    }

    #[test]
    fn a_sorted_set_keeps_one_score_for_each_value_and_ranks_by_it() {
        let mut set = SortedSet::default();
        for (value, score) in [("b", 2.0), ("a", 2.0), ("c", -1.0), ("b", -0.0), ("b", 9.0)] {
            set.insert(value.into(), score).unwrap();
        }
        assert_eq!(set.bytes, 3 * 9);
        let ranks = ["c", "a", "b"].map(|value| set.rank(value.as_bytes()));
        assert_eq!(ranks, [Some(0), Some(1), Some(2)]);
        assert_eq!(set.rank(b"d"), None);
        assert!(set.insert(b"d".to_vec(), f64::NAN).is_err());
    }
}
