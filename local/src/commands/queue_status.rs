//! The mappings of queues in `klocal status`.

use std::fmt::Write;

use event_source_mapping::queue::status::QueueStatus;

use super::{status::short, table};

/// The mappings for a terminal of `width` columns: columns without a count are left out
/// where there is no room.
pub(super) fn describe(queues: &[QueueStatus], width: Option<usize>) -> String {
    let mut text = String::new();
    for queue in queues {
        let state = queue.state.as_deref().filter(|state| *state != "Enabled");
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{}: {} → {}{}",
            queue.name,
            short(&queue.queue_arn),
            short(&queue.function),
            state.map_or_else(String::new, |state| format!(" ({})", state.to_lowercase()))
        );
        text.push_str(&table::fit(&rows(queue), width));
        if let Some(error) = &queue.last_error {
            let _ = writeln!(text, "  last error: {error}");
        }
        if let Some(waiting) = &queue.waiting_for {
            let _ = writeln!(text, "  waits for {waiting}");
        }
    }
    text
}

fn rows(queue: &QueueStatus) -> [[String; 12]; 2] {
    let numbers = [
        ("received", queue.received),
        ("batches", queue.batches),
        ("invoked", queue.invoked),
        ("deleted", queue.deleted),
        ("filtered", queue.filtered),
        ("returned", queue.returned),
        ("in flight", queue.in_flight),
        ("waiting", queue.waiting),
        ("visible", queue.visible),
        ("not visible", queue.not_visible),
        ("delayed", queue.delayed),
        ("back-off ms", queue.back_off_ms),
    ];
    [
        numbers.map(|(name, _)| name.to_owned()),
        numbers.map(|(_, number)| number.to_string()),
    ]
}

#[cfg(test)]
mod tests {
    use super::describe;
    use event_source_mapping::queue::status::QueueStatus;

    #[test]
    fn a_status_is_a_line_of_counts_and_the_last_error() {
        let status = QueueStatus {
            name: "Second".into(),
            function: "arn:aws:lambda:us-east-1:000000000000:function:f".into(),
            queue_arn: "arn:aws:sqs:us-east-1:000000000000:q".into(),
            received: 12,
            batches: 2,
            invoked: 12,
            deleted: 11,
            returned: 1,
            not_visible: 1,
            last_error: Some("E: it fails".into()),
            ..QueueStatus::default()
        };
        let expected = "\
Second: q → f
  received  batches  invoked  deleted  filtered  returned  in flight  waiting  visible  not visible  delayed  back-off ms
  12        2        12       11       0         1         0          0        0        1            0        0
  last error: E: it fails
";
        assert_eq!(describe(&[status], None), expected);
    }
}
