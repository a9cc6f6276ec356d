//! What `klocal up` tells of a template.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

#[test]
fn up_lists_once_what_means_something_else_here() {
    let folder = tempfile::tempdir().unwrap();
    let template = "\
Resources:
  Worker:
    Type: AWS::Serverless::Function
    Properties:
      Policies: []
      Tracing: Active
      Events:
        Records:
          Type: Kinesis
          Properties: {Stream: 'arn:aws:kinesis:us-east-1:123456789012:stream/orders', StartingPosition: LATEST}
  Other:
    Type: AWS::Serverless::Function
    Properties: {Policies: []}
";
    fs::write(folder.path().join("template.yaml"), template).unwrap();
    let mut up = Command::new(env!("CARGO_BIN_EXE_klocal"))
        .args([
            "up",
            "--bootstrap=/bin/true",
            "--aws-port=0",
            "--lambda-port=0",
        ])
        .args(["--cache-port=0", "--cache-protosocket-port=0"])
        .current_dir(folder.path())
        .env_remove("AWS_REGION")
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut said = String::new();
    let mut stderr = BufReader::new(up.stderr.take().unwrap());
    while !said.contains("Ctrl-C stops everything") {
        assert_ne!(stderr.read_line(&mut said).unwrap(), 0, "it ended: {said}");
    }
    let terminated = Command::new("kill").arg(up.id().to_string()).status();
    assert!(terminated.unwrap().success());
    assert!(up.wait().unwrap().success());
    let expected = "\
  With another meaning here:
    Policies: permissions are not checked
    Tracing: traces, log levels and metrics are not kept
    stream orders: the template does not create the stream: one with one shard is created here
";
    assert!(said.contains(expected), "{said}");
}
