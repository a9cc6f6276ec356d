//! Changes of bytes.

use proptest::{collection::vec, prelude::*, sample::Index};

/// One change of some bytes.
#[derive(Debug, Clone)]
pub enum Change {
    Set(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    Repeat(Index, usize),
    Truncate(Index),
}

/// A few changes.
pub fn changes() -> impl Strategy<Value = Vec<Change>> {
    let change = prop_oneof![
        4 => (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Change::Set(at, byte)),
        2 => (any::<Index>(), vec(any::<u8>(), 1..9)).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        2 => (any::<Index>(), 1_usize..40).prop_map(|(at, length)| Change::Remove(at, length)),
        1 => (any::<Index>(), 1_usize..400).prop_map(|(at, length)| Change::Repeat(at, length)),
        1 => any::<Index>().prop_map(Change::Truncate),
    ];
    vec(change, 0..5)
}

/// `bytes` after `changes`.
pub fn changed(mut bytes: Vec<u8>, changes: &[Change]) -> Vec<u8> {
    for change in changes {
        if bytes.is_empty() {
            break;
        }
        let length = bytes.len();
        let span = |at: &Index, most: usize| {
            let start = at.index(length);
            start..(start + most).min(length)
        };
        match change {
            Change::Set(at, byte) => bytes[at.index(length)] = *byte,
            Change::Insert(at, more) => {
                let at = at.index(length);
                bytes.splice(at..at, more.iter().copied());
            }
            Change::Remove(at, most) => {
                bytes.drain(span(at, *most));
            }
            Change::Repeat(at, most) => {
                let repeated = bytes[span(at, *most)].to_vec();
                let at = at.index(length);
                bytes.splice(at..at, repeated);
            }
            Change::Truncate(at) => bytes.truncate(at.index(length)),
        }
    }
    bytes
}
