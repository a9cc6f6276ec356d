//! The environment inside a Rust test.

#![allow(clippy::unwrap_used, reason = "a test says what is wrong by stopping")]

use std::{path::PathBuf, time::Duration};

use local::testing::{Environment, Error};
use tempfile::TempDir;

const TEMPLATE: &str = "
Resources:
  Orders: { Type: AWS::Kinesis::Stream, Properties: { Name: orders, ShardCount: 1 } }
  Function:
    Type: AWS::Serverless::Function
    Properties: { FunctionName: work, Handler: bootstrap, Runtime: provided.al2023, CodeUri: . }
  Mapping:
    Type: AWS::Lambda::EventSourceMapping
    Properties:
      FunctionName: !Ref Function
      EventSourceArn: !GetAtt Orders.Arn
      StartingPosition: TRIM_HORIZON
      MaximumRetryAttempts: 0
";

struct Project(TempDir);

impl Project {
    fn new(local_toml: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("template.yaml"), TEMPLATE).unwrap();
        std::fs::write(folder.path().join("local.toml"), local_toml).unwrap();
        Self(folder)
    }

    fn template(&self) -> PathBuf {
        self.0.path().join("template.yaml")
    }

    async fn start(&self) -> Environment {
        let environment = Environment::of(self.template()).bootstrap(echo());
        environment.start().await.unwrap()
    }
}

/// A bootstrap that answers with its event.
fn echo() -> PathBuf {
    PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../crates/lambda-host/examples/bootstrap"
    ))
}

#[tokio::test]
async fn two_environments_run_side_by_side_and_see_their_own_records() {
    let project = Project::new("");
    let (one, other) = tokio::join!(project.start(), project.start());
    one.put("orders", "key", "{}").await.unwrap();
    assert_eq!(one.settled().await.unwrap(), []);
    one.logged("work", "handling ").await.unwrap();
    assert_eq!(other.settled().await.unwrap(), []);
    assert!(other.logs("work").is_empty());
    one.stop().await;
    other.stop().await;
}

#[tokio::test]
async fn after_a_panic_nothing_answers_any_more() {
    let project = Project::new("");
    let environment = project.start().await;
    let aws = environment.endpoints().aws.clone();
    let panicked = tokio::spawn(async move {
        let _environment = environment;
        assert!(std::env::args().count() == 0, "a test that fails");
    });
    assert!(panicked.await.unwrap_err().is_panic());
    let address = aws.trim_start_matches("http://").to_owned();
    let closed = async {
        while tokio::net::TcpStream::connect(&address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    let closed = tokio::time::timeout(Duration::from_secs(10), closed).await;
    closed.unwrap();
}

#[tokio::test]
async fn a_record_that_cannot_be_put_and_a_function_that_does_not_exist_are_errors() {
    let project = Project::new("");
    let environment = project.start().await;
    let refused = environment.put("nothing", "key", "{}").await.unwrap_err();
    assert!(refused.to_string().contains("nothing"), "{refused}");
    let unknown = environment.invoke("nobody", "{}").await.unwrap_err();
    assert!(matches!(unknown, Error::NoFunction(_)));
    let no_cache = environment.faults(&["auth"]).unwrap_err();
    assert!(matches!(no_cache, Error::NoCache));
}

#[tokio::test]
async fn a_fault_and_the_clock_reach_the_cache() {
    let project = Project::new("[cache]\nnames = [\"c\"]\n");
    let environment = project.start().await;
    let cache = environment.cache().unwrap();
    let ttl = Duration::from_mins(1);
    cache.set("c", b"k".to_vec(), b"v".to_vec(), ttl).unwrap();
    assert_eq!(cache.get("c", b"k").unwrap(), Some(b"v".to_vec()));
    environment.clock().advance(ttl);
    assert_eq!(cache.get("c", b"k").unwrap(), None);
    environment.faults(&["error=UNAVAILABLE,call=Get"]).unwrap();
    assert_eq!(cache.faults.plan().rules.len(), 1);
    let malformed = environment.faults(&["nonsense"]).unwrap_err();
    assert!(
        malformed
            .to_string()
            .starts_with("fault rule \"nonsense\": ")
    );
    environment.faults(&[]).unwrap();
    assert!(cache.faults.plan().rules.is_empty());
}
