//! The order in which events of a moment are shown.

use std::{collections::HashMap, sync::Arc};

use time::OffsetDateTime;

use crate::events::{Event, EventKind, InvocationEnded};

/// Puts events in the order of their time. A line that an execution environment wrote
/// before the end of its invocation comes through a pipe and may be read after it: between
/// two invocations an execution environment writes nothing, so that line is shown before
/// the end.
pub(super) fn order(mut events: Vec<Arc<Event>>) -> Vec<Arc<Event>> {
    // Stable: events of the same time keep their order.
    events.sort_by_key(|event| event.time);
    let mut ends: HashMap<(&str, u64), OffsetDateTime> = HashMap::new();
    let keys: Vec<_> = events
        .iter()
        .map(|event| {
            match &event.kind {
                EventKind::InvocationStarted {
                    function,
                    environment,
                    ..
                } => {
                    ends.remove(&(function.as_str(), *environment));
                }
                EventKind::InvocationEnded(InvocationEnded {
                    function,
                    environment: Some(environment),
                    ..
                }) => {
                    ends.insert((function, *environment), event.time);
                }
                EventKind::Log {
                    function,
                    environment,
                    ..
                } => {
                    if let Some(end) = ends.get(&(function.as_str(), *environment)) {
                        return (*end, false);
                    }
                }
                _ => {}
            }
            (event.time, true)
        })
        .collect();
    drop(ends);
    let mut keyed: Vec<_> = keys.into_iter().zip(events).collect();
    keyed.sort_by_key(|(key, _)| *key);
    keyed.into_iter().map(|(_, event)| event).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use time::OffsetDateTime;

    use super::order;
    use crate::events::{Event, EventKind, InvocationEnded, Outcome};

    fn at(time: i64, kind: EventKind) -> Arc<Event> {
        let time = OffsetDateTime::from_unix_timestamp(time).unwrap();
        Arc::new(Event { time, kind })
    }

    fn log(text: &str) -> EventKind {
        EventKind::Log {
            function: "f".to_owned(),
            environment: 1,
            text: text.to_owned(),
        }
    }

    #[test]
    fn a_line_that_was_read_late_comes_before_the_end_of_its_invocation() {
        let started = |request_id: &str| EventKind::InvocationStarted {
            function: "f".to_owned(),
            environment: 1,
            request_id: request_id.to_owned(),
            by_mapping: true,
            trace: String::new(),
        };
        let ended = |request_id: &str| {
            EventKind::InvocationEnded(InvocationEnded {
                function: "f".to_owned(),
                environment: Some(1),
                request_id: request_id.to_owned(),
                by_mapping: true,
                duration_ms: 1.0,
                outcome: Outcome::Ok,
                error: None,
            })
        };
        let expected = vec![
            at(1, started("1")),
            at(2, log("in time")),
            at(4, log("late")),
            at(3, ended("1")),
            at(5, started("2")),
            at(6, log("of the next one")),
        ];
        let mut mixed = expected.clone();
        mixed.swap(0, 5);
        mixed.swap(1, 3);
        assert_eq!(order(mixed), expected);
    }
}
