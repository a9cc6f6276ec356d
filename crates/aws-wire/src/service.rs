//! The seam between the gateway and the services behind it.

use async_trait::async_trait;
use axum_core::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use serde::{Serialize, de::DeserializeOwned};

use crate::error::AwsError;

/// One request of the AWS JSON (or CBOR) protocol, routed but not yet parsed.
#[derive(Debug, Clone)]
pub struct Call {
    /// The operation: the part of `X-Amz-Target` after the dot, such as `PutRecord`.
    pub operation: String,
    /// The request's headers: a service may need the content type.
    pub headers: HeaderMap,
    /// The request's body, as sent.
    pub body: Bytes,
}

impl Call {
    /// Reads the body as JSON; an empty body counts as `{}`, as AWS treats it.
    ///
    /// # Errors
    ///
    /// `SerializationException` with the parser's reason.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, AwsError> {
        let body: &[u8] = if self.body.is_empty() {
            b"{}"
        } else {
            &self.body
        };
        serde_json::from_slice(body).map_err(|error| {
            AwsError::client(
                "SerializationException",
                format!(
                    "{}: the request body cannot be read: {error}",
                    self.operation
                ),
            )
        })
    }
}

/// Writes a JSON 1.1 reply.
///
/// # Errors
///
/// `InternalFailure` if the value cannot be written as JSON.
pub fn json_reply<T: Serialize>(value: &T) -> Result<Response, AwsError> {
    let body = serde_json::to_vec(value)
        .map_err(|error| AwsError::internal(format!("the reply cannot be written: {error}")))?;
    let mut reply = body.into_response();
    reply.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/x-amz-json-1.1"),
    );
    Ok(reply)
}

/// An AWS service behind the gateway.
#[async_trait]
pub trait Service: Send + Sync + 'static {
    /// The service's name as AWS writes it, such as `Kinesis`.
    fn name(&self) -> &'static str;

    /// The part of `X-Amz-Target` before the dot, such as `Kinesis_20131202`.
    fn target_prefixes(&self) -> &'static [&'static str];

    /// The operations served.
    fn operations(&self) -> &'static [&'static str];

    /// Carries out one operation of [`Service::operations`].
    async fn call(&self, call: Call) -> Result<Response, AwsError>;
}
