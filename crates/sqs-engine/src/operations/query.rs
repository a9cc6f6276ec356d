//! The members of requests and replies in the query protocol, which clients before AWS
//! JSON speak (API version 2012-11-05).

use aws_wire::query::{Api, Member, Operation, Shape};

/// All operations in the query protocol.
pub(crate) static API: Api = Api {
    version: "2012-11-05",
    namespace: "http://queue.amazonaws.com/doc/2012-11-05/",
    operations: OPERATIONS,
};

const QUEUE: Member = Member::text("QueueUrl");
const TEXTS: Shape = Shape::FlatList(&Shape::Text);
const NAMED: Shape = Shape::FlatMap {
    key: "Name",
    value: "Value",
    of: &Shape::Text,
};
const TAGS: Shape = Shape::FlatMap {
    key: "Key",
    value: "Value",
    of: &Shape::Text,
};
const VALUES: Shape = Shape::FlatMap {
    key: "Name",
    value: "Value",
    of: &Shape::Structure(&[
        Member::text("StringValue"),
        Member::text("BinaryValue"),
        Member::called("StringListValues", "StringListValue", TEXTS),
        Member::called("BinaryListValues", "BinaryListValue", TEXTS),
        Member::text("DataType"),
    ]),
};
const PAGE: [Member; 2] = [Member::text("NextToken"), Member::integer("MaxResults")];

const ATTRIBUTES: Member = Member::called("Attributes", "Attribute", NAMED);
const MESSAGE_ATTRIBUTES: Member = Member::called("MessageAttributes", "MessageAttribute", VALUES);
const SYSTEM_ATTRIBUTES: Member =
    Member::called("MessageSystemAttributes", "MessageSystemAttribute", VALUES);

const FAILED: Member = Member::called(
    "Failed",
    "BatchResultErrorEntry",
    Shape::FlatList(&Shape::Structure(&[
        Member::text("Id"),
        Member::new("SenderFault", Shape::Boolean),
        Member::text("Code"),
        Member::text("Message"),
    ])),
);

/// `Entries` of a batch.
const fn entries(wire: &'static str, of: &'static Shape) -> Member {
    Member::called("Entries", wire, Shape::FlatList(of))
}

/// `Successful` of a batch.
const fn successful(wire: &'static str, of: &'static Shape) -> Member {
    Member::called("Successful", wire, Shape::FlatList(of))
}

const DONE: Shape = Shape::Structure(&[Member::text("Id")]);
const HANDLE: Member = Member::text("ReceiptHandle");
const VISIBILITY: Member = Member::integer("VisibilityTimeout");

const SENT: [Member; 5] = [
    Member::text("MessageId"),
    Member::text("MD5OfMessageBody"),
    Member::text("MD5OfMessageAttributes"),
    Member::text("MD5OfMessageSystemAttributes"),
    Member::text("SequenceNumber"),
];
const SENT_ENTRY: Shape = Shape::Structure(&[
    Member::text("Id"),
    SENT[0],
    SENT[1],
    SENT[2],
    SENT[3],
    SENT[4],
]);
const MESSAGE: [Member; 6] = [
    Member::text("MessageBody"),
    Member::integer("DelaySeconds"),
    MESSAGE_ATTRIBUTES,
    SYSTEM_ATTRIBUTES,
    Member::text("MessageDeduplicationId"),
    Member::text("MessageGroupId"),
];
const MESSAGE_ENTRY: Shape = Shape::Structure(&[
    Member::text("Id"),
    MESSAGE[0],
    MESSAGE[1],
    MESSAGE[2],
    MESSAGE[3],
    MESSAGE[4],
    MESSAGE[5],
]);
const RECEIVED: Shape = Shape::Structure(&[
    Member::text("MessageId"),
    HANDLE,
    Member::text("MD5OfBody"),
    Member::text("Body"),
    ATTRIBUTES,
    Member::text("MD5OfMessageAttributes"),
    MESSAGE_ATTRIBUTES,
]);
const TASK: Shape = Shape::Structure(&[
    Member::text("TaskHandle"),
    Member::text("Status"),
    Member::text("SourceArn"),
    Member::text("DestinationArn"),
    Member::integer("MaxNumberOfMessagesPerSecond"),
    Member::integer("ApproximateNumberOfMessagesMoved"),
    Member::integer("ApproximateNumberOfMessagesToMove"),
    Member::text("FailureReason"),
    Member::integer("StartedTimestamp"),
]);

const fn operation(
    name: &'static str,
    input: &'static [Member],
    output: &'static [Member],
) -> Operation {
    Operation {
        name,
        input,
        output,
    }
}

const OPERATIONS: &[Operation] = &[
    operation(
        "AddPermission",
        &[
            QUEUE,
            Member::text("Label"),
            Member::called("AWSAccountIds", "AWSAccountId", TEXTS),
            Member::called("Actions", "ActionName", TEXTS),
        ],
        &[],
    ),
    operation(
        "CancelMessageMoveTask",
        &[Member::text("TaskHandle")],
        &[Member::integer("ApproximateNumberOfMessagesMoved")],
    ),
    operation("ChangeMessageVisibility", &[QUEUE, HANDLE, VISIBILITY], &[]),
    operation(
        "ChangeMessageVisibilityBatch",
        &[
            QUEUE,
            entries(
                "ChangeMessageVisibilityBatchRequestEntry",
                &Shape::Structure(&[Member::text("Id"), HANDLE, VISIBILITY]),
            ),
        ],
        &[
            successful("ChangeMessageVisibilityBatchResultEntry", &DONE),
            FAILED,
        ],
    ),
    operation(
        "CreateQueue",
        &[
            Member::text("QueueName"),
            ATTRIBUTES,
            Member::called("tags", "Tag", TAGS),
        ],
        &[QUEUE],
    ),
    operation("DeleteMessage", &[QUEUE, HANDLE], &[]),
    operation(
        "DeleteMessageBatch",
        &[
            QUEUE,
            entries(
                "DeleteMessageBatchRequestEntry",
                &Shape::Structure(&[Member::text("Id"), HANDLE]),
            ),
        ],
        &[successful("DeleteMessageBatchResultEntry", &DONE), FAILED],
    ),
    operation("DeleteQueue", &[QUEUE], &[]),
    operation(
        "GetQueueAttributes",
        &[
            QUEUE,
            Member::called("AttributeNames", "AttributeName", TEXTS),
        ],
        &[ATTRIBUTES],
    ),
    operation(
        "GetQueueUrl",
        &[
            Member::text("QueueName"),
            Member::text("QueueOwnerAWSAccountId"),
        ],
        &[QUEUE],
    ),
    operation(
        "ListDeadLetterSourceQueues",
        &[QUEUE, PAGE[0], PAGE[1]],
        &[Member::called("queueUrls", "QueueUrl", TEXTS), PAGE[0]],
    ),
    operation(
        "ListMessageMoveTasks",
        &[Member::text("SourceArn"), PAGE[1]],
        &[Member::called(
            "Results",
            "ListMessageMoveTasksResultEntry",
            Shape::FlatList(&TASK),
        )],
    ),
    operation(
        "ListQueueTags",
        &[QUEUE],
        &[Member::called("Tags", "Tag", TAGS)],
    ),
    operation(
        "ListQueues",
        &[Member::text("QueueNamePrefix"), PAGE[0], PAGE[1]],
        &[Member::called("QueueUrls", "QueueUrl", TEXTS), PAGE[0]],
    ),
    operation("PurgeQueue", &[QUEUE], &[]),
    operation(
        "ReceiveMessage",
        &[
            QUEUE,
            Member::called("AttributeNames", "AttributeName", TEXTS),
            Member::called(
                "MessageSystemAttributeNames",
                "MessageSystemAttributeName",
                TEXTS,
            ),
            Member::called("MessageAttributeNames", "MessageAttributeName", TEXTS),
            Member::integer("MaxNumberOfMessages"),
            VISIBILITY,
            Member::integer("WaitTimeSeconds"),
            Member::text("ReceiveRequestAttemptId"),
        ],
        &[Member::called(
            "Messages",
            "Message",
            Shape::FlatList(&RECEIVED),
        )],
    ),
    operation("RemovePermission", &[QUEUE, Member::text("Label")], &[]),
    operation(
        "SendMessage",
        &[
            QUEUE, MESSAGE[0], MESSAGE[1], MESSAGE[2], MESSAGE[3], MESSAGE[4], MESSAGE[5],
        ],
        &SENT,
    ),
    operation(
        "SendMessageBatch",
        &[
            QUEUE,
            entries("SendMessageBatchRequestEntry", &MESSAGE_ENTRY),
        ],
        &[
            successful("SendMessageBatchResultEntry", &SENT_ENTRY),
            FAILED,
        ],
    ),
    operation("SetQueueAttributes", &[QUEUE, ATTRIBUTES], &[]),
    operation(
        "StartMessageMoveTask",
        &[
            Member::text("SourceArn"),
            Member::text("DestinationArn"),
            Member::integer("MaxNumberOfMessagesPerSecond"),
        ],
        &[Member::text("TaskHandle")],
    ),
    operation(
        "TagQueue",
        &[QUEUE, Member::called("Tags", "Tag", TAGS)],
        &[],
    ),
    operation(
        "UntagQueue",
        &[QUEUE, Member::called("TagKeys", "TagKey", TEXTS)],
        &[],
    ),
];
