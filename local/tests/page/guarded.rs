//! Who may ask what.

use reqwest::Method;
use serde_json::{Value, json};

use crate::world::World;

#[tokio::test]
async fn the_page_is_served_with_a_policy_that_allows_its_own_files_only() {
    let world = World::start().await;
    let reply = world.request(Method::GET, "/_local/").send().await.unwrap();
    assert_eq!(reply.status(), 200);
    let header = |name: &str| reply.headers()[name].to_str().unwrap().to_owned();
    let policy = header("content-security-policy");
    for rule in [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "frame-ancestors 'none'",
    ] {
        assert!(policy.contains(rule), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(header("content-type"), "text/html; charset=utf-8");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("cache-control"), "no-store");
}

#[tokio::test]
async fn every_file_that_the_index_names_is_served_as_what_it_is() {
    let world = World::start().await;
    let index = world.request(Method::GET, "/_local/").send().await.unwrap();
    let index = index.text().await.unwrap();
    let names = index
        .split('"')
        .filter(|text| text.starts_with("/_local/page/"));
    for name in names {
        let reply = world.request(Method::GET, name).send().await.unwrap();
        assert_eq!(reply.status(), 200, "{name}");
        let content_type = reply.headers()["content-type"].to_str().unwrap();
        let expected = if name.rsplit('.').next() == Some("css") {
            "text/css"
        } else {
            "text/javascript"
        };
        assert!(content_type.starts_with(expected), "{name}: {content_type}");
    }
    for name in ["nothing.js", "..%2Fmod.rs", "%2e%2e%2fmod.rs"] {
        let path = format!("/_local/page/{name}");
        let (status, _) = world.ask(Method::GET, &path, Value::Null).await;
        assert_eq!(status, 404, "{name}");
    }
}

#[tokio::test]
async fn a_change_without_the_page_s_header_is_refused() {
    let world = World::start().await;
    for (method, path) in [
        (Method::POST, "/_local/functions/work/restart"),
        (Method::POST, "/_local/environments/work/1/kill"),
        (Method::PUT, "/_local/cache/faults"),
        (Method::DELETE, "/_local/cache/faults"),
        (Method::POST, "/_local/cache/flush"),
        (Method::POST, "/_local/failures/1/redrive"),
        (Method::POST, "/_local/settled"),
        (Method::POST, "/_local/clock?advance=1"),
    ] {
        let request = world.request(method.clone(), path);
        let reply = request.send().await.unwrap();
        assert_eq!(reply.status(), 403, "{method} {path}");
        let body: Value = reply.json().await.unwrap();
        let message = body["message"].as_str().unwrap();
        assert!(message.contains("x-klocal: page"), "{message}");
    }
    let clock = world.get("/_local/clock").await;
    assert_eq!(clock["advancedMs"], 0);
}

#[tokio::test]
async fn another_site_is_refused_by_host_and_by_origin() {
    let world = World::start().await;
    for path in [
        "/_local/",
        "/_local/live",
        "/_local/records",
        "/_local/status",
    ] {
        for (name, value) in [
            ("host", "evil.example"),
            ("origin", "https://evil.example"),
            ("origin", "null"),
        ] {
            let request = world.request(Method::GET, path);
            let reply = request.header(name, value).send().await.unwrap();
            assert_eq!(reply.status(), 403, "{path} {name}: {value}");
        }
    }
    let own = world.request(Method::GET, "/_local/records");
    let reply = own.header("origin", world.embedded.aws.url()).send().await;
    assert_eq!(reply.unwrap().status(), 200);
}

#[tokio::test]
async fn no_preflight_request_is_answered() {
    let world = World::start().await;
    let preflight = world.request(Method::OPTIONS, "/_local/cache/flush");
    let preflight = preflight.header("access-control-request-headers", "x-klocal");
    let reply = preflight.send().await.unwrap();
    assert!(!reply.status().is_success());
    assert!(
        reply
            .headers()
            .get("access-control-allow-headers")
            .is_none()
    );
}

#[tokio::test]
async fn what_the_invoke_api_s_port_serves_is_served_here_too() {
    let world = World::start().await;
    assert_eq!(
        world.get("/_local/status").await["functions"],
        json!(["work"])
    );
    assert_eq!(world.post("/_local/settled").await["settled"], true);
    assert_eq!(
        world.post("/_local/clock?advance=1000").await["advancedMs"],
        1000
    );
}
