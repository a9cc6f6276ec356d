//! What a caller reads who asks for a service or an operation that is not served.

use aws_wire::{error::AwsError, protocol::Protocol, service::Service};
use http::request::Parts;

use super::{Gateway, request::Wanted};

/// The code of the error, as AWS has it for an operation that it does not know.
fn code(protocol: Protocol) -> &'static str {
    match protocol {
        // "Common Errors" of the query protocol and of EC2.
        Protocol::Query | Protocol::Ec2Query => "InvalidAction",
        // "Error responses" of S3.
        Protocol::RestXml => "NotImplemented",
        _ => "UnknownOperationException",
    }
}

impl Gateway {
    /// No service that is served is asked for.
    pub(super) fn unknown_service(
        &self,
        protocol: Protocol,
        wanted: &Wanted,
        request: &Parts,
    ) -> AwsError {
        let service = wanted.service.as_ref().or(wanted.prefix.as_ref());
        let served = self.served();
        let message = match (service, &wanted.operation) {
            (Some(service), Some(operation)) => {
                format!("klocal does not serve {operation} of {service:?}; it serves {served}")
            }
            (Some(service), None) => format!(
                "klocal does not serve {} {} of {service:?}; it serves {served}",
                request.method,
                request.uri.path()
            ),
            (None, Some(operation)) => {
                format!("klocal does not serve {operation}; it serves {served}")
            }
            (None, None) => format!(
                "{} {} names no operation of an AWS service (X-Amz-Target, Action, or a path \
                 of Lambda's API); klocal serves {served}",
                request.method,
                request.uri.path()
            ),
        };
        AwsError::client(code(protocol), message)
    }

    /// A service that is served lacks the operation.
    pub(super) fn unknown_operation(
        protocol: Protocol,
        service: &dyn Service,
        operation: &str,
    ) -> AwsError {
        let (name, operations) = (service.name(), service.operations().join(", "));
        AwsError::client(
            code(protocol),
            format!(
                "klocal does not serve {operation} of {name}; of {name} it serves {operations}"
            ),
        )
    }

    /// A service with paths lacks this one, or this method of it.
    pub(super) fn unknown_path(protocol: Protocol, name: &str, request: &Parts) -> AwsError {
        AwsError::client(
            code(protocol),
            format!(
                "klocal does not serve {} {} of {name}; docs/reference/aws-apis.md lists what it \
                 serves",
                request.method,
                request.uri.path()
            ),
        )
    }

    fn served(&self) -> String {
        let mut names: Vec<_> = self.names().collect();
        names.sort_unstable();
        names.join(", ")
    }
}
