//! Momento's API key, read from SSM Parameter Store.

use std::fmt;

use aws_sdk_ssm::{Client, error::SdkError, operation::get_parameter::GetParameterError};

/// Momento's API key. No log, error or `Debug` output shows it.
#[derive(Clone)]
pub struct ApiKey(String);

impl ApiKey {
    /// Wraps a key, without the white space around it. With a trailing newline, a
    /// v1 key fails to parse and a v2 key fails at the first call.
    #[must_use]
    pub fn new(key: &str) -> Self {
        Self(key.trim().to_owned())
    }

    /// The key itself. Only the code that builds the client may call this.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(hidden)")
    }
}

/// Why the API key could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// SSM has no parameter with that name.
    #[error(
        "SSM parameter {parameter} (MOMENTO_API_KEY_PARAMETER) does not exist; create it as a SecureString that holds a Momento API key"
    )]
    NotFound {
        /// The parameter's name.
        parameter: String,
    },
    /// The parameter's value is empty.
    #[error(
        "SSM parameter {parameter} (MOMENTO_API_KEY_PARAMETER) is empty; set it to a Momento API key"
    )]
    Empty {
        /// The parameter's name.
        parameter: String,
    },
    /// SSM cannot be reached, or refused the request.
    #[error("SSM parameter {parameter} (MOMENTO_API_KEY_PARAMETER) could not be read: {reason}")]
    Unreadable {
        /// The parameter's name.
        parameter: String,
        /// The whole chain of causes.
        reason: String,
    },
}

/// Reads the API key from SSM, decrypted. Without `WithDecryption`, `GetParameter`
/// returns a `SecureString` as ciphertext.
///
/// # Errors
///
/// The parameter is missing or empty, or SSM cannot be reached.
pub async fn read_api_key(ssm: &Client, parameter: &str) -> Result<ApiKey, SecretError> {
    let reply = ssm
        .get_parameter()
        .name(parameter)
        .with_decryption(true)
        .send()
        .await
        .map_err(|error| unreadable(parameter, error))?;
    let key = ApiKey::new(
        reply
            .parameter()
            .and_then(|found| found.value())
            .unwrap_or(""),
    );
    if key.0.is_empty() {
        return Err(SecretError::Empty {
            parameter: parameter.to_owned(),
        });
    }
    Ok(key)
}

fn unreadable(parameter: &str, error: SdkError<GetParameterError>) -> SecretError {
    let parameter = parameter.to_owned();
    match error.as_service_error() {
        Some(GetParameterError::ParameterNotFound(_)) => SecretError::NotFound { parameter },
        _ => SecretError::Unreadable {
            parameter,
            reason: format!("{:#}", anyhow::Error::new(error)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::ApiKey;

    #[test]
    fn a_key_is_trimmed_and_hidden_from_debug_output() {
        let key = ApiKey::new("secret-value\n");
        assert_eq!(key.expose(), "secret-value");
        assert_eq!(format!("{key:?}"), "ApiKey(hidden)");
    }
}
