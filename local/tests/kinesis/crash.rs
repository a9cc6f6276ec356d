//! Kills a serving process during load, again and again.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use kinesis_engine::Options;
use serde_json::json;

use crate::support::{Client, data, entry, serve};

const DIRECTORY: &str = "KINESIS_CRASH_TEST_DIRECTORY";
const ROUNDS: usize = 6;
const WRITERS: usize = 4;

/// Not a test: the server that [`nothing_acknowledged_is_lost_when_the_process_is_killed`]
/// runs in its own process.
#[tokio::test]
#[ignore = "serves until it is killed; the crash test runs it"]
async fn serve_until_killed() {
    let Ok(directory) = env::var(DIRECTORY) else {
        return;
    };
    let directory = PathBuf::from(directory);
    let address = serve(Options {
        data_dir: Some(directory.join("data")),
        ..Options::default()
    })
    .await;
    fs::write(directory.join("address.new"), format!("http://{address}")).unwrap();
    fs::rename(directory.join("address.new"), directory.join("address")).unwrap();
    std::future::pending::<()>().await;
}

struct Server(Child);

impl Server {
    async fn start(directory: &Path) -> (Self, Client) {
        let address = directory.join("address");
        let _absent = fs::remove_file(&address);
        let child = Command::new(env::current_exe().unwrap())
            .args(["crash::serve_until_killed", "--exact", "--ignored"])
            .env(DIRECTORY, directory)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self(child);
        let patience = tokio::time::timeout(Duration::from_secs(20), async {
            loop {
                if let Ok(endpoint) = fs::read_to_string(&address) {
                    return Client::new(endpoint);
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        (
            server,
            patience.await.expect("the server starts within 20 s"),
        )
    }

    /// SIGKILL: no destructor runs, no buffer is flushed.
    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Puts numbered records until the server is gone; returns those that were acknowledged.
async fn write(client: Client, writer: usize, round: usize) -> Vec<(String, String, String)> {
    let mut acknowledged = Vec::new();
    for n in 0.. {
        let name = format!("{round}-{writer}-{n}");
        let mut request = entry(&name, &name);
        request["StreamName"] = json!("orders");
        let Ok(reply) = client.call("PutRecord", request).await else {
            break;
        };
        let member = |member: &str| reply[member].as_str().unwrap().to_owned();
        acknowledged.push((member("ShardId"), member("SequenceNumber"), name));
    }
    acknowledged
}

async fn read_all(client: &Client) -> BTreeMap<(String, String), String> {
    let shards = client
        .call("ListShards", json!({"StreamName": "orders"}))
        .await
        .unwrap();
    let mut found = BTreeMap::new();
    for shard in shards["Shards"].as_array().unwrap() {
        let id = shard["ShardId"].as_str().unwrap();
        let request =
            json!({"StreamName": "orders", "ShardId": id, "ShardIteratorType": "TRIM_HORIZON"});
        let mut iterator =
            client.call("GetShardIterator", request).await.unwrap()["ShardIterator"].clone();
        let mut last = String::new();
        loop {
            let reply = client
                .call("GetRecords", json!({"ShardIterator": iterator}))
                .await
                .unwrap();
            for (record, data) in reply["Records"]
                .as_array()
                .unwrap()
                .iter()
                .zip(data(&reply))
            {
                let number = record["SequenceNumber"].as_str().unwrap().to_owned();
                assert!(number > last, "{number} comes after {last}");
                last.clone_from(&number);
                found.insert((id.to_owned(), number), data);
            }
            iterator = reply["NextShardIterator"].clone();
            if reply["MillisBehindLatest"] == 0 {
                break;
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_when_the_process_is_killed() {
    let directory = tempfile::tempdir().unwrap();
    let mut acknowledged = Vec::new();
    for round in 0..ROUNDS {
        let (server, client) = Server::start(directory.path()).await;
        if round == 0 {
            let request = json!({"StreamName": "orders", "ShardCount": 2});
            client.call("CreateStream", request).await.unwrap();
        }
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| tokio::spawn(write(client.clone(), writer, round)))
            .collect();
        // The load continues until the kill; the exact time does not matter.
        tokio::time::sleep(Duration::from_millis(200 + 37 * round as u64)).await;
        server.kill();
        for writer in writers {
            acknowledged.extend(writer.await.unwrap());
        }
    }
    let (server, client) = Server::start(directory.path()).await;
    let found = read_all(&client).await;
    server.kill();

    assert!(acknowledged.len() > ROUNDS * WRITERS, "the load was real");
    for (shard, number, name) in &acknowledged {
        let record = found.get(&(shard.clone(), number.clone()));
        assert_eq!(
            record,
            Some(name),
            "record {name}, acknowledged as {number} of {shard}"
        );
    }
    let mut names: Vec<_> = found.values().collect();
    names.sort();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all, "no record is there twice");
    // Each writer may have had one put under way at each kill.
    assert!(
        all <= acknowledged.len() + ROUNDS * WRITERS,
        "{all} of {}",
        acknowledged.len()
    );
}
