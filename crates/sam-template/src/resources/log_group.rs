//! `AWS::Logs::LogGroup`.

use logs_engine::RETENTION_DAYS;

use crate::{
    Problem,
    effects::{ENCRYPTION, LABELS, OPERATIONS},
    environment::LogGroup,
    properties::Properties,
};

pub(super) fn read(logical_id: &str, properties: &Properties) -> Result<LogGroup, Problem> {
    properties.allow(
        &["LogGroupName", "RetentionInDays"],
        &[
            (ENCRYPTION, &["DataProtectionPolicy", "KmsKeyId"]),
            (LABELS, &["Tags"]),
            (
                OPERATIONS,
                &[
                    "DeletionProtectionEnabled",
                    "FieldIndexPolicies",
                    "LogGroupClass",
                    "ResourcePolicyDocument",
                ],
            ),
        ],
    )?;
    let name = properties.text("LogGroupName")?;
    let retention_days = properties.in_range("RetentionInDays", 1..=3653)?;
    if let Some(days) = retention_days.filter(|days| !RETENTION_DAYS.contains(days)) {
        let allowed: Vec<_> = RETENTION_DAYS.iter().map(u32::to_string).collect();
        let what = format!("is {days}; expected one of {}", allowed.join(", "));
        return Err(properties.wrong("RetentionInDays", &what));
    }
    Ok(LogGroup {
        name: name.unwrap_or_else(|| logical_id.to_owned()),
        retention_days,
    })
}
