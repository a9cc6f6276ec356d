//! A proxy that does not answer, in the variables that every program reads: nothing
//! here goes through it.

use std::{
    io::{BufRead, BufReader, Read},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Command, Stdio},
};

struct Dead {
    url: String,
}

impl Dead {
    /// A port that was free a moment ago: connections to it are refused.
    fn proxy() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        Self {
            url: format!("http://127.0.0.1:{port}"),
        }
    }

    fn local(&self, folder: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_klocal"));
        command.args(arguments).current_dir(folder);
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
            command.env(name, &self.url);
            command.env(name.to_lowercase(), &self.url);
        }
        command.env_remove("NO_PROXY").env_remove("no_proxy");
        command.env_remove("AWS_REGION").env_remove("RUST_LOG");
        command
    }
}

/// A child that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const TEMPLATE: &str = "Resources:
  Function:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: f
      Runtime: provided.al2023
      Handler: bootstrap
      CodeUri: .
  Records:
    Type: AWS::Kinesis::Stream
    Properties: { Name: records, ShardCount: 1 }
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: Locations
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{ AttributeName: k, AttributeType: S }]
      KeySchema: [{ AttributeName: k, KeyType: HASH }]
";

#[test]
fn everything_starts_and_functions_keep_off_the_proxy_while_it_is_dead() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("template.yaml"), TEMPLATE).unwrap();
    let bootstrap = folder.path().join("bootstrap");
    // Its init is reached when streams and tables have been created.
    let script = "#!/bin/sh\necho \"NO_PROXY=$NO_PROXY no_proxy=$no_proxy\"\nexit 1\n";
    std::fs::write(&bootstrap, script).unwrap();
    std::fs::set_permissions(&bootstrap, PermissionsExt::from_mode(0o755)).unwrap();
    let ports = [
        "--aws-port=0",
        "--lambda-port=0",
        "--cache-port=0",
        "--cache-protosocket-port=0",
    ];
    let mut up = Dead::proxy().local(folder.path(), &["up", "--bootstrap=./bootstrap"]);
    let up = up.args(ports).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut up = Running(up.spawn().unwrap());
    let lines = BufReader::new(up.0.stdout.take().unwrap()).lines();
    let line = lines
        .map_while(Result::ok)
        .find(|line| line.contains("NO_PROXY="));
    let Some(line) = line else {
        let mut error = String::new();
        up.0.stderr
            .take()
            .unwrap()
            .read_to_string(&mut error)
            .unwrap();
        panic!("the function was not started: {error}");
    };
    let expected = "NO_PROXY=127.0.0.1,localhost,::1 no_proxy=127.0.0.1,localhost,::1";
    assert!(line.contains(expected), "{line}");
}

#[test]
fn commands_reach_a_running_environment_while_the_proxy_is_dead() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("template.yaml"), TEMPLATE).unwrap();
    let dead = Dead::proxy();
    let mut aws = dead.local(folder.path(), &["aws", "--port=0"]);
    let mut aws = Running(aws.stderr(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(aws.0.stderr.take().unwrap()).lines();
    let line = lines.find_map(|line| line.ok().filter(|line| line.contains("http://")));
    let line = line.unwrap();
    let url = &line[line.find("http://").unwrap()..];
    for _ in 0..2 {
        let arguments = ["provision", "--endpoint-url", url];
        let output = dead.local(folder.path(), &arguments).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{error}");
    }
}
