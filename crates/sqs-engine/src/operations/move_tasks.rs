//! `StartMessageMoveTask`, `CancelMessageMoveTask`, `ListMessageMoveTasks`.

use serde::{Deserialize, Serialize};

use super::{Context, required};
use crate::{
    engine::{MOST_PER_SECOND, MoveTask, TaskStatus},
    error::SqsError,
};

/// Tasks of one reply at most (API reference, `ListMessageMoveTasks`).
const MOST_LISTED: i64 = 10;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Start {
    source_arn: Option<String>,
    destination_arn: Option<String>,
    max_number_of_messages_per_second: Option<i64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Started {
    task_handle: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Cancel {
    task_handle: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Cancelled {
    approximate_number_of_messages_moved: u64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct List {
    source_arn: Option<String>,
    max_results: Option<i64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Listed {
    results: Vec<Task>,
}

/// `ListMessageMoveTasksResultEntry`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Task {
    /// Of a running task only.
    #[serde(skip_serializing_if = "Option::is_none")]
    task_handle: Option<String>,
    status: &'static str,
    source_arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_number_of_messages_per_second: Option<u32>,
    approximate_number_of_messages_moved: u64,
    approximate_number_of_messages_to_move: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_reason: Option<String>,
    started_timestamp: u64,
}

impl From<MoveTask> for Task {
    fn from(task: MoveTask) -> Self {
        Self {
            task_handle: (task.status == TaskStatus::Running).then_some(task.handle),
            status: match task.status {
                TaskStatus::Running => "RUNNING",
                TaskStatus::Completed => "COMPLETED",
                TaskStatus::Cancelled => "CANCELLED",
                TaskStatus::Failed => "FAILED",
            },
            source_arn: task.source,
            destination_arn: task.destination,
            max_number_of_messages_per_second: task.rate,
            approximate_number_of_messages_moved: task.moved,
            approximate_number_of_messages_to_move: task.to_move,
            failure_reason: task.failure,
            started_timestamp: task.started,
        }
    }
}

/// Starts moving dead letters.
pub(super) async fn start(context: &Context<'_>, request: Start) -> Result<Started, SqsError> {
    let source = required(request.source_arn, "SourceArn")?;
    let rate = request.max_number_of_messages_per_second.map(|rate| {
        let fits = u32::try_from(rate).ok();
        fits.filter(|rate| (1..=MOST_PER_SECOND).contains(rate))
            .ok_or_else(|| {
                let reason = format!("Must be between 1 and {MOST_PER_SECOND}, if provided.");
                SqsError::parameter(rate, "MaxNumberOfMessagesPerSecond", reason)
            })
    });
    let destination = request.destination_arn.as_deref();
    let task_handle = context
        .engine
        .start_move(&source, destination, rate.transpose()?)?;
    Ok(Started { task_handle })
}

/// Stops moving dead letters.
pub(super) async fn cancel(context: &Context<'_>, request: Cancel) -> Result<Cancelled, SqsError> {
    let handle = required(request.task_handle, "TaskHandle")?;
    let moved = context.engine.cancel_move(&handle)?;
    Ok(Cancelled {
        approximate_number_of_messages_moved: moved,
    })
}

/// Lists the latest tasks of a dead-letter queue.
pub(super) async fn list(context: &Context<'_>, request: List) -> Result<Listed, SqsError> {
    let source = required(request.source_arn, "SourceArn")?;
    let max = request.max_results.unwrap_or(1);
    let limit = usize::try_from(max)
        .ok()
        .filter(|_| (1..=MOST_LISTED).contains(&max));
    let limit = limit.ok_or_else(|| {
        let reason = format!("Must be between 1 and {MOST_LISTED}, if provided.");
        SqsError::parameter(max, "MaxResults", reason)
    })?;
    let tasks = context.engine.move_tasks(&source, limit)?;
    Ok(Listed {
        results: tasks.into_iter().map(Task::from).collect(),
    })
}
