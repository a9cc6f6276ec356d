use std::{
    collections::BTreeSet,
    env, fs,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::json;

use super::fixture::{Fixture, bodies, counts, map, of_group, receive, send, url};
use crate::{OpenError, Queue, Receive, SendMessage};

fn log_files(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder.join("sqs")).unwrap();
    let files = files.map(|file| file.unwrap().path());
    let mut logs: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|end| end == "log"))
        .collect();
    logs.sort();
    logs
}

#[tokio::test]
async fn queues_and_messages_outlive_the_engine_in_every_state() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = Fixture::in_folder(folder.path()).await.unwrap();
    let queue = fixture
        .queue("orders", &[("VisibilityTimeout", "100")])
        .await;
    fixture
        .ok(
            "TagQueue",
            json!({"QueueUrl": url("orders"), "Tags": {"a": "1"}}),
        )
        .await;
    let message = json!({"QueueUrl": url("orders"), "MessageBody": "in flight",
        "MessageAttributes": {"one": {"DataType": "String", "StringValue": "a"}, "two": {"DataType": "Binary", "BinaryValue": "AQID"}}});
    fixture.ok("SendMessage", message).await;
    let in_flight = receive(&queue).await;
    send(&queue, &["deleted"]).await;
    let deleted = receive(&queue).await;
    queue.delete(&deleted[0].receipt_handle).await.unwrap();
    send(&queue, &["ready"]).await;
    let delayed = SendMessage {
        delay: Some(Duration::from_secs(50)),
        ..SendMessage::new("delayed")
    };
    queue.send(delayed).await.unwrap();
    let attributes = queue.attributes().unwrap();
    drop((queue, fixture));

    let fixture = Fixture::in_folder(folder.path()).await.unwrap();
    let queue = fixture.sqs.queue("orders").unwrap();
    assert_eq!(queue.attributes().unwrap(), attributes);
    let tags = fixture
        .ok("ListQueueTags", json!({"QueueUrl": url("orders")}))
        .await;
    assert_eq!(tags, json!({"Tags": {"a": "1"}}));
    assert_eq!(bodies(&receive(&queue).await), ["ready"]);
    let handle = &in_flight[0].receipt_handle;
    queue
        .change_visibility(handle, Duration::ZERO)
        .await
        .unwrap();
    let again = receive(&queue).await;
    assert_eq!(again[0].message, in_flight[0].message);
    assert_eq!(again[0].receive_count, 2);
    fixture.advance(100);
    assert_eq!(counts(&queue), (3, 0, 0));
}

#[tokio::test]
async fn order_groups_and_deduplication_outlive_the_engine() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = Fixture::in_folder(folder.path()).await.unwrap();
    let queue = fixture.fifo(&[]).await;
    for body in ["1", "2", "3"] {
        queue.send(of_group("a", body)).await.unwrap();
    }
    let first = queue.receive(&Receive::default()).await.unwrap();
    drop((queue, fixture));

    let fixture = Fixture::in_folder(folder.path()).await.unwrap();
    let queue = fixture.sqs.queue("orders.fifo").unwrap();
    assert!(receive(&queue).await.is_empty(), "the group is locked");
    let duplicate = queue.send(of_group("b", "1")).await.unwrap();
    assert_eq!(duplicate.message_id, first[0].message.id);
    queue.delete(&first[0].receipt_handle).await.unwrap();
    assert_eq!(bodies(&receive(&queue).await), ["2", "3"]);
    let next = queue.send(of_group("a", "4")).await.unwrap();
    assert!(next.sequence_number > first[0].sequence_number);
}

#[tokio::test]
async fn a_deleted_queue_and_a_purge_stay() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = Fixture::in_folder(folder.path()).await.unwrap();
    let purged = fixture.queue("purged", &[]).await;
    let deleted = fixture.queue("deleted", &[]).await;
    send(&purged, &["a"]).await;
    send(&deleted, &["a"]).await;
    purged.purge().await.unwrap();
    fixture
        .ok("DeleteQueue", json!({"QueueUrl": url("deleted")}))
        .await;
    drop((purged, deleted, fixture));

    let fixture = Fixture::in_folder(folder.path()).await.unwrap();
    assert_eq!(fixture.sqs.queue_names(), ["purged"]);
    assert_eq!(counts(&fixture.sqs.queue("purged").unwrap()), (0, 0, 0));
}

#[tokio::test]
async fn a_message_that_expired_stays_gone_after_retention_was_raised() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = Fixture::in_folder(folder.path()).await.unwrap();
    let queue = fixture
        .queue("orders", &[("MessageRetentionPeriod", "60")])
        .await;
    send(&queue, &["old"]).await;
    fixture.advance(60);
    assert_eq!(counts(&queue), (0, 0, 0));
    let longer = map(&[("MessageRetentionPeriod", "600")]);
    queue.set_attributes(&longer).await.unwrap();
    drop((queue, fixture));
    let fixture = Fixture::in_folder(folder.path()).await.unwrap();
    assert_eq!(counts(&fixture.sqs.queue("orders").unwrap()), (0, 0, 0));
}

#[tokio::test]
async fn only_a_torn_tail_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = Fixture::in_folder(folder.path()).await.unwrap();
    let queue = fixture.queue("orders", &[]).await;
    send(&queue, &["whole"]).await;
    let path = log_files(folder.path()).remove(0);
    let good = fs::metadata(&path).unwrap().len();
    send(&queue, &["torn"]).await;
    drop((queue, fixture));
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();

    let fixture = Fixture::in_folder(folder.path()).await.unwrap();
    assert_eq!(fs::metadata(&path).unwrap().len(), good);
    let queue = fixture.sqs.queue("orders").unwrap();
    send(&queue, &["next"]).await;
    drop((queue, fixture));
    let fixture = Fixture::in_folder(folder.path()).await.unwrap();
    let queue = fixture.sqs.queue("orders").unwrap();
    assert_eq!(bodies(&receive(&queue).await), ["whole", "next"]);
}

#[tokio::test]
async fn damage_before_the_tail_stops_the_start_and_names_the_byte() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = Fixture::in_folder(folder.path()).await.unwrap();
    let queue = fixture.queue("orders", &[]).await;
    send(&queue, &["a", "b"]).await;
    drop((queue, fixture));
    let path = log_files(folder.path()).remove(0);
    let mut bytes = fs::read(&path).unwrap();
    bytes[30] ^= 1;
    fs::write(&path, bytes).unwrap();
    let error = Fixture::in_folder(folder.path()).await.err().unwrap();
    assert!(
        matches!(error, OpenError::Damaged { offset: 0, .. }),
        "{error}"
    );
}

#[tokio::test]
async fn a_data_directory_has_one_engine() {
    let folder = tempfile::tempdir().unwrap();
    let _fixture = Fixture::in_folder(folder.path()).await.unwrap();
    let error = Fixture::in_folder(folder.path()).await.err().unwrap();
    assert!(matches!(error, OpenError::InUse { .. }), "{error}");
}

#[tokio::test]
async fn the_log_keeps_what_is_of_use_and_not_much_more() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = Fixture::in_folder(folder.path()).await.unwrap();
    let queue = fixture.queue("orders", &[]).await;
    send(&queue, &["kept"]).await;
    let kept = receive(&queue).await;
    let large = "x".repeat(1_000_000);
    for _ in 0..60 {
        send(&queue, &[&large]).await;
        let received = receive(&queue).await;
        queue.delete(&received[0].receipt_handle).await.unwrap();
    }
    let size = |path: &PathBuf| fs::metadata(path).unwrap().len();
    let bytes: u64 = log_files(folder.path()).iter().map(size).sum();
    assert!(bytes < 30_000_000, "{bytes} bytes for one message");
    drop((queue, fixture));
    let fixture = Fixture::in_folder(folder.path()).await.unwrap();
    let queue = fixture.sqs.queue("orders").unwrap();
    assert_eq!(counts(&queue), (0, 0, 1));
    queue.delete(&kept[0].receipt_handle).await.unwrap();
    assert_eq!(counts(&queue), (0, 0, 0));
}

/// The variable that tells the child process its data folder.
const CHILD: &str = "SQS_ENGINE_CHILD";

/// Not a test of its own: what the next one kills. It says on stdout what was
/// acknowledged.
#[tokio::test(flavor = "multi_thread")]
async fn a_child_process_under_load() {
    let Some(folder) = env::var_os(CHILD) else {
        return;
    };
    let fixture = Fixture::in_folder(Path::new(&folder)).await.unwrap();
    let mut workers = tokio::task::JoinSet::new();
    for worker in 0..4 {
        let queue = fixture
            .queue("orders", &[("VisibilityTimeout", "500")])
            .await;
        workers.spawn(work(queue, worker));
    }
    workers.join_all().await;
}

async fn work(queue: Queue, worker: usize) {
    for n in 0u64.. {
        let body = format!("{worker}-{n}");
        queue.send(SendMessage::new(&body)).await.unwrap();
        say(&format!("sent {body}"));
        if n.is_multiple_of(2)
            && let Some(received) = receive(&queue).await.first()
        {
            let body = &received.message.body;
            say(&format!("deleting {body}"));
            queue.delete(&received.receipt_handle).await.unwrap();
            say(&format!("deleted {body}"));
        }
    }
}

fn say(line: &str) {
    let mut stdout = std::io::stdout().lock();
    // The parent may be gone already.
    let _ = writeln!(stdout, "\n{line}");
    let _ = stdout.flush();
}

#[tokio::test]
async fn after_kill_9_under_load_no_acknowledged_message_is_lost_and_no_deleted_one_is_back() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..3 {
        let mut sent = BTreeSet::new();
        let mut deleting = BTreeSet::new();
        let mut deleted = BTreeSet::new();
        let mut child = Command::new(env::current_exe().unwrap())
            .args([
                "--exact",
                "tests::durability::a_child_process_under_load",
                "--nocapture",
            ])
            .env(CHILD, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut acknowledged = 0;
        for line in lines.by_ref() {
            let line = line.unwrap();
            match line.split_whitespace().collect::<Vec<_>>()[..] {
                ["sent", body] => drop(sent.insert(body.to_owned())),
                ["deleting", body] => drop(deleting.insert(body.to_owned())),
                ["deleted", body] => drop(deleted.insert(body.to_owned())),
                _ => continue,
            }
            acknowledged += 1;
            if acknowledged == 1500 {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(acknowledged >= 1500, "the child ended by itself");
        let fixture = Fixture::in_folder(folder.path()).await.unwrap();
        let queue = fixture.sqs.queue("orders").unwrap();
        fixture.advance(500);
        let mut found = BTreeSet::new();
        let hide = Receive {
            max_messages: 10,
            visibility_timeout: Some(Duration::from_secs(1000)),
            ..Receive::default()
        };
        loop {
            let received = queue.receive(&hide).await.unwrap();
            if received.is_empty() {
                break;
            }
            found.extend(received.iter().map(|one| one.message.body.to_string()));
        }
        for body in &sent {
            assert!(
                found.contains(body) || deleting.contains(body),
                "{body} is lost"
            );
        }
        let back: Vec<_> = deleted
            .iter()
            .filter(|body| found.contains(*body))
            .collect();
        assert!(back.is_empty(), "{back:?} are back");
        // The next round starts with an empty queue, of the same log.
        queue.purge().await.unwrap();
    }
}
