"""The AWS APIs through a client that is not Rust's: boto3 against `klocal aws`."""

import os
import re
import signal
import subprocess
import sys

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
        for name in ("kinesis", "dynamodb", "ssm")
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
        print("boto3: kinesis, dynamodb and ssm answer as AWS does")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=10)


main()
