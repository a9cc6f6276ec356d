use async_trait::async_trait;
use axum_core::response::Response;
use http::{HeaderMap, HeaderValue};
use http_body_util::BodyExt;
use serde_json::{Value, json};

use super::{Api, Form, Member, Operation, QUERY_ERROR, Shape, serve};
use crate::{
    error::AwsError,
    service::{Call, Protocol, Service, json_reply},
};

const NAMED: Shape = Shape::FlatMap {
    key: "Name",
    value: "Value",
    of: &Shape::Structure(&[Member::text("StringValue"), Member::text("DataType")]),
};

static API: Api = Api {
    version: "2012-11-05",
    namespace: "http://queue.amazonaws.com/doc/2012-11-05/",
    operations: &[
        Operation {
            name: "Echo",
            input: &[
                Member::text("Body"),
                Member::integer("Delay"),
                Member::new("Deep", Shape::Boolean),
                Member::called("Names", "Name", Shape::FlatList(&Shape::Text)),
                Member::new("Tags", Shape::List(&Shape::Text)),
                Member::called("Attributes", "Attribute", NAMED),
            ],
            output: &[
                Member::text("Body"),
                Member::integer("Delay"),
                Member::new("Deep", Shape::Boolean),
                Member::called("Names", "Name", Shape::FlatList(&Shape::Text)),
                Member::new("Tags", Shape::List(&Shape::Text)),
                Member::called("Attributes", "Attribute", NAMED),
            ],
        },
        Operation {
            name: "Fail",
            input: &[],
            output: &[],
        },
        Operation {
            name: "Nothing",
            input: &[],
            output: &[],
        },
    ],
};

struct Echo;

#[async_trait]
impl Service for Echo {
    fn name(&self) -> &'static str {
        "Echo"
    }

    fn target_prefixes(&self) -> &'static [&'static str] {
        &["Echo"]
    }

    fn operations(&self) -> &'static [&'static str] {
        &["Echo", "Fail", "Nothing"]
    }

    fn query(&self) -> Option<&'static Api> {
        Some(&API)
    }

    async fn call(&self, call: Call) -> Result<Response, AwsError> {
        assert_eq!(call.protocol, Protocol::Query);
        if call.operation == "Fail" {
            let error = AwsError::client("QueueDoesNotExist", "no <such> queue");
            let mut reply = Protocol::Json10.error(&error, "id");
            let code = HeaderValue::from_static("AWS.SimpleQueueService.NonExistentQueue;Sender");
            reply.headers_mut().insert(QUERY_ERROR, code);
            return Ok(reply);
        }
        json_reply(&call.json::<Value>()?)
    }
}

async fn ask(form: &str) -> (u16, String) {
    let form = Form::parse(form.as_bytes()).unwrap();
    let action = form.text_of("Action").unwrap();
    let call = Call::new(action, HeaderMap::new(), "");
    let reply = serve(&Echo, call, &form, "the-id").await;
    assert_eq!(reply.headers()["content-type"], "text/xml");
    let status = reply.status().as_u16();
    let body = reply.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn a_form_becomes_json_and_the_reply_becomes_xml() {
    let (status, xml) = ask(
        "Action=Echo&Version=2012-11-05&Body=a+%3Cb%3E%0D%26&Delay=5&Deep=true\
         &Name.2=second&Name.10=tenth&Name.1=first&Tags.member.1=x\
         &Attribute.1.Name=n&Attribute.1.Value.StringValue=v&Attribute.1.Value.DataType=String",
    )
    .await;
    assert_eq!(status, 200);
    assert_eq!(
        xml,
        "<?xml version=\"1.0\"?><EchoResponse xmlns=\"http://queue.amazonaws.com/doc/2012-11-05/\">\
         <EchoResult><Body>a &lt;b&gt;&#xD;&amp;</Body><Delay>5</Delay><Deep>true</Deep>\
         <Name>first</Name><Name>second</Name><Name>tenth</Name><Tags><member>x</member></Tags>\
         <Attribute><Name>n</Name><Value><StringValue>v</StringValue><DataType>String</DataType>\
         </Value></Attribute></EchoResult>\
         <ResponseMetadata><RequestId>the-id</RequestId></ResponseMetadata></EchoResponse>"
    );
}

#[tokio::test]
async fn an_operation_that_returns_nothing_has_no_result() {
    let (_, xml) = ask("Action=Nothing").await;
    assert!(
        xml.ends_with("/\"><ResponseMetadata><RequestId>the-id</RequestId></ResponseMetadata></NothingResponse>"),
        "{xml}"
    );
}

#[tokio::test]
async fn an_error_has_the_code_of_the_query_protocol() {
    let (status, xml) = ask("Action=Fail").await;
    assert_eq!(status, 400);
    assert!(
        xml.contains(
            "<Error><Type>Sender</Type><Code>AWS.SimpleQueueService.NonExistentQueue</Code>\
             <Message>no &lt;such&gt; queue</Message><Detail/></Error><RequestId>the-id</RequestId>"
        ),
        "{xml}"
    );
}

#[tokio::test]
async fn a_value_of_the_wrong_type_and_an_unknown_action_are_refused() {
    let (status, xml) = ask("Action=Echo&Delay=soon").await;
    assert_eq!(status, 400);
    assert!(xml.contains("<Code>InvalidParameterValue</Code>"), "{xml}");
    assert!(
        xml.contains("Value soon for parameter Delay is invalid."),
        "{xml}"
    );
    let (status, xml) = ask("Action=Vanish").await;
    assert_eq!(status, 400);
    assert!(xml.contains("<Code>InvalidAction</Code>"), "{xml}");
}

#[test]
fn a_list_without_numbers_has_one_item_and_an_empty_value_none() {
    let form = Form::parse(b"One=All&None=&Name.1=").unwrap();
    assert_eq!(form.member("One").unwrap().items()[0].text(), Some("All"));
    assert!(form.member("None").unwrap().items().is_empty());
    assert_eq!(form.member("Name").unwrap().items()[0].text(), Some(""));
}

#[test]
fn deep_names_and_too_many_parameters_are_refused() {
    let deep = format!("A{}=1", ".1".repeat(1_000_000));
    assert_eq!(
        Form::parse(deep.as_bytes()).unwrap_err().code,
        "MalformedQueryString"
    );
    let many = "a=1&".repeat(10_001);
    assert_eq!(
        Form::parse(many.as_bytes()).unwrap_err().code,
        "MalformedQueryString"
    );
}

#[test]
fn a_json_body_has_json_types() {
    let form = Form::parse(b"Delay=5&Deep=false&Name.1=a").unwrap();
    let body = super::shape::structure(API.operations[0].input, &form).unwrap();
    assert_eq!(body, json!({ "Delay": 5, "Deep": false, "Names": ["a"] }));
}
