//! Text for logs and the status, which have one line for each error.

/// Characters of a line; the rest is cut off.
const LONGEST: usize = 200;

/// The first line of `text` that holds anything, cut at 200 characters.
pub(crate) fn one_line(text: &str) -> String {
    let mut lines = text.lines().map(str::trim);
    let line = lines.find(|line| !line.is_empty()).unwrap_or_default();
    match line.char_indices().nth(LONGEST) {
        None => line.to_owned(),
        Some((end, _)) => format!("{}…", &line[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::one_line;

    #[test]
    fn a_long_text_is_cut_to_one_line() {
        assert_eq!(one_line("\n first \nsecond"), "first");
        assert_eq!(one_line(&"é".repeat(300)).chars().count(), 201);
        assert_eq!(one_line(""), "");
    }
}
