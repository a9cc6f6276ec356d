//! The commands for tests and for a second terminal: their help, and what they refuse.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    net::TcpStream,
    process::{Command, Stdio},
};

use crate::{BOOTSTRAP, Run};

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
    the_help_of_event_sqs_names_every_flag: ["event", "sqs", "--help"];
    the_help_of_clock_names_every_flag: ["clock", "--help"];
    the_help_of_exec_names_every_flag: ["exec", "--help"];
    the_help_of_up_names_every_flag: ["up", "--help"];
    the_help_of_put_names_every_flag: ["put", "--help"];
    the_help_of_capture_names_every_flag: ["capture", "--help"];
    the_help_of_completions_names_every_shell: ["completions", "--help"];
}

#[test]
fn up_prints_one_line_of_json_with_every_endpoint_when_it_is_ready() {
    let mut run = Run::up(&["--json", "--cache=server", BOOTSTRAP]).template();
    let mut up = run
        .command
        .stderr(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(up.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
    for (pointer, variable) in [
        ("/aws", "AWS_ENDPOINT_URL"),
        ("/lambda", "LOCAL_URL"),
        ("/cache/grpc", "CACHE_GRPC_URL"),
        ("/functions/kinesis-consumer-model-one-rust", "INVOKE_URL"),
    ] {
        let url = ready.pointer(pointer).unwrap();
        assert_eq!(url, &ready["variables"][variable], "{pointer}");
        let rest = url.as_str().unwrap().strip_prefix("http://").unwrap();
        let address = rest.split('/').next().unwrap();
        TcpStream::connect(address).unwrap();
    }
    assert_eq!(ready["region"], "us-east-1");
    assert_eq!(ready["streams"], serde_json::json!(["model-one"]));
    assert_eq!(
        ready["mappings"],
        serde_json::json!([{
            "name": "ConsumerMapping",
            "stream": "model-one",
            "function": "kinesis-consumer-model-one-rust",
        }])
    );
    let terminated = Command::new("kill").arg(up.id().to_string()).status();
    assert!(terminated.unwrap().success());
    assert!(up.wait().unwrap().success());
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "", "stdout has this line only");
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
            error.ends_with("\nhint: start `klocal up`, or name another with `--url URL`\n"),
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
