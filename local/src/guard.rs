//! How a port refuses a request that does not name this machine, or that another site's
//! page sends.

use aws_wire::{error::AwsError, protocol};
use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{Request, StatusCode};
use loopback_server::hosts::AllowedHosts;
use serde_json::json;

const CODE: &str = "AccessDeniedException";

/// The form of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// That of AWS which the request speaks.
    Aws,
    /// Lambda's REST API.
    Lambda,
}

/// What a port lets in.
#[derive(Debug, Clone)]
pub struct Guard {
    protocol: Protocol,
    pub(crate) hosts: AllowedHosts,
}

impl Guard {
    /// Lets in what names this machine, or one of `hosts`.
    #[must_use]
    pub fn new(protocol: Protocol, hosts: &AllowedHosts) -> Self {
        Self {
            protocol,
            hosts: hosts.clone(),
        }
    }

    /// HTTP 403 in the protocol's form.
    pub(crate) fn refuse<B>(&self, request: &Request<B>, reason: String) -> Response {
        match self.protocol {
            Protocol::Aws => {
                let error = AwsError {
                    status: StatusCode::FORBIDDEN,
                    code: CODE,
                    message: reason,
                };
                let protocol = protocol::Protocol::of(request.headers(), request.uri());
                protocol.error(&error, "")
            }
            Protocol::Lambda => {
                let body = Json(json!({ "Type": "User", "Message": reason }));
                (StatusCode::FORBIDDEN, [("x-amzn-errortype", CODE)], body).into_response()
            }
        }
    }
}
