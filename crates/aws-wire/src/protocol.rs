//! AWS's protocols, told apart by what a request looks like, and each one's form of an error.

use axum_core::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, Uri, header};

use crate::{
    error::{AwsError, ErrorBody},
    format::Format,
    query, signing,
};

/// The header of the RPC v2 protocols (Smithy, "Smithy RPC v2 CBOR protocol").
const SMITHY_PROTOCOL: &str = "smithy-protocol";

/// The value of that header.
const RPC_V2_CBOR: &str = "rpc-v2-cbor";

/// A protocol that an SDK speaks with a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Protocol {
    /// AWS JSON 1.0: SQS, `DynamoDB`.
    Json10,
    /// AWS JSON 1.1: Kinesis, SSM, `CloudWatch` Logs.
    #[default]
    Json11,
    /// AWS JSON 1.1's operations in CBOR, as the Java SDK and the KCL speak with Kinesis.
    Cbor11,
    /// RPC v2 CBOR: `CloudWatch` in newer SDKs.
    RpcV2Cbor,
    /// The query protocol: STS, SNS, older clients of SQS.
    Query,
    /// EC2's own query protocol.
    Ec2Query,
    /// Paths and JSON: Lambda.
    RestJson,
    /// Paths and XML: S3.
    RestXml,
}

impl Protocol {
    /// The protocol of a request; [`Protocol::Json11`] where nothing says.
    ///
    /// REST protocols have no mark of their own: a signature without the other protocols'
    /// marks is one of theirs, and so is a path.
    #[must_use]
    pub fn of(headers: &HeaderMap, uri: &Uri) -> Self {
        let header = |name| headers.get(name).map_or(&b""[..], HeaderValue::as_bytes);
        if header(SMITHY_PROTOCOL) == RPC_V2_CBOR.as_bytes() {
            return Self::RpcV2Cbor;
        }
        let content_type = header(header::CONTENT_TYPE.as_str());
        let is = |prefix: &str| content_type.starts_with(prefix.as_bytes());
        if is("application/x-amz-json-1.0") {
            return Self::Json10;
        }
        if is("application/x-amz-cbor-1.1") {
            return Self::Cbor11;
        }
        if headers.contains_key("x-amz-target") || is("application/x-amz-json") {
            return Self::Json11;
        }
        let service = signing::service(headers, uri);
        let service = service.as_deref();
        if is("application/x-www-form-urlencoded") || query::has_action(uri) {
            return match service {
                Some("ec2") => Self::Ec2Query,
                _ => Self::Query,
            };
        }
        match service {
            Some("s3" | "s3express" | "s3-outposts") => Self::RestXml,
            // Their errors have the form of the query protocol.
            Some("cloudfront" | "route53") => Self::Query,
            None if uri.path() == "/" => Self::Json11,
            _ => Self::RestJson,
        }
    }

    /// An error in this protocol's form, with the request's id where the form has one.
    #[must_use]
    pub fn error(self, error: &AwsError, request_id: &str) -> Response {
        match self {
            Self::Json10 => json(error, "application/x-amz-json-1.0"),
            Self::Json11 => json(error, "application/x-amz-json-1.1"),
            Self::RestJson => json(error, "application/json"),
            Self::Cbor11 => Format::Cbor.error(error.clone()),
            Self::RpcV2Cbor => {
                let mut reply = (error.status, Format::Cbor.error_body(error)).into_response();
                let headers = reply.headers_mut();
                let content_type = HeaderValue::from_static("application/cbor");
                headers.insert(header::CONTENT_TYPE, content_type);
                headers.insert(SMITHY_PROTOCOL, HeaderValue::from_static(RPC_V2_CBOR));
                reply
            }
            Self::Query => query::error(error, None, request_id),
            Self::Ec2Query => query::ec2_error(error, request_id),
            Self::RestXml => query::s3_error(error, request_id),
        }
    }

    /// The content type of a JSON reply.
    #[must_use]
    pub fn json_content_type(self) -> &'static str {
        match self {
            Self::Json10 => "application/x-amz-json-1.0",
            Self::RestJson => "application/json",
            _ => "application/x-amz-json-1.1",
        }
    }
}

fn json(error: &AwsError, content_type: &'static str) -> Response {
    let body = serde_json::to_string(&ErrorBody::of(error));
    // Two strings can always be written.
    let mut reply = (error.status, body.unwrap_or_default()).into_response();
    let headers = reply.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert("x-amzn-errortype", HeaderValue::from_static(error.code));
    reply
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue, Uri};

    use super::Protocol;

    fn of(uri: &str, headers: &[(&str, &str)]) -> Protocol {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| {
                (
                    name.parse::<HeaderName>().unwrap(),
                    HeaderValue::from_str(value).unwrap(),
                )
            })
            .collect();
        Protocol::of(&headers, &uri.parse::<Uri>().unwrap())
    }

    #[test]
    fn a_request_s_marks_name_its_protocol() {
        let signed = |service: &str| {
            format!(
                "AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
            )
        };
        let form = (
            "content-type",
            "application/x-www-form-urlencoded; charset=utf-8",
        );
        let (ec2, s3, lambda) = (signed("ec2"), signed("s3"), signed("lambda"));
        for (uri, headers, expected) in [
            (
                "/",
                vec![("x-amz-target", "AmazonSSM.GetParameter")],
                Protocol::Json11,
            ),
            (
                "/",
                vec![("content-type", "application/x-amz-json-1.0")],
                Protocol::Json10,
            ),
            (
                "/",
                vec![("content-type", "application/x-amz-cbor-1.1")],
                Protocol::Cbor11,
            ),
            (
                "/service/G/operation/O",
                vec![("smithy-protocol", "rpc-v2-cbor")],
                Protocol::RpcV2Cbor,
            ),
            ("/", vec![form], Protocol::Query),
            (
                "/?Action=GetCallerIdentity&Version=2011-06-15",
                vec![],
                Protocol::Query,
            ),
            ("/", vec![form, ("authorization", &ec2)], Protocol::Ec2Query),
            ("/bucket", vec![("authorization", &s3)], Protocol::RestXml),
            (
                "/2015-03-31/functions",
                vec![("authorization", &lambda)],
                Protocol::RestJson,
            ),
            ("/2015-03-31/functions", vec![], Protocol::RestJson),
            ("/", vec![], Protocol::Json11),
        ] {
            assert_eq!(of(uri, &headers), expected, "{uri} {headers:?}");
        }
    }
}
