//! Names, ARNs and URLs of queues.

use super::{Engine, attributes::FIFO_SUFFIX};
use crate::error::{Code, SqsError};

/// Characters of a queue's name at most (API reference, `CreateQueue`, `QueueName`).
const MOST_CHARACTERS: usize = 80;

impl Engine {
    /// The ARN of the queue called `name`.
    #[must_use]
    pub(crate) fn arn(&self, name: &str) -> String {
        let (region, account) = (&self.options.region, &self.options.account);
        format!("arn:aws:sqs:{region}:{account}:{name}")
    }

    /// The name of the queue with this ARN, if it is one of this account and region.
    #[must_use]
    pub(crate) fn name_in_arn<'a>(&self, arn: &'a str) -> Option<&'a str> {
        let (_, name) = arn.rsplit_once(':')?;
        (self.arn(name) == arn).then_some(name)
    }

    /// The URL of the queue called `name`, for clients that call this endpoint `base`.
    #[must_use]
    pub(crate) fn url(&self, base: &str, name: &str) -> String {
        format!("{base}/{}/{name}", self.options.account)
    }
}

/// The name in a queue's URL. A name alone is taken too, as the AWS CLI sends it on.
///
/// # Errors
///
/// `MissingParameter` for an empty one.
pub(crate) fn name_in_url(url: &str) -> Result<&str, SqsError> {
    let name = url.trim_end_matches('/').rsplit('/').next();
    name.filter(|name| !name.is_empty())
        .ok_or_else(|| SqsError::missing("QueueUrl"))
}

/// Checks the name of a new queue.
///
/// # Errors
///
/// `InvalidParameterValue`.
pub(crate) fn check(name: &str, fifo: bool) -> Result<(), SqsError> {
    let stem = if fifo {
        name.strip_suffix(FIFO_SUFFIX)
    } else {
        Some(name)
    };
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let fits = |stem: &str| !stem.is_empty() && stem.bytes().all(allowed);
    if stem.is_some_and(fits) && name.len() <= MOST_CHARACTERS {
        return Ok(());
    }
    let reason = if fifo {
        "The name of a FIFO queue can only include alphanumeric characters, hyphens, or \
         underscores, must end with .fifo suffix and be 1 to 80 in length."
    } else {
        "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length."
    };
    Err(SqsError::new(Code::InvalidParameterValue, reason))
}
