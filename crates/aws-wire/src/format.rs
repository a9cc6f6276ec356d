//! The bodies of requests and replies: AWS JSON 1.1, or CBOR 1.1 as the Java SDK
//! and the KCL send it.

use std::fmt::Display;

use axum_core::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};

use crate::error::{AwsError, ErrorBody};

const JSON: &str = "application/x-amz-json-1.1";
const CBOR: &str = "application/x-amz-cbor-1.1";

/// A body that does not fit its operation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// A member is missing or has a value outside its enumeration: AWS answers
    /// `ValidationException` ("Common Errors").
    #[error("{0}")]
    Constraint(String),
    /// The parser cannot read it: AWS answers `SerializationException`.
    #[error("{0}")]
    Syntax(String),
    /// A reply cannot be written: `InternalFailure`.
    #[error("{0}")]
    Unwritable(String),
}

impl From<FormatError> for AwsError {
    fn from(error: FormatError) -> Self {
        match error {
            FormatError::Constraint(message) => Self::client("ValidationException", message),
            FormatError::Syntax(message) => Self::client("SerializationException", message),
            FormatError::Unwritable(message) => Self::internal(message),
        }
    }
}

/// A request's encoding, which its reply shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Blobs in base64, times as seconds.
    Json,
    /// Blobs as bytes, times as tagged milliseconds.
    Cbor,
}

impl Format {
    /// The format that a request's content type names; JSON if it names none.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let content_type = headers.get(header::CONTENT_TYPE);
        let cbor = content_type.is_some_and(|value| value.as_bytes().starts_with(CBOR.as_bytes()));
        if cbor { Self::Cbor } else { Self::Json }
    }

    /// Reads a request; an empty body counts as one without members.
    ///
    /// # Errors
    ///
    /// [`FormatError::Constraint`] or [`FormatError::Syntax`], with the parser's reason.
    pub fn read<T: DeserializeOwned>(self, body: &[u8]) -> Result<T, FormatError> {
        match self {
            Self::Json if body.is_empty() => serde_json::from_slice(b"{}").map_err(unreadable),
            Self::Json => serde_json::from_slice(body).map_err(unreadable),
            Self::Cbor if body.is_empty() => ciborium::from_reader(&[0xa0][..]).map_err(unreadable),
            Self::Cbor => ciborium::from_reader(body).map_err(unreadable),
        }
    }

    /// Writes the body of a reply.
    ///
    /// # Errors
    ///
    /// [`FormatError::Unwritable`].
    pub fn write<T: Serialize>(self, value: &T) -> Result<Vec<u8>, FormatError> {
        match self {
            Self::Json => serde_json::to_vec(value).map_err(unwritable),
            Self::Cbor => {
                let mut body = Vec::new();
                ciborium::into_writer(value, &mut body).map_err(unwritable)?;
                Ok(body)
            }
        }
    }

    /// A successful reply.
    ///
    /// # Errors
    ///
    /// [`FormatError::Unwritable`].
    pub fn reply<T: Serialize>(self, value: &T) -> Result<Response, FormatError> {
        Ok(self.respond(StatusCode::OK, self.write(value)?))
    }

    /// The reply to an operation that returns nothing: an empty body.
    #[must_use]
    pub fn empty_reply(self) -> Response {
        self.respond(StatusCode::OK, Vec::new())
    }

    /// An error reply: `__type` and `message`, in this format.
    #[must_use]
    pub fn error(self, error: AwsError) -> Response {
        if self == Self::Json {
            return error.into_response();
        }
        let mut reply = self.respond(error.status, self.error_body(&error));
        let code = HeaderValue::from_static(error.code);
        reply.headers_mut().insert("x-amzn-errortype", code);
        reply
    }

    /// The body of an error: `__type` and `message`.
    #[must_use]
    pub fn error_body(self, error: &AwsError) -> Vec<u8> {
        // Two strings can always be written.
        self.write(&ErrorBody::of(error)).unwrap_or_default()
    }

    /// The content type that this format goes by.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Json => JSON,
            Self::Cbor => CBOR,
        }
    }

    fn respond(self, status: StatusCode, body: Vec<u8>) -> Response {
        let content_type = HeaderValue::from_static(self.content_type());
        let mut reply = (status, body).into_response();
        reply
            .headers_mut()
            .insert(header::CONTENT_TYPE, content_type);
        reply
    }
}

/// Reads a member that has a default: AWS takes an explicit `null` for an absent member.
///
/// For `#[serde(default, deserialize_with = "null_is_default")]`.
///
/// # Errors
///
/// The member is neither null nor a `T`.
pub fn null_is_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Maps a parser's error to AWS's: a value outside an enumeration and
/// a missing member break a constraint, everything else is a syntax error.
fn unreadable(error: impl Display) -> FormatError {
    let reason = error.to_string();
    let broken =
        |what: String| FormatError::Constraint(format!("1 validation error detected: {what}"));
    let mut quoted = reason.split('`').skip(1).step_by(2);
    if reason.contains("unknown variant") {
        let value = quoted.next().unwrap_or_default();
        let allowed: Vec<_> = quoted.collect();
        return broken(format!(
            "Value '{value}' failed to satisfy constraint: Member must satisfy enum value set: [{}]",
            allowed.join(", ")
        ));
    }
    if reason.contains("missing field") {
        let member = quoted.next().unwrap_or_default();
        return broken(format!(
            "Value null at '{member}' failed to satisfy constraint: Member must not be null"
        ));
    }
    if reason.contains("invalid type: null") {
        return broken("Value null failed to satisfy constraint: Member must not be null".into());
    }
    FormatError::Syntax(format!("the request body cannot be read: {reason}"))
}

fn unwritable(error: impl Display) -> FormatError {
    FormatError::Unwritable(format!("the reply cannot be written: {error}"))
}
