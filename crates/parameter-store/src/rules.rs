//! What SSM accepts: names, values, tiers, labels, tags and sizes of pages.

use std::fmt::Display;

use aws_wire::error::AwsError;

use super::{
    model::{PutParameter, Tag},
    record::{Kind, Tier, Version},
};

/// Largest value of a standard and of an advanced parameter, bytes (API reference,
/// `PutParameter`).
const MAX_STANDARD_VALUE: usize = 4096;
const MAX_ADVANCED_VALUE: usize = 8192;

/// Longest name, characters, with what precedes it in its ARN (API reference,
/// `PutParameter`).
const MAX_ARN: usize = 1011;

/// Levels of a hierarchy, the parameter's own name among them (API reference,
/// `PutParameter`).
const MAX_LEVELS: usize = 15;

/// Tags of one parameter (API reference, `AddTagsToResource`).
const MAX_TAGS: usize = 50;

/// `ValidationException`.
pub(super) fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::client("ValidationException", message)
}

/// A member outside its constraint, as AWS words it.
pub(super) fn constraint(value: impl Display, member: &str, must: &str) -> AwsError {
    invalid(format!(
        "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: Member must {must}"
    ))
}

/// A list of 1 to `most` entries.
///
/// # Errors
///
/// `ValidationException`.
pub(super) fn length(list: &[String], member: &str, most: usize) -> Result<(), AwsError> {
    let shown = || format!("[{}]", list.join(", "));
    if list.is_empty() {
        let must = "have length greater than or equal to 1";
        return Err(constraint(shown(), member, must));
    }
    if list.len() > most {
        let must = format!("have length less than or equal to {most}");
        return Err(constraint(shown(), member, &must));
    }
    Ok(())
}

/// `MaxResults`, or the most there can be.
///
/// # Errors
///
/// `ValidationException`: it is not from 1 to `most`.
pub(super) fn page_size(asked: Option<i64>, most: usize) -> Result<usize, AwsError> {
    let Some(asked) = asked else { return Ok(most) };
    match usize::try_from(asked) {
        Ok(size) if (1..=most).contains(&size) => Ok(size),
        Ok(size) if size > most => {
            let must = format!("have value less than or equal to {most}");
            Err(constraint(asked, "maxResults", &must))
        }
        _ => {
            let must = "have value greater than or equal to 1";
            Err(constraint(asked, "maxResults", must))
        }
    }
}

fn allowed(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    name.chars().all(allowed)
}

fn is_reserved(name: &str) -> bool {
    let name = name.trim_start_matches('/').to_ascii_lowercase();
    name.starts_with("aws") || name.starts_with("ssm")
}

/// The name of a parameter to be made, whose ARN is `arn`.
///
/// # Errors
///
/// `ValidationException`; `AccessDeniedException` for the paths of AWS's public
/// parameters; `HierarchyLevelLimitExceededException`.
pub(super) fn name(name: &str, arn: &str) -> Result<(), AwsError> {
    if name.is_empty() {
        let must = "have length greater than or equal to 1";
        return Err(constraint(name, "name", must));
    }
    if arn.len() > MAX_ARN {
        return Err(invalid(format!(
            "Parameter name: the name and what precedes it in the ARN have {} characters; expected at most {MAX_ARN}.",
            arn.len()
        )));
    }
    let path = name.starts_with('/');
    if !path && name.contains('/') {
        return Err(invalid("Parameter name must be a fully qualified name."));
    }
    if is_reserved(name) {
        if path && name.to_ascii_lowercase().starts_with("/aws/") {
            let message = format!("No access to reserved parameter name: {name}.");
            return Err(AwsError::client("AccessDeniedException", message));
        }
        return Err(invalid(
            "Parameter name: can't be prefixed with \"aws\" or \"ssm\" (case-insensitive).",
        ));
    }
    let mut parts = name.strip_prefix('/').unwrap_or(name).split('/');
    if !allowed(name) || parts.any(str::is_empty) {
        return Err(invalid(format!(
            "Parameter name {name}: only a mix of letters, numbers and the following 4 symbols .-_/ can be used; sub-paths are divided by one slash."
        )));
    }
    if name.strip_prefix('/').unwrap_or(name).split('/').count() > MAX_LEVELS {
        return Err(AwsError::client(
            "HierarchyLevelLimitExceededException",
            format!(
                "A hierarchy can have a maximum of {MAX_LEVELS} levels. For more information, see Requirements and constraints for parameter names in the AWS Systems Manager User Guide."
            ),
        ));
    }
    Ok(())
}

/// The path of `GetParametersByPath`.
///
/// # Errors
///
/// `ValidationException`.
pub(super) fn path(path: &str) -> Result<(), AwsError> {
    let reserved = path.to_ascii_lowercase().starts_with("/ssm");
    if path.starts_with('/') && allowed(path) && !path.contains("//") && !reserved {
        return Ok(());
    }
    Err(invalid(
        "The parameter doesn't meet the parameter name requirements. The parameter name must begin with a forward slash \"/\". It can't be prefixed with \"aws\" or \"ssm\" (case-insensitive). It must use only letters, numbers, or the following symbols: . (period), - (hyphen), _ (underscore). Special characters are not allowed. All sub-paths, if specified, must use the forward slash symbol \"/\". Valid example: /get/parameters2-/by1./path0_.",
    ))
}

/// Members of `PutParameter` that do not depend on what is there.
///
/// # Errors
///
/// `ValidationException`.
pub(super) fn put(request: &PutParameter) -> Result<(), AwsError> {
    if request.value.is_empty() {
        let must = "have length greater than or equal to 1";
        return Err(constraint("", "value", must));
    }
    let data_type = request.data_type.as_deref().unwrap_or("text");
    if data_type != "text" {
        return Err(invalid(format!(
            "The following data type is not supported here: {data_type} (Data type names are all lowercase.)"
        )));
    }
    for (member, given) in [
        ("AllowedPattern", &request.allowed_pattern),
        ("Policies", &request.policies),
    ] {
        if given.as_ref().is_some_and(|given| !given.is_empty()) {
            return Err(invalid(format!(
                "{member} is not supported here; leave it out"
            )));
        }
    }
    let tagged = request.tags.as_ref().is_some_and(|tags| !tags.is_empty());
    if tagged && request.overwrite == Some(true) {
        return Err(invalid(
            "Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please remove overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or RemoveTagsFromResource.",
        ));
    }
    Ok(())
}

/// The type of the next version.
///
/// # Errors
///
/// A new parameter has none, or another one is asked for than it has.
pub(super) fn kind(asked: Option<Kind>, previous: Option<&Version>) -> Result<Kind, AwsError> {
    match (asked, previous) {
        (Some(asked), Some(previous)) if asked != previous.kind => Err(AwsError::client(
            "HierarchyTypeMismatchException",
            "Parameter Store does not support changing a parameter type in a hierarchy. For example, you can't change a parameter from a String type to a SecureString type. You must create a new, unique parameter.",
        )),
        (Some(kind), _) => Ok(kind),
        (None, Some(previous)) => Ok(previous.kind),
        (None, None) => Err(invalid(
            "A parameter type is required when you create a parameter.",
        )),
    }
}

/// The tier of the next version, which is large enough for its value.
///
/// # Errors
///
/// The value is too large for it, or an advanced parameter would become a standard
/// one.
pub(super) fn tier(
    asked: Option<Tier>,
    value: &str,
    previous: Option<&Version>,
) -> Result<Tier, AwsError> {
    let before = previous.map_or(Tier::Standard, |version| version.tier);
    let tier = match asked {
        None => before,
        Some(Tier::Intelligent)
            if before == Tier::Standard && value.len() <= MAX_STANDARD_VALUE =>
        {
            Tier::Standard
        }
        Some(Tier::Intelligent | Tier::Advanced) => Tier::Advanced,
        Some(Tier::Standard) => Tier::Standard,
    };
    if tier == Tier::Standard && before == Tier::Advanced {
        return Err(invalid(
            "This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the advanced-parameter tier to the standard-parameter tier. If necessary, you can delete the advanced parameter and recreate it as a standard parameter.",
        ));
    }
    if tier == Tier::Standard && value.len() > MAX_STANDARD_VALUE {
        return Err(invalid(format!(
            "Standard tier parameters support a maximum parameter value of {MAX_STANDARD_VALUE} characters. To create a larger parameter value, upgrade the parameter to use the advanced-parameter tier."
        )));
    }
    if value.len() > MAX_ADVANCED_VALUE {
        return Err(invalid(format!(
            "Advanced tier parameters support a maximum parameter value of {MAX_ADVANCED_VALUE} characters."
        )));
    }
    Ok(tier)
}

/// Whether a label is one that `LabelParameterVersion` attaches (user guide, "Working
/// with parameter labels").
pub(super) fn is_label(label: &str) -> bool {
    let lower = label.to_ascii_lowercase();
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    (1..=100).contains(&label.len())
        && label.chars().all(allowed)
        && !label.starts_with(|c: char| c.is_ascii_digit())
        && !lower.starts_with("aws")
        && !lower.starts_with("ssm")
}

/// How many tags there are, and what they are made of.
///
/// # Errors
///
/// `TooManyTagsError`, `ValidationException`.
pub(super) fn tags<'a>(
    tags: impl ExactSizeIterator<Item = &'a Tag>,
    kept: usize,
) -> Result<(), AwsError> {
    if kept > MAX_TAGS {
        return Err(AwsError::client(
            "TooManyTagsError",
            format!("A parameter can have at most {MAX_TAGS} tags; it would have {kept}."),
        ));
    }
    for tag in tags {
        if !(1..=128).contains(&tag.key.chars().count()) {
            let must = "have length less than or equal to 128 and greater than or equal to 1";
            return Err(constraint(&tag.key, "tags.member.key", must));
        }
        if tag.value.chars().count() > 256 {
            let must = "have length less than or equal to 256";
            return Err(constraint(&tag.value, "tags.member.value", must));
        }
    }
    Ok(())
}
