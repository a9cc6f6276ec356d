//! What an item holds: a scalar, or one of the four collections.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet, VecDeque},
};

use super::status::{Code, Status};

/// Bytes as the protocol carries them.
pub type Blob = Vec<u8>;

/// An item's value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Bytes.
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
    /// The bytes that count against a cache's capacity.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match self {
            Self::Scalar(value) => value.len(),
            Self::Dictionary(dictionary) => dictionary.bytes,
            Self::Set(set) => set.bytes,
            Self::SortedSet(set) => set.bytes,
            Self::List(list) => list.bytes,
        }
    }

    /// The name of its type, for messages.
    #[must_use]
    pub fn kind(&self) -> &'static str {
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
    /// It is something else.
    pub fn expect<K: Kind>(&mut self) -> Result<&mut K, Status> {
        let held = self.kind();
        K::of(self).ok_or_else(|| {
            let what = format!("the item is a {held}, and the call is for a {}", K::KIND);
            Status::new(Code::FailedPrecondition, what)
        })
    }
}

/// One of the types of items.
pub trait Kind: Default {
    /// Its name.
    const KIND: &'static str;

    /// The value, if it is of this type.
    fn of(value: &mut Value) -> Option<&mut Self>;

    /// As an item's value.
    fn into_value(self) -> Value;

    /// A collection without elements is none: it is removed.
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
pub struct Dictionary {
    fields: BTreeMap<Blob, Blob>,
    bytes: usize,
}

impl Dictionary {
    /// Sets a field.
    pub fn insert(&mut self, field: Blob, value: Blob) {
        let key = field.len();
        self.bytes += key + value.len();
        if let Some(old) = self.fields.insert(field, value) {
            self.bytes -= key + old.len();
        }
    }

    /// Removes a field.
    pub fn remove(&mut self, field: &[u8]) {
        if let Some(old) = self.fields.remove(field) {
            self.bytes -= field.len() + old.len();
        }
    }

    /// The value of a field.
    #[must_use]
    pub fn get(&self, field: &[u8]) -> Option<&Blob> {
        self.fields.get(field)
    }

    /// All fields.
    pub fn iter(&self) -> impl Iterator<Item = (&Blob, &Blob)> {
        self.fields.iter()
    }

    /// How many fields there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }
}

/// A set: distinct elements.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Set {
    elements: BTreeSet<Blob>,
    bytes: usize,
}

impl Set {
    /// Adds an element.
    pub fn insert(&mut self, element: Blob) {
        let bytes = element.len();
        if self.elements.insert(element) {
            self.bytes += bytes;
        }
    }

    /// Removes an element.
    pub fn remove(&mut self, element: &[u8]) {
        if self.elements.remove(element) {
            self.bytes -= element.len();
        }
    }

    /// Whether it is in the set.
    #[must_use]
    pub fn contains(&self, element: &[u8]) -> bool {
        self.elements.contains(element)
    }

    /// All elements.
    pub fn iter(&self) -> impl Iterator<Item = &Blob> {
        self.elements.iter()
    }

    /// Keeps what `keep` says.
    pub fn retain(&mut self, keep: impl FnMut(&Blob) -> bool) {
        self.elements.retain(keep);
        self.bytes = self.elements.iter().map(Vec::len).sum();
    }

    /// How many elements there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.elements.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }
}

/// A score that sorts: never NaN.
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

/// A sorted set: values by score, those of one score by their bytes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SortedSet {
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
    pub fn insert(&mut self, value: Blob, score: f64) -> Result<(), Status> {
        if score.is_nan() {
            return Err(Status::invalid("a score is not a number"));
        }
        // Both zeros are one score.
        let score = if score == 0.0 { 0.0 } else { score };
        self.remove(&value);
        self.bytes += value.len() + size_of::<f64>();
        self.order.insert((Score(score), value.clone()));
        self.scores.insert(value, score);
        Ok(())
    }

    /// Removes a value.
    pub fn remove(&mut self, value: &[u8]) {
        if let Some((value, score)) = self.scores.remove_entry(value) {
            self.bytes -= value.len() + size_of::<f64>();
            self.order.remove(&(Score(score), value));
        }
    }

    /// The score of a value.
    #[must_use]
    pub fn score(&self, value: &[u8]) -> Option<f64> {
        self.scores.get(value).copied()
    }

    /// How many values come before this one.
    #[must_use]
    pub fn rank(&self, value: &[u8]) -> Option<usize> {
        let score = self.score(value)?;
        Some(self.order.range(..(Score(score), value.to_vec())).count())
    }

    /// All values, lowest score first.
    #[must_use]
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&Blob, f64)> {
        self.order.iter().map(|(score, value)| (value, score.0))
    }

    /// How many values there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.scores.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.scores.is_empty()
    }
}

/// A list: values in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct List {
    values: VecDeque<Blob>,
    bytes: usize,
}

impl List {
    /// Adds at the front.
    pub fn push_front(&mut self, value: Blob) {
        self.bytes += value.len();
        self.values.push_front(value);
    }

    /// Adds at the back.
    pub fn push_back(&mut self, value: Blob) {
        self.bytes += value.len();
        self.values.push_back(value);
    }

    /// Takes from the front.
    pub fn pop_front(&mut self) -> Option<Blob> {
        let value = self.values.pop_front()?;
        self.bytes -= value.len();
        Some(value)
    }

    /// Takes from the back.
    pub fn pop_back(&mut self) -> Option<Blob> {
        let value = self.values.pop_back()?;
        self.bytes -= value.len();
        Some(value)
    }

    /// Keeps what `keep` says of a position and its value.
    pub fn retain(&mut self, mut keep: impl FnMut(usize, &Blob) -> bool) {
        let mut position = 0;
        self.values.retain(|value| {
            position += 1;
            keep(position - 1, value)
        });
        self.bytes = self.values.iter().map(Vec::len).sum();
    }

    /// All values, from the front.
    pub fn iter(&self) -> impl Iterator<Item = &Blob> {
        self.values.iter()
    }

    /// How many values there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::{Dictionary, List, Set, SortedSet};

    #[test]
    fn the_bytes_of_a_collection_are_those_that_it_holds() {
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
        set.retain(|_| false);
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
    fn a_value_has_one_score_and_ranks_by_it() {
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
