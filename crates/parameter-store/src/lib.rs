//! SSM Parameter Store inside the process: parameters, their versions, labels and tags.
//!
//! [`ParameterStore`] is a [`Service`] of AWS JSON: a gateway hands it calls, and a
//! `SecureString` is read as ciphertext unless the caller asks for its decryption.
//!
//! ```
//! use aws_wire::service::{Call, Service};
//! use http_body_util::BodyExt;
//! use parameter_store::ParameterStore;
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let store = ParameterStore::open("us-east-1", None).unwrap();
//! let call = |operation, request: &str| {
//!     store.call(Call::new(operation, http::HeaderMap::new(), request.to_owned()))
//! };
//! call("PutParameter", r#"{"Name": "/keys/cache", "Value": "secret", "Type": "SecureString"}"#).await.unwrap();
//! let reply = call("GetParameter", r#"{"Name": "/keys/cache", "WithDecryption": true}"#).await.unwrap();
//! let reply = reply.into_body().collect().await.unwrap().to_bytes();
//! assert!(String::from_utf8_lossy(&reply).contains(r#""Value":"secret""#));
//! # });
//! ```
//!
//! # What is isolated
//!
//! Parameters are in memory, or in one file that its owner alone can read. The ciphertext of a
//! `SecureString` is made up: nothing is encrypted, and no key of KMS is looked for.

#![warn(unreachable_pub)]

mod file;
mod filters;
mod listing;
mod model;
mod record;
mod rules;
mod store;

use std::path::Path;

use async_trait::async_trait;
use aws_wire::{
    error::AwsError,
    format::Format,
    service::{Call, Service, json_reply},
};
use axum_core::response::Response;
use serde::de::DeserializeOwned;
use serde_json::json;

use model::{AddTags, GetParameter, GetParameters, Labels, Name, Names, PutParameter};
use model::{RemoveTags, Resource};
use store::Parameters;

pub use file::OpenError;

/// Most names of one `GetParameters` or `DeleteParameters` (API reference).
const MAX_NAMES: usize = 10;

/// SSM behind the gateway.
pub struct ParameterStore {
    parameters: Parameters,
}

impl ParameterStore {
    /// Opens the store, kept in `file` or in memory.
    ///
    /// # Errors
    ///
    /// The file is there but cannot be read.
    pub fn open(region: &str, file: Option<&Path>) -> Result<Self, OpenError> {
        Parameters::open(region, file).map(|parameters| Self { parameters })
    }

    fn put(&self, request: PutParameter) -> Result<Response, AwsError> {
        let (version, tier) = self.parameters.put(request)?;
        json_reply(&json!({ "Version": version, "Tier": tier }))
    }

    fn get(&self, request: &GetParameter) -> Result<Response, AwsError> {
        let decrypt = request.with_decryption.unwrap_or(false);
        let found = self.parameters.get(&request.name, decrypt)?;
        json_reply(&json!({ "Parameter": found }))
    }

    fn get_many(&self, request: &GetParameters) -> Result<Response, AwsError> {
        rules::length(&request.names, "names", MAX_NAMES)?;
        let decrypt = request.with_decryption.unwrap_or(false);
        let (mut found, mut invalid) = (Vec::new(), Vec::new());
        for name in &request.names {
            match self.parameters.get(name, decrypt) {
                Ok(parameter) => found.push(parameter),
                Err(_) => invalid.push(name),
            }
        }
        json_reply(&json!({ "Parameters": found, "InvalidParameters": invalid }))
    }

    fn delete(&self, request: &Name) -> Result<Response, AwsError> {
        self.parameters.delete(&request.name)?;
        json_reply(&json!({}))
    }

    fn delete_many(&self, request: &Names) -> Result<Response, AwsError> {
        rules::length(&request.names, "names", MAX_NAMES)?;
        let (mut deleted, mut invalid) = (Vec::new(), Vec::new());
        for name in &request.names {
            match self.parameters.delete(name) {
                Ok(()) => deleted.push(name),
                // A file that cannot be written says nothing about the name.
                Err(error) if error.status.is_server_error() => return Err(error),
                Err(_) => invalid.push(name),
            }
        }
        json_reply(&json!({ "DeletedParameters": deleted, "InvalidParameters": invalid }))
    }

    fn label(&self, request: Labels) -> Result<Response, AwsError> {
        let (version, invalid) = self.parameters.label(request)?;
        json_reply(&json!({ "InvalidLabels": invalid, "ParameterVersion": version }))
    }

    fn unlabel(&self, request: Labels) -> Result<Response, AwsError> {
        let (removed, invalid) = self.parameters.unlabel(request)?;
        json_reply(&json!({ "RemovedLabels": removed, "InvalidLabels": invalid }))
    }

    fn add_tags(&self, request: AddTags) -> Result<Response, AwsError> {
        is_parameter(&request.resource_type)?;
        let parameters = &self.parameters;
        parameters.retag(&request.resource_id, request.tags, &[])?;
        json_reply(&json!({}))
    }

    fn remove_tags(&self, request: &RemoveTags) -> Result<Response, AwsError> {
        is_parameter(&request.resource_type)?;
        let parameters = &self.parameters;
        parameters.retag(&request.resource_id, Vec::new(), &request.tag_keys)?;
        json_reply(&json!({}))
    }

    fn list_tags(&self, request: &Resource) -> Result<Response, AwsError> {
        is_parameter(&request.resource_type)?;
        let tags = self.parameters.tags(&request.resource_id)?;
        json_reply(&json!({ "TagList": tags }))
    }
}

fn is_parameter(resource_type: &str) -> Result<(), AwsError> {
    if resource_type == "Parameter" {
        return Ok(());
    }
    Err(AwsError::client(
        "InvalidResourceType",
        format!("{resource_type} is not a resource type here; only Parameter is."),
    ))
}

/// Reads a request. A missing member or a value outside its enumeration is a
/// `ValidationException`, anything else that cannot be read a `SerializationException`.
fn read<T: DeserializeOwned>(call: &Call) -> Result<T, AwsError> {
    Ok(Format::Json.read(&call.body)?)
}

#[async_trait]
impl Service for ParameterStore {
    fn name(&self) -> &'static str {
        "SSM"
    }

    fn target_prefixes(&self) -> &'static [&'static str] {
        &["AmazonSSM"]
    }

    fn operations(&self) -> &'static [&'static str] {
        &[
            "AddTagsToResource",
            "DeleteParameter",
            "DeleteParameters",
            "DescribeParameters",
            "GetParameter",
            "GetParameterHistory",
            "GetParameters",
            "GetParametersByPath",
            "LabelParameterVersion",
            "ListTagsForResource",
            "PutParameter",
            "RemoveTagsFromResource",
            "UnlabelParameterVersion",
        ]
    }

    async fn call(&self, call: Call) -> Result<Response, AwsError> {
        match call.operation.as_str() {
            "AddTagsToResource" => self.add_tags(read(&call)?),
            "DeleteParameter" => self.delete(&read(&call)?),
            "DeleteParameters" => self.delete_many(&read(&call)?),
            "DescribeParameters" => json_reply(&self.parameters.describe(read(&call)?)?),
            "GetParameter" => self.get(&read(&call)?),
            "GetParameterHistory" => json_reply(&self.parameters.history(&read(&call)?)?),
            "GetParameters" => self.get_many(&read(&call)?),
            "GetParametersByPath" => json_reply(&self.parameters.by_path(read(&call)?)?),
            "LabelParameterVersion" => self.label(read(&call)?),
            "ListTagsForResource" => self.list_tags(&read(&call)?),
            "PutParameter" => self.put(read(&call)?),
            "RemoveTagsFromResource" => self.remove_tags(&read(&call)?),
            "UnlabelParameterVersion" => self.unlabel(read(&call)?),
            other => Err(AwsError::client("UnknownOperationException", other)),
        }
    }
}
