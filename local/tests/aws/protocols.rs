//! Each AWS protocol through the gateway, as plain HTTP.

use std::net::Ipv4Addr;

use aws_wire::service::Service;
use axum::{Router, routing::get};
use local::{
    aws::{gateway::Gateway, sts::Sts},
    guard::{Guard, Protocol},
    ports,
    server::Server,
};
use loopback_server::hosts::AllowedHosts;
use reqwest::{Client, RequestBuilder, Response};
use serde_json::Value;

async fn serve() -> Server {
    let paths = Router::new().route("/2015-03-31/functions", get(|| async { "{}" }));
    let services: Vec<std::sync::Arc<dyn Service>> = vec![std::sync::Arc::new(Sts)];
    let gateway = Gateway::new(services).with_paths("Lambda", paths);
    let listener = ports::listen(Ipv4Addr::LOCALHOST.into(), 0, "--port").await;
    let guard = Guard::new(Protocol::Aws, &AllowedHosts::default());
    Server::start(listener.unwrap(), gateway.router(), guard).unwrap()
}

fn signed(request: RequestBuilder, service: &str) -> RequestBuilder {
    let scope = format!("AKID/20260101/us-east-1/{service}/aws4_request");
    let value = format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0");
    request.header("authorization", value)
}

fn form(server: &Server, path: &str, body: &str) -> RequestBuilder {
    Client::new()
        .post(format!("{}{path}", server.url()))
        .header(
            "content-type",
            "application/x-www-form-urlencoded; charset=utf-8",
        )
        .body(body.to_owned())
}

async fn reply(request: RequestBuilder) -> (u16, String, String) {
    let reply: Response = request.send().await.unwrap();
    assert!(reply.headers().contains_key("x-amzn-requestid"));
    let content_type = reply.headers()["content-type"].to_str().unwrap().to_owned();
    let status = reply.status().as_u16();
    (status, content_type, reply.text().await.unwrap())
}

#[tokio::test]
async fn get_caller_identity_answers_a_form_a_url_and_json() {
    let server = serve().await;
    let body = "Action=GetCallerIdentity&Version=2011-06-15";
    let url = format!("{}/?{body}", server.url());
    for request in [
        form(&server, "/", body),
        signed(form(&server, "/", body), "sts"),
        form(&server, "/", "Action=GetCallerIdentity"),
        Client::new().get(&url),
        Client::new().get(format!(
            "{url}&X-Amz-Credential=AKID%2F20260101%2Fus-east-1%2Fsts%2Faws4_request"
        )),
    ] {
        let (status, content_type, body) = reply(request).await;
        assert_eq!((status, content_type.as_str()), (200, "text/xml"));
        let expected = "<GetCallerIdentityResult><Arn>arn:aws:iam::000000000000:root</Arn>\
                        <UserId>000000000000</UserId><Account>000000000000</Account>\
                        </GetCallerIdentityResult>";
        assert!(body.contains(expected), "{body}");
    }
    let json = Client::new().post(server.url()).body("{}").header(
        "x-amz-target",
        "AWSSecurityTokenServiceV20110615.GetCallerIdentity",
    );
    let (status, _, body) = reply(json).await;
    assert_eq!(status, 200);
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["Account"], "000000000000");
}

#[tokio::test]
async fn what_is_not_served_is_refused_in_the_protocol_of_the_caller() {
    let server = serve().await;
    let (get, url) = (
        |path: &str| Client::new().get(format!("{}{path}", server.url())),
        server.url(),
    );
    let form = |body: &str| form(&server, "/", body);
    let target = |target: &str| {
        Client::new()
            .post(&url)
            .header("x-amz-target", target.to_owned())
    };
    for (request, content_type, start, message) in [
        (
            signed(form("Action=ListTopics&Version=2010-03-31"), "sns"),
            "text/xml",
            "<?xml version=\"1.0\"?><ErrorResponse><Error><Type>Sender</Type><Code>InvalidAction</Code><Message>",
            "klocal does not serve ListTopics of &quot;sns&quot;; it serves Lambda, STS",
        ),
        (
            signed(form("Action=AssumeRoot&Version=2011-06-15"), "sts"),
            "text/xml",
            "<?xml version=\"1.0\"?><ErrorResponse>",
            "klocal does not serve AssumeRoot of STS; of STS it serves GetCallerIdentity",
        ),
        (
            signed(form("Version=2011-06-15"), "sts"),
            "text/xml",
            "<?xml version=\"1.0\"?><ErrorResponse><Error><Type>Sender</Type><Code>MissingAction</Code>",
            "The request must contain the parameter Action.",
        ),
        (
            signed(get("/2013-04-01/hostedzone"), "route53"),
            "text/xml",
            "<?xml version=\"1.0\"?><ErrorResponse><Error><Type>Sender</Type><Code>InvalidAction</Code>",
            "klocal does not serve GET /2013-04-01/hostedzone of &quot;route53&quot;",
        ),
        (
            signed(form("Action=DescribeInstances&Version=2016-11-15"), "ec2"),
            "text/xml",
            "<?xml version=\"1.0\"?><Response><Errors><Error><Code>InvalidAction</Code>",
            "klocal does not serve DescribeInstances of &quot;ec2&quot;",
        ),
        (
            signed(get("/bucket?list-type=2"), "s3"),
            "text/xml",
            "<?xml version=\"1.0\"?><Error><Code>NotImplemented</Code>",
            "klocal does not serve GET /bucket of &quot;s3&quot;; it serves Lambda, STS",
        ),
        (
            signed(get("/v2/apis"), "apigateway"),
            "application/json",
            "{\"__type\":\"UnknownOperationException\"",
            "klocal does not serve GET /v2/apis of \\\"apigateway\\\"",
        ),
        (
            signed(get("/2015-03-31/layers"), "lambda"),
            "application/json",
            "{\"__type\":\"UnknownOperationException\"",
            "klocal does not serve GET /2015-03-31/layers of Lambda",
        ),
        (
            signed(
                Client::new().delete(format!("{url}/2015-03-31/functions")),
                "lambda",
            ),
            "application/json",
            "{\"__type\":\"UnknownOperationException\"",
            "klocal does not serve DELETE /2015-03-31/functions of Lambda",
        ),
        (
            target("AWSEvents.PutEvents"),
            "application/x-amz-json-1.1",
            "{\"__type\":\"UnknownOperationException\"",
            "klocal does not serve PutEvents of \\\"AWSEvents\\\"",
        ),
        (
            target("AWSStepFunctions.ListStateMachines")
                .header("content-type", "application/x-amz-json-1.0"),
            "application/x-amz-json-1.0",
            "{\"__type\":\"UnknownOperationException\"",
            "klocal does not serve ListStateMachines",
        ),
        (
            get("/"),
            "application/x-amz-json-1.1",
            "{\"__type\":\"UnknownOperationException\"",
            "GET / names no operation",
        ),
    ] {
        let (status, given, body) = reply(request).await;
        assert_eq!((status, given.as_str()), (400, content_type), "{body}");
        assert!(body.starts_with(start), "{body}");
        assert!(body.contains(message), "{body}");
    }
}

#[tokio::test]
async fn rpc_v2_cbor_gets_its_error_in_cbor() {
    let server = serve().await;
    let path = "/service/GraniteServiceVersion20100801/operation/PutMetricData";
    let request = Client::new().post(format!("{}{path}", server.url()));
    let reply = request.header("smithy-protocol", "rpc-v2-cbor").send();
    let reply = reply.await.unwrap();
    assert_eq!(reply.status(), 400);
    assert_eq!(reply.headers()["smithy-protocol"], "rpc-v2-cbor");
    assert_eq!(reply.headers()["content-type"], "application/cbor");
    let body = reply.bytes().await.unwrap();
    assert!(body.starts_with(b"\xa2\x66__type"), "{body:?}");
    let message = b"klocal does not serve PutMetricData";
    assert!(body.windows(message.len()).any(|part| part == message));
}

#[tokio::test]
async fn paths_are_served_with_a_request_id_and_appear_in_health() {
    let server = serve().await;
    let url = format!("{}/2015-03-31/functions", server.url());
    let (status, _, body) = reply(signed(Client::new().get(url), "lambda")).await;
    assert_eq!((status, body.as_str()), (200, "{}"));
    let health = format!("{}/_localstack/health", server.url());
    let health: Value = reqwest::get(health).await.unwrap().json().await.unwrap();
    assert_eq!(health["services"]["lambda"], "running");
    assert_eq!(health["services"]["sts"], "running");
}

#[tokio::test]
async fn a_refused_host_is_named_in_the_protocol_of_the_caller() {
    let server = serve().await;
    let request = form(&server, "/", "Action=GetCallerIdentity").header("host", "evil.example");
    let reply = request.send().await.unwrap();
    assert_eq!(reply.status(), 403);
    assert_eq!(reply.headers()["content-type"], "text/xml");
    let body = reply.text().await.unwrap();
    assert!(
        body.contains("<Code>AccessDeniedException</Code>"),
        "{body}"
    );
}
