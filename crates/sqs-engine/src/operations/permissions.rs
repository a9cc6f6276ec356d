//! `AddPermission` and `RemovePermission`.

use serde_json::Value;

use super::Context;
use crate::error::{Code, SqsError};

/// Nobody is refused here: a permission would have no effect.
pub(super) async fn refuse(_context: &Context<'_>, _request: Value) -> Result<(), SqsError> {
    Err(SqsError::new(
        Code::UnsupportedOperation,
        "Permissions are not kept here: every caller may use every queue. The attribute Policy \
         can be set with SetQueueAttributes, and has no effect.",
    ))
}
