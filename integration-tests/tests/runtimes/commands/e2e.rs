//! `klocal e2e` with a project of one's own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use anyhow::{Context, ensure};
use integration_tests::patience::same;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use super::{TEMPLATE, outputs, stdout, tool};
use crate::moody;

/// A record without `writeTime`, as moody takes it.
const RECORD: &str = r#"{"id": "${uuid}", "keep": "${pick:yes}"}"#;

const LOCAL_TOML: &str =
    "[e2e]\nrecords = { template = \"record.json\", partition_key = \"/id\" }\n";

/// Two mappings of one stream, of which one always fails.
const TWO: &str = "
Resources:
  Orders: { Type: AWS::Kinesis::Stream, Properties: { Name: orders, ShardCount: 2 } }
  Works:
    Type: AWS::Serverless::Function
    Properties: { FunctionName: works, Handler: bootstrap, Runtime: provided.al2023, CodeUri: . }
  Fails:
    Type: AWS::Serverless::Function
    Properties: { FunctionName: fails, Handler: bootstrap, Runtime: provided.al2023, CodeUri: . }
  MappingThatWorks:
    Type: AWS::Lambda::EventSourceMapping
    Properties: { FunctionName: !Ref Works, EventSourceArn: !GetAtt Orders.Arn, StartingPosition: TRIM_HORIZON }
  MappingThatFails:
    Type: AWS::Lambda::EventSourceMapping
    Properties:
      FunctionName: !Ref Fails
      EventSourceArn: !GetAtt Orders.Arn
      StartingPosition: TRIM_HORIZON
      MaximumRetryAttempts: 1
";

/// A folder with a project.
struct Project {
    folder: TempDir,
    local: PathBuf,
}

impl Project {
    async fn new(template: &str, local_toml: &str) -> anyhow::Result<Self> {
        let project = Self {
            folder: tempfile::tempdir()?,
            local: tool().await?,
        };
        for (name, text) in [
            ("template.yaml", template),
            ("local.toml", local_toml),
            ("record.json", RECORD),
        ] {
            fs::write(project.path(name), text)?;
        }
        Ok(project)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs `klocal e2e` with these flags.
    async fn e2e(&self, flags: &[&str]) -> anyhow::Result<Output> {
        let run = Command::new(&self.local)
            .arg("e2e")
            .args(flags)
            .current_dir(self.folder.path())
            .env_remove("AWS_REGION")
            .kill_on_drop(true)
            .output();
        Ok(run.await?)
    }

    /// The JSON report of a run of moody that exits with `code`.
    async fn report(&self, flags: &[&str], code: i32) -> anyhow::Result<Value> {
        let bootstrap = format!("--bootstrap={}", moody().display());
        let flags = [&["--output=json", &bootstrap], flags].concat();
        Ok(serde_json::from_str(&stdout(
            &self.e2e(&flags).await?,
            code,
        )?)?)
    }
}

fn lines(file: &Path) -> anyhow::Result<Vec<Value>> {
    let text = fs::read_to_string(file)?;
    let lines = text.lines().map(serde_json::from_str);
    Ok(lines.collect::<Result<_, _>>()?)
}

pub async fn e2e_writes_the_project_s_records_and_accounts_for_each() -> anyhow::Result<()> {
    let project = Project::new(TEMPLATE, LOCAL_TOML).await?;
    let flags = [
        "--records=10",
        "--threads=3",
        "--records-out=records.jsonl",
        "--junit=junit.xml",
        "--expect=p99<60s",
    ];
    let report = project.report(&flags, 0).await?;
    same("version", &report["version"], &json!(1))?;
    same("passed", &report["passed"], &json!(true))?;
    same("produced", &report["records"]["produced"], &json!(10))?;
    same("processed", &report["records"]["processed"], &json!(10))?;
    let from = json!({ "write_time": 0, "arrival": 10 });
    same("latency from", &report["latency_from"], &from)?;
    ensure!(report["throughput"].as_f64() > Some(0.0), "{report}");
    same("mapping", &report["mappings"][0]["name"], &json!("Mapping"))?;

    let records = lines(&project.path("records.jsonl"))?;
    same("lines", records.len(), 10)?;
    for record in &records {
        same("outcome", &record["outcome"], &json!("processed"))?;
        same("tries", &record["tries"], &json!(1))?;
        same("mapping", &record["mapping"], &json!("Mapping"))?;
        ensure!(
            record["latency_ms"].is_f64() && record["sequence_number"].is_string(),
            "{record}"
        );
    }
    let xml = fs::read_to_string(project.path("junit.xml"))?;
    ensure!(xml.contains("tests=\"6\" failures=\"0\""), "{xml}");
    ensure!(xml.contains("name=\"p99&lt;60s\"/>"), "{xml}");
    Ok(())
}

pub async fn e2e_counts_its_own_records_in_a_data_folder_of_earlier_runs() -> anyhow::Result<()> {
    let project = Project::new(TEMPLATE, LOCAL_TOML).await?;
    for records in [20, 10] {
        let flags = [
            &format!("--records={records}"),
            "--threads=3",
            "--data-dir=data",
        ];
        let report = project.report(&flags, 0).await?;
        same(
            "processed",
            &report["records"]["processed"],
            &json!(records),
        )?;
    }
    Ok(())
}

pub async fn e2e_names_the_mapping_that_fails() -> anyhow::Result<()> {
    let failing = "[functions.fails.environment]\nFLAKY_FAILURES = \"1000000\"\nFLAKY_MODE = \"error\"\nFLAKY_COUNT = \"";
    let project = Project::new(TWO, "").await?;
    let count = project.path("count");
    let local_toml = format!("{LOCAL_TOML}{failing}{}\"\n", count.display());
    fs::write(project.path("local.toml"), local_toml)?;
    let bootstraps = [
        format!("--bootstrap=works={}", moody().display()),
        format!("--bootstrap=fails={}", env!("CARGO_BIN_EXE_flaky")),
    ];
    let flags = [
        "--records=10",
        "--threads=3",
        &bootstraps[0],
        &bootstraps[1],
    ];
    let (text, _) = outputs(&project.e2e(&flags).await?, 1)?;
    for expected in [
        "FAILED: 0 of 10 records processed on embedded without a cache\n",
        "\n  not met        discarded=0: 10\n",
        "\n  first failure  MappingThatFails shardId-",
        "RetryAttemptsExhausted after 2 tries\n",
        ": failing on purpose\n",
        "\n  mapping        MappingThatFails: processed 0  discarded 10  lost 0\n",
        "\n  mapping        MappingThatWorks: processed 10  discarded 0  lost 0\n",
        "\n  since arrival  p50 ",
        "\n  The records have no writeTime: ",
    ] {
        ensure!(text.contains(expected), "no {expected:?} in\n{text}");
    }
    Ok(())
}

pub async fn e2e_writes_the_run_as_a_page_in_one_file() -> anyhow::Result<()> {
    let project = Project::new(TEMPLATE, LOCAL_TOML).await?;
    let hostile =
        r#"{"id": "${uuid}", "keep": "yes", "name": "</script><script>alert(1)</script>"}"#;
    fs::write(project.path("record.json"), hostile)?;
    let report = project
        .report(&["--records=10", "--html=run.html"], 0)
        .await?;
    let page = fs::read_to_string(project.path("run.html"))?;
    let data = page.split_once("id=\"run\">").map(|(_, rest)| rest);
    let data = data.and_then(|rest| rest.split_once("</script>"));
    let (data, rest) = data.context("the page has no data")?;
    let run: Value = serde_json::from_str(data)?;
    same("report", &run["report"], &report)?;
    let recording = &run["recording"];
    let samples = recording["samples"].as_array().context("no samples")?;
    let put: u64 = samples.iter().filter_map(|one| one["put"].as_u64()).sum();
    same("put", put, 10)?;
    let slowest = &recording["slowest"][0];
    let steps = slowest["steps"].as_array().context("no steps")?;
    for kind in ["put", "invocation", "processed"] {
        ensure!(steps.iter().any(|step| step["kind"] == kind), "{slowest}");
    }
    ensure!(rest.contains("import 'report.js'"), "{rest}");
    // It asks nobody for anything.
    for outside in ["src=\"", "href=\"http", "from './", "%DATA%"] {
        ensure!(!page.contains(outside), "{outside} in the page");
    }
    Ok(())
}

pub async fn e2e_with_limits_puts_throttled_records_again_and_names_the_first_limit()
-> anyhow::Result<()> {
    let project = Project::new(TEMPLATE, LOCAL_TOML).await?;
    // One request of 2.4 MB: the shard takes three of its records at once.
    let flags = [
        "--enforce-limits",
        "--shards=1",
        "--records=8",
        "--size=300000",
        "--expect=throttled>4",
    ];
    let report = project.report(&flags, 0).await?;
    same("processed", &report["records"]["processed"], &json!(8))?;
    let throttled = &report["throttled"];
    same("shards", &throttled["shards"], &json!(1))?;
    same("by records", &throttled["by_records"], &json!(0))?;
    ensure!(throttled["by_bytes"].as_u64() >= Some(5), "{report}");

    let flags = [&flags[..], &["--backend=localstack"]].concat();
    let refused = project.e2e(&flags).await?;
    let (_, errors) = outputs(&refused, 2)?;
    ensure!(
        errors.contains("--enforce-limits needs --backend embedded"),
        "{errors}"
    );
    Ok(())
}

pub async fn e2e_fails_by_the_name_of_a_condition() -> anyhow::Result<()> {
    let project = Project::new(TEMPLATE, "").await?;
    // The texts `ok` and `error`, which moody obeys.
    let line = |data: &str| format!("{{\"partitionKey\":\"a\",\"dataBase64\":\"{data}\"}}\n");
    let records = line("b2s=").repeat(4) + &line("ZXJyb3I=");
    fs::write(project.path("records.jsonl"), records)?;
    let file = "--record-file=records.jsonl";
    let report = project
        .report(&[file, "--records-out=out.jsonl"], 1)
        .await?;
    same("passed", &report["passed"], &json!(false))?;
    same("discarded", &report["records"]["discarded"], &json!(1))?;
    let failed = |report: &Value| {
        let conditions = report["conditions"].as_array().into_iter().flatten();
        let failed = conditions.filter(|one| one["passed"] == false);
        failed
            .map(|one| one["condition"].clone())
            .collect::<Vec<_>>()
    };
    same("not met", failed(&report), vec![json!("discarded=0")])?;
    let error = report["first_failure"]["error"]
        .as_str()
        .unwrap_or_default();
    ensure!(error.ends_with("failing on purpose"), "{report}");
    let out = lines(&project.path("out.jsonl"))?;
    let discarded: Vec<_> = out
        .iter()
        .filter(|one| one["outcome"] == "discarded")
        .collect();
    same("discarded lines", discarded.len(), 1)?;
    same("its error", discarded[0]["error"].as_str(), Some(error))?;

    project
        .report(&[file, "--expect=discarded<=20%"], 0)
        .await?;
    let flags = [file, "--expect=discarded<=1", "--expect=cache.hit>90%"];
    let report = project.report(&flags, 1).await?;
    same("not met", failed(&report), vec![json!("cache.hit>90%")])?;
    Ok(())
}

pub async fn e2e_settles_records_that_a_mapping_filters_out() -> anyhow::Result<()> {
    let filter = "      MaximumRetryAttempts: 0\n      FilterCriteria: { Filters: [{ Pattern: '{\"data\":{\"keep\":[\"no\"]}}' }] }\n";
    let template = TEMPLATE.replace("      MaximumRetryAttempts: 0\n", filter);
    let project = Project::new(&template, LOCAL_TOML).await?;
    let report = project.report(&["--records=10"], 0).await?;
    same("filtered", &report["records"]["filtered"], &json!(10))?;
    same("invocations", &report["invocations"], &json!(0))?;
    Ok(())
}
