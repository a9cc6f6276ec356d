"""Keeps the records that the mapping of the stream discarded. Each message of the queue is
an invocation record, which names the records and does not hold them."""

import os

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)

logger = Logger()
kinesis = boto3.client("kinesis")
table = boto3.resource("dynamodb").Table(os.environ["DISCARDED_TABLE"])
processor = BatchProcessor(event_type=EventType.SQS)


def keep(record):
    invocation = record.json_body
    for discarded in read(invocation["KinesisBatchInfo"]):
        item = {
            "id": discarded["SequenceNumber"],
            "data": discarded["Data"],
            "condition": invocation["requestContext"]["condition"],
        }
        table.put_item(Item=item)
        logger.info("record kept", sequence_number=item["id"])


def read(batch):
    iterator = kinesis.get_shard_iterator(
        StreamName=batch["streamArn"].rpartition("/")[2],
        ShardId=batch["shardId"],
        ShardIteratorType="AT_SEQUENCE_NUMBER",
        StartingSequenceNumber=batch["startSequenceNumber"],
    )["ShardIterator"]
    return kinesis.get_records(ShardIterator=iterator, Limit=batch["batchSize"])["Records"]


def handler(event, context):
    return process_partial_response(
        event=event, record_handler=keep, processor=processor, context=context
    )
