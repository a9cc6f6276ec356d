//! The two protocols: errors in JSON, and everything in the query protocol.

use aws_wire::{
    query::{self, Form},
    service::{Call, Service as _},
};
use http::{HeaderMap, HeaderValue};
use serde_json::json;

use super::fixture::{Fixture, bytes};

/// The reply to a form, as an older client posts it.
async fn form(fixture: &Fixture, path: &str, form: &str) -> (u16, String) {
    let form = Form::parse(form.as_bytes()).unwrap();
    let mut headers = HeaderMap::new();
    headers.insert("host", HeaderValue::from_static("localhost:4566"));
    let mut call = Call::new(form.text_of("Action").unwrap(), headers, "");
    call.uri = path.parse().unwrap();
    let reply = query::serve(&*fixture.sqs, call, &form, "the-id").await;
    let (parts, body) = reply.into_parts();
    let body = bytes(body).await;
    (
        parts.status.as_u16(),
        String::from_utf8(body.to_vec()).unwrap(),
    )
}

#[tokio::test]
async fn an_error_has_its_shape_and_its_code_of_the_query_protocol() {
    let fixture = Fixture::new().await;
    let (status, headers, body) = fixture
        .call("GetQueueUrl", json!({"QueueName": "none"}))
        .await;
    assert_eq!(status, 400);
    assert_eq!(body["__type"], "com.amazonaws.sqs#QueueDoesNotExist");
    assert_eq!(body["message"], "The specified queue does not exist.");
    assert_eq!(headers["content-type"], "application/x-amz-json-1.0");
    assert_eq!(
        headers["x-amzn-query-error"],
        "AWS.SimpleQueueService.NonExistentQueue;Sender"
    );
}

#[tokio::test]
async fn a_body_of_the_wrong_type_is_refused() {
    let fixture = Fixture::new().await;
    let code = fixture
        .refused("ListQueues", json!({"MaxResults": "many"}))
        .await;
    assert_eq!(code, "MalformedInput");
}

#[tokio::test]
async fn every_operation_is_in_both_protocols() {
    let fixture = Fixture::new().await;
    let api = fixture.sqs.query().unwrap();
    for operation in fixture.sqs.operations() {
        assert!(api.operation(operation).is_some(), "{operation}");
    }
}

#[tokio::test]
async fn an_older_client_sends_receives_and_deletes() {
    let fixture = Fixture::new().await;
    let (status, xml) = form(&fixture, "/", "Action=CreateQueue&QueueName=orders&Attribute.1.Name=DelaySeconds&Attribute.1.Value=0&Tag.1.Key=a&Tag.1.Value=1").await;
    assert_eq!(status, 200, "{xml}");
    assert!(
        xml.contains(
            "<CreateQueueResult><QueueUrl>http://localhost:4566/000000000000/orders</QueueUrl>"
        ),
        "{xml}"
    );
    // The queue is in the path.
    let path = "/000000000000/orders";
    let (_, xml) = form(&fixture, path, "Action=SendMessage&MessageBody=a+%3Cb%3E&MessageAttribute.1.Name=n&MessageAttribute.1.Value.DataType=String&MessageAttribute.1.Value.StringValue=v").await;
    assert!(xml.contains("<MD5OfMessageBody>"), "{xml}");
    let (_, xml) = form(&fixture, path, "Action=ReceiveMessage&MaxNumberOfMessages=10&AttributeName.1=All&MessageAttributeName.1=All").await;
    assert!(xml.contains("<Body>a &lt;b&gt;</Body>"), "{xml}");
    assert!(
        xml.contains("<Name>ApproximateReceiveCount</Name><Value>1</Value>"),
        "{xml}"
    );
    assert!(
        xml.contains("<Name>n</Name><Value><StringValue>v</StringValue>"),
        "{xml}"
    );
    let handle = xml
        .split("<ReceiptHandle>")
        .nth(1)
        .unwrap()
        .split('<')
        .next()
        .unwrap();
    let handle = handle
        .replace('+', "%2B")
        .replace('/', "%2F")
        .replace('=', "%3D");
    let batch = format!(
        "Action=DeleteMessageBatch&DeleteMessageBatchRequestEntry.1.Id=a&DeleteMessageBatchRequestEntry.1.ReceiptHandle={handle}&DeleteMessageBatchRequestEntry.2.Id=b&DeleteMessageBatchRequestEntry.2.ReceiptHandle=x"
    );
    let (_, xml) = form(&fixture, path, &batch).await;
    assert!(
        xml.contains("<DeleteMessageBatchResultEntry><Id>a</Id></DeleteMessageBatchResultEntry>"),
        "{xml}"
    );
    assert!(xml.contains("<BatchResultErrorEntry><Id>b</Id><SenderFault>true</SenderFault><Code>ReceiptHandleIsInvalid</Code>"), "{xml}");
    let (status, xml) = form(
        &fixture,
        "/000000000000/none",
        "Action=GetQueueAttributes&AttributeName.1=All",
    )
    .await;
    assert_eq!(status, 400);
    assert!(xml.contains("<Code>AWS.SimpleQueueService.NonExistentQueue</Code><Message>The specified queue does not exist.</Message>"), "{xml}");
    let (_, xml) = form(
        &fixture,
        path,
        "Action=GetQueueAttributes&AttributeName.1=QueueArn",
    )
    .await;
    assert!(xml.contains("<Attribute><Name>QueueArn</Name><Value>arn:aws:sqs:us-east-1:000000000000:orders</Value></Attribute>"), "{xml}");
}
