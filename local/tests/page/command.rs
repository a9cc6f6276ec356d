//! `klocal journey`, and `klocal failures redrive` as far as journeys go.

use std::process::Output;

use serde_json::Value;
use tokio::process::Command;

use crate::world::{World, kinds, order, poison};

async fn klocal(world: &World, arguments: &[&str]) -> Output {
    let url = world.embedded.lambda.url();
    let mut command = Command::new(env!("CARGO_BIN_EXE_klocal"));
    // A developer's own endpoint would be another environment.
    command
        .env_remove("AWS_ENDPOINT_URL")
        .env_remove("INVOKE_URL");
    let command = command.args(arguments).args(["--url", &url]);
    command.output().await.unwrap()
}

async fn journey(world: &World, arguments: &[&str]) -> Output {
    klocal(world, &[&["journey"], arguments].concat()).await
}

#[tokio::test]
async fn a_redrive_from_the_command_line_is_in_the_record_s_journey() {
    let world = World::opened().await;
    let number = world.put("k", poison()).await;
    world.settled().await;
    let output = klocal(&world, &["failures", "redrive", "--all"]).await;
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("OrderError: no such order"), "{text}");
    world.mend();
    let output = klocal(&world, &["failures", "redrive", "--all"]).await;
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.ends_with("1 batch redriven, 1 record\n"), "{text}");
    let journey = world.journey(&number, "processed").await;
    assert_eq!(kinds(&journey["steps"]).last(), Some(&"redriven"));
}

#[tokio::test]
async fn a_journey_is_printed_by_its_sequence_number() {
    let world = World::opened().await;
    let number = world.put("k", order(1)).await;
    world.journey(&number, "processed").await;
    let output = journey(&world, &[&number]).await;
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    assert!(text.contains("Invocation 1 of work: ok"), "{text}");
    let output = journey(&world, &[&number, "--json", "--stream", "orders"]).await;
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["record"]["sequenceNumber"], number);
}

#[tokio::test]
async fn a_record_that_is_not_known_is_an_error_with_the_reason() {
    let world = World::start().await;
    for (arguments, code, expected) in [
        (
            ["17", "--json"],
            1,
            "error: record 17 is not known\nhint: recording has begun now; put the record again\n",
        ),
        (
            ["17", "--json"],
            1,
            "error: record 17 is not known\nhint: it was put or read before recording began, or over 10,000 records ago\n",
        ),
        (
            ["x", "--json"],
            2,
            "error: \"x\" is not a sequence number: it has digits only\n",
        ),
    ] {
        let output = journey(&world, &arguments).await;
        assert_eq!(output.status.code(), Some(code));
        assert_eq!(String::from_utf8(output.stderr).unwrap(), expected);
    }
}
