//! Log groups: `CreateLogGroup`, `DeleteLogGroup`, `DescribeLogGroups` and retention.

use std::{collections::BTreeMap, sync::Arc};

use aws_wire::format::null_is_default;
use serde::{Deserialize, Serialize};

use crate::{
    error::{LogsError, constraint},
    names,
    store::{Group, Store},
};

/// The days that `PutRetentionPolicy` accepts (API reference).
pub const RETENTION_DAYS: [u32; 22] = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
];

/// Groups in one page.
const PAGE: usize = 50;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreateLogGroup {
    log_group_name: String,
    #[serde(default, deserialize_with = "null_is_default")]
    tags: BTreeMap<String, String>,
}

pub(super) fn create_log_group(
    store: &Arc<Store>,
    request: CreateLogGroup,
) -> Result<(), LogsError> {
    names::valid_group(&request.log_group_name)?;
    let made = store.create_group(&request.log_group_name, request.tags);
    made.map(|_| ()).ok_or(LogsError::GroupExists)
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GroupName {
    log_group_name: String,
}

pub(super) fn delete_log_group(store: &Arc<Store>, request: GroupName) -> Result<(), LogsError> {
    if store.delete_group(&request.log_group_name) {
        return Ok(());
    }
    Err(LogsError::NoSuchGroup)
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PutRetentionPolicy {
    log_group_name: String,
    retention_in_days: u32,
}

pub(super) fn put_retention_policy(
    store: &Arc<Store>,
    request: PutRetentionPolicy,
) -> Result<(), LogsError> {
    let group = names::group(store, Some(&request.log_group_name), None)?;
    let days = request.retention_in_days;
    if !RETENTION_DAYS.contains(&days) {
        let allowed: Vec<_> = RETENTION_DAYS.iter().map(u32::to_string).collect();
        return Err(constraint(
            &days.to_string(),
            "retentionInDays",
            &format!("satisfy enum value set: [{}]", allowed.join(", ")),
        ));
    }
    group.settings.lock().retention = Some(days);
    Ok(())
}

pub(super) fn delete_retention_policy(
    store: &Arc<Store>,
    request: GroupName,
) -> Result<(), LogsError> {
    let group = names::group(store, Some(&request.log_group_name), None)?;
    group.settings.lock().retention = None;
    Ok(())
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DescribeLogGroups {
    log_group_name_prefix: Option<String>,
    log_group_name_pattern: Option<String>,
    #[serde(default, deserialize_with = "null_is_default")]
    log_group_identifiers: Vec<String>,
    next_token: Option<String>,
    limit: Option<usize>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LogGroups {
    log_groups: Vec<LogGroup>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LogGroup {
    log_group_name: String,
    creation_time: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    retention_in_days: Option<u32>,
    metric_filter_count: u32,
    arn: String,
    log_group_arn: String,
    stored_bytes: u64,
    log_group_class: &'static str,
}

pub(super) fn describe_log_groups(
    store: &Arc<Store>,
    request: DescribeLogGroups,
) -> Result<LogGroups, LogsError> {
    if request.log_group_name_prefix.is_some() && request.log_group_name_pattern.is_some() {
        return Err(LogsError::Parameter(
            "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters."
                .to_owned(),
        ));
    }
    let prefix = request.log_group_name_prefix.unwrap_or_default();
    let pattern = request.log_group_name_pattern.unwrap_or_default();
    let pattern = pattern.to_lowercase();
    let identifiers: Vec<_> = request.log_group_identifiers.iter().collect();
    let wanted = |group: &Arc<Group>| {
        let name = group.name.as_str();
        let mut named = identifiers.iter();
        name.starts_with(&prefix)
            // "The pattern is case-insensitive", as the console's search is.
            && name.to_lowercase().contains(&pattern)
            && (identifiers.is_empty()
                || named.any(|identifier| names::of_identifier(identifier) == name))
    };
    let mut groups = store.groups();
    groups.retain(wanted);
    let from = names::read_page(request.next_token.as_deref())?;
    let limit = request.limit.unwrap_or(PAGE).clamp(1, PAGE);
    let next = from.saturating_add(limit);
    let log_groups = groups.iter().skip(from).take(limit);
    Ok(LogGroups {
        log_groups: log_groups.map(|group| describe(store, group)).collect(),
        next_token: (next < groups.len()).then(|| names::page(next)),
    })
}

fn describe(store: &Store, group: &Group) -> LogGroup {
    let arn = names::group_arn(&store.options, &group.name);
    LogGroup {
        log_group_name: group.name.clone(),
        creation_time: group.created,
        retention_in_days: group.settings.lock().retention,
        metric_filter_count: 0,
        arn: format!("{arn}:*"),
        log_group_arn: arn,
        // AWS brings it up to date once a day.
        stored_bytes: 0,
        log_group_class: "STANDARD",
    }
}
