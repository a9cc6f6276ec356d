"""The AWS APIs through a client that is not Rust's: boto3 against `klocal aws`.

boto3 of before 2023-11 asks SQS in the query protocol.
"""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.parse
import urllib.request
from xml.etree import ElementTree

import boto3

LOCAL = os.path.join(os.environ.get("CARGO_TARGET_DIR", "target"), "debug", "klocal")


def check(endpoint):
    clients = {
        name: boto3.client(
            name,
            endpoint_url=endpoint,
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
        )
        for name in ("kinesis", "dynamodb", "ssm", "sqs")
    }
    kinesis, dynamodb, ssm = clients["kinesis"], clients["dynamodb"], clients["ssm"]

    kinesis.create_stream(StreamName="s", ShardCount=1)
    kinesis.get_waiter("stream_exists").wait(StreamName="s")
    put = kinesis.put_record(StreamName="s", PartitionKey="k", Data=b"data")
    iterator = kinesis.get_shard_iterator(
        StreamName="s", ShardId=put["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    records = kinesis.get_records(ShardIterator=iterator)["Records"]
    assert [record["Data"] for record in records] == [b"data"], records

    dynamodb.create_table(
        TableName="table",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
    )
    dynamodb.put_item(TableName="table", Item={"k": {"S": "Car"}, "n": {"N": "1.50"}})
    item = dynamodb.get_item(TableName="table", Key={"k": {"S": "Car"}})["Item"]
    assert item["n"] == {"N": "1.5"}, item

    ssm.put_parameter(Name="/k", Value="secret", Type="SecureString")
    plain = ssm.get_parameter(Name="/k", WithDecryption=True)["Parameter"]["Value"]
    hidden = ssm.get_parameter(Name="/k")["Parameter"]["Value"]
    assert plain == "secret" != hidden, (plain, hidden)

    check_sqs(clients["sqs"], endpoint)


def check_sqs(sqs, endpoint):
    """A session over queues; boto3 checks the MD5 of every body that it receives."""
    dead = sqs.create_queue(QueueName="dead.fifo", Attributes={"FifoQueue": "true"})
    arn = sqs.get_queue_attributes(QueueUrl=dead["QueueUrl"], AttributeNames=["QueueArn"])
    arn = arn["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1})
    url = sqs.create_queue(
        QueueName="orders.fifo",
        Attributes={
            "FifoQueue": "true",
            "ContentBasedDeduplication": "true",
            "RedrivePolicy": policy,
            "VisibilityTimeout": "0",
        },
        tags={"a": "1"},
    )["QueueUrl"]
    assert url.startswith(endpoint), (url, endpoint)
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"a": "1"}
    value = {"DataType": "Binary", "BinaryValue": b"\x00\xff"}
    sent = sqs.send_message_batch(
        QueueUrl=url,
        Entries=[
            {
                "Id": str(n),
                "MessageBody": f"order {n} <&>",
                "MessageGroupId": "g",
                "MessageAttributes": {"v": value},
            }
            for n in range(3)
        ],
    )
    assert len(sent["Successful"]) == 3, sent
    received = sqs.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=10,
        VisibilityTimeout=30,
        MessageAttributeNames=["All"],
        AttributeNames=["All"],
        WaitTimeSeconds=5,
    )["Messages"]
    assert [one["Body"] for one in received] == [f"order {n} <&>" for n in range(3)], received
    assert received[0]["MessageAttributes"]["v"] == value, received
    sqs.delete_message(QueueUrl=url, ReceiptHandle=received[0]["ReceiptHandle"])
    sqs.change_message_visibility(
        QueueUrl=url, ReceiptHandle=received[1]["ReceiptHandle"], VisibilityTimeout=0
    )
    sqs.delete_message(QueueUrl=url, ReceiptHandle=received[2]["ReceiptHandle"])
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    letter = sqs.receive_message(QueueUrl=dead["QueueUrl"])["Messages"][0]
    assert letter["MessageId"] == received[1]["MessageId"], letter
    try:
        sqs.get_queue_url(QueueName="none")
        raise AssertionError("a missing queue was found")
    except sqs.exceptions.QueueDoesNotExist as error:
        assert error.response["Error"]["Code"] == "AWS.SimpleQueueService.NonExistentQueue"

    # As clients before AWS JSON ask: a form, posted to the queue's URL.
    form = {"Action": "GetQueueAttributes", "Version": "2012-11-05", "AttributeName.1": "QueueArn"}
    with urllib.request.urlopen(url, urllib.parse.urlencode(form).encode()) as reply:
        xml = ElementTree.fromstring(reply.read())
    found = {element.tag.split("}")[1]: element.text for element in xml.iter()}
    assert found["Value"] == arn.replace("dead", "orders"), found


def main():
    process = subprocess.Popen(
        [LOCAL, "aws", "--port", "0"], stderr=subprocess.PIPE, text=True
    )
    try:
        line = process.stderr.readline()
        found = re.search(r"http://\S+", line)
        if not found:
            sys.exit(f"klocal aws did not start: {line}")
        check(found.group())
        print(f"boto3 {boto3.__version__}: kinesis, dynamodb, ssm and sqs answer as AWS does")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=10)


main()
