//! The command line as a user meets it: its output and its exit codes.

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod plan;
mod run;
mod start;

use std::{fs, process::Command};

use run::{BOOTSTRAP, Run};

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

/// The help of a command, checked against its golden file.
macro_rules! help {
    ($($name:ident: $arguments:expr;)*) => {$(
        #[test]
        fn $name() {
            let output = Run::new(&$arguments).output();
            assert!(output.status.success());
            insta::assert_snapshot!(String::from_utf8(output.stdout).unwrap());
        }
    )*};
}

help! {
    the_help_of_wait_names_every_flag: ["wait", "--help"];
    the_help_of_invoke_names_every_flag: ["invoke", "--help"];
    the_help_of_event_kinesis_names_every_flag: ["event", "kinesis", "--help"];
    the_help_of_exec_names_every_flag: ["exec", "--help"];
    the_help_of_up_names_every_flag: ["up", "--help"];
    the_help_of_completions_names_every_shell: ["completions", "--help"];
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
fn the_momento_cache_needs_its_api_key() {
    let refusal = Run::new(&["up", "--cache", "momento", BOOTSTRAP])
        .template()
        .refusal();
    assert_eq!(
        refusal,
        "error: --cache momento needs a Momento API key, and MOMENTO_API_KEY is not set\nhint: set it, or choose a local cache with `--cache server`"
    );
}

#[test]
fn completions_are_a_script_of_the_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = Run::new(&["completions", shell]).output();
        assert!(output.status.success(), "{shell}");
        let script = String::from_utf8(output.stdout).unwrap();
        for word in ["event-source", "completions", "--"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    // The shell itself finds no error in it.
    let mut run = Run::new(&["completions", "bash"]);
    let script = run.command.output().unwrap().stdout;
    let file = run.folder.path().join("script");
    fs::write(&file, script).unwrap();
    let checked = Command::new("bash").arg("-n").arg(&file).status();
    assert!(checked.is_ok_and(|status| status.success()));
}

#[test]
fn records_that_are_no_json_lines_are_refused_with_their_line() {
    let refusal = Run::new(&["event", "kinesis", "orders.jsonl"])
        .file("orders.jsonl", "{}\n\nnonsense\n")
        .refusal();
    assert_eq!(
        refusal,
        "error: orders.jsonl:3: expected a JSON document: expected ident at line 1 column 2"
    );
    let refusal = Run::new(&["event", "kinesis", "orders.jsonl", "--partition-key=/id"])
        .file("orders.jsonl", "{\"id\":1}\n{}\n")
        .refusal();
    assert_eq!(
        refusal,
        "error: orders.jsonl:2: no string or number at /id, the partition key"
    );
}

#[test]
fn commands_for_a_running_environment_say_how_to_start_or_name_it() {
    for command in [&["wait"][..], &["invoke", "f"], &["status"]] {
        let run = Run::new(command).arguments(&["--url", "http://127.0.0.1:1"]);
        let output = run.output();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(
            error.ends_with("\nhint: start `local up`, or name another with `--url URL`\n"),
            "{error}"
        );
    }
}

#[test]
fn exec_needs_a_template_and_a_command() {
    let refusal = Run::new(&["exec", "--", "true"]).refusal();
    assert!(refusal.starts_with("error: no template "), "{refusal}");
    let output = Run::new(&["exec"]).template().output();
    assert_eq!(output.status.code(), Some(2));
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
fn a_count_that_is_not_a_number_is_refused() {
    let output = Run::new(&["e2e", "--records", "many"]).output();
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        error.contains("invalid value 'many' for '--records <N>'"),
        "{error}"
    );
}
