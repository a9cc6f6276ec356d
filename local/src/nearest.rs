//! "Did you mean": one way to suggest a name, for every file that a user writes.

/// The name among `known` that is most like `name`, if any is like it.
pub fn nearest<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let lower = name.to_lowercase();
    known
        .into_iter()
        .map(|known| {
            let likeness = strsim::normalized_damerau_levenshtein(&lower, &known.to_lowercase());
            (likeness, known)
        })
        .filter(|(likeness, _)| *likeness > 0.5)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, known)| known)
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
        assert_eq!(nearest("x", ["Variables"]), None);
    }

    #[test]
    fn every_name_is_listed_when_none_is_near() {
        assert_eq!(suggestion("x", &["Ref", "Sub"]), "expected one of Ref, Sub");
    }
}
