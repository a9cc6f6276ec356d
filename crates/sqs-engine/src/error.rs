//! The errors of SQS, named as in the API reference.

use http::StatusCode;

/// Declares the errors: the shape's name in the JSON protocol, the code of the query
/// protocol, and the HTTP status.
macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident, $shape:literal, $query:literal, $status:ident;)*) => {
        /// Which error it is, named after the shape in the API reference.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code {
            $($(#[$doc])* $name,)*
        }

        impl Code {
            /// The shape's name, `__type` of the JSON protocol.
            #[must_use]
            pub fn shape(self) -> &'static str {
                match self { $(Self::$name => $shape,)* }
            }

            /// The code of the query protocol, which older clients and boto3 show. The JSON
            /// protocol has it in the header `x-amzn-query-error`.
            #[must_use]
            pub fn query(self) -> &'static str {
                match self { $(Self::$name => $query,)* }
            }

            /// The HTTP status.
            #[must_use]
            pub fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)* }
            }
        }
    };
}

codes! {
    /// Two entries of a batch have the same Id.
    BatchEntryIdsNotDistinct, "com.amazonaws.sqs#BatchEntryIdsNotDistinct",
        "AWS.SimpleQueueService.BatchEntryIdsNotDistinct", BAD_REQUEST;
    /// The messages of a batch are too long together.
    BatchRequestTooLong, "com.amazonaws.sqs#BatchRequestTooLong",
        "AWS.SimpleQueueService.BatchRequestTooLong", BAD_REQUEST;
    /// A batch has no entry.
    EmptyBatchRequest, "com.amazonaws.sqs#EmptyBatchRequest",
        "AWS.SimpleQueueService.EmptyBatchRequest", BAD_REQUEST;
    /// Something failed on this side; SDKs retry it.
    Internal, "com.amazon.coral.service#InternalFailure", "InternalFailure", INTERNAL_SERVER_ERROR;
    /// The attribute does not exist.
    InvalidAttributeName, "com.amazonaws.sqs#InvalidAttributeName", "InvalidAttributeName", BAD_REQUEST;
    /// The attribute cannot have this value.
    InvalidAttributeValue, "com.amazonaws.sqs#InvalidAttributeValue", "InvalidAttributeValue", BAD_REQUEST;
    /// The Id of a batch entry is not well formed.
    InvalidBatchEntryId, "com.amazonaws.sqs#InvalidBatchEntryId",
        "AWS.SimpleQueueService.InvalidBatchEntryId", BAD_REQUEST;
    /// The body has a character that no message may have.
    InvalidMessageContents, "com.amazonaws.sqs#InvalidMessageContents", "InvalidMessageContents", BAD_REQUEST;
    /// A parameter cannot have this value.
    InvalidParameterValue, "com.amazonaws.sqs#InvalidParameterValueException", "InvalidParameterValue", BAD_REQUEST;
    /// The message is not in flight.
    MessageNotInflight, "com.amazonaws.sqs#MessageNotInflight",
        "AWS.SimpleQueueService.MessageNotInflight", BAD_REQUEST;
    /// A required parameter is missing.
    MissingParameter, "com.amazonaws.sqs#MissingRequiredParameterException", "MissingParameter", BAD_REQUEST;
    /// A limit is reached, such as that of messages in flight.
    OverLimit, "com.amazonaws.sqs#OverLimit", "OverLimit", FORBIDDEN;
    /// The queue was purged less than 60 seconds ago.
    PurgeQueueInProgress, "com.amazonaws.sqs#PurgeQueueInProgress",
        "AWS.SimpleQueueService.PurgeQueueInProgress", FORBIDDEN;
    /// A queue of that name was deleted less than 60 seconds ago.
    QueueDeletedRecently, "com.amazonaws.sqs#QueueDeletedRecently",
        "AWS.SimpleQueueService.QueueDeletedRecently", BAD_REQUEST;
    /// The queue does not exist.
    QueueDoesNotExist, "com.amazonaws.sqs#QueueDoesNotExist",
        "AWS.SimpleQueueService.NonExistentQueue", BAD_REQUEST;
    /// A queue of that name exists, with other attributes.
    QueueNameExists, "com.amazonaws.sqs#QueueNameExists", "QueueAlreadyExists", BAD_REQUEST;
    /// The receipt handle is none of this queue.
    ReceiptHandleIsInvalid, "com.amazonaws.sqs#ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid", BAD_REQUEST;
    /// The queue of an ARN, or a task, does not exist.
    ResourceNotFound, "com.amazonaws.sqs#ResourceNotFoundException", "ResourceNotFoundException", NOT_FOUND;
    /// The body cannot be read.
    Serialization, "com.amazon.coral.service#SerializationException", "MalformedInput", BAD_REQUEST;
    /// A batch has more than ten entries.
    TooManyEntriesInBatchRequest, "com.amazonaws.sqs#TooManyEntriesInBatchRequest",
        "AWS.SimpleQueueService.TooManyEntriesInBatchRequest", BAD_REQUEST;
    /// The operation is not supported, here or now.
    UnsupportedOperation, "com.amazonaws.sqs#UnsupportedOperation",
        "AWS.SimpleQueueService.UnsupportedOperation", BAD_REQUEST;
}

/// A refusal by SQS.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SqsError {
    /// Which error it is.
    pub code: Code,
    /// The message for a person.
    pub message: String,
}

impl SqsError {
    /// An error with its message.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// Whether the caller is at fault, not this side.
    #[must_use]
    pub fn is_callers(&self) -> bool {
        self.code.status().is_client_error()
    }

    pub(crate) fn no_such_queue() -> Self {
        Self::new(
            Code::QueueDoesNotExist,
            "The specified queue does not exist.",
        )
    }

    pub(crate) fn missing(parameter: &str) -> Self {
        Self::new(
            Code::MissingParameter,
            format!("The request must contain the parameter {parameter}."),
        )
    }

    pub(crate) fn parameter(
        value: impl std::fmt::Display,
        parameter: &str,
        reason: impl std::fmt::Display,
    ) -> Self {
        Self::new(
            Code::InvalidParameterValue,
            format!("Value {value} for parameter {parameter} is invalid. Reason: {reason}"),
        )
    }

    pub(crate) fn internal(what: &str, error: impl std::fmt::Display) -> Self {
        Self::new(Code::Internal, format!("{what}: {error}"))
    }
}
