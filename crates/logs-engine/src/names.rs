//! Names, ARNs and event ids.

use std::sync::Arc;

use crate::{
    Options,
    error::{LogsError, constraint},
    store::{Group, Store},
};

/// Digits of one half of an event id; AWS's ids have 56 digits.
const HALF: usize = 28;

/// The ARN of a group, without the `:*` that some replies add.
pub(crate) fn group_arn(options: &Options, name: &str) -> String {
    format!(
        "arn:aws:logs:{}:{}:log-group:{name}",
        options.region, options.account
    )
}

/// The ARN of a stream.
pub(crate) fn stream_arn(options: &Options, group: &str, name: &str) -> String {
    format!("{}:log-stream:{name}", group_arn(options, group))
}

/// The name in an ARN of a group, or the text itself.
pub(crate) fn of_identifier(identifier: &str) -> &str {
    let name = match identifier.split_once(":log-group:") {
        Some((arn, name)) if arn.starts_with("arn:") => name,
        _ => identifier,
    };
    name.strip_suffix(":*").unwrap_or(name)
}

/// The group that a request names by `logGroupName` or by `logGroupIdentifier`.
///
/// # Errors
///
/// It names none, both, or one that does not exist.
pub(crate) fn group(
    store: &Store,
    name: Option<&str>,
    identifier: Option<&str>,
) -> Result<Arc<Group>, LogsError> {
    let name = match (name, identifier) {
        (Some(name), None) => name,
        (None, Some(identifier)) => of_identifier(identifier),
        _ => {
            return Err(LogsError::Parameter(
                "Exactly one of logGroupName or logGroupIdentifier must be specified.".to_owned(),
            ));
        }
    };
    valid_group(name)?;
    store.group(name).ok_or(LogsError::NoSuchGroup)
}

/// Checks a group's name (API reference, `CreateLogGroup`).
///
/// # Errors
///
/// It is empty, longer than 512 characters, or has others than `[\.\-_/#A-Za-z0-9]`.
pub(crate) fn valid_group(name: &str) -> Result<(), LogsError> {
    length(name, "logGroupName")?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_/#".contains(&byte);
    if name.bytes().all(allowed) {
        return Ok(());
    }
    Err(constraint(
        name,
        "logGroupName",
        "satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+",
    ))
}

/// Checks a stream's name (API reference, `CreateLogStream`).
///
/// # Errors
///
/// It is empty, longer than 512 characters, or has a colon or an asterisk.
pub(crate) fn valid_stream(name: &str) -> Result<(), LogsError> {
    length(name, "logStreamName")?;
    if !name.contains([':', '*']) {
        return Ok(());
    }
    Err(constraint(
        name,
        "logStreamName",
        "satisfy regular expression pattern: [^:*]*",
    ))
}

fn length(name: &str, member: &str) -> Result<(), LogsError> {
    if name.is_empty() {
        let at_least = "have length greater than or equal to 1";
        return Err(constraint(name, member, at_least));
    }
    if name.chars().count() > 512 {
        let at_most = "have length less than or equal to 512";
        return Err(constraint(name, member, at_most));
    }
    Ok(())
}

/// An event's id: ids of one stream grow.
pub(crate) fn event_id(stream: u64, index: u64) -> String {
    format!("{stream:0HALF$}{index:0HALF$}")
}

/// The token of a page that begins where the previous one ended.
pub(crate) fn page(from: usize) -> String {
    format!("{from:0HALF$}")
}

/// Reads a token of [`page`]; no token is the first page.
///
/// # Errors
///
/// It is none of ours.
pub(crate) fn read_page(token: Option<&str>) -> Result<usize, LogsError> {
    token.map_or(Ok(0), |token| token.parse().map_err(|_| invalid_token()))
}

pub(crate) fn invalid_token() -> LogsError {
    LogsError::Parameter("The specified nextToken is invalid.".to_owned())
}
