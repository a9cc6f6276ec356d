use std::time::Duration;

use momento::{MomentoErrorCode, cache::configurations};
use momento_offline::{
    admin::FaultStatus,
    faults::{Fault, FaultPlan, FaultRule},
    status::Code,
};

use crate::world::{CACHE, PATIENCE, World, client};

on_both_transports!(
    each_refusal_reaches_the_sdk_as_its_own_error_code,
    a_black_hole_never_answers,
    a_rate_limit_refuses_the_calls_beyond_it,
    faults_are_set_listed_and_cleared_over_http,
    a_fault_for_a_call_applies_to_the_http_api_too,
);

async fn each_refusal_reaches_the_sdk_as_its_own_error_code(world: World) {
    let errors = [
        (Code::Unavailable, MomentoErrorCode::ServerUnavailable),
        (Code::Internal, MomentoErrorCode::InternalServerError),
        (Code::DeadlineExceeded, MomentoErrorCode::TimeoutError),
        (Code::Cancelled, MomentoErrorCode::CancelledError),
        (Code::PermissionDenied, MomentoErrorCode::PermissionError),
    ];
    let errors = errors.map(|(code, expected)| (Fault::error(code), expected));
    let others = [
        (Fault::rate_limit(0.0), MomentoErrorCode::LimitExceededError),
        (Fault::AuthFailure, MomentoErrorCode::AuthenticationError),
        (Fault::CacheMissing, MomentoErrorCode::CacheNotFoundError),
    ];
    for (fault, expected) in errors.into_iter().chain(others) {
        world.keyspace().faults.set(fault.clone()).unwrap();
        let error = world.client.get(CACHE, "Car").await.unwrap_err();
        assert_eq!(error.error_code, expected, "{fault:?}");
    }
    world.keyspace().faults.clear();
    assert_eq!(world.get("Car").await, None);
    let counts = world.keyspace().counts();
    assert_eq!((counts.error, counts.get), (8, 1));
}

async fn a_black_hole_never_answers(world: World) {
    // Its deadline is 500 ms.
    let hasty = client(&world.served, configurations::LowLatency::latest()).await;
    world.keyspace().faults.set(Fault::BlackHole).unwrap();
    let error = hasty.set(CACHE, "Car", "item").await.unwrap_err();
    assert_eq!(error.error_code, MomentoErrorCode::CancelledError);
    world.keyspace().faults.clear();
    // The cache did not carry out the set.
    assert_eq!(world.get("Car").await, None);
    let counts = world.keyspace().counts();
    assert_eq!((counts.set, counts.error), (0, 1));
}

async fn a_rate_limit_refuses_the_calls_beyond_it(world: World) {
    world.keyspace().faults.set(Fault::rate_limit(5.0)).unwrap();
    let calls = (0..50).map(|_| world.client.get(CACHE, "Car"));
    let answers = futures_util::future::join_all(calls).await;
    let refused: Vec<_> = answers.into_iter().filter_map(Result::err).collect();
    assert!(
        !refused.is_empty() && refused.len() <= 45,
        "{}",
        refused.len()
    );
    for error in refused {
        assert_eq!(
            error.message,
            "Request rate limit exceeded for this account"
        );
    }
    // The rate limit recovers within a second.
    let again = async {
        while world.client.get(CACHE, "Car").await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, again).await.unwrap();
}

async fn faults_are_set_listed_and_cleared_over_http(world: World) {
    let http = reqwest::Client::new();
    let url = format!("{}/_local/faults", world.url());
    let plan = FaultPlan::of([FaultRule::from(Fault::AuthFailure).calls(["Get"])]).seed(7);
    let reply = http.put(&url).json(&plan).send().await.unwrap();
    assert_eq!(reply.status(), 200);
    let error = world.client.get(CACHE, "Car").await.unwrap_err();
    assert_eq!(error.error_code, MomentoErrorCode::AuthenticationError);
    let listed = http.get(&url).send().await.unwrap();
    let listed: FaultStatus = listed.json().await.unwrap();
    assert_eq!((listed.seed, listed.rules.len()), (7, 1));
    assert_eq!(listed.rules[0].rule, plan.rules[0]);
    assert_eq!(listed.rules[0].hit, 1);

    for (wrong, says) in [
        (
            r#"{"rules":[{"fault":{"kind":"rate_limit","per_second":-1}}]}"#,
            "rate-limit=-1: expected a rate limit of 0",
        ),
        (
            r#"{"rules":[{"fault":{"kind":"auth_failure"},"calls":["Bogus"]}]}"#,
            "unknown call \"Bogus\"",
        ),
    ] {
        let reply = http.put(&url).body(wrong).send().await.unwrap();
        assert_eq!(reply.status(), 400);
        let said = reply.text().await.unwrap();
        assert!(said.contains(says), "{said}");
    }
    assert_eq!(world.keyspace().faults.plan(), plan);

    let reply = http.delete(&url).send().await.unwrap();
    assert_eq!(reply.text().await.unwrap(), r#"{"seed":0,"rules":[]}"#);
    assert_eq!(world.get("Car").await, None);
}

async fn a_fault_for_a_call_applies_to_the_http_api_too(world: World) {
    let rule = FaultRule::from(Fault::AuthFailure).calls(["Set"]);
    world.keyspace().faults.set(rule).unwrap();
    let http = reqwest::Client::new();
    let url = format!("{}/cache/{CACHE}?key=k&ttl_seconds=9&token=t", world.url());
    let put = http.put(&url).body("v").send().await.unwrap();
    assert_eq!(put.status(), 401);
    let got = http.get(&url).send().await.unwrap();
    assert_eq!(got.status(), 404);
}
