//! Random histories of sends, receives, deletions, kills and power failures, on a
//! simulated disk: each `--fsync` policy keeps what it promises, and no more.
//!
//! `SQS_HISTORIES=1000 cargo test -p sqs-engine power_cuts` makes a long run.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use durable_files::SimulatedDisk;
use movable_clock::Clock;
use proptest::prelude::*;
use serde_json::json;

use super::fixture::{Fixture, block_on, histories, map};
use crate::{FsyncPolicy, OpenError, Options, Queue, Receive, SendMessage, SqsError, error::Code};

#[derive(Debug, Clone)]
enum Step {
    /// Messages in one call, bytes in each.
    Send(usize, usize),
    /// Receives that many messages and deletes the first of them.
    Delete(usize, usize),
    /// Lets what is in flight become visible.
    Wait,
    Purge,
    Describe(u64),
}

/// Steps between two starts.
#[derive(Debug, Clone)]
struct Session {
    steps: Vec<Step>,
    /// Disk operations until the power fails, or the process is killed.
    operations: u64,
    power_cut: bool,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (1..6usize, 0..400usize).prop_map(|(count, bytes)| Step::Send(count, bytes)),
        8 => (1..11usize, 0..11usize).prop_map(|(received, deleted)| Step::Delete(received, deleted)),
        3 => Just(Step::Wait),
        1 => Just(Step::Purge),
        1 => (30..60u64).prop_map(Step::Describe),
    ]
}

fn session() -> impl Strategy<Value = Session> {
    let steps = prop::collection::vec(step(), 1..25);
    let operations = prop_oneof![3 => 0..150u64, 1 => Just(u64::MAX)];
    (steps, operations, any::<bool>()).prop_map(|(steps, operations, power_cut)| Session {
        steps,
        operations,
        power_cut,
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// Its send was acknowledged, and nothing else happened to it for good.
    Present,
    /// Its deletion was acknowledged.
    Deleted,
    /// A call about it had no definite reply.
    Unknown,
}

/// What has to be there after a restart.
#[derive(Debug, Default)]
struct Model {
    fates: BTreeMap<String, Fate>,
    sent: usize,
}

const HOUR: u64 = 3600;

/// Receives that hide messages for hours.
fn hiding(max: usize, hours: u64) -> Receive {
    Receive {
        max_messages: max,
        visibility_timeout: Some(Duration::from_secs(hours * HOUR)),
        ..Receive::default()
    }
}

/// The queues of the history, created where they are missing.
async fn queues(fixture: &Fixture) -> Result<(Queue, Queue), SqsError> {
    let retention = [("MessageRetentionPeriod", "1209600")];
    let dead = fixture.sqs.create_queue("dead", &map(&retention)).await?;
    if let Some(orders) = fixture.sqs.queue("orders") {
        return Ok((orders, dead));
    }
    let policy = json!({"deadLetterTargetArn": dead.arn(), "maxReceiveCount": 2}).to_string();
    let mut attributes = map(&retention);
    attributes.insert("RedrivePolicy".to_owned(), policy);
    let orders = fixture.sqs.create_queue("orders", &attributes).await?;
    Ok((orders, dead))
}

/// Whether a call succeeded; a failure of the disk is no definite reply.
fn definite<T>(outcome: Result<T, SqsError>) -> Option<T> {
    match outcome {
        Ok(value) => Some(value),
        Err(error) => {
            assert_eq!(error.code, Code::Internal, "{error}");
            None
        }
    }
}

impl Model {
    async fn run(&mut self, orders: &Queue, clock: &Clock, step: &Step) {
        match step {
            Step::Send(count, bytes) => {
                let bodies: Vec<String> = (0..*count)
                    .map(|_| {
                        self.sent += 1;
                        format!("{} {}", self.sent, "x".repeat(*bytes))
                    })
                    .collect();
                let messages = bodies.iter().map(SendMessage::new).collect();
                let fate = match definite(orders.send_all(messages).await) {
                    Some(_) => Fate::Present,
                    None => Fate::Unknown,
                };
                self.fates
                    .extend(bodies.into_iter().map(|body| (body, fate)));
            }
            Step::Delete(received, deleted) => {
                let Some(received) = definite(orders.receive(&hiding(*received, 1)).await) else {
                    return;
                };
                let deleted = &received[..(*deleted).min(received.len())];
                let handles: Vec<&str> = deleted
                    .iter()
                    .map(|one| one.receipt_handle.as_str())
                    .collect();
                let fate = match definite(orders.delete_all(&handles).await) {
                    Some(_) => Fate::Deleted,
                    None => Fate::Unknown,
                };
                for one in deleted {
                    self.fates.insert(one.message.body.to_string(), fate);
                }
            }
            Step::Wait => clock.advance(Duration::from_secs(HOUR)),
            Step::Purge => {
                // Only what is in `orders`: dead letters stay.
                definite(orders.purge().await);
                for fate in self
                    .fates
                    .values_mut()
                    .filter(|fate| **fate == Fate::Present)
                {
                    *fate = Fate::Unknown;
                }
            }
            Step::Describe(timeout) => {
                let attributes = map(&[("VisibilityTimeout", &timeout.to_string())]);
                definite(orders.set_attributes(&attributes).await);
            }
        }
    }

    /// Compares the model with the queues after a restart that `kept` what was
    /// acknowledged, and continues from what is there.
    async fn check(&mut self, orders: &Queue, dead: &Queue, clock: &Clock, kept: bool) {
        clock.advance(Duration::from_secs(HOUR));
        let mut found = BTreeSet::new();
        for queue in [orders, dead] {
            loop {
                let received = queue.receive(&hiding(10, 2)).await.unwrap();
                if received.is_empty() {
                    break;
                }
                for one in received {
                    let body = one.message.body.to_string();
                    assert!(found.insert(body.clone()), "{body:?} is there twice");
                }
            }
        }
        for (body, fate) in &self.fates {
            match fate {
                Fate::Present if kept => assert!(found.contains(body), "{body:?} is lost"),
                Fate::Deleted if kept => assert!(!found.contains(body), "{body:?} is back"),
                _ => {}
            }
        }
        self.fates = found
            .into_iter()
            .map(|body| (body, Fate::Present))
            .collect();
        clock.advance(Duration::from_secs(2 * HOUR));
    }
}

async fn run(fsync: FsyncPolicy, seed: u64, sessions: Vec<Session>) {
    let disk = SimulatedDisk::with_seed(seed);
    let clock = Clock::system();
    let open = || {
        let options = Options {
            data_dir: Some("/data".into()),
            fsync,
            clock: clock.clone(),
            ..Options::default()
        };
        Fixture::on(Arc::new(disk.clone()), options)
    };
    let mut model = Model::default();
    for session in sessions {
        disk.fail_after(session.operations);
        if let Ok(fixture) = open().await
            && let Ok((orders, _)) = queues(&fixture).await
        {
            for step in &session.steps {
                model.run(&orders, &clock, step).await;
            }
        }
        let kept = !session.power_cut || fsync == FsyncPolicy::Always;
        if session.power_cut {
            disk.cut_power();
        } else {
            disk.kill();
        }
        let fixture = match open().await {
            Ok(fixture) => fixture,
            // Without flushes, a power failure may leave files that cannot be read.
            Err(OpenError::Damaged { .. }) if !kept => return,
            Err(error) => panic!("the start after a restart: {error}"),
        };
        let (orders, dead) = queues(&fixture).await.unwrap();
        model.check(&orders, &dead, &clock, kept).await;
        disk.kill();
    }
}

proptest! {
    #![proptest_config(histories(48))]

    #[test]
    fn with_always_whatever_was_acknowledged_survives_power_cuts(
        seed: u64, sessions in prop::collection::vec(session(), 1..5)
    ) {
        block_on(run(FsyncPolicy::Always, seed, sessions));
    }

    #[test]
    fn with_never_whatever_was_acknowledged_survives_kills(
        seed: u64, sessions in prop::collection::vec(session(), 1..5)
    ) {
        block_on(run(FsyncPolicy::Never, seed, sessions));
    }
}

#[tokio::test]
async fn sends_are_refused_after_a_flush_that_failed() {
    let disk = SimulatedDisk::default();
    let options = Options {
        data_dir: Some("/data".into()),
        fsync: FsyncPolicy::Always,
        ..Options::default()
    };
    let fixture = Fixture::on(Arc::new(disk.clone()), options.clone())
        .await
        .unwrap();
    let queue = fixture.queue("orders", &[]).await;
    queue.send(SendMessage::new("first")).await.unwrap();
    disk.fail_flushes(true);
    let code = |outcome: Result<crate::Sent, SqsError>| outcome.unwrap_err().code;
    assert_eq!(
        code(queue.send(SendMessage::new("second")).await),
        Code::Internal
    );
    // The disk's next flush reports no error, and the bytes before it are lost.
    disk.fail_flushes(false);
    assert_eq!(
        code(queue.send(SendMessage::new("third")).await),
        Code::Internal
    );
    drop((queue, fixture));
    disk.cut_power_and_lose_all();
    let fixture = Fixture::on(Arc::new(disk), options).await.unwrap();
    let queue = fixture.sqs.queue("orders").unwrap();
    let received = super::fixture::receive(&queue).await;
    assert_eq!(super::fixture::bodies(&received), ["first"]);
}
