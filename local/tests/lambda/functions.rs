//! Functions: what the API tells of them, what it changes, and invocations.

use std::{collections::BTreeSet, time::Duration};

use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::world::World;

const WORK: &str = "/2015-03-31/functions/work";

#[tokio::test]
async fn a_function_is_listed_and_told_with_what_the_template_says() {
    let world = World::start().await;
    let list = world.get("/2015-03-31/functions/?MaxItems=1").await;
    assert_eq!(list["Functions"][0]["FunctionName"], "other");
    assert!(list["Functions"][0]["State"].is_null(), "of a list: {list}");
    let marker = list["NextMarker"].as_str().unwrap();
    let rest = format!("/2015-03-31/functions?Marker={marker}");
    let rest = world.get(&rest).await;
    assert_eq!(rest["Functions"][0]["FunctionName"], "work");
    assert!(rest["NextMarker"].is_null());

    let arn = "arn:aws:lambda:us-east-1:000000000000:function:work";
    for name in ["work", arn, "000000000000:function:work", "work:$LATEST"] {
        let name = name.replace(':', "%3A");
        let function = world.get(&format!("/2015-03-31/functions/{name}")).await;
        let configuration = &function["Configuration"];
        assert_eq!(configuration["FunctionArn"], arn);
        assert_eq!(configuration["Runtime"], "provided.al2023");
        assert_eq!(configuration["Timeout"], 20);
        assert_eq!(configuration["State"], "Active");
        assert_eq!(configuration["LastUpdateStatus"], "Successful");
        let variables = &configuration["Environment"]["Variables"];
        assert_eq!(
            variables,
            &json!({ "LEVEL": "info" }),
            "nothing of this machine"
        );
        assert!(
            function["Code"]["Location"]
                .as_str()
                .unwrap()
                .starts_with("file:///")
        );
    }
    let (status, code, message) = world
        .refused(Method::GET, "/2015-03-31/functions/nobody", Value::Null)
        .await;
    assert_eq!((status, code.as_str()), (404, "ResourceNotFoundException"));
    assert!(message.ends_with("function:nobody"), "{message}");
    world.embedded.shut_down().await;
}

#[tokio::test]
async fn a_function_is_invoked_on_the_aws_port_and_on_its_own() {
    let world = World::start().await;
    for url in [world.embedded.aws.url(), world.embedded.lambda.url()] {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let invoke = client.post(format!("{url}{WORK}/invocations"));
        let reply = invoke
            .header("x-amz-log-type", "Tail")
            .body("{\"a\":1}")
            .send();
        let reply = reply.await.unwrap();
        assert_eq!(reply.headers()["x-amz-executed-version"], "$LATEST");
        assert!(reply.headers().contains_key("x-amz-log-result"));
        assert_eq!(reply.text().await.unwrap(), "{\"a\":1}");
        let stream = "/2021-11-15/functions/work/response-streaming-invocations";
        let reply = client.post(format!("{url}{stream}")).body("[1]").send();
        let reply = reply.await.unwrap().bytes().await.unwrap();
        let text = String::from_utf8_lossy(&reply).into_owned();
        assert!(
            text.contains("PayloadChunk") && text.contains("InvokeComplete"),
            "{text}"
        );
        let function = client.get(format!("{url}{WORK}")).send().await.unwrap();
        assert_eq!(function.status(), 200);
    }
    world.embedded.shut_down().await;
}

#[tokio::test]
async fn new_environments_start_with_an_updated_configuration() {
    let world = World::start().await;
    let path = format!("{WORK}/configuration");
    let before = world.get(&path).await;
    let change = json!({
        "Description": "changed",
        "Timeout": 7,
        "MemorySize": 512,
        "Environment": { "Variables": { "LEVEL": "debug", "MORE": "1" } },
        "LoggingConfig": { "LogFormat": "JSON", "LogGroup": "/orders" },
    });
    let (status, reply) = world.call(Method::PUT, &path, change.clone()).await;
    assert_eq!(status, 200, "{reply}");
    assert_eq!(reply["LastUpdateStatus"], "InProgress");
    for (name, value) in change.as_object().unwrap() {
        assert_eq!(&reply[name], value);
    }
    assert_ne!(reply["RevisionId"], before["RevisionId"]);
    let deadline = Instant::now() + Duration::from_secs(30);
    while world.get(&path).await["LastUpdateStatus"] != "Successful" {
        assert!(Instant::now() < deadline, "the update never ends");
        sleep(Duration::from_millis(5)).await;
    }
    let config = world.embedded.functions["work"].config();
    assert_eq!(
        (config.timeout, config.memory_mb),
        (Duration::from_secs(7), 512)
    );
    let names: BTreeSet<_> = config.environment.keys().map(String::as_str).collect();
    let expected = ["AWS_ENDPOINT_URL", "LEVEL", "MORE", "NO_PROXY", "no_proxy"];
    assert_eq!(
        names,
        BTreeSet::from(expected),
        "what the local run adds stays"
    );

    // A revision of before is refused.
    let stale = json!({ "Timeout": 8, "RevisionId": before["RevisionId"] });
    let (status, code, _) = world.refused(Method::PUT, &path, stale).await;
    assert_eq!(
        (status, code.as_str()),
        (412, "PreconditionFailedException")
    );
    world.embedded.shut_down().await;
}

#[tokio::test]
async fn a_configuration_outside_lambda_s_bounds_is_refused() {
    let world = World::start().await;
    let path = format!("{WORK}/configuration");
    let variables = |name: &str| json!({ "Environment": { "Variables": { name: "x" } } });
    let long = json!({ "Environment": { "Variables": { "LONG": "x".repeat(4096) } } });
    for (change, code, expected) in [
        (
            json!({ "Timeout": 0 }),
            "ValidationException",
            "greater than or equal to 1",
        ),
        (
            json!({ "Timeout": 901 }),
            "ValidationException",
            "'timeout'",
        ),
        (
            json!({ "MemorySize": 64 }),
            "ValidationException",
            "'memorySize'",
        ),
        (
            variables("AWS_REGION"),
            "InvalidParameterValueException",
            "AWS_REGION",
        ),
        (variables("1"), "ValidationException", "regular expression"),
        (long, "InvalidParameterValueException", "4KB"),
    ] {
        let (status, received, message) = world.refused(Method::PUT, &path, change.clone()).await;
        assert_eq!(
            (status, received.as_str()),
            (400, code),
            "{change}: {message}"
        );
        assert!(message.contains(expected), "{change}: {message}");
    }
    world.embedded.shut_down().await;
}

#[tokio::test]
async fn a_function_without_concurrency_is_throttled_until_it_gets_some() {
    let world = World::start().await;
    let put = "/2017-10-31/functions/work/concurrency";
    let get = "/2019-09-30/functions/work/concurrency";
    let invoke = format!("{WORK}/invocations");
    assert_eq!(world.get(get).await, json!({}));
    let none = json!({ "ReservedConcurrentExecutions": 0 });
    let (status, reply) = world.call(Method::PUT, put, none.clone()).await;
    assert_eq!((status, &reply), (200, &none));
    assert_eq!(world.get(get).await, none);
    assert_eq!(world.get(WORK).await["Concurrency"], none);
    let (status, code, _) = world.refused(Method::POST, &invoke, json!({})).await;
    assert_eq!((status, code.as_str()), (429, "TooManyRequestsException"));

    let too_many = json!({ "ReservedConcurrentExecutions": 901 });
    let (status, _, message) = world.refused(Method::PUT, put, too_many).await;
    assert_eq!(status, 400);
    assert!(
        message.contains("below its minimum value of [100]"),
        "{message}"
    );
    let (status, _) = world.call(Method::DELETE, put, Value::Null).await;
    assert_eq!(status, 204);
    let (status, reply) = world.call(Method::POST, &invoke, json!([1])).await;
    assert_eq!((status, reply), (200, json!([1])));
    world.embedded.shut_down().await;
}

#[tokio::test]
async fn tags_versions_and_account_settings_are_told() {
    let world = World::start().await;
    let arn = "arn:aws:lambda:us-east-1:000000000000:function:work".replace(':', "%3A");
    let tags = world.get(&format!("/2017-03-31/tags/{arn}")).await;
    assert_eq!(tags, json!({ "Tags": {} }));
    let versions = world.get(&format!("{WORK}/versions")).await;
    assert_eq!(versions["Versions"][0]["Version"], "$LATEST");
    let account = world.get("/2016-08-19/account-settings/").await;
    assert_eq!(account["AccountUsage"]["FunctionCount"], 2);
    assert_eq!(
        account["AccountLimit"]["UnreservedConcurrentExecutions"],
        1000
    );
    world.embedded.shut_down().await;
}

#[tokio::test]
async fn an_operation_that_is_not_served_says_what_is() {
    let world = World::start().await;
    for (method, path) in [
        (Method::DELETE, WORK.to_owned()),
        (Method::POST, "/2015-03-31/functions".to_owned()),
        (Method::GET, format!("{WORK}/policy")),
        (Method::POST, format!("{WORK}/aliases")),
        (Method::PUT, format!("{WORK}/code")),
    ] {
        let (status, code, message) = world.refused(method.clone(), &path, json!({})).await;
        assert_eq!(
            (status, code.as_str()),
            (400, "UnknownOperationException"),
            "{path}"
        );
        assert!(message.contains(&format!("{method} {path}")), "{message}");
        assert!(message.contains("UpdateFunctionConfiguration"), "{message}");
    }
    world.embedded.shut_down().await;
}
