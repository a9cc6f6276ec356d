"""Stores each order. A record that is not an order fails alone: Powertools' batch
processor returns it as a batch item failure, and the rest of the batch is processed."""

import os

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)

logger = Logger()
table = boto3.resource("dynamodb").Table(os.environ["ORDERS_TABLE"])
processor = BatchProcessor(
    event_type=EventType.KinesisDataStreams, raise_on_entire_batch_failure=False
)


def store(record):
    try:
        order = record.kinesis.data_as_json()
        item = {"id": order["id"], "amount": order["amount"]}
    except (ValueError, TypeError, KeyError):
        logger.exception("not an order", sequence_number=record.kinesis.sequence_number)
        raise
    table.put_item(Item=item)
    logger.info("order stored", order=item["id"])


def handler(event, context):
    return process_partial_response(
        event=event, record_handler=store, processor=processor, context=context
    )
