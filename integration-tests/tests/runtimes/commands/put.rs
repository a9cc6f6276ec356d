//! `klocal put` and `klocal capture`.

use std::fs;

use anyhow::{Context, ensure};
use integration_tests::patience::same;
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{World, outputs, stderr, stdout};

impl World {
    /// Runs the tool against the AWS endpoint of this environment.
    async fn at_endpoint(&self, arguments: &[&str]) -> anyhow::Result<std::process::Output> {
        let url = self.embedded.aws.url();
        self.alone(&[arguments, &["--endpoint-url", &url]].concat())
            .await
    }

    /// A file in the environment's folder.
    fn file(&self, name: &str, text: &str) -> anyhow::Result<()> {
        Ok(fs::write(self.folder.path().join(name), text)?)
    }

    /// The stream's records, as `capture` prints them.
    async fn captured(&self, flags: &[&str]) -> anyhow::Result<(String, Vec<Value>)> {
        let arguments = [&["capture", "orders"], flags].concat();
        let captured = stdout(&self.at_endpoint(&arguments).await?, 0)?;
        let records = captured.lines().map(serde_json::from_str);
        let records = records.collect::<Result<_, _>>()?;
        Ok((captured, records))
    }
}

fn field<'r>(records: &'r [Value], name: &str) -> Vec<&'r Value> {
    records.iter().map(|record| &record[name]).collect()
}

fn arrived(record: &Value) -> anyhow::Result<OffsetDateTime> {
    let text = record["approximateArrivalTimestamp"].as_str();
    Ok(OffsetDateTime::parse(text.context("no time")?, &Rfc3339)?)
}

pub async fn records_of_a_file_are_captured_as_they_were_put() -> anyhow::Result<()> {
    let world = World::start().await?;
    // The second one is the text `ok`, which is not JSON.
    let text = "{\"id\": \"a\", \"n\": 1.0}\n\
        {\"partitionKey\":\"kept\",\"dataBase64\":\"b2s=\"}\n";
    world.file("orders.jsonl", text)?;
    let put = ["put", "orders", "--file=orders.jsonl", "--output=json"];
    let report = stdout(&world.at_endpoint(&put).await?, 0)?;
    let report: Value = serde_json::from_str(&report)?;
    same("written", &report["written"], &json!(2))?;

    let (text, records) = world.captured(&["--since=1h"]).await?;
    ensure!(
        text.contains("\"data\":{\"id\": \"a\", \"n\": 1.0}"),
        "{text}"
    );
    same(
        "base64",
        field(&records, "dataBase64"),
        vec![&Value::Null, &json!("b2s=")],
    )?;
    same("key", &records[1]["partitionKey"], &json!("kept"))?;
    same(
        "shards",
        field(&records, "shardId"),
        vec![&json!("shardId-000000000000"); 2],
    )?;
    for record in &records {
        ensure!(record["sequenceNumber"].is_string(), "{record}");
        arrived(record)?;
    }
    same("limit", world.captured(&["--limit=1"]).await?.1.len(), 1)?;
    let long_ago = ["--since=2h", "--until=1h"];
    same("of before", world.captured(&long_ago).await?.1.len(), 0)?;

    // From stdin by a shell, with a key of the document.
    let url = world.embedded.aws.url();
    let script = format!(
        "echo '{{\"id\":\"piped\"}}' | {} put orders --file - --partition-key /id --endpoint-url {url}",
        world.local.display()
    );
    let piped = tokio::process::Command::new("sh")
        .args(["-c", &script])
        .output();
    let report = stdout(&piped.await?, 0)?;
    ensure!(report.starts_with("written   1 of 1\n"), "{report}");
    let records = world.captured(&[]).await?.1;
    same("piped", &records[2]["partitionKey"], &json!("piped"))?;
    world.stop().await;
    Ok(())
}

pub async fn a_recording_is_played_with_its_keys_its_order_and_its_pauses() -> anyhow::Result<()> {
    let world = World::start().await?;
    let line = |millisecond: u32, key: &str| {
        let at = format!("2026-11-26T03:00:00.{millisecond:03}Z");
        json!({ "partitionKey": key, "data": { "n": millisecond }, "approximateArrivalTimestamp": at })
    };
    let lines = [line(0, "a"), line(200, "b"), line(500, "a")].map(|line| line.to_string());
    world.file("recording.jsonl", &lines.join("\n"))?;
    let put = ["put", "orders", "--file=recording.jsonl", "--as-recorded"];
    stdout(&world.at_endpoint(&put).await?, 0)?;
    let records = world.captured(&[]).await?.1;
    same(
        "keys",
        field(&records, "partitionKey"),
        vec![&json!("a"), &json!("b"), &json!("a")],
    )?;
    same("data", &records[2]["data"], &json!({ "n": 500 }))?;
    for (from, to, pause) in [(0, 1, 200), (0, 2, 500)] {
        let took = arrived(&records[to])? - arrived(&records[from])?;
        // Both are rounded to the millisecond, and a batch takes some of the first pause.
        ensure!(took.whole_milliseconds() >= pause - 100, "{took}");
    }
    // A captured stream is a recording.
    let (text, _) = world.captured(&[]).await?;
    world.file("captured.jsonl", &text)?;
    let put = ["put", "orders", "--file=captured.jsonl", "--as-recorded"];
    stdout(&world.at_endpoint(&put).await?, 0)?;
    let records = world.captured(&[]).await?.1;
    same("again", &records[5]["data"], &records[2]["data"])?;
    world.stop().await;
    Ok(())
}

pub async fn a_template_writes_the_same_records_for_the_same_seed() -> anyhow::Result<()> {
    let world = World::start().await?;
    let template = "{\"order\": \"order-${sequence}\", \"amount\": \"${int:1..1000000}\"}";
    world.file("order.json", template)?;
    let put = [
        "put",
        "orders",
        "--template=order.json",
        "--partition-key=/order",
        "--records=7",
        "--threads=2",
        "--seed=3",
        "--rate=1000",
    ];
    for _ in 0..2 {
        stdout(&world.at_endpoint(&put).await?, 0)?;
    }
    let records = world.captured(&[]).await?.1;
    same("records", records.len(), 14)?;
    let data = |records: &[Value]| {
        let data = records.iter().map(|record| record["data"].to_string());
        let mut data: Vec<_> = data.collect();
        data.sort_unstable();
        data
    };
    let (first, second) = records.split_at(7);
    same("data", data(first), data(second))?;
    let first = &first[0];
    same("key", &first["partitionKey"], &first["data"]["order"])?;
    world.stop().await;
    Ok(())
}

pub async fn put_and_capture_refuse_what_they_cannot_do() -> anyhow::Result<()> {
    let world = World::start().await?;
    world.file("orders.jsonl", "{}\nnonsense\n")?;
    let put = ["put", "orders", "--file=orders.jsonl"];
    let (report, error) = outputs(&world.at_endpoint(&put).await?, 1)?;
    ensure!(
        report.starts_with("written   1 of 1   stopped before the end\n"),
        "{report}"
    );
    same(
        "an invalid line",
        error.as_str(),
        "error: orders.jsonl:2: expected a JSON document: expected ident at line 1 column 2\n",
    )?;
    world.file("orders.jsonl", "{}\n")?;
    let missing = ["put", "nowhere", "--file=orders.jsonl"];
    same(
        "a missing stream",
        stderr(&world.at_endpoint(&missing).await?, 1)?.as_str(),
        "error: stream nowhere does not exist\nhint: create it, or choose another one\n",
    )?;
    let played = ["put", "orders", "--file=orders.jsonl", "--as-recorded"];
    let played = stderr(&world.at_endpoint(&played).await?, 1)?;
    ensure!(
        played.contains("orders.jsonl:1: expected a record with approximateArrivalTimestamp"),
        "{played}"
    );
    let missing = stderr(&world.at_endpoint(&["capture", "nowhere"]).await?, 1)?;
    ensure!(missing.starts_with("error: stream nowhere: "), "{missing}");
    // The project has no records of its own.
    let none = stderr(&world.at_endpoint(&["put", "orders"]).await?, 2)?;
    ensure!(none.starts_with("error: no records to write: local.toml has no [e2e] records\nhint: name them with `--file FILE` or `--template FILE`"), "{none}");
    let reversed = ["capture", "orders", "--since=1m", "--until=1h"];
    let reversed = stderr(&world.at_endpoint(&reversed).await?, 2)?;
    ensure!(
        reversed.starts_with("error: --since is later than --until\nhint: "),
        "{reversed}"
    );
    world.stop().await;
    Ok(())
}
