//! What a request's signature says. The signature itself is not checked.

use http::{HeaderMap, Uri, header};

/// The service of the credential scope: `sqs` in
/// `Credential=AKID/20260101/us-east-1/sqs/aws4_request` (Signature Version 4), from the
/// `Authorization` header or from `X-Amz-Credential` of a presigned URL.
#[must_use]
pub fn service(headers: &HeaderMap, uri: &Uri) -> Option<String> {
    let authorization = headers.get(header::AUTHORIZATION);
    let authorization = authorization.and_then(|value| value.to_str().ok());
    if let Some((_, rest)) = authorization.and_then(|value| value.split_once("Credential=")) {
        let credential = rest.split([',', ' ']).next()?;
        return of_scope(credential);
    }
    let parameters = form_urlencoded::parse(uri.query()?.as_bytes());
    let mut parameters = parameters.filter(|(name, _)| name == "X-Amz-Credential");
    of_scope(&parameters.next()?.1)
}

/// An access key may hold slashes: the scope is read from its end.
fn of_scope(credential: &str) -> Option<String> {
    let mut parts = credential.rsplit('/');
    parts.next().filter(|end| *end == "aws4_request")?;
    parts.next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, Uri, header};

    use super::service;

    #[test]
    fn the_scope_s_service_is_read_from_the_header_or_a_presigned_url() {
        let scope = "a/b/20260101/us-east-1/sqs/aws4_request";
        let value = format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host");
        let value = HeaderValue::from_str(&value).unwrap();
        let headers = HeaderMap::from_iter([(header::AUTHORIZATION, value)]);
        let root = Uri::from_static("/");
        assert_eq!(service(&headers, &root).as_deref(), Some("sqs"));

        let presigned = format!("/?X-Amz-Credential={}", scope.replace('/', "%2F"));
        let presigned: Uri = presigned.parse().unwrap();
        assert_eq!(
            service(&HeaderMap::new(), &presigned).as_deref(),
            Some("sqs")
        );
        assert_eq!(service(&HeaderMap::new(), &root), None);
    }
}
