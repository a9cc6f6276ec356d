use kinesis_engine::Options;

use crate::support::serve;

#[tokio::test]
async fn the_gateway_writes_its_own_errors_in_the_format_of_the_request() {
    let address = serve(Options::default()).await;
    for (sent, expected) in [
        ("application/x-amz-cbor-1.1", "application/x-amz-cbor-1.1"),
        ("application/x-amz-json-1.1", "application/x-amz-json-1.1"),
    ] {
        let request = reqwest::Client::new()
            .post(format!("http://{address}"))
            .header("content-type", sent)
            .header("x-amz-target", "Kinesis_20131202.NoSuchOperation");
        let reply = request.send().await.unwrap();
        assert_eq!(reply.status(), 400);
        assert_eq!(reply.headers()["content-type"], expected);
        assert_eq!(
            reply.headers()["x-amzn-errortype"],
            "UnknownOperationException"
        );
    }
}
