//! `klocal journey`.

use std::process::Output;

use serde_json::Value;
use tokio::process::Command;

use crate::world::{World, order};

async fn journey(world: &World, arguments: &[&str]) -> Output {
    let url = world.embedded.lambda.url();
    let mut command = Command::new(env!("CARGO_BIN_EXE_klocal"));
    let command = command.arg("journey").args(arguments).args(["--url", &url]);
    command.output().await.unwrap()
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
