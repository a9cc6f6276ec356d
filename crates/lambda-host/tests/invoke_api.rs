//! The Invoke API over HTTP.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what is wrong by stopping"
)]

mod support;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use lambda_host::{Function, MAX_ASYNC_PAYLOAD, invoke_api};
use reqwest::{Client, RequestBuilder, Response};
use support::{function, success};

/// Answers with the headers of its invocation and the event.
const ECHO: &str = r#"while next; do
  respond "{\"id\":\"$id\",\"trace\":\"$(header lambda-runtime-trace-id)\",\"context\":$(
    context=$(header lambda-runtime-client-context); echo "${context:-null}"),\"event\":$event}" >/dev/null
done"#;

/// A function behind a port of its own.
struct Api {
    function: Arc<Function>,
    url: String,
}

impl Api {
    async fn start(script: &str) -> Self {
        let function = function(script);
        let functions = BTreeMap::from([("function".to_owned(), function.clone())]);
        let router = invoke_api::router(Arc::new(functions));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        let url = format!("http://{address}/2015-03-31/functions/function/invocations");
        Self { function, url }
    }

    fn invoke(&self, body: impl Into<reqwest::Body>) -> RequestBuilder {
        let invoke = Client::new().post(&self.url).body(body);
        invoke.timeout(support::PATIENCE)
    }
}

async fn document(reply: Response) -> serde_json::Value {
    reply.json().await.unwrap()
}

fn error_type(reply: &Response) -> &str {
    let code = reply.headers().get("x-amzn-errortype");
    code.map_or("", |code| code.to_str().unwrap())
}

#[tokio::test]
async fn the_function_gets_the_decoded_client_context() {
    let api = Api::start(ECHO).await;
    let context = BASE64_STANDARD.encode(r#"{"custom":{"key":"value"}}"#);
    let invoke = api.invoke("1").header("X-Amz-Client-Context", context);
    let answer = document(invoke.send().await.unwrap()).await;
    assert_eq!(answer["context"]["custom"]["key"], "value");
    for bad in ["{\"custom\":{}}", "!", "bm8ganNvbg=="] {
        let invoke = api.invoke("1").header("X-Amz-Client-Context", bad);
        let reply = invoke.send().await.unwrap();
        assert_eq!(reply.status(), 400);
        assert_eq!(error_type(&reply), "InvalidRequestContentException");
        assert!(reply.headers().contains_key("x-amzn-requestid"));
    }
    api.function.shut_down().await;
}

#[tokio::test]
async fn a_payload_that_is_not_json_is_refused_and_an_empty_one_is_an_empty_object() {
    let api = Api::start(ECHO).await;
    for bad in [&b"{"[..], b"text", b"{} {}", b"\"\xff\""] {
        let reply = api.invoke(bad).send().await.unwrap();
        assert_eq!(reply.status(), 400);
        assert_eq!(error_type(&reply), "InvalidRequestContentException");
    }
    assert_eq!(api.function.cold_starts(), 0);
    let answer = document(api.invoke("").send().await.unwrap()).await;
    assert_eq!(answer["event"], serde_json::json!({}));
    api.function.shut_down().await;
}

#[tokio::test]
async fn the_reply_has_the_request_id_that_the_function_got() {
    let api = Api::start(ECHO).await;
    let reply = api.invoke("1").send().await.unwrap();
    let id = reply.headers()["x-amzn-requestid"]
        .to_str()
        .unwrap()
        .to_owned();
    assert_eq!(document(reply).await["id"], id);
    api.function.shut_down().await;
}

#[tokio::test]
async fn a_trace_id_is_passed_on() {
    let api = Api::start(ECHO).await;
    let trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
    let invoke = api.invoke("1").header("X-Amzn-Trace-Id", trace);
    let answer = document(invoke.send().await.unwrap()).await;
    assert_eq!(answer["trace"], trace);
    let answer = document(api.invoke("1").send().await.unwrap()).await;
    assert!(answer["trace"].as_str().unwrap().starts_with("Root=1-"));
    api.function.shut_down().await;
}

#[tokio::test]
async fn an_asynchronous_payload_may_have_one_megabyte() {
    let api = Api::start(ECHO).await;
    for (bytes, status) in [(MAX_ASYNC_PAYLOAD, 202), (MAX_ASYNC_PAYLOAD + 1, 413)] {
        let body = format!("\"{}\"", "x".repeat(bytes - 2));
        let invoke = api.invoke(body).header("X-Amz-Invocation-Type", "Event");
        let reply = invoke.send().await.unwrap();
        assert_eq!(reply.status(), status);
        assert!(reply.headers().contains_key("x-amzn-requestid"));
    }
    api.function.shut_down().await;
}

#[tokio::test]
async fn asynchronous_events_beyond_the_queue_are_throttled() {
    let api = Api::start("next; sleep 1000").await;
    let mut accepted = 0;
    let reply = loop {
        let body = format!("\"{}\"", "x".repeat(MAX_ASYNC_PAYLOAD - 2));
        let invoke = api.invoke(body).header("X-Amz-Invocation-Type", "Event");
        let reply = invoke.send().await.unwrap();
        if reply.status() != 202 {
            break reply;
        }
        accepted += 1;
    };
    assert_eq!(reply.status(), 429);
    assert_eq!(error_type(&reply), "TooManyRequestsException");
    assert!((32..=64).contains(&accepted), "accepted {accepted}");
}

#[tokio::test]
async fn asynchronous_events_wait_for_a_slot_in_turn() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("events");
    let script = format!(
        r#"while next; do echo "$event" >>'{}'; respond "$event" >/dev/null; done"#,
        file.display()
    );
    let api = Api::start(&script).await;
    for event in ["1", "2", "3", "4", "5"] {
        let invoke = api.invoke(event).header("X-Amz-Invocation-Type", "Event");
        assert_eq!(invoke.send().await.unwrap().status(), 202);
    }
    let all = || std::fs::read_to_string(&file).is_ok_and(|events| events.lines().count() == 5);
    support::eventually("five events", all).await;
    api.function.shut_down().await;
}

#[tokio::test]
async fn an_init_error_is_the_answer_although_the_process_stays() {
    let mut config = support::config(
        r#"call POST /2018-06-01/runtime/init/error '{"errorType":"Own","errorMessage":"m"}'
           sleep 1000"#,
    );
    config.timeout = Duration::from_mins(5);
    // With the time-out in place of the error, the test would not end.
    let function = Function::new(config, Arc::new(|_| {})).with_init_timeout(support::PATIENCE * 4);
    let outcome = support::invoke(&function, "1").await;
    assert_eq!(support::error_type(outcome), "Own");
}

#[tokio::test]
async fn an_init_that_takes_too_long_is_tried_again_with_the_function_s_time_out() {
    let config = support::config(r#"sleep 1.5; while next; do respond "$event" >/dev/null; done"#);
    let short = Duration::from_millis(300);
    let function = Function::new(config.clone(), Arc::new(|_| {})).with_init_timeout(short);
    assert_eq!(success(support::invoke(&function, "1").await), "1");
    assert_eq!(function.cold_starts(), 2);
    function.shut_down().await;

    let mut config = config;
    config.timeout = short;
    let function = Function::new(config, Arc::new(|_| {})).with_init_timeout(short);
    let outcome = support::invoke(&function, "1").await;
    assert_eq!(support::error_type(outcome), "Sandbox.Timedout");
}

#[tokio::test]
async fn the_configuration_wins_over_inherited_variables() {
    let mut config = support::config(
        r#"while next; do
             respond "\"$_HANDLER $AWS_LAMBDA_FUNCTION_MEMORY_SIZE $AWS_REGION $AWS_SESSION_TOKEN $OWN\"" >/dev/null
           done"#,
    );
    for (name, value) in [
        ("_HANDLER", "inherited"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1"),
        ("AWS_REGION", "nowhere"),
        ("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:1"),
        ("OWN", "own"),
    ] {
        config.environment.insert(name.to_owned(), value.to_owned());
    }
    let function = support::start(config);
    let answer = success(support::invoke(&function, "1").await);
    assert_eq!(answer, "\"function.handler 128 us-east-1 local own\"");
    function.shut_down().await;
}

#[tokio::test]
async fn an_idle_time_out_may_be_as_long_as_a_number_can_say() {
    let mut config = support::config(r#"while next; do respond "$event" >/dev/null; done"#);
    config.idle_timeout = Duration::from_secs(u64::MAX);
    let function = support::start(config);
    for event in ["1", "2"] {
        assert_eq!(success(support::invoke(&function, event).await), event);
    }
    assert_eq!(function.environments(), 1);
    function.shut_down().await;
}

#[tokio::test]
async fn an_extension_that_wants_events_is_refused() {
    let function = function(
        r#"register() { call POST /2020-01-01/extension/register "$1" | head -n1 | cut -d' ' -f2; }
           none=$(register '{"events":[]}') invoke=$(register '{"events":["INVOKE"]}')
           while next; do respond "\"$none $invoke\"" >/dev/null; done"#,
    );
    let answer = success(support::invoke(&function, "1").await);
    assert_eq!(answer, "\"200 403\"");
    function.shut_down().await;
}
