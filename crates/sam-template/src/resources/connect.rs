//! Joins mappings to their functions and sources.

use std::collections::BTreeMap;

use event_source_mapping::queue::context::is_fifo;

use super::event_source_mapping::Connection;
use crate::{
    Problem,
    environment::{Environment, Mapping, Queue, QueueMapping, Stream},
    nearest::nearest,
    scope::Scope,
};

/// The visibility timeout of a queue without one, seconds (`CreateQueue`).
const VISIBILITY_TIMEOUT: u64 = 30;

/// Adds the mappings, whose functions the template has to have. A stream or queue of
/// another stack is created here, an on-failure destination too.
pub(super) fn connect(
    connections: Vec<(usize, Connection)>,
    environment: &mut Environment,
    scope: &Scope,
) -> Result<(), Problem> {
    for (line, connection) in connections {
        match connection {
            Connection::Stream(mapping) => {
                check_function(&mapping.logical_id, &mapping.function, line, environment)?;
                add_stream(&mapping, environment, scope);
                let destination = mapping.settings.on_failure.as_deref();
                if let Some(queue) = destination.and_then(queue_of) {
                    add_queue(queue, environment, scope);
                }
                environment.mappings.push(mapping);
            }
            Connection::Queue(mapping) => {
                check_function(&mapping.logical_id, &mapping.function, line, environment)?;
                add_queue(&mapping.queue, environment, scope);
                check_timeouts(&mapping, line, environment)?;
                environment.queue_mappings.push(mapping);
            }
        }
    }
    Ok(())
}

fn check_function(
    logical_id: &str,
    function: &str,
    line: usize,
    environment: &Environment,
) -> Result<(), Problem> {
    let mut known = environment.functions.iter().map(|one| one.name.as_str());
    if known.clone().any(|one| one == function) {
        return Ok(());
    }
    let mut what = format!("{logical_id}: the template has no function {function}");
    if let Some(near) = nearest(function, known.by_ref()) {
        what = format!("{what}; did you mean {near}?");
    }
    Err(Problem::at(line, what))
}

fn add_stream(mapping: &Mapping, environment: &mut Environment, scope: &Scope) {
    let stream = &mapping.stream;
    if environment.streams.iter().any(|one| one.name == *stream) {
        return;
    }
    scope.notes.borrow_mut().add(
        "the template does not create the stream: one with one shard is created here",
        &format!("stream {stream}"),
    );
    environment.streams.push(Stream {
        name: stream.clone(),
        shards: Some(1),
        retention_hours: 24,
    });
}

/// The name in the ARN of a queue; `None` for the ARN of another service.
fn queue_of(arn: &str) -> Option<&str> {
    let mut parts = arn.split(':').skip(2);
    let (service, name) = (parts.next()?, parts.nth(2)?);
    (service == "sqs").then_some(name)
}

fn add_queue(queue: &str, environment: &mut Environment, scope: &Scope) {
    if environment.queues.iter().any(|one| one.name == queue) {
        return;
    }
    scope.notes.borrow_mut().add(
        "the template does not create the queue: one with default attributes is created here",
        &format!("queue {queue}"),
    );
    let fifo = is_fifo(queue).then(|| ("FifoQueue".to_owned(), "true".to_owned()));
    environment.queues.push(Queue {
        logical_id: queue.to_owned(),
        name: queue.to_owned(),
        attributes: fifo.into_iter().collect::<BTreeMap<_, _>>(),
    });
}

/// Lambda refuses a mapping whose queue makes a message visible again before the function
/// has to have finished ("Configuring an Amazon SQS queue to use with Lambda").
fn check_timeouts(
    mapping: &QueueMapping,
    line: usize,
    environment: &Environment,
) -> Result<(), Problem> {
    let queue = environment
        .queues
        .iter()
        .find(|one| one.name == mapping.queue);
    let visibility = queue.and_then(|queue| queue.attributes.get("VisibilityTimeout"));
    let visibility = visibility.and_then(|seconds| seconds.parse().ok());
    let visibility = visibility.unwrap_or(VISIBILITY_TIMEOUT);
    let mut functions = environment.functions.iter();
    let function = functions.find(|one| one.name == mapping.function);
    let timeout = function.map_or(0, |function| function.timeout.as_secs());
    if timeout <= visibility {
        return Ok(());
    }
    let QueueMapping {
        logical_id, queue, ..
    } = mapping;
    Err(Problem::at(
        line,
        format!(
            "{logical_id}: the VisibilityTimeout of queue {queue} is {visibility} s, less than the function's Timeout of {timeout} s\nhint: set the queue's VisibilityTimeout to six times the function's Timeout"
        ),
    ))
}
