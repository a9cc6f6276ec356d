//! SSM Parameter Store: the operations that a program reads its parameters with.

mod model;
mod store;

use std::path::Path;

use async_trait::async_trait;
use aws_wire::{
    error::AwsError,
    service::{Call, Service, json_reply},
};
use axum::response::Response;
use serde_json::json;

use model::{
    DescribeParameters, GetByPath, GetParameter, GetParameters, Name, Names, PutParameter,
};
use store::Parameters;

pub use store::OpenError;

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
        let version = self.parameters.put(request)?;
        json_reply(&json!({ "Version": version, "Tier": "Standard" }))
    }

    fn get(&self, request: &GetParameter) -> Result<Response, AwsError> {
        let found = self
            .parameters
            .get(&request.name, request.with_decryption)?;
        json_reply(&json!({ "Parameter": found }))
    }

    fn get_many(&self, request: &GetParameters) -> Result<Response, AwsError> {
        at_most(&request.names)?;
        let (mut found, mut invalid) = (Vec::new(), Vec::new());
        for name in &request.names {
            match self.parameters.get(name, request.with_decryption) {
                Ok(parameter) => found.push(parameter),
                Err(_) => invalid.push(name),
            }
        }
        json_reply(&json!({ "Parameters": found, "InvalidParameters": invalid }))
    }

    fn get_by_path(&self, request: &GetByPath) -> Result<Response, AwsError> {
        let page = self.parameters.by_path(request)?;
        json_reply(&page)
    }

    fn describe(&self, request: &DescribeParameters) -> Result<Response, AwsError> {
        json_reply(&self.parameters.describe(request)?)
    }

    fn delete(&self, request: &Name) -> Result<Response, AwsError> {
        self.parameters.delete(&request.name)?;
        json_reply(&json!({}))
    }

    fn delete_many(&self, request: &Names) -> Result<Response, AwsError> {
        at_most(&request.names)?;
        let (mut deleted, mut invalid) = (Vec::new(), Vec::new());
        for name in &request.names {
            match self.parameters.delete(name) {
                Ok(()) => deleted.push(name),
                Err(_) => invalid.push(name),
            }
        }
        json_reply(&json!({ "DeletedParameters": deleted, "InvalidParameters": invalid }))
    }
}

fn at_most(names: &[String]) -> Result<(), AwsError> {
    if names.is_empty() || names.len() > MAX_NAMES {
        let what = format!(
            "Names has {} entries; expected 1 to {MAX_NAMES}",
            names.len()
        );
        return Err(AwsError::client("ValidationException", what));
    }
    Ok(())
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
            "DeleteParameter",
            "DeleteParameters",
            "DescribeParameters",
            "GetParameter",
            "GetParameters",
            "GetParametersByPath",
            "PutParameter",
        ]
    }

    async fn call(&self, call: Call) -> Result<Response, AwsError> {
        match call.operation.as_str() {
            "PutParameter" => self.put(call.json()?),
            "GetParameter" => self.get(&call.json()?),
            "GetParameters" => self.get_many(&call.json()?),
            "GetParametersByPath" => self.get_by_path(&call.json()?),
            "DescribeParameters" => self.describe(&call.json()?),
            "DeleteParameter" => self.delete(&call.json()?),
            "DeleteParameters" => self.delete_many(&call.json()?),
            other => Err(AwsError::client("UnknownOperationException", other)),
        }
    }
}
