//! Columns for people.

use std::fmt::Write;

/// Rows as aligned columns, each line indented by two.
#[must_use]
pub fn render<const N: usize>(rows: &[[String; N]]) -> String {
    fit(rows, None)
}

/// As [`render`]. Where that is wider than `width`, columns in which every cell below the
/// heading is `0` or `-` are left out, the last one first.
#[must_use]
pub fn fit<const N: usize>(rows: &[[String; N]], width: Option<usize>) -> String {
    let mut rows: Vec<Vec<&str>> = rows
        .iter()
        .map(|row| row.iter().map(String::as_str).collect())
        .collect();
    let widest = |rows: &[Vec<&str>]| {
        let widths = columns(rows).into_iter();
        widths.map(|column| column + 2).sum::<usize>()
    };
    while width.is_some_and(|width| widest(&rows) > width) {
        let is_empty = |column: &usize| {
            let mut cells = rows.iter().skip(1).map(|row| row[*column]);
            cells.all(|cell| cell == "0" || cell == "-")
        };
        let columns = rows.first().map_or(0, Vec::len);
        let Some(column) = (1..columns).rev().find(is_empty) else {
            break;
        };
        for row in &mut rows {
            row.remove(column);
        }
    }
    aligned(&rows)
}

/// The width of each column.
fn columns(rows: &[Vec<&str>]) -> Vec<usize> {
    let count = rows.first().map_or(0, Vec::len);
    let cells = |column: usize| {
        rows.iter()
            .map(move |row: &Vec<&str>| row[column].chars().count())
    };
    (0..count)
        .map(|column| cells(column).max().unwrap_or(0))
        .collect()
}

fn aligned(rows: &[Vec<&str>]) -> String {
    let widths = columns(rows);
    let mut text = String::new();
    for row in rows {
        let mut line = String::from(" ");
        for (cell, width) in row.iter().zip(&widths) {
            // Writing to a string cannot fail.
            let _ = write!(line, " {cell:<width$} ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{fit, render};

    #[test]
    fn columns_without_a_count_are_left_out_where_there_is_no_room() {
        let rows = [
            ["shard", "records", "retries", "pending"],
            ["0", "12", "0", "3"],
        ];
        let rows = rows.map(|row| row.map(str::to_owned));
        assert_eq!(fit(&rows, Some(80)), render(&rows));
        assert_eq!(
            fit(&rows, Some(28)),
            "  shard  records  pending\n  0      12       3\n"
        );
        assert!(fit(&rows, Some(5)).contains("records"), "counts are kept");
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["a", "bb"], ["ccc", "d"]].map(|row| row.map(str::to_owned));
        assert_eq!(render(&rows), "  a    bb\n  ccc  d\n");
    }
}
