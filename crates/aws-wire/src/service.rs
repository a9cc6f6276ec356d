//! The seam between the gateway and the services behind it.

use async_trait::async_trait;
use axum_core::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Uri, header};
use serde::{Serialize, de::DeserializeOwned};

use crate::{error::AwsError, query};

pub use crate::protocol::Protocol;

/// One request, routed but not yet parsed.
#[derive(Debug, Clone, Default)]
pub struct Call {
    /// The operation: the part of `X-Amz-Target` after the dot, or the query protocol's
    /// `Action`, such as `PutRecord`.
    pub operation: String,
    /// The request's headers: a service may need the content type.
    pub headers: HeaderMap,
    /// The request's body, as sent; the JSON form of it for the query protocol.
    pub body: Bytes,
    /// The protocol that the caller speaks.
    pub protocol: Protocol,
    /// The request's path and query string.
    pub uri: Uri,
}

impl Call {
    /// A call in the protocol that `headers` name.
    #[must_use]
    pub fn new(operation: impl Into<String>, headers: HeaderMap, body: impl Into<Bytes>) -> Self {
        let uri = Uri::default();
        Self {
            operation: operation.into(),
            protocol: Protocol::of(&headers, &uri),
            headers,
            body: body.into(),
            uri,
        }
    }

    /// The host and the port by which the caller knows this server: `Host`, or HTTP/2's
    /// `:authority`.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        let host = self.headers.get(header::HOST);
        let host = host.and_then(|value| value.to_str().ok());
        host.or_else(|| self.uri.authority().map(http::uri::Authority::as_str))
    }

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

    /// Writes a JSON reply, of the JSON version that the caller speaks.
    ///
    /// # Errors
    ///
    /// `InternalFailure` if the value cannot be written as JSON.
    pub fn reply<T: Serialize>(&self, value: &T) -> Result<Response, AwsError> {
        json_reply_of(value, self.protocol)
    }
}

/// Writes a JSON 1.1 reply.
///
/// # Errors
///
/// `InternalFailure` if the value cannot be written as JSON.
pub fn json_reply<T: Serialize>(value: &T) -> Result<Response, AwsError> {
    json_reply_of(value, Protocol::Json11)
}

fn json_reply_of<T: Serialize>(value: &T, protocol: Protocol) -> Result<Response, AwsError> {
    let body = serde_json::to_vec(value)
        .map_err(|error| AwsError::internal(format!("the reply cannot be written: {error}")))?;
    let mut reply = body.into_response();
    reply.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(protocol.json_content_type()),
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

    /// The service of its requests' signatures, such as `kinesis`. SSM's is `ssm`.
    fn signing_name(&self) -> String {
        self.name().to_lowercase()
    }

    /// The operations served.
    fn operations(&self) -> &'static [&'static str];

    /// How its operations look in the query protocol, if it speaks that.
    fn query(&self) -> Option<&'static query::Api> {
        None
    }

    /// Carries out one operation of [`Service::operations`].
    async fn call(&self, call: Call) -> Result<Response, AwsError>;
}
