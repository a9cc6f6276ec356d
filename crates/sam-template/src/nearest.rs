//! "Did you mean": one way to suggest a name, for every file that a user writes.

/// The name among `known` that is most like `name`, if any is like it.
#[must_use]
pub fn nearest<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let lower = name.to_lowercase();
    known
        .into_iter()
        .map(|known| (likeness(&lower, &known.to_lowercase()), known))
        .filter(|(likeness, _)| *likeness > 0.5)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, known)| known)
}

/// From 0 to 1. A name that another one begins or ends with is like it, however long that
/// is: `Mode` and `StreamMode`.
fn likeness(one: &str, other: &str) -> f64 {
    const LEAST: usize = 4;
    let edits = strsim::normalized_damerau_levenshtein(one, other);
    let part = one.len() >= LEAST && (other.starts_with(one) || other.ends_with(one));
    if part { edits.max(0.6) } else { edits }
}

/// The end of a message about `name`: the nearest of `known`, or else all of them.
#[must_use]
pub fn suggestion(name: &str, known: &[&str]) -> String {
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("expected one of {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::{nearest, suggestion};

    #[test]
    fn the_nearest_name_is_suggested_whatever_its_case() {
        assert_eq!(
            nearest("ONDEMAND", ["PROVISIONED", "ON_DEMAND"]),
            Some("ON_DEMAND")
        );
        assert_eq!(nearest("variables", ["Variables"]), Some("Variables"));
        assert_eq!(nearest("Mode", ["StreamMode", "Name"]), Some("StreamMode"));
        assert_eq!(nearest("x", ["Variables"]), None);
    }

    #[test]
    fn every_name_is_listed_when_none_is_near() {
        assert_eq!(suggestion("x", &["Ref", "Sub"]), "expected one of Ref, Sub");
    }
}
