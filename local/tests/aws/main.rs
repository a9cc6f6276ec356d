//! The gateway, SSM and DynamoDB, through the AWS SDK and as plain HTTP.

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod guard;
mod logs;
mod protocols;
mod proxies;
mod restart;
mod server;
mod ssm;

use std::net::Ipv4Addr;

use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, Get, KeySchemaElement, KeyType,
    KeysAndAttributes, ScalarAttributeType, TransactGetItem,
};
use aws_sdk_ssm::{error::ProvideErrorMetadata, types::ParameterType};
use aws_wire::DEFAULT_REGION;
use local::{aws::apis::AwsApis, ports};
use loopback_client::sdk_config;
use serde_json::Value;

async fn apis(data: Option<&std::path::Path>) -> AwsApis {
    let listener = ports::listen(Ipv4Addr::LOCALHOST.into(), 0, "--port")
        .await
        .unwrap();
    let options = kinesis_engine::Options {
        data_dir: data.map(std::path::Path::to_owned),
        ..kinesis_engine::Options::default()
    };
    AwsApis::start(listener, options).await.unwrap()
}

fn ssm(apis: &AwsApis) -> aws_sdk_ssm::Client {
    aws_sdk_ssm::Client::new(&sdk_config(&apis.url(), DEFAULT_REGION))
}

fn dynamodb(apis: &AwsApis) -> aws_sdk_dynamodb::Client {
    aws_sdk_dynamodb::Client::new(&sdk_config(&apis.url(), DEFAULT_REGION))
}

async fn call(apis: &AwsApis, target: Option<&str>, body: &str) -> (u16, Value) {
    let mut request = reqwest::Client::new()
        .post(apis.url())
        .body(body.to_owned());
    if let Some(target) = target {
        request = request.header("x-amz-target", target);
    }
    let reply = request.send().await.unwrap();
    let status = reply.status().as_u16();
    (status, reply.json().await.unwrap())
}

#[tokio::test]
async fn an_unknown_operation_is_refused_with_the_supported_ones() {
    let apis = apis(None).await;
    for target in [
        None,
        Some("AWSLambda.Invoke"),
        Some("AmazonSSM.StartSession"),
    ] {
        let (status, body) = call(&apis, target, "{}").await;
        assert_eq!(status, 400);
        assert_eq!(body["__type"], "UnknownOperationException", "{target:?}");
        let message = body["message"].as_str().unwrap();
        assert!(
            message.contains("Kinesis, SQS") || message.contains("PutParameter"),
            "{message}"
        );
    }
}

#[tokio::test]
async fn a_body_that_is_not_json_is_a_serialization_exception() {
    let apis = apis(None).await;
    let (status, body) = call(&apis, Some("AmazonSSM.GetParameter"), "{nonsense").await;
    assert_eq!(
        (status, body["__type"].as_str()),
        (400, Some("SerializationException"))
    );
}

#[tokio::test]
async fn a_secure_string_is_ciphertext_unless_decryption_is_requested() {
    let apis = apis(None).await;
    let ssm = ssm(&apis);
    let put = ssm.put_parameter().name("/keys/k").value("secret");
    put.r#type(ParameterType::SecureString)
        .send()
        .await
        .unwrap();

    let read = async |decrypt| {
        let reply = ssm.get_parameter().name("/keys/k").with_decryption(decrypt);
        let parameter = reply.send().await.unwrap().parameter.unwrap();
        parameter.value.unwrap()
    };
    assert_eq!(read(true).await, "secret");
    assert_ne!(read(false).await, "secret");
}

#[tokio::test]
async fn put_parameter_overwrites_only_on_request_and_keeps_old_versions() {
    let apis = apis(None).await;
    let ssm = ssm(&apis);
    let put = |value: &str, overwrite| {
        ssm.put_parameter()
            .name("k")
            .value(value)
            .r#type(ParameterType::String)
            .overwrite(overwrite)
            .send()
    };
    put("one", false).await.unwrap();
    let error = put("two", false).await.unwrap_err();
    assert_eq!(error.code(), Some("ParameterAlreadyExists"));
    assert_eq!(put("two", true).await.unwrap().version, 2);

    let first = ssm.get_parameter().name("k:1").send().await.unwrap();
    assert_eq!(first.parameter.unwrap().value.unwrap(), "one");
    let error = ssm.get_parameter().name("k:9").send().await.unwrap_err();
    assert_eq!(error.code(), Some("ParameterVersionNotFound"));
}

#[tokio::test]
async fn parameters_are_read_by_path_in_pages_and_by_name() {
    let apis = apis(None).await;
    let ssm = ssm(&apis);
    for name in ["/a/1", "/a/2", "/a/b/3", "/c/4"] {
        let put = ssm.put_parameter().name(name).value(name);
        put.r#type(ParameterType::String).send().await.unwrap();
    }
    let names = async |recursive: bool| {
        let pages = ssm
            .get_parameters_by_path()
            .path("/a")
            .recursive(recursive)
            .max_results(1)
            .into_paginator()
            .send()
            .try_collect()
            .await
            .unwrap();
        let parameters = pages.into_iter().flat_map(|page| page.parameters.unwrap());
        parameters
            .map(|parameter| parameter.name.unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(false).await, ["/a/1", "/a/2"]);
    assert_eq!(names(true).await, ["/a/1", "/a/2", "/a/b/3"]);

    let many = ssm.get_parameters().names("/c/4").names("/none");
    let many = many.send().await.unwrap();
    assert_eq!(many.parameters.unwrap().len(), 1);
    assert_eq!(many.invalid_parameters.unwrap(), ["/none"]);
    ssm.delete_parameter().name("/c/4").send().await.unwrap();
    let error = ssm.get_parameter().name("/c/4").send().await.unwrap_err();
    assert_eq!(error.code(), Some("ParameterNotFound"));
}

#[tokio::test]
async fn dynamodb_stores_items_and_the_gateway_counts_every_read() {
    let apis = apis(None).await;
    let dynamodb = dynamodb(&apis);
    create_table(&dynamodb).await;
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let put = dynamodb.put_item().table_name("Locations");
    let put = put.item("location", text("Car")).item("notes", text("n"));
    put.send().await.unwrap();

    let get = dynamodb.get_item().table_name("Locations");
    let item = get.key("location", text("Car")).send().await.unwrap().item;
    assert_eq!(item.unwrap()["notes"], text("n"));
    assert_eq!(apis.calls.of("DynamoDB", "GetItem"), 1);

    let missing = dynamodb.get_item().table_name("None");
    let error = missing
        .key("location", text("Car"))
        .send()
        .await
        .unwrap_err();
    assert_eq!(error.code(), Some("ResourceNotFoundException"));
}

#[tokio::test]
async fn a_data_folder_keeps_items_and_parameters() {
    let folder = tempfile::tempdir().unwrap();
    {
        let apis = apis(Some(folder.path())).await;
        let put = ssm(&apis).put_parameter().name("k").value("kept");
        put.r#type(ParameterType::String).send().await.unwrap();
        let config = sdk_config(&apis.url(), DEFAULT_REGION);
        create_table(&aws_sdk_dynamodb::Client::new(&config)).await;
        apis.shut_down().await;
    }
    let apis = apis(Some(folder.path())).await;
    let kept = ssm(&apis).get_parameter().name("k").send().await.unwrap();
    assert_eq!(kept.parameter.unwrap().value.unwrap(), "kept");
    let config = sdk_config(&apis.url(), DEFAULT_REGION);
    let tables = aws_sdk_dynamodb::Client::new(&config).list_tables();
    assert_eq!(tables.send().await.unwrap().table_names(), ["Locations"]);
}

async fn create_table(dynamodb: &aws_sdk_dynamodb::Client) {
    let attribute = AttributeDefinition::builder()
        .attribute_name("location")
        .attribute_type(ScalarAttributeType::S);
    let key = KeySchemaElement::builder()
        .attribute_name("location")
        .key_type(KeyType::Hash);
    dynamodb
        .create_table()
        .table_name("Locations")
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(attribute.build().unwrap())
        .key_schema(key.build().unwrap())
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn an_error_is_in_the_format_of_its_caller() {
    let apis = apis(None).await;
    for target in [
        None,
        Some("AWSLambda.Invoke"),
        Some("AmazonSSM.GetParameter"),
    ] {
        let client = reqwest::Client::new();
        let mut request = client.post(apis.url()).body(vec![0xff]);
        request = request.header("content-type", "application/x-amz-cbor-1.1");
        if let Some(target) = target {
            request = request.header("x-amz-target", target);
        }
        let reply = request.send().await.unwrap();
        assert_eq!(reply.status(), 400);
        assert_eq!(
            reply.headers()["content-type"],
            "application/x-amz-cbor-1.1"
        );
        // A CBOR map of two members, `__type` first.
        let body = reply.bytes().await.unwrap();
        assert!(body.starts_with(b"\xa2\x66__type"), "{target:?}: {body:?}");
    }
}

#[tokio::test]
async fn a_table_s_arn_names_the_region_and_stands_for_its_name() {
    let listener = ports::listen(Ipv4Addr::LOCALHOST.into(), 0, "--port").await;
    let options = kinesis_engine::Options {
        region: "eu-west-1".to_owned(),
        ..kinesis_engine::Options::default()
    };
    let apis = AwsApis::start(listener.unwrap(), options).await.unwrap();
    let dynamodb = dynamodb(&apis);
    create_table(&dynamodb).await;
    let described = dynamodb.describe_table().table_name("Locations");
    let table = described.send().await.unwrap().table.unwrap();
    let arn = table.table_arn.unwrap();
    assert_eq!(
        arn,
        "arn:aws:dynamodb:eu-west-1:000000000000:table/Locations"
    );

    // An item may hold any text, ARNs too.
    let foreign = AttributeValue::S("arn:aws:dynamodb:dynoxide:000000000000:table/x".to_owned());
    let key = || AttributeValue::S("Car".to_owned());
    let put = dynamodb.put_item().table_name(&arn);
    let put = put.item("location", key()).item("notes", foreign.clone());
    put.send().await.unwrap();
    let get = dynamodb.get_item().table_name(&arn).key("location", key());
    assert_eq!(get.send().await.unwrap().item.unwrap()["notes"], foreign);

    let keys = KeysAndAttributes::builder().keys([("location".to_owned(), key())].into());
    let batch = dynamodb.batch_get_item();
    let batch = batch.request_items(&arn, keys.build().unwrap());
    let found = batch.send().await.unwrap().responses.unwrap();
    assert_eq!(found[&arn][0]["notes"], foreign);

    let get = Get::builder().table_name(&arn).key("location", key());
    let get = TransactGetItem::builder().get(get.build().unwrap()).build();
    let found = dynamodb.transact_get_items().transact_items(get);
    let found = found.send().await.unwrap().responses.unwrap();
    assert_eq!(found[0].item.as_ref().unwrap()["notes"], foreign);

    let tagged = dynamodb.list_tags_of_resource().resource_arn(&arn);
    tagged.send().await.unwrap();
    let deleted = dynamodb.delete_table().table_name(&arn).send().await;
    let deleted = deleted.unwrap().table_description.unwrap();
    assert_eq!(deleted.table_arn.unwrap(), arn);
}
