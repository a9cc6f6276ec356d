"""Run by `klocal exec -- pytest`, which sets the variables that lead here."""

import json
import os
import urllib.request

import boto3

kinesis = boto3.client("kinesis")
table = boto3.resource("dynamodb").Table("orders")
discarded_table = boto3.resource("dynamodb").Table("discarded-orders")


def put(*records):
    entries = [{"Data": data, "PartitionKey": "orders"} for data in records]
    assert kinesis.put_records(StreamName="orders", Records=entries)["FailedRecordCount"] == 0


def settled():
    """Returns when every record is processed or discarded, and every message of the queue
    processed: no test sleeps."""
    url = os.environ["LOCAL_URL"] + "/_local/settled?timeout=60"
    with urllib.request.urlopen(urllib.request.Request(url, method="POST")) as reply:
        settled = json.load(reply)
    assert settled["settled"], settled["status"]
    return settled["discarded"]


def amount(order):
    return table.get_item(Key={"id": order}).get("Item", {}).get("amount")


def records(batch):
    """The records of a discarded batch, read again, as its invocation record asks for."""
    iterator = kinesis.get_shard_iterator(
        StreamName="orders",
        ShardId=batch["shard"],
        ShardIteratorType="AT_SEQUENCE_NUMBER",
        StartingSequenceNumber=batch["startSequenceNumber"],
    )["ShardIterator"]
    read = kinesis.get_records(ShardIterator=iterator, Limit=batch["records"])
    return [record["Data"] for record in read["Records"]]


def test_an_order_is_stored():
    put('{"id": "first", "amount": 12}')
    assert settled() == []
    assert amount("first") == 12


def test_a_poison_record_is_discarded_alone():
    put('{"id": "before", "amount": 1}', "not an order", '{"id": "after", "amount": 2}')
    [batch] = settled()
    assert batch["condition"] == "RetryAttemptsExhausted"
    assert records(batch) == [b"not an order"]
    assert (amount("before"), amount("after")) == (1, 2)


def test_a_discarded_record_is_kept_by_the_second_function():
    put("neither an order")
    [batch] = settled()
    kept = discarded_table.get_item(Key={"id": batch["startSequenceNumber"]})["Item"]
    assert kept["data"].value == b"neither an order"
    assert kept["condition"] == "RetryAttemptsExhausted"
