//! The order of sequence numbers.

/// Whether `one` comes after `other`. Sequence numbers are decimals without leading
/// zeros: a longer one is later, and of the same length the greater.
pub(crate) fn is_later(one: &str, other: &str) -> bool {
    (one.len(), one) > (other.len(), other)
}

#[cfg(test)]
mod tests {
    use super::is_later;

    #[test]
    fn sequence_numbers_are_ordered_as_numbers_and_not_as_text() {
        assert!(is_later("10", "9"));
        assert!(is_later("11", "10"));
        assert!(!is_later("10", "10"));
        assert!(!is_later("9", "10"));
    }
}
