//! The AWS query protocol: a form goes in, XML comes out (Smithy, "AWS query protocol").
//!
//! A service that has an [`Api`] answers such requests without code of its own: [`serve`]
//! turns the form into the JSON body of the same operation, and the JSON reply into XML.
//!
//! ```
//! use aws_wire::query::{Api, Member, Operation, Shape};
//!
//! static API: Api = Api {
//!     version: "2012-11-05",
//!     namespace: "http://queue.amazonaws.com/doc/2012-11-05/",
//!     operations: &[Operation {
//!         name: "GetQueueAttributes",
//!         input: &[
//!             Member::text("QueueUrl"),
//!             // `AttributeName.1=All`
//!             Member::called("AttributeNames", "AttributeName", Shape::FlatList(&Shape::Text)),
//!         ],
//!         // `<Attribute><Name>…</Name><Value>…</Value></Attribute>`
//!         output: &[Member::called(
//!             "Attributes",
//!             "Attribute",
//!             Shape::FlatMap { key: "Name", value: "Value", of: &Shape::Text },
//!         )],
//!     }],
//! };
//! ```

mod form;
mod shape;
#[cfg(test)]
mod tests;
mod xml;

use axum_core::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, Uri, header};
use http_body_util::BodyExt;
use serde_json::Value;

use crate::{
    error::AwsError,
    service::{Call, Protocol, Service},
};

pub use form::Form;
pub use shape::{Member, Shape};

/// The content type of a reply.
const XML: &str = "text/xml";

/// The header in which a JSON service names an error's code in the query protocol, as
/// `CODE;Sender` (Smithy, `awsQueryCompatible`).
pub const QUERY_ERROR: &str = "x-amzn-query-error";

/// How a service's operations look in the query protocol.
#[derive(Debug, Clone, Copy)]
pub struct Api {
    /// The version that requests name, such as `2012-11-05`.
    pub version: &'static str,
    /// The namespace of its XML.
    pub namespace: &'static str,
    /// Its operations.
    pub operations: &'static [Operation],
}

/// How one operation looks in the query protocol.
#[derive(Debug, Clone, Copy)]
pub struct Operation {
    /// The operation, such as `SendMessage`.
    pub name: &'static str,
    /// The members of a request.
    pub input: &'static [Member],
    /// The members of a reply.
    pub output: &'static [Member],
}

impl Api {
    /// The operation called `name`.
    #[must_use]
    pub fn operation(&self, name: &str) -> Option<&'static Operation> {
        self.operations
            .iter()
            .find(|operation| operation.name == name)
    }
}

/// Carries out the operation of `call`, whose parameters are in `form`. The service gets a
/// JSON body and replies in JSON; `call.protocol` is [`Protocol::Query`]. A reply in XML is
/// passed on as it is.
///
/// Errors are XML too: their code is the one in [`QUERY_ERROR`] where the service sets it.
pub async fn serve(
    service: &dyn Service,
    mut call: Call,
    form: &Form,
    request_id: &str,
) -> Response {
    let api = service.query();
    let namespace = api.map(|api| api.namespace);
    let operation = api.and_then(|api| api.operation(&call.operation));
    let Some(operation) = operation else {
        return error(&invalid_action(&call.operation), namespace, request_id);
    };
    match shape::structure(operation.input, form) {
        Ok(body) => call.body = body.to_string().into(),
        Err(problem) => return error(&problem, namespace, request_id),
    }
    call.protocol = Protocol::Query;
    let reply = service.call(call).await;
    let reply = match reply {
        Ok(reply) => reply,
        Err(problem) => return error(&problem, namespace, request_id),
    };
    let content_type = reply.headers().get(header::CONTENT_TYPE);
    if content_type.is_some_and(|value| value == XML) {
        return reply;
    }
    let (parts, body) = reply.into_parts();
    let body = match body.collect().await {
        Ok(body) => body.to_bytes(),
        Err(broken) => {
            let problem = AwsError::internal(format!("the reply broke off: {broken}"));
            return error(&problem, namespace, request_id);
        }
    };
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    if parts.status.is_success() {
        return result(operation, &body, namespace.unwrap_or_default(), request_id);
    }
    let header = |name| {
        parts
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let compatible = header(QUERY_ERROR).and_then(|value| value.split(';').next());
    let code = compatible.or_else(|| header("x-amzn-errortype"));
    let code = code.or_else(|| body["__type"].as_str());
    // A shape's namespace is no part of its code.
    let code = code.and_then(|code| code.rsplit('#').next());
    let message = body["message"]
        .as_str()
        .or_else(|| body["Message"].as_str());
    error_reply(
        parts.status,
        code.unwrap_or("InternalFailure"),
        message.unwrap_or_default(),
        namespace,
        request_id,
    )
}

/// An error in XML: `<ErrorResponse><Error><Type><Code><Message>`.
#[must_use]
pub fn error(error: &AwsError, namespace: Option<&str>, request_id: &str) -> Response {
    error_reply(
        error.status,
        error.code,
        &error.message,
        namespace,
        request_id,
    )
}

/// The error for an action that a service lacks ("Common Errors").
#[must_use]
pub fn invalid_action(action: &str) -> AwsError {
    AwsError::client(
        "InvalidAction",
        format!("The action {action} is not valid for this endpoint."),
    )
}

fn result(operation: &Operation, body: &Value, namespace: &str, request_id: &str) -> Response {
    let name = operation.name;
    let mut text = format!("<?xml version=\"1.0\"?><{name}Response xmlns=\"{namespace}\">");
    // An operation that returns nothing has no result.
    if !operation.output.is_empty() {
        let result = format!("{name}Result");
        xml::open(&result, &mut text);
        xml::structure(operation.output, body, &mut text);
        xml::close(&result, &mut text);
    }
    xml::open("ResponseMetadata", &mut text);
    xml::element("RequestId", request_id, &mut text);
    xml::close("ResponseMetadata", &mut text);
    xml::close(&format!("{name}Response"), &mut text);
    respond(StatusCode::OK, text)
}

fn error_reply(
    status: StatusCode,
    code: &str,
    message: &str,
    namespace: Option<&str>,
    request_id: &str,
) -> Response {
    let mut text = String::from("<?xml version=\"1.0\"?><ErrorResponse");
    if let Some(namespace) = namespace {
        text.extend([" xmlns=\"", namespace, "\""]);
    }
    text.push('>');
    let fault = if status.is_server_error() {
        "Receiver"
    } else {
        "Sender"
    };
    xml::open("Error", &mut text);
    xml::element("Type", fault, &mut text);
    xml::element("Code", code, &mut text);
    xml::element("Message", message, &mut text);
    text.push_str("<Detail/>");
    xml::close("Error", &mut text);
    xml::element("RequestId", request_id, &mut text);
    xml::close("ErrorResponse", &mut text);
    respond(status, text)
}

/// Whether a query string names an action.
pub(crate) fn has_action(uri: &Uri) -> bool {
    let query = uri.query().unwrap_or_default();
    query.split('&').any(|one| one.starts_with("Action="))
}

/// An error of EC2: `<Response><Errors><Error><Code><Message>`.
pub(crate) fn ec2_error(error: &AwsError, request_id: &str) -> Response {
    let mut text = String::from("<?xml version=\"1.0\"?><Response><Errors><Error>");
    xml::element("Code", error.code, &mut text);
    xml::element("Message", &error.message, &mut text);
    text.push_str("</Error></Errors>");
    xml::element("RequestID", request_id, &mut text);
    text.push_str("</Response>");
    respond(error.status, text)
}

/// An error of S3: `<Error><Code><Message>`.
pub(crate) fn s3_error(error: &AwsError, request_id: &str) -> Response {
    let mut text = String::from("<?xml version=\"1.0\"?><Error>");
    xml::element("Code", error.code, &mut text);
    xml::element("Message", &error.message, &mut text);
    xml::element("RequestId", request_id, &mut text);
    text.push_str("</Error>");
    respond(error.status, text)
}

fn respond(status: StatusCode, text: String) -> Response {
    let mut reply = (status, Body::from(text)).into_response();
    let content_type = HeaderValue::from_static(XML);
    reply
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    reply
}
