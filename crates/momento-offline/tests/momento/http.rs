//! Momento's HTTP API.

use momento_offline::admin::CacheStatus;
use reqwest::{Client, Method, RequestBuilder, StatusCode};

use crate::world::{CACHE, World};

on_both_transports!(
    a_value_is_put_got_and_deleted,
    the_http_api_and_grpc_share_the_keyspace,
    a_missing_cache_or_path_is_refused_with_404,
    an_invalid_request_is_refused_with_the_reason,
    the_status_reports_the_calls_and_the_contents,
    a_foreign_host_is_refused_in_the_form_of_the_protocol,
);

fn ask(world: &World, method: Method, what: &str) -> RequestBuilder {
    let url = format!("{}{what}", world.url());
    Client::new()
        .request(method, url)
        .header("authorization", "any key")
}

async fn said(request: RequestBuilder) -> (StatusCode, String) {
    let reply = request.send().await.unwrap();
    (reply.status(), reply.text().await.unwrap())
}

async fn a_value_is_put_got_and_deleted(world: World) {
    let item = "/cache/sample-a?key=Car&ttl_seconds=10";
    let put = ask(&world, Method::PUT, item).body(vec![0, 255, 10]);
    assert_eq!(said(put).await, (StatusCode::NO_CONTENT, String::new()));
    let got = ask(&world, Method::GET, item).send().await.unwrap();
    assert_eq!(got.status(), 200);
    let content_type = &got.headers()["content-type"];
    assert_eq!(content_type, "application/octet-stream");
    assert_eq!(got.bytes().await.unwrap(), [0, 255, 10][..]);
    let deleted = said(ask(&world, Method::DELETE, item)).await;
    assert_eq!(deleted, (StatusCode::NO_CONTENT, String::new()));
    let got = said(ask(&world, Method::GET, item)).await;
    assert_eq!(got, (StatusCode::NOT_FOUND, "Key Not Found\n".to_owned()));
    let counts = world.keyspace().counts();
    assert_eq!((counts.get, counts.hit, counts.set), (2, 1, 1));
}

async fn the_http_api_and_grpc_share_the_keyspace(world: World) {
    world.client.set(CACHE, "a key/ü", "item").await.unwrap();
    for key in [
        "key=a%20key%2F%C3%BC",
        "key_base64=YSBrZXkvw7w",
        "key_base64=YSBrZXkvw7w=",
    ] {
        let item = format!("/cache/sample-a?{key}");
        let got = said(ask(&world, Method::GET, &item)).await;
        assert_eq!(got, (StatusCode::OK, "item".to_owned()), "{key}");
    }
}

async fn a_missing_cache_or_path_is_refused_with_404(world: World) {
    let missing = (StatusCode::NOT_FOUND, "Cache Not Found\n".to_owned());
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let item = "/cache/none?key=Car&ttl_seconds=10";
        assert_eq!(said(ask(&world, method, item)).await, missing);
    }
    let (status, text) = said(ask(&world, Method::GET, "/caches")).await;
    assert_eq!(status, 404);
    assert!(text.starts_with("/caches is not served"), "{text}");
}

async fn an_invalid_request_is_refused_with_the_reason(world: World) {
    for (method, item, status, says) in [
        (Method::GET, "/cache/sample-a", 400, "no key"),
        (Method::PUT, "/cache/sample-a?key=k", 400, "no ttl_seconds"),
        (
            Method::PUT,
            "/cache/sample-a?key=k&ttl_seconds=soon",
            400,
            "ttl_seconds is \"soon\"",
        ),
        (
            Method::PUT,
            "/cache/sample-a?key=k&ttl_seconds=86401",
            400,
            "expected 1 ms to 24 h",
        ),
        (
            Method::GET,
            "/cache/sample-a?key_base64=%21",
            400,
            "not URL-safe Base64",
        ),
        (
            Method::POST,
            "/cache/sample-a?key=k",
            405,
            "expected GET, PUT or DELETE",
        ),
    ] {
        let (answered, text) = said(ask(&world, method, item)).await;
        assert_eq!(answered, status, "{item}: {text}");
        assert!(text.contains(says), "{item}: {text}");
    }
    let item = format!("{}/cache/sample-a?key=k", world.url());
    let (status, text) = said(Client::new().get(item)).await;
    assert_eq!(status, 401, "{text}");
    let large = ask(&world, Method::PUT, "/cache/sample-a?key=k&ttl_seconds=9")
        .body(vec![0; 5 * 1024 * 1024]);
    let (status, text) = said(large).await;
    assert_eq!(status, 429, "{text}");
    // Every refused call is counted; POST is not a call.
    assert_eq!(world.keyspace().counts().error, 7);
}

async fn the_status_reports_the_calls_and_the_contents(world: World) {
    world.client.set(CACHE, "Car", "item").await.unwrap();
    let status = ask(&world, Method::GET, "/_local/status").send();
    let status: CacheStatus = status.await.unwrap().json().await.unwrap();
    assert_eq!(status, world.served.status());
    assert_eq!((status.counts.set, status.usage.items), (1, 1));
    assert_eq!(
        (status.usage.bytes, &*status.caches),
        (7, &[CACHE.to_owned()][..])
    );
}

async fn a_foreign_host_is_refused_in_the_form_of_the_protocol(world: World) {
    let call = "/cache_client.Scs/Get";
    let grpc = ask(&world, Method::POST, call)
        .header("host", "evil.example")
        .header("content-type", "application/grpc");
    let refused = grpc.send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::OK);
    assert_eq!(refused.headers()["grpc-status"], "7");
    let item = "/cache/sample-a?key=Car";
    let http = ask(&world, Method::GET, item).header("host", "evil.example");
    let (status, text) = said(http).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(text.contains("\"evil.example\""), "{text}");
    let page = ask(&world, Method::PUT, "/_local/faults").header("origin", "http://evil.example");
    assert_eq!(said(page).await.0, StatusCode::FORBIDDEN);
    assert_eq!(world.keyspace().counts().get, 0);
}
