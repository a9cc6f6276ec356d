//! STS: who the caller is. Credentials are not checked, so that everyone is the account's
//! root user.

use async_trait::async_trait;
use aws_wire::{
    ACCOUNT_ID,
    error::AwsError,
    query::{Api, Member, Operation},
    service::{Call, Service},
};
use axum::response::Response;
use serde_json::json;

static API: Api = Api {
    version: "2011-06-15",
    namespace: "https://sts.amazonaws.com/doc/2011-06-15/",
    operations: &[Operation {
        name: "GetCallerIdentity",
        input: &[],
        output: &[
            Member::text("Arn"),
            Member::text("UserId"),
            Member::text("Account"),
        ],
    }],
};

/// STS behind the gateway.
#[derive(Debug, Clone, Copy)]
pub struct Sts;

#[async_trait]
impl Service for Sts {
    fn name(&self) -> &'static str {
        "STS"
    }

    fn target_prefixes(&self) -> &'static [&'static str] {
        &["AWSSecurityTokenServiceV20110615"]
    }

    fn operations(&self) -> &'static [&'static str] {
        &["GetCallerIdentity"]
    }

    fn query(&self) -> Option<&'static Api> {
        Some(&API)
    }

    async fn call(&self, call: Call) -> Result<Response, AwsError> {
        // A root user's id is its account (IAM user guide, "Unique identifiers").
        call.reply(&json!({
            "Account": ACCOUNT_ID,
            "Arn": format!("arn:aws:iam::{ACCOUNT_ID}:root"),
            "UserId": ACCOUNT_ID,
        }))
    }
}
