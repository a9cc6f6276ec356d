//! Pseudo parameters (CloudFormation user guide, "Pseudo parameters reference").

use super::{Context, document::Value};

/// The stack's name.
const STACK: &str = "local";

/// The names, for suggestions.
pub(super) const NAMES: [&str; 8] = [
    "AWS::AccountId",
    "AWS::NoValue",
    "AWS::NotificationARNs",
    "AWS::Partition",
    "AWS::Region",
    "AWS::StackId",
    "AWS::StackName",
    "AWS::URLSuffix",
];

/// The value of a pseudo parameter other than `AWS::NoValue`.
pub(super) fn value(name: &str, context: &Context) -> Option<Value> {
    let Context {
        region, account, ..
    } = context;
    let text = match name {
        "AWS::AccountId" => account.clone(),
        "AWS::NotificationARNs" => return Some(Value::List(Vec::new())),
        // The ARNs of every service here have it too.
        "AWS::Partition" => "aws".to_owned(),
        "AWS::Region" => region.clone(),
        "AWS::StackId" => format!(
            "arn:aws:cloudformation:{region}:{account}:stack/{STACK}/00000000-0000-0000-0000-000000000000"
        ),
        "AWS::StackName" => STACK.to_owned(),
        "AWS::URLSuffix" => "amazonaws.com".to_owned(),
        _ => return None,
    };
    Some(Value::Text(text))
}
