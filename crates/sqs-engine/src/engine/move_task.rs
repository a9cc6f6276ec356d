//! Message move tasks: dead letters go back to where they came from, or elsewhere.
//!
//! A task lives in memory: after a restart it is gone, and the messages that it had not
//! moved are still in the dead-letter queue.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;
use uuid::Uuid;

use super::{Engine, Inner, change::Change, places::Place, queue::Stored};
use crate::{
    error::{Code, SqsError},
    message::Message,
};

/// Tasks that are kept for each queue (API reference, `ListMessageMoveTasks`).
const MOST_TASKS: usize = 10;
/// Messages a second at most (API reference, `StartMessageMoveTask`).
pub(crate) const MOST_PER_SECOND: u32 = 500;
/// Messages that one step moves at most: they are written to the log.
const STEP: usize = 10;
/// Steps a second of a task with a rate, about.
const STEPS_PER_SECOND: u32 = 10;

/// Where a task is (API reference, `ListMessageMoveTasks`, `Status`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TaskStatus {
    Running,
    Completed,
    Cancelled,
    Failed,
}

/// A message move task.
#[derive(Debug, Clone)]
pub(crate) struct MoveTask {
    pub handle: String,
    pub status: TaskStatus,
    /// ARN of the dead-letter queue.
    pub source: String,
    /// ARN of the queue that takes the messages; where they came from if absent.
    pub destination: Option<String>,
    /// Messages a second.
    pub rate: Option<u32>,
    pub moved: u64,
    /// How many there were at the start.
    pub to_move: u64,
    /// Milliseconds since the Unix epoch.
    pub started: u64,
    pub failure: Option<String>,
}

impl Engine {
    /// Starts moving the messages that are in a dead-letter queue now, and returns the
    /// task's handle.
    ///
    /// # Errors
    ///
    /// `ResourceNotFoundException`, `InvalidParameterValue` if the source is no
    /// dead-letter queue or the types differ, `UnsupportedOperation` if a task runs.
    pub(crate) fn start_move(
        self: &Arc<Self>,
        source: &str,
        destination: Option<&str>,
        rate: Option<u32>,
    ) -> Result<String, SqsError> {
        let id = self.by_arn(source)?;
        if let Some(destination) = destination {
            self.check_destination(id, source, destination)?;
        }
        if self.sources(id, None, 1)?.names.is_empty() {
            return Err(SqsError::new(
                Code::InvalidParameterValue,
                "Source queue must be configured as a Dead Letter Queue.",
            ));
        }
        let mut inner = self.inner.lock();
        let now = self.now();
        inner.tick(id, now)?;
        let (ready, _, _) = inner.queue(id)?.counts();
        let tasks = inner.tasks.entry(id).or_default();
        if tasks.iter().any(|task| task.status == TaskStatus::Running) {
            return Err(SqsError::new(
                Code::UnsupportedOperation,
                "There is already a task running. Only one active task is allowed for a source \
                 queue arn at a given time.",
            ));
        }
        let handle = json!({"taskId": Uuid::new_v4().to_string(), "sourceArn": source});
        let handle = STANDARD.encode(handle.to_string());
        while tasks.len() >= MOST_TASKS {
            tasks.pop_front();
        }
        tasks.push_back(MoveTask {
            handle: handle.clone(),
            status: TaskStatus::Running,
            source: source.to_owned(),
            destination: destination.map(str::to_owned),
            rate,
            moved: 0,
            to_move: ready as u64,
            started: now,
            failure: None,
        });
        drop(inner);
        let (engine, task) = (Arc::downgrade(self), handle.clone());
        tokio::spawn(async move {
            while let Some(pause) = engine.upgrade().and_then(|engine| engine.step(id, &task)) {
                if pause.is_zero() {
                    tokio::task::yield_now().await;
                } else {
                    tokio::time::sleep(pause).await;
                }
            }
        });
        Ok(handle)
    }

    fn check_destination(&self, id: u64, source: &str, destination: &str) -> Result<(), SqsError> {
        let other = self.by_arn(destination)?;
        let inner = self.inner.lock();
        let (from, to) = (inner.queue(id)?.settings(), inner.queue(other)?.settings());
        let reason = if source == destination {
            "Source queue arn and destination queue arn can not be identical."
        } else if from.fifo != to.fifo {
            "Source queue and destination queue must be of the same type."
        } else {
            return Ok(());
        };
        Err(SqsError::new(Code::InvalidParameterValue, reason))
    }

    /// Stops a task, and returns how many messages it has moved.
    ///
    /// # Errors
    ///
    /// `ResourceNotFoundException`, `UnsupportedOperation` if it does not run.
    pub(crate) fn cancel_move(&self, handle: &str) -> Result<u64, SqsError> {
        let mut inner = self.inner.lock();
        let mut tasks = inner.tasks.values_mut().flatten();
        let task = tasks
            .find(|task| task.handle == handle)
            .ok_or_else(|| SqsError::new(Code::ResourceNotFound, "Task does not exist."))?;
        if task.status != TaskStatus::Running {
            return Err(SqsError::new(
                Code::UnsupportedOperation,
                "A message movement task can only be cancelled when its status is RUNNING.",
            ));
        }
        task.status = TaskStatus::Cancelled;
        Ok(task.moved)
    }

    /// The latest tasks of a dead-letter queue, the last one first.
    ///
    /// # Errors
    ///
    /// `ResourceNotFoundException`.
    pub(crate) fn move_tasks(&self, source: &str, limit: usize) -> Result<Vec<MoveTask>, SqsError> {
        let id = self.by_arn(source)?;
        let inner = self.inner.lock();
        let tasks = inner.tasks.get(&id).into_iter().flatten().rev();
        Ok(tasks.take(limit).cloned().collect())
    }

    /// Moves a few messages; returns how long to pause, `None` once the task has ended.
    fn step(&self, id: u64, handle: &str) -> Option<Duration> {
        let mut inner = self.inner.lock();
        let now = self.now();
        let task = inner.task(id, handle)?.clone();
        let left = usize::try_from(task.to_move.saturating_sub(task.moved)).unwrap_or(STEP);
        let in_step = match task.rate {
            Some(rate) => usize::try_from(rate / STEPS_PER_SECOND).unwrap_or(1).max(1),
            None => STEP,
        };
        let outcome = self.move_some(&mut inner, id, &task, left.min(in_step).min(STEP), now);
        let task = inner.task(id, handle)?;
        match outcome {
            Ok(0) => task.status = TaskStatus::Completed,
            Ok(moved) => task.moved += moved as u64,
            Err(error) => {
                task.status = TaskStatus::Failed;
                task.failure = Some(error.to_string());
            }
        }
        if task.moved >= task.to_move && task.status == TaskStatus::Running {
            task.status = TaskStatus::Completed;
        }
        let moved = u32::try_from(in_step).unwrap_or(1);
        let pause = task.rate.map_or(Duration::ZERO, |rate| {
            Duration::from_secs(1) * moved / rate.max(1)
        });
        (task.status == TaskStatus::Running).then_some(pause)
    }

    fn move_some(
        &self,
        inner: &mut Inner,
        id: u64,
        task: &MoveTask,
        most: usize,
        now: u64,
    ) -> Result<usize, SqsError> {
        if most == 0 {
            return Ok(0);
        }
        inner.tick(id, now)?;
        let picked = inner.queue(id)?.pick(most, 1, None).taken;
        let mut changes = Vec::with_capacity(picked.len() * 2);
        let mut targets = Vec::new();
        for index in &picked {
            let number = inner.number(&self.options.clock);
            let Some(stored) = inner.queue(id)?.get(*index) else {
                continue;
            };
            let destination = task.destination.as_deref().or(stored.source.as_deref());
            let Some(destination) = destination else {
                return Err(SqsError::new(
                    Code::InvalidParameterValue,
                    "a message did not come from another queue; name a DestinationArn",
                ));
            };
            let target = self.name_in_arn(destination);
            let target = target.and_then(|name| inner.queues.id(name));
            let target = target.ok_or_else(|| {
                SqsError::new(
                    Code::ResourceNotFound,
                    format!("{destination} does not exist"),
                )
            })?;
            changes.push(Change::Remove {
                queue: id,
                index: *index,
            });
            changes.push(Change::Add {
                queue: target,
                stored: Box::new(redriven(stored, number, now)),
            });
            targets.push(target);
        }
        // Not waited for: what a power failure undoes, nobody was told of.
        inner.write(changes)?;
        for target in targets {
            inner.wake(target);
        }
        inner.clean(now);
        Ok(picked.len())
    }
}

impl Inner {
    fn task(&mut self, id: u64, handle: &str) -> Option<&mut MoveTask> {
        let mut tasks = self.tasks.get_mut(&id)?.iter_mut();
        tasks.find(|task| task.handle == handle && task.status == TaskStatus::Running)
    }
}

/// A dead letter as a new message (developer guide, "Configure a dead-letter queue
/// redrive": "All redriven messages are considered new messages with a new messageID and
/// enqueueTime").
fn redriven(stored: &Stored, index: u64, now: u64) -> Stored {
    Stored {
        index,
        message: Arc::new(Message {
            id: Uuid::new_v4(),
            ..(*stored.message).clone()
        }),
        sent: now,
        place: Place::Ready,
        receives: 0,
        all_receives: 0,
        first_received: 0,
        last_received: 0,
        source: None,
    }
}
