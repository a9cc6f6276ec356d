//! The command line as a user meets it: its output and its exit codes.

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod bootstraps;
mod init;
mod plan;
mod run;
mod start;
mod told;
mod tools;

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
        Run::up(&["--bootstrap", "./nowhere"]).template().refusal(),
        "error: bootstrap ./nowhere: No such file or directory (os error 2)\nhint: name an executable with `--bootstrap PATH`"
    );
}

#[test]
fn a_bootstrap_that_cannot_be_executed_is_refused() {
    let refusal = Run::up(&["--bootstrap", "template.yaml"])
        .template()
        .refusal();
    assert_eq!(
        refusal,
        "error: bootstrap template.yaml is not an executable file\nhint: run `chmod +x` on it, or name another file with `--bootstrap PATH`"
    );
}

#[test]
fn the_momento_cache_needs_its_api_key() {
    let refusal = Run::up(&["--cache", "momento", BOOTSTRAP])
        .template()
        .refusal();
    assert_eq!(
        refusal,
        "error: --cache momento needs a Momento API key, and MOMENTO_API_KEY is not set\nhint: set it, or choose a local cache with `--cache server`"
    );
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
    let refusal = Run::up(&["--bootstrap", "fx=/bin/true"])
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

/// [`DISABLED`] with an enabled mapping.
fn enabled() -> String {
    DISABLED.replace("            Enabled: false\n", "")
}

#[test]
fn e2e_without_records_is_refused_with_a_hint() {
    let refusal = Run::new(&["e2e"])
        .file("template.yaml", &enabled())
        .refusal();
    assert_eq!(
        refusal,
        "error: no records to write: local.toml has no [e2e] records\nhint: name them with `--record-template FILE` or `--record-file FILE`, or in local.toml: [e2e] records = { template = \"record.json\" }"
    );
}

#[test]
fn e2e_is_refused_when_no_mapping_reads_the_stream() {
    let refusal = Run::new(&["e2e", "--stream=returns"])
        .file("template.yaml", &enabled())
        .refusal();
    assert_eq!(
        refusal,
        "error: template.yaml has no enabled event source mapping of stream returns: nothing would process the records"
    );
}

#[test]
fn a_record_template_that_cannot_be_filled_in_is_refused_with_its_line() {
    let local_toml = "[e2e]\nrecords = { template = \"record.json\" }\n";
    let refusal = |record: &str| {
        Run::new(&["e2e"])
            .file("template.yaml", &enabled())
            .file("local.toml", local_toml)
            .file("record.json", record)
            .refusal()
    };
    let unknown = refusal("{\n  \"id\": \"${ulid}\"\n}\n");
    assert!(
        unknown.starts_with(
            "error: record.json:2: unknown placeholder ${ulid}; expected one of ${sequence}, "
        ),
        "{unknown}"
    );
    let invalid = refusal("{ id: 1 }");
    assert!(
        invalid.starts_with("error: record.json:1: expected a JSON document"),
        "{invalid}"
    );
    let missing = Run::new(&["e2e"])
        .file("template.yaml", &enabled())
        .file("local.toml", local_toml)
        .refusal();
    assert_eq!(
        missing,
        "error: record template record.json: No such file or directory (os error 2)"
    );
}

#[test]
fn a_wrong_condition_is_refused_with_the_names() {
    let output = Run::new(&["e2e", "--expect", "p98<20ms"]).output();
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        error.contains("unknown name \"p98\"; names: lost, discarded, ")
            && error.contains(", cache.hit, "),
        "{error}"
    );
}

#[test]
fn failures_in_no_folder_are_refused_and_not_an_empty_table() {
    let refusal = Run::new(&["failures", "list", "--failures", "nowhere"]).refusal();
    assert_eq!(
        refusal,
        "error: there is no folder nowhere\nhint: leave out `--failures` to ask the running `klocal up`, or name DIR/failures of its `--data-dir DIR`, which exists once a batch was discarded"
    );
    let refusal = Run::new(&["failures", "list", "--url", "http://127.0.0.1:1"]).refusal();
    assert_eq!(
        refusal,
        "error: no `klocal up` answers at http://127.0.0.1:1, and there is no folder .local/failures\nhint: start `klocal up`, or name another with `--url URL` or `--failures DIR`"
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
