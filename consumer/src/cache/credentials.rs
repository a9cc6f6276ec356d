//! Turns the API key into the SDK's credentials.

use ::momento::CredentialProvider;

use crate::{config::CacheEndpoint, secrets::ApiKey};

/// Momento's SDK cannot parse the API key.
#[derive(Debug, thiserror::Error)]
#[error(
    "the Momento API key in the SSM parameter cannot be used: {0}; expected a v1 key or a disposable token, or a v2 key together with MOMENTO_ENDPOINT"
)]
pub struct BadApiKey(pub(super) String);

/// The credentials for `api_key`. A v1 key and a disposable token contain their
/// endpoint; a v2 key does not.
///
/// # Errors
///
/// The key has no known format, or it is a v2 key and the endpoint is missing.
pub fn credentials(
    api_key: &ApiKey,
    endpoint: &CacheEndpoint,
) -> Result<CredentialProvider, BadApiKey> {
    let key = api_key.expose();
    let (service, stub) = match endpoint {
        CacheEndpoint::Momento { endpoint } => (endpoint.as_deref(), None),
        CacheEndpoint::Stub { url } => (Some(url.as_str()), Some(url)),
    };
    let parsed = match (CredentialProvider::from_disposable_token(key), service) {
        (Ok(credentials), _) => Ok(credentials),
        (Err(_), Some(service)) => CredentialProvider::from_api_key_v2(key, service),
        (Err(error), None) => Err(error),
    };
    let credentials = parsed.map_err(|error| BadApiKey(error.message))?;
    Ok(match stub {
        Some(url) => credentials.insecure_endpoint_override(url),
        None => credentials,
    })
}

#[cfg(test)]
mod tests {
    use super::credentials;
    use crate::{config::CacheEndpoint, secrets::ApiKey};

    /// `{"endpoint":"cell.invalid","api_key":"not-a-real-key"}` in base64.
    const V1_KEY: &str = "eyJlbmRwb2ludCI6ImNlbGwuaW52YWxpZCIsImFwaV9rZXkiOiJub3QtYS1yZWFsLWtleSJ9";

    /// A JWT whose claims are `{"t":"g","jti":"0"}`, signed by nobody.
    const V2_KEY: &str = "eyJhbGciOiJub25lIn0.eyJ0IjoiZyIsImp0aSI6IjAifQ.c2ln";

    fn momento(endpoint: Option<&str>) -> CacheEndpoint {
        CacheEndpoint::Momento {
            endpoint: endpoint.map(str::to_owned),
        }
    }

    fn complaint(key: &str, endpoint: &CacheEndpoint) -> String {
        credentials(&ApiKey::new(key), endpoint)
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn a_v1_key_carries_its_endpoint() {
        let found = credentials(&ApiKey::new(V1_KEY), &momento(None)).unwrap();
        assert!(format!("{found}").contains("cell.invalid"), "{found}");
    }

    #[test]
    fn a_v2_key_needs_momento_endpoint() {
        let endpoint = momento(Some("cell.example"));
        let found = credentials(&ApiKey::new(V2_KEY), &endpoint).unwrap();
        assert!(format!("{found}").contains("cell.example"), "{found}");
        let complaint = complaint(V2_KEY, &momento(None));
        assert!(complaint.contains("MOMENTO_ENDPOINT"), "{complaint}");
    }

    #[test]
    fn a_trailing_newline_does_not_matter() {
        for key in [V1_KEY, V2_KEY] {
            let endpoint = momento(Some("cell.example"));
            let with_newline = ApiKey::new(&format!("{key}\n"));
            assert_eq!(
                credentials(&with_newline, &endpoint).unwrap(),
                credentials(&ApiKey::new(key), &endpoint).unwrap()
            );
        }
    }

    #[test]
    fn the_stub_accepts_every_kind_of_key() {
        let stub = CacheEndpoint::Stub {
            url: "http://127.0.0.1:1".into(),
        };
        for key in [V1_KEY, V2_KEY] {
            let found = credentials(&ApiKey::new(key), &stub).unwrap();
            assert!(format!("{found}").contains("127.0.0.1:1"), "{found}");
        }
    }

    #[test]
    fn a_bad_key_is_refused_without_being_shown() {
        for endpoint in [momento(None), momento(Some("cell.example"))] {
            let complaint = complaint("hunter2", &endpoint);
            assert!(complaint.contains("Momento API key"), "{complaint}");
            assert!(!complaint.contains("hunter2"), "{complaint}");
        }
    }
}
