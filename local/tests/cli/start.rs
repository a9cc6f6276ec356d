//! Starting: what is in the way, and what is left when it fails.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Command, Stdio},
};

use crate::run::{BOOTSTRAP, OTHER_PORTS, Run, executable};

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
    let run = Run::up(&[]).template().file("bootstrap.sh", BROKEN);
    let path = run.folder.path().join("bootstrap.sh");
    executable(&path);
    let said = run
        .arguments(&["--bootstrap", path.to_str().unwrap()])
        .until_served();
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
    let mut run = Run::up(&[]).template().file("bootstrap.sh", ENDLESS);
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
fn a_function_that_does_not_compile_shows_the_compiler_s_errors() {
    let manifest = "[package]\nname = \"broken\"\nedition = \"2024\"\n\n[[bin]]\nname = \"bootstrap\"\npath = \"function.rs\"\n\n[workspace]\n";
    let mut run = Run::up(&[])
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
fn a_port_in_use_is_an_error_with_its_holder_and_the_flag() {
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for (command, flag) in [("up", "--aws-port"), ("aws", "--port"), ("cache", "--port")] {
        let mut run = Run::new(&[command, flag, &port]).template();
        if command == "up" {
            run = run.arguments(&OTHER_PORTS).arguments(&[BOOTSTRAP]);
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
fn a_secure_string_that_is_read_without_decryption_gets_a_hint_once() {
    let mut run = Run::new(&["aws", "--port=0"]);
    let mut aws = run
        .command
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut said = String::new();
    let mut stderr = BufReader::new(aws.stderr.take().unwrap());
    while !said.contains("http://127.0.0.1:") {
        assert_ne!(stderr.read_line(&mut said).unwrap(), 0, "it ended: {said}");
    }
    let host = said.split("http://").nth(1).unwrap();
    let end = host.find(|one: char| one != '.' && one != ':' && !one.is_ascii_digit());
    let host = host[..end.unwrap_or(host.len())]
        .trim_end_matches(['.', ':'])
        .to_owned();
    let call = |operation: &str, body: &str| {
        let mut http = TcpStream::connect(&host).unwrap();
        let length = body.len();
        write!(
            http,
            "POST / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nX-Amz-Target: AmazonSSM.{operation}\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut reply = String::new();
        http.read_to_string(&mut reply).unwrap();
        assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
    };
    call(
        "PutParameter",
        r#"{"Name":"/key","Value":"v","Type":"SecureString"}"#,
    );
    call("GetParameter", r#"{"Name":"/key","WithDecryption":true}"#);
    call("GetParameter", r#"{"Name":"/key"}"#);
    call("GetParameter", r#"{"Name":"/key"}"#);
    let terminated = Command::new("kill").arg(aws.id().to_string()).status();
    assert!(terminated.unwrap().success());
    assert!(aws.wait().unwrap().success());
    stderr.read_to_string(&mut said).unwrap();
    let hint = "SecureString /key was read without decryption: the value is ciphertext; set WithDecryption to read it";
    assert_eq!(said.matches(hint).count(), 1, "{said}");
}
