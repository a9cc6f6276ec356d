//! The command line as a user meets it: its output and its exit codes.

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod tools;

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;

/// Runs `local` with arguments, in a folder of its own.
struct Run {
    folder: TempDir,
    command: Command,
}

impl Run {
    fn new(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_local"));
        command
            .args(arguments)
            .current_dir(folder.path())
            .env_remove("MOMENTO_API_KEY")
            .env_remove("AWS_REGION")
            .env_remove("LOCAL_URL")
            .env_remove("RUST_LOG");
        Self { folder, command }
    }

    fn file(self, name: &str, text: &str) -> Self {
        fs::write(self.folder.path().join(name), text).unwrap();
        self
    }

    fn template(self) -> Self {
        let text = fs::read_to_string(deployed_template()).unwrap();
        self.file("template.yaml", &text)
    }

    fn arguments(mut self, arguments: &[&str]) -> Self {
        self.command.args(arguments);
        self
    }

    fn output(mut self) -> Output {
        self.command.output().unwrap()
    }

    /// Runs a command that exits with code 2 and writes nothing to stdout. Returns its
    /// stderr: an error line, and a hint line if there is one.
    fn refusal(self) -> String {
        let output = self.output();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert_eq!(String::from_utf8(output.stdout).unwrap(), "");
        let lines: Vec<_> = error.trim_end().lines().collect();
        let has_hint = lines.len() == 2 && lines[1].starts_with("hint: ");
        assert!(lines.len() == 1 || has_hint, "{error}");
        error.trim_end().to_owned()
    }
}

fn deployed_template() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../template.yaml")
}

/// A function that never asks for an invocation: a program that any machine with a
/// shell has.
const BOOTSTRAP: &str = "--bootstrap=/bin/true";

#[test]
fn help_lists_every_command() {
    let output = Run::new(&["--help"]).output();
    assert!(output.status.success());
    insta::assert_snapshot!(String::from_utf8(output.stdout).unwrap());
}

#[test]
fn the_help_of_e2e_names_every_flag() {
    let output = Run::new(&["e2e", "--help"]).output();
    assert!(output.status.success());
    insta::assert_snapshot!(String::from_utf8(output.stdout).unwrap());
}

#[test]
fn a_missing_template_is_an_error_with_a_hint_to_the_flag() {
    let refusal = Run::new(&["up"]).refusal();
    assert!(
        refusal.starts_with("error: no template (template.yaml, template.yml, template.json) in /")
            && refusal
                .ends_with(" or any folder above it\nhint: name a template with `--template FILE`"),
        "{refusal}"
    );
    let refusal = Run::new(&["up", "--template", "nowhere.yaml"]).refusal();
    assert_eq!(
        refusal,
        "error: template nowhere.yaml: No such file or directory (os error 2)\nhint: name another with `--template FILE`"
    );
}

#[test]
fn an_invalid_template_is_an_error_with_its_line() {
    let text =
        "Resources:\n  Stream:\n    Type: AWS::Kinesis::Stream\n    Properties:\n      Shards: 2\n";
    let refusal = Run::new(&["e2e"]).file("template.yaml", text).refusal();
    assert!(
        refusal.starts_with("error: template.yaml:5: Stream (AWS::Kinesis::Stream): property Shards is not supported here"),
        "{refusal}"
    );
}

#[test]
fn a_missing_bootstrap_is_named_before_anything_starts() {
    assert_eq!(
        Run::new(&["up", "--bootstrap", "./nowhere"])
            .template()
            .refusal(),
        "error: bootstrap ./nowhere: No such file or directory (os error 2)\nhint: name an executable with `--bootstrap PATH`"
    );
}

#[test]
fn a_bootstrap_that_cannot_be_executed_is_refused() {
    let refusal = Run::new(&["up", "--bootstrap", "template.yaml"])
        .template()
        .refusal();
    assert_eq!(
        refusal,
        "error: bootstrap template.yaml is not an executable file\nhint: run `chmod +x` on it, or name another file with `--bootstrap PATH`"
    );
}

#[test]
fn a_port_in_use_is_an_error_with_its_holder_and_the_flag() {
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for (command, flag) in [("up", "--aws-port"), ("aws", "--port"), ("cache", "--port")] {
        let mut run = Run::new(&[command, flag, &port]).template();
        if command == "up" {
            run = run.arguments(&[BOOTSTRAP]);
        }
        let refusal = run.refusal();
        assert!(
            refusal.starts_with(&format!("error: port {port} on 127.0.0.1 is in use by ")),
            "{refusal}"
        );
        assert!(
            refusal.contains(&format!(
                "\nhint: stop it, or choose another port with `{flag} PORT`"
            )),
            "{refusal}"
        );
    }
}

#[test]
fn a_protosocket_port_in_use_is_an_error_with_its_flag() {
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let up = [
        "up",
        "--cache=server",
        BOOTSTRAP,
        "--aws-port=0",
        "--lambda-port=0",
        "--cache-port=0",
    ];
    for command in [&up[..], &["cache", "--port=0"]] {
        let refusal = Run::new(command)
            .template()
            .arguments(&["--cache-protosocket-port", &port])
            .refusal();
        assert!(
            refusal.starts_with(&format!("error: port {port} on 127.0.0.1 is in use by ")),
            "{refusal}"
        );
        assert!(
            refusal.ends_with(
                "\nhint: stop it, or choose another port with `--cache-protosocket-port PORT` (0: any free port)"
            ),
            "{refusal}"
        );
    }
}

#[test]
fn a_cache_alone_is_served_over_protosocket_and_its_status_names_the_address() {
    let mut run = Run::new(&["cache", "--port=0", "--cache-protosocket-port=0"]);
    let mut cache = run
        .command
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut said = String::new();
    let mut stderr = BufReader::new(cache.stderr.take().unwrap());
    stderr.read_line(&mut said).unwrap();
    let words = |before: &str| said.split(before).nth(1).unwrap_or_default().split(' ');
    let url = words(" at ").next().unwrap();
    let address = words(") and ").next().unwrap();
    assert!(TcpStream::connect(address).is_ok(), "{said}");
    let host = url.trim_start_matches("http://");
    let mut http = TcpStream::connect(host).unwrap();
    write!(http, "GET /_local/status HTTP/1.0\r\nHost: {host}\r\n\r\n").unwrap();
    let mut status = String::new();
    http.read_to_string(&mut status).unwrap();
    let terminated = Command::new("kill").arg(cache.id().to_string()).status();
    assert!(terminated.unwrap().success());
    assert!(cache.wait().unwrap().success());
    let expected = format!("\"protosocket\":\"{address}\"");
    assert!(status.contains(&expected), "{status}");
}

#[test]
fn the_momento_cache_needs_its_api_key() {
    let refusal = Run::new(&["up", "--cache", "momento", BOOTSTRAP])
        .template()
        .refusal();
    assert_eq!(
        refusal,
        "error: --cache momento needs a Momento API key, and MOMENTO_API_KEY is not set\nhint: set it, or choose a local cache with `--cache server`"
    );
}

/// A function whose init fails with this message.
const BROKEN: &str = "#!/bin/sh\necho 'cannot find my soul' >&2\nexit 7\n";

#[test]
fn e2e_fails_when_the_function_does_not_start_and_shows_its_last_lines() {
    let run = Run::new(&["e2e", "--producer=/bin/true"])
        .template()
        .file("bootstrap.sh", BROKEN);
    let path = run.folder.path().join("bootstrap.sh");
    executable(&path);
    let output = run
        .arguments(&["--bootstrap", path.to_str().unwrap()])
        .output();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(
        error.contains("function kinesis-consumer-model-one-rust does not start: Runtime exited with error: exit status: 7"),
        "{error}"
    );
    assert!(error.contains("cannot find my soul"), "{error}");
}

#[test]
fn up_serves_everything_else_when_a_function_does_not_start() {
    let mut run = Run::new(&[
        "up",
        "--aws-port=0",
        "--lambda-port=0",
        "--cache-port=0",
        "--cache-protosocket-port=0",
    ])
    .template()
    .file("bootstrap.sh", BROKEN);
    let path = run.folder.path().join("bootstrap.sh");
    executable(&path);
    let mut up = run
        .command
        .args(["--bootstrap", path.to_str().unwrap()])
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut said = String::new();
    let mut stderr = BufReader::new(up.stderr.take().unwrap());
    while !said.contains("Ctrl-C stops everything") {
        assert_ne!(stderr.read_line(&mut said).unwrap(), 0, "it ended: {said}");
    }
    // SIGTERM, so that it removes its temporary folder.
    let terminated = Command::new("kill").arg(up.id().to_string()).status();
    assert!(terminated.unwrap().success());
    assert!(up.wait().unwrap().success());
    assert!(
        said.contains("error: function kinesis-consumer-model-one-rust does not start: Runtime exited with error: exit status: 7"),
        "{said}"
    );
    assert!(said.contains("cannot find my soul"), "{said}");
    assert!(
        said.contains("hint: everything else is served; its next record starts it again\n"),
        "{said}"
    );
    assert!(said.contains("AWS APIs  http://127.0.0.1:"), "{said}");
}

/// A function whose init never ends. It says that it has begun.
const ENDLESS: &str = "#!/bin/sh\necho begun >&2\nexec sleep 1000\n";

#[test]
fn up_that_is_interrupted_while_it_starts_leaves_no_folder() {
    let arguments = [
        "up",
        "--aws-port=0",
        "--lambda-port=0",
        "--cache-port=0",
        "--cache-protosocket-port=0",
    ];
    let mut run = Run::new(&arguments)
        .template()
        .file("bootstrap.sh", ENDLESS);
    let path = run.folder.path().join("bootstrap.sh");
    executable(&path);
    let temporary = tempfile::tempdir().unwrap();
    let mut up = run
        .command
        .args(["--bootstrap", path.to_str().unwrap()])
        .env("TMPDIR", temporary.path())
        .stderr(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    let mut stdout = BufReader::new(up.stdout.take().unwrap());
    while !said.contains("begun") {
        assert_ne!(stdout.read_line(&mut said).unwrap(), 0, "it ended: {said}");
    }
    assert!(fs::read_dir(temporary.path()).unwrap().next().is_some());
    let terminated = Command::new("kill").arg(up.id().to_string()).status();
    assert!(terminated.unwrap().success());
    up.wait().unwrap();
    assert!(fs::read_dir(temporary.path()).unwrap().next().is_none());
}

#[test]
fn retry_waits_that_are_not_two_numbers_in_order_are_refused() {
    for waits in ["50", "50ms,1s", "0,1000", "1000,50"] {
        let output = Run::new(&["up", "--retry-wait", waits]).output();
        assert_eq!(output.status.code(), Some(2), "{waits}");
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains("such as 50,1000"), "{waits}: {error}");
    }
}

#[test]
fn a_malformed_rust_log_is_refused() {
    let mut run = Run::new(&["doctor"]);
    run.command.env("RUST_LOG", "local=nonsense");
    let refusal = run.refusal();
    assert!(
        refusal.starts_with(
            "error: RUST_LOG is \"local=nonsense\"; expected a filter such as info or local=debug: "
        ),
        "{refusal}"
    );
}

#[test]
fn an_executable_for_a_function_that_is_not_in_the_template_is_refused() {
    let refusal = Run::new(&["up", "--bootstrap", "fx=/bin/true"])
        .template()
        .refusal();
    assert_eq!(
        refusal,
        "error: --bootstrap fx=…: the template has no function fx; it has kinesis-consumer-model-one-rust"
    );
}

#[test]
fn a_rate_that_writes_nothing_is_refused() {
    let output = Run::new(&["e2e", "--rate", "0"]).output();
    assert_eq!(output.status.code(), Some(2));
}

/// A template whose only mapping is disabled.
const DISABLED: &str = "\
Resources:
  Orders:
    Type: AWS::Kinesis::Stream
  Worker:
    Type: AWS::Serverless::Function
    Properties:
      Events:
        Records:
          Type: Kinesis
          Properties:
            Stream: !GetAtt Orders.Arn
            StartingPosition: LATEST
            Enabled: false
";

#[test]
fn e2e_is_refused_when_the_only_mapping_is_disabled() {
    let refusal = Run::new(&["e2e"]).file("template.yaml", DISABLED).refusal();
    assert_eq!(
        refusal,
        "error: template.yaml has no enabled event source mapping: nothing would process the records"
    );
}

#[test]
fn failures_in_no_folder_are_refused_and_not_an_empty_table() {
    let refusal = Run::new(&["failures", "list", "--failures", "nowhere"]).refusal();
    assert_eq!(
        refusal,
        "error: there is no folder nowhere\nhint: leave out `--failures` to ask the running `local up`, or name DIR/failures of its `--data-dir DIR`, which exists once a batch was discarded"
    );
    let refusal = Run::new(&["failures", "list", "--url", "http://127.0.0.1:1"]).refusal();
    assert_eq!(
        refusal,
        "error: no `local up` answers at http://127.0.0.1:1, and there is no folder .local/failures\nhint: start `local up`, or name another with `--url URL` or `--failures DIR`"
    );
}

#[test]
fn a_function_that_does_not_compile_shows_the_compiler_s_errors() {
    let manifest = "[package]\nname = \"broken\"\nedition = \"2024\"\n\n[[bin]]\nname = \"bootstrap\"\npath = \"function.rs\"\n\n[workspace]\n";
    let mut run = Run::new(&[
        "up",
        "--aws-port=0",
        "--lambda-port=0",
        "--cache-port=0",
        "--cache-protosocket-port=0",
    ])
    .template()
    .file("Cargo.toml", manifest)
    .file("function.rs", "fn main() { this_is_nowhere() }\n");
    run.command.env_remove("CARGO_TARGET_DIR");
    let output = run.output();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.contains("function.rs:1:13"), "{error}");
    assert!(
        error.contains("cannot find function `this_is_nowhere`"),
        "{error}"
    );
    assert!(
        error.contains("error: cargo build --bin bootstrap failed in "),
        "{error}"
    );
}

#[test]
fn a_count_that_is_not_a_number_is_refused() {
    let output = Run::new(&["e2e", "--records", "many"]).output();
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        error.contains("invalid value 'many' for '--records <N>'"),
        "{error}"
    );
}

fn executable(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_plan_names_the_shards_that_a_rate_needs_and_the_first_limit() {
    let report = r#"{"records":{"processed":1000},"invocations":50,"cache_requests":{"get":1000,"hit":990},"latency_ms":{"invoke":{"p50":4.0}}}"#;
    let arguments = ["plan", "--rate=50000", "--size=300", "--report=report.json"];
    let run = Run::new(&arguments).template().file("report.json", report);
    let output = run.output();
    assert!(output.status.success(), "{output:?}");
    insta::assert_snapshot!(String::from_utf8(output.stdout).unwrap());
}

#[test]
fn a_plan_from_a_file_that_is_no_report_is_refused() {
    let arguments = ["plan", "--rate=1", "--size=1", "--report=template.yaml"];
    let refusal = Run::new(&arguments).template().refusal();
    assert!(
        refusal.starts_with(
            "error: report template.yaml: expected the output of `local e2e --output json`: "
        ),
        "{refusal}"
    );
}
