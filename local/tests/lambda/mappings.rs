//! Event source mappings: what the API tells of them, and what it refuses.

use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{STREAM_ARN, World, path_of};

const MAPPINGS: &str = "/2015-03-31/event-source-mappings";

#[tokio::test]
async fn a_mapping_is_told_as_the_api_reference_has_it() {
    let world = World::start().await;
    let uuid = world.uuid().await;
    let mut mapping = world.mapping(&uuid).await;
    let modified = mapping["LastModified"].take().as_f64().unwrap();
    assert!(modified > 1.7e9, "Unix seconds: {modified}");
    assert_eq!(
        mapping,
        json!({
            "UUID": uuid,
            "EventSourceMappingArn": format!("arn:aws:lambda:us-east-1:000000000000:event-source-mapping:{uuid}"),
            "EventSourceArn": STREAM_ARN,
            "FunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:work",
            "StartingPosition": "TRIM_HORIZON",
            "BatchSize": 10,
            "MaximumBatchingWindowInSeconds": 0,
            "ParallelizationFactor": 1,
            "MaximumRecordAgeInSeconds": -1,
            "MaximumRetryAttempts": -1,
            "BisectBatchOnFunctionError": false,
            "TumblingWindowInSeconds": 0,
            "FunctionResponseTypes": [],
            "DestinationConfig": { "OnFailure": {} },
            "State": "Enabled",
            "StateTransitionReason": "User action",
            "LastProcessingResult": "No records processed",
            "LastModified": null,
        })
    );
    world.put(0..3).await;
    world.settled().await;
    assert_eq!(world.mapping(&uuid).await["LastProcessingResult"], "OK");
    world.embedded.shut_down().await;
}

#[tokio::test]
async fn mappings_are_listed_by_function_by_event_source_and_in_pages() {
    let world = World::start().await;
    let first = world.uuid().await;
    let second = world.create(json!({ "FunctionName": "other" })).await;
    let listed = async |query: &str| -> (Vec<String>, Value) {
        let list = world.get(&format!("{MAPPINGS}/?{query}")).await;
        let all = list["EventSourceMappings"].as_array().unwrap();
        let uuid = |one: &Value| one["UUID"].as_str().unwrap().to_owned();
        (all.iter().map(uuid).collect(), list["NextMarker"].clone())
    };
    let both = vec![first.clone(), second.clone()];
    assert_eq!(listed("").await.0, both);
    assert_eq!(
        listed("FunctionName=other").await.0,
        std::slice::from_ref(&second)
    );
    let arn = "arn:aws:lambda:us-east-1:000000000000:function:work".replace(':', "%3A");
    assert_eq!(
        listed(&format!("FunctionName={arn}")).await.0,
        std::slice::from_ref(&first)
    );
    let stream = STREAM_ARN.replace(':', "%3A").replace('/', "%2F");
    assert_eq!(listed(&format!("EventSourceArn={stream}")).await.0, both);
    assert!(listed("EventSourceArn=arn%3Aaws%3Asqs").await.0.is_empty());
    let (page, next) = listed("MaxItems=1").await;
    assert_eq!(page, [first]);
    let next = next.as_str().unwrap();
    let (page, next) = listed(&format!("MaxItems=1&Marker={next}")).await;
    assert_eq!((page, next), (vec![second], Value::Null));
    world.embedded.shut_down().await;
}

#[tokio::test]
async fn filters_and_batch_size_have_effect_from_an_update_on() {
    let world = World::start().await;
    let uuid = world.uuid().await;
    let pattern = json!({ "data": { "key": [1, 2] } }).to_string();
    let change = json!({
        "BatchSize": 1,
        "FilterCriteria": { "Filters": [{ "Pattern": pattern }] },
    });
    let mapping = world.update(&uuid, change.clone(), "Enabled").await;
    assert_eq!(mapping["FilterCriteria"], change["FilterCriteria"]);
    world.put(0..10).await;
    world.settled().await;
    let seen = world.recording.seen();
    let mut keys: Vec<_> = seen.iter().map(|one| one.partition_key.as_str()).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["1", "2"]);
    assert!(seen.iter().all(|one| one.batch == 1));
    let none = json!({ "FilterCriteria": {} });
    let mapping = world.update(&uuid, none, "Enabled").await;
    assert!(mapping["FilterCriteria"].is_null(), "{mapping}");
    world.put(0..10).await;
    world.settled().await;
    assert_eq!(world.recording.seen().len(), 12);
    world.embedded.shut_down().await;
}

#[tokio::test]
async fn a_mapping_is_created_disabled_and_starts_when_it_is_enabled() {
    let world = World::start().await;
    let request = json!({
        "EventSourceArn": STREAM_ARN,
        "FunctionName": "arn:aws:lambda:us-east-1:000000000000:function:other",
        "StartingPosition": "TRIM_HORIZON",
        "Enabled": false,
        "Tags": { "team": "a" },
    });
    world.put(0..5).await;
    let (status, created) = world.call(Method::POST, MAPPINGS, request).await;
    assert_eq!(status, 202, "{created}");
    let uuid = created["UUID"].as_str().unwrap();
    world.reaches(uuid, "Disabled").await;
    world.settled().await;
    assert!(world.recording.of(uuid).is_empty());
    let arn = created["EventSourceMappingArn"]
        .as_str()
        .unwrap()
        .replace(':', "%3A");
    let tags = world.get(&format!("/2017-03-31/tags/{arn}")).await;
    assert_eq!(tags["Tags"], json!({ "team": "a" }));
    world
        .update(uuid, json!({ "Enabled": true }), "Enabled")
        .await;
    world.settled().await;
    let seen: usize = world.recording.of(uuid).values().map(Vec::len).sum();
    assert_eq!(seen, 5);
    world.embedded.shut_down().await;
}

#[tokio::test]
async fn a_mapping_that_exists_is_a_conflict_that_names_it() {
    let world = World::start().await;
    let uuid = world.uuid().await;
    let same = json!({
        "EventSourceArn": STREAM_ARN, "FunctionName": "work", "StartingPosition": "LATEST",
    });
    let (status, code, message) = world.refused(Method::POST, MAPPINGS, same).await;
    assert_eq!((status, code.as_str()), (409, "ResourceConflictException"));
    assert!(
        message.ends_with(&format!("existing mapping with UUID {uuid}")),
        "{message}"
    );
    let other = world.create(json!({ "FunctionName": "other" })).await;
    let change = json!({ "FunctionName": "work" });
    let (status, ..) = world.refused(Method::PUT, &path_of(&other), change).await;
    assert_eq!(status, 409);
    world.embedded.shut_down().await;
}

#[tokio::test]
async fn what_a_mapping_cannot_be_is_refused_in_aws_s_words() {
    let world = World::start().await;
    let invalid = "InvalidParameterValueException";
    let wrong = |change: Value| {
        let mut request = json!({
            "EventSourceArn": STREAM_ARN, "FunctionName": "other", "StartingPosition": "LATEST",
        });
        let change = change.as_object().unwrap().clone();
        request.as_object_mut().unwrap().extend(change);
        request
    };
    let pattern = json!({ "Filters": [{ "Pattern": "{\"data\": 1}" }] });
    let fifo = "arn:aws:sqs:us-east-1:000000000000:q.fifo";
    for (change, code, expected) in [
        (
            json!({ "EventSourceArn": null }),
            invalid,
            "Unrecognized event source.",
        ),
        (
            json!({ "FunctionName": "nobody" }),
            invalid,
            "Function does not exist",
        ),
        (
            json!({ "EventSourceArn": "arn:aws:kinesis:us-east-1:000000000000:stream/none" }),
            invalid,
            "Stream not found: arn:aws:kinesis:us-east-1:000000000000:stream/none",
        ),
        (
            json!({ "EventSourceArn": "arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/1" }),
            invalid,
            "for Kinesis streams and SQS queues",
        ),
        (
            json!({ "StartingPosition": null }),
            invalid,
            "Value null at 'startingPosition'",
        ),
        (
            json!({ "StartingPosition": "0" }),
            "ValidationException",
            "enum value set: [LATEST",
        ),
        (
            json!({ "StartingPositionTimestamp": 1.0 }),
            invalid,
            "Timestamp only valid with StartingPosition AT_TIMESTAMP",
        ),
        (
            json!({ "BatchSize": 10_001 }),
            "ValidationException",
            "Value '10001' at 'batchSize'",
        ),
        (
            json!({ "MaximumRetryAttempts": -2 }),
            "ValidationException",
            "equal to -1",
        ),
        (
            json!({ "MaximumRecordAgeInSeconds": 59 }),
            invalid,
            "between 60 and 604800",
        ),
        (
            json!({ "FilterCriteria": pattern }),
            invalid,
            "Invalid filter pattern definition.",
        ),
        (
            json!({ "ParallelizationFactor": 2, "TumblingWindowInSeconds": 5 }),
            invalid,
            "ParallelizationFactor of 1",
        ),
        (
            json!({ "DestinationConfig": { "OnFailure": { "Destination": fifo } } }),
            invalid,
            "expected a standard queue",
        ),
        (
            json!({ "ScalingConfig": { "MaximumConcurrency": 2 } }),
            invalid,
            "ScalingConfig",
        ),
    ] {
        let request = wrong(change.clone());
        let (status, received, message) = world.refused(Method::POST, MAPPINGS, request).await;
        assert_eq!(
            (status, received.as_str()),
            (400, code),
            "{change}: {message}"
        );
        assert!(message.contains(expected), "{change}: {message}");
    }
    world.uuid().await; // none was created
    world.embedded.shut_down().await;
}

#[tokio::test]
async fn a_mapping_that_is_not_there_and_a_text_are_refused() {
    let world = World::start().await;
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        for uuid in ["nonsense", "00000000-0000-4000-8000-000000000000"] {
            let (status, code, message) = world
                .refused(method.clone(), &path_of(uuid), json!({}))
                .await;
            assert_eq!((status, code.as_str()), (404, "ResourceNotFoundException"));
            assert_eq!(message, "The resource you requested does not exist.");
        }
    }
    let (status, code, _) = world.refused(Method::POST, MAPPINGS, json!("text")).await;
    assert_eq!(
        (status, code.as_str()),
        (400, "InvalidRequestContentException")
    );
    world.uuid().await; // none was created
    world.embedded.shut_down().await;
}

#[tokio::test]
async fn a_mapping_of_a_queue_is_created_disabled_enabled_and_deleted() {
    let world = World::start().await;
    let request = json!({
        "EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:late",
        "FunctionName": "other",
        "ScalingConfig": { "MaximumConcurrency": 2 },
    });
    let (status, created) = world.call(Method::POST, MAPPINGS, request).await;
    assert_eq!(status, 202, "{created}");
    assert_eq!(created["StateTransitionReason"], "USER_INITIATED");
    assert!(created["StartingPosition"].is_null() && created["LastProcessingResult"].is_null());
    let uuid = created["UUID"].as_str().unwrap();
    world.reaches(uuid, "Enabled").await;
    let url = world.sqs.get_queue_url().queue_name("late").send().await;
    let url = url.unwrap().queue_url.unwrap();
    let send = async || {
        let send = world.sqs.send_message().queue_url(&url);
        send.message_body("{}").send().await.unwrap();
    };
    let deleted = || {
        let status = world.embedded.status.status();
        let mapping = status
            .queue_mappings
            .into_iter()
            .find(|one| one.name == uuid);
        mapping.map(|one| one.deleted)
    };
    send().await;
    world.settled().await;
    assert_eq!(deleted(), Some(1));
    world
        .update(uuid, json!({ "Enabled": false }), "Disabled")
        .await;
    send().await;
    world.settled().await; // a disabled mapping has nothing to wait for
    assert_eq!(deleted(), Some(1));
    world
        .update(uuid, json!({ "Enabled": true, "BatchSize": 1 }), "Enabled")
        .await;
    world.settled().await;
    assert_eq!(deleted(), Some(2));
    world.delete(uuid).await;
    assert_eq!(deleted(), None);
    world.embedded.shut_down().await;
}
