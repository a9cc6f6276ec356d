//! `klocal exec`: what the command gets, how it ends, and what is left of it.

use std::{
    collections::BTreeMap,
    fs,
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Output, Stdio},
};

use anyhow::{Context, ensure};
use integration_tests::patience::{eventually, same};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tempfile::TempDir;
use tokio::process::Command;

use super::{TEMPLATE, stderr, stdout, tool};
use crate::moody;

/// A project, and a temporary folder for what the tool makes.
struct Project {
    folder: TempDir,
    temporary: TempDir,
    local: PathBuf,
    bootstrap: PathBuf,
}

impl Project {
    async fn new() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        fs::write(folder.path().join("template.yaml"), TEMPLATE)?;
        // A path of its own, by which its processes are found.
        let bootstrap = folder.path().join("bootstrap");
        fs::copy(moody(), &bootstrap)?;
        Ok(Self {
            folder,
            temporary: tempfile::tempdir()?,
            local: tool().await?,
            bootstrap,
        })
    }

    fn exec(&self, flags: &[&str], script: &str) -> Command {
        let mut command = Command::new(&self.local);
        command
            .arg("exec")
            .args(flags)
            .args(["--", "/bin/sh", "-c", script])
            .current_dir(self.folder.path())
            .env("TMPDIR", self.temporary.path())
            .env("LOCAL", &self.local)
            .env("AWS_PROFILE", "production")
            .env("AWS_ENDPOINT_URL_KINESIS", "http://127.0.0.1:1")
            .env("NO_PROXY", "example.com")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    async fn run(&self, flags: &[&str], script: &str) -> anyhow::Result<Output> {
        let output = self.exec(flags, script).output().await;
        output.context("running the tool")
    }

    /// The variables that the command wrote into `env`.
    fn variables(&self) -> anyhow::Result<BTreeMap<String, String>> {
        let text = fs::read_to_string(self.folder.path().join("env"))?;
        let pairs = text.lines().filter_map(|line| line.split_once('='));
        Ok(pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect())
    }

    /// Waits until no process, port and folder is left.
    async fn nothing_is_left(&self) -> anyhow::Result<()> {
        let variables = self.variables()?;
        let marker = format!("LOCAL_EXEC_ID={}", variables["LOCAL_EXEC_ID"]);
        let ports: Vec<_> = [
            "AWS_ENDPOINT_URL",
            "LOCAL_URL",
            "CACHE_GRPC_URL",
            "CACHE_PROTOSOCKET_ADDRESS",
        ]
        .into_iter()
        .map(|name| variables[name].trim_start_matches("http://").to_owned())
        .collect();
        let left = || {
            let ports = ports.iter().filter(|port| TcpStream::connect(port).is_ok());
            let processes = processes(&marker, &self.bootstrap);
            let files = fs::read_dir(self.temporary.path());
            let files = files.into_iter().flatten().flatten();
            let files: Vec<_> = files.map(|file| file.file_name()).collect();
            (ports.cloned().collect::<Vec<_>>(), processes, files)
        };
        let nothing = |left: &(Vec<_>, Vec<_>, Vec<_>)| {
            left.0.is_empty() && left.1.is_empty() && left.2.is_empty()
        };
        eventually("ports, processes and files left", left, nothing).await?;
        Ok(())
    }
}

/// Processes with this variable, or with this executable.
fn processes(marker: &str, executable: &Path) -> Vec<String> {
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    all.filter_map(|process| {
        let folder = process.path();
        let marked = fs::read(folder.join("environ")).is_ok_and(|variables| {
            let mut variables = variables.split(|byte| *byte == 0);
            variables.any(|variable| variable == marker.as_bytes())
        });
        let runs = fs::read_link(folder.join("exe")).is_ok_and(|path| path == executable);
        (marked || runs).then(|| fs::read_to_string(folder.join("comm")).unwrap_or_default())
    })
    .collect()
}

pub async fn exec_runs_a_command_with_everything_and_exits_as_it_does() -> anyhow::Result<()> {
    let project = Project::new().await?;
    let script = r#"env > env
        echo '"say"' | "$LOCAL" event kinesis | "$LOCAL" invoke moody --event - && "$LOCAL" wait"#;
    let ran = project.run(&["--cache=server"], script).await?;
    same(
        "stdout",
        stdout(&ran, 0)?.as_str(),
        "{\"batchItemFailures\":[]}\n",
    )?;
    same("stderr", stderr(&ran, 0)?.as_str(), "")?;
    let variables = project.variables()?;
    let of = |name: &str| variables.get(name).map(String::as_str);
    for (name, value) in [
        ("AWS_REGION", Some("us-east-1")),
        ("AWS_DEFAULT_REGION", Some("us-east-1")),
        ("AWS_ACCESS_KEY_ID", Some("local")),
        ("AWS_ENDPOINT_URL_LAMBDA", of("LOCAL_URL")),
        ("CACHE_HTTP_URL", of("CACHE_GRPC_URL")),
        ("NO_PROXY", Some("example.com,127.0.0.1,localhost,::1")),
        ("AWS_PROFILE", None),
        ("AWS_ENDPOINT_URL_KINESIS", None),
    ] {
        same(name, of(name), value)?;
    }
    let invoke = of("INVOKE_URL").unwrap_or_default();
    ensure!(
        invoke.ends_with("/2015-03-31/functions/moody/invocations"),
        "{invoke}"
    );
    project.nothing_is_left().await?;

    for (script, code) in [("exit 7", 7), ("kill -KILL $$", 137)] {
        stderr(&project.run(&[], script).await?, code)?;
    }
    let mut missing = Command::new(&project.local);
    missing
        .args(["exec", "--", "./nowhere"])
        .current_dir(project.folder.path())
        .env("TMPDIR", project.temporary.path());
    let missing = stderr(&missing.output().await?, 127)?;
    same(
        "a missing command",
        missing.as_str(),
        "error: ./nowhere: No such file or directory (os error 2)\n",
    )?;
    Ok(())
}

pub async fn exec_shows_the_functions_output_if_the_command_fails() -> anyhow::Result<()> {
    let project = Project::new().await?;
    let event = r#"{"Records":[{"kinesis":{"data":"c2F5OmhlbGxv"}}]}"#;
    fs::write(project.folder.path().join("event.json"), event)?;
    let script = |code| format!(r#""$LOCAL" invoke moody --event event.json >&2; exit {code}"#);
    let response = "{\"batchItemFailures\":[]}\n";
    for (flags, code, expected) in [
        (&[][..], 0, ""),
        (&[], 3, "the functions' output:\nmoody | hello\n"),
        (&["--show-logs"], 0, "moody | hello\n"),
        (&["--show-logs"], 3, "moody | hello\n"),
    ] {
        let ran = project.run(flags, &script(code)).await?;
        let ran = stderr(&ran, code)?.replace("{\"batchItemFailures\":[]}\n", "");
        same(&format!("{flags:?}, {code}"), ran.as_str(), expected)?;
    }
    let ran = project.run(&["--log-file=log"], &script(0)).await?;
    same("stderr", stderr(&ran, 0)?.as_str(), response)?;
    let log = fs::read_to_string(project.folder.path().join("log"))?;
    same("log file", log.as_str(), "moody | hello\n")?;
    Ok(())
}

pub async fn exec_leaves_nothing_however_it_ends() -> anyhow::Result<()> {
    let project = Project::new().await?;
    // A child in a session of its own, which no signal to a group reaches.
    let script = "trap 'exit 9' INT; trap 'exit 10' TERM
        setsid sleep 1000 & env > env.new; mv env.new env; while true; do sleep 0.05; done";
    for (signal, code) in [
        (Signal::SIGINT, Some(9)),
        (Signal::SIGTERM, Some(10)),
        (Signal::SIGKILL, None),
    ] {
        let file = project.folder.path().join("env");
        let _ = fs::remove_file(&file);
        let mut exec = project.exec(&["--cache=server"], script).spawn()?;
        eventually("the command runs", || file.exists(), |runs| *runs).await?;
        let pid = exec.id().context("it has ended")?;
        kill(Pid::from_raw(pid.try_into()?), signal)?;
        let status = exec.wait().await?;
        same(signal.as_str(), status.code(), code)?;
        project.nothing_is_left().await?;
    }
    let script = "setsid sleep 1000 & env > env; exit";
    for code in [0, 1] {
        // Its output would stay open as long as the child runs.
        let mut exec = project.exec(&["--cache=server"], &format!("{script} {code}"));
        let status = exec.stdout(Stdio::null()).stderr(Stdio::null());
        same("code", status.status().await?.code(), Some(code))?;
        project.nothing_is_left().await?;
    }
    Ok(())
}
